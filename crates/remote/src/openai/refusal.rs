//! What a server says when it does not answer: error bodies of every fashion, with any status.

mod meaning;
mod words;

use std::time::Duration;

use plimsoll_core::MissingSignal;
use serde_json::Value;

use super::error::RequestError;
use super::field::RefusedField;
pub(super) use words::Words;

/// The most characters of a server's message that are shown.
const MAX_MESSAGE_CHARACTERS: usize = 300;
/// The most values of an error body that are looked at.
const MAX_VALUES: usize = 512;
/// The most items of a list in it.
const MAX_ITEMS: usize = 16;
/// Fields that hold what a person is told, in order of trust.
const MESSAGE_FIELDS: [&str; 8] =
    ["message", "msg", "detail", "error_description", "error", "description", "title", "reason"];
/// Fields that hold a name of what happened.
const CODE_FIELDS: [&str; 5] = ["code", "type", "status", "reason", "error_code"];
/// Fields that name what is wrong with the request.
const PARAMETER_FIELDS: [&str; 4] = ["param", "loc", "field", "parameter"];

/// An error as a server words it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    /// Shortened, without control characters.
    pub(super) message: String,
    /// Every text of the body, for what is read from words.
    words: Words,
    /// Every code, without case and separators.
    codes: Vec<String>,
    /// Every parameter that the body names.
    parameters: Vec<String>,
    /// A status that stands in the body.
    status: Option<u16>,
}

impl Says {
    /// Reads an error body, however it is nested: `{"error": {..}}`, `[{"error": ..}]`, `{"message": ..}`,
    /// `{"detail": [{"loc": [..], "msg": ..}]}`, with an `innererror`, with a document as its message.
    pub(super) fn read(body: &Value) -> Self {
        let mut reading = Reading::default();
        reading.walk(body.clone());
        let Reading { messages, mut says } = reading;
        let shown = (0..MESSAGE_FIELDS.len())
            .find_map(|rank| messages.iter().find(|(of, _)| *of == rank))
            .map(|(_, message)| message.clone());
        says.message = short(&shown.unwrap_or_else(|| rest(body)));
        let unsaid: Vec<&str> =
            says.parameters.iter().map(String::as_str).filter(|name| !says.message.contains(name)).collect();
        if !says.message.is_empty() && !unsaid.is_empty() {
            says.message = short(&format!("{} ({})", says.message, unsaid.join(", ")));
        }
        says
    }

    /// Words that are no JSON.
    pub(super) fn plain(text: &str) -> Self {
        let mut words = Words::default();
        words.add(text);
        Self { message: short(text), words, ..Self::default() }
    }

    /// Whether a document with status 200 is an error all the same.
    pub(super) fn is_error(body: &Value) -> bool {
        let says_error = |body: &Value| {
            let field = |name: &str| body.get(name).is_some_and(|value| !is_nothing(value));
            let is_error = body.get("object").and_then(Value::as_str) == Some("error");
            let speaks = is_error || ["errors", "detail", "message"].into_iter().any(field);
            field("error") || (body.get("choices").is_none() && speaks)
        };
        match body {
            Value::Array(items) => items.first().is_some_and(says_error),
            _ => says_error(body),
        }
    }

    /// The error that a status means.
    pub(super) fn into_error(self, host: String, status: u16, wait: Option<Duration>) -> RequestError {
        let status = match (status, self.status) {
            (200..=299, Some(inner @ 400..=599)) => inner,
            _ => status,
        };
        let message = if self.message.is_empty() { "no message".to_owned() } else { self.message.clone() };
        if let Some(field) = RefusedField::read(status, &self.words, &self.parameters) {
            return RequestError::FieldRefused { host, status, field, message };
        }
        if let Some(reason) = meaning::of_row(status, &self.words, &self.codes) {
            return RequestError::Refused { host, status, reason, message };
        }
        let is_spent = || self.codes.iter().any(|code| code == "insufficientquota");
        match status {
            402 => RequestError::QuotaSpent { host, message },
            429 if is_spent() => RequestError::QuotaSpent { host, message },
            429 => RequestError::RateLimited { host, wait, message },
            401 | 403 => RequestError::Denied { host, status, message },
            404 | 405 | 410 => RequestError::NotFound { host, status, message },
            300..=399 => RequestError::Redirected { host, status },
            200..=299 | 408 | 409 | 425 | 500..=599 => RequestError::Server { host, status, wait, message },
            _ => RequestError::Refused { host, status, reason: MissingSignal::RequestRefused, message },
        }
    }
}

/// What a walk through an error body gathers.
#[derive(Default)]
struct Reading {
    /// Messages with the rank of their field, in the order in which they were met.
    messages: Vec<(usize, String)>,
    says: Says,
}

impl Reading {
    /// Looks at every value, those nearer to the top first.
    fn walk(&mut self, body: Value) {
        let mut queue = std::collections::VecDeque::from([(String::new(), body)]);
        let mut looked_at = 0;
        while let Some((name, value)) = queue.pop_front() {
            looked_at += 1;
            if looked_at > MAX_VALUES {
                return;
            }
            self.look(&name, &value);
            match value {
                Value::Object(fields) => queue.extend(fields),
                // What a list holds speaks of what the list is called.
                Value::Array(items) => {
                    queue.extend(items.into_iter().take(MAX_ITEMS).map(|item| (name.clone(), item)));
                }
                // Gateways put the error of whom they asked into a text.
                Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
                    queue.extend(serde_json::from_str::<Value>(&text).ok().map(|inner| (name, inner)));
                }
                _ => {}
            }
        }
    }

    fn look(&mut self, name: &str, value: &Value) {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return,
        };
        let is_text = value.is_string() && !text.trim().is_empty();
        if CODE_FIELDS.contains(&name) {
            match text.parse::<u16>() {
                Ok(status @ 100..=599) => self.says.status = self.says.status.or(Some(status)),
                _ if is_text => self.says.codes.push(words::letters(&text)),
                _ => {}
            }
        }
        if !is_text {
            return;
        }
        self.says.words.add(&text);
        if PARAMETER_FIELDS.contains(&name) && text != "body" {
            self.says.parameters.push(short(&text));
        }
        let rank = MESSAGE_FIELDS.iter().position(|field| *field == name);
        // The top of a body that is a text is one.
        if let Some(rank) = rank.or_else(|| name.is_empty().then_some(0)) {
            self.messages.push((rank, text));
        }
    }
}

/// A body that says nothing in the fields that are known, as it came.
fn rest(body: &Value) -> String {
    let body = body.get("error").filter(|error| !is_nothing(error)).unwrap_or(body);
    let inner = ["detail", "errors"].into_iter().find_map(|field| body.get(field)).unwrap_or(body);
    match inner {
        Value::Object(fields) if fields.values().all(is_nothing) => String::new(),
        Value::Object(_) | Value::Array(_) => inner.to_string(),
        _ => String::new(),
    }
}

/// Null, false, or empty: servers fill unused fields with these.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(_) => false,
    }
}

/// A message as it may be shown in one line. Control characters become spaces: without them a key could
/// come together that was not one when it was blotted out.
fn short(text: &str) -> String {
    let words = text.split(|character: char| character.is_whitespace() || character.is_control());
    let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MAX_MESSAGE_CHARACTERS) {
        Some((end, _)) => format!("{} ..", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests;
