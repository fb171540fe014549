//! Error bodies of servers, in every known form and with any status.

mod meaning;
mod words;

use std::time::Duration;

use plimsoll_core::MissingSignal;
use serde_json::Value;

use super::error::ChatRequestError;
use super::field::RefusedField;
pub(super) use words::ErrorWords;

/// Maximum characters of a server's message that are shown.
const MAX_MESSAGE_CHARACTERS: usize = 300;
/// Maximum values of an error body that are read.
const MAX_VALUES: usize = 512;
/// Maximum items of a list in it.
const MAX_ITEMS: usize = 16;
/// Fields that hold the message for people, most reliable first.
const MESSAGE_FIELDS: [&str; 8] =
    ["message", "msg", "detail", "error_description", "error", "description", "title", "reason"];
/// Fields that hold an error code.
const CODE_FIELDS: [&str; 5] = ["code", "type", "status", "reason", "error_code"];
/// Fields that name the wrong parameter.
const PARAMETER_FIELDS: [&str; 4] = ["param", "loc", "field", "parameter"];

/// The content of an error body.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    /// Shortened, without control characters.
    pub(super) message: String,
    /// The words of every text of the body.
    words: ErrorWords,
    /// Every code, without case and separators.
    codes: Vec<String>,
    /// Every parameter that the body names.
    parameters: Vec<String>,
    /// A status inside the body.
    status: Option<u16>,
}

impl ErrorBody {
    /// Reads an error body, however it is nested: `{"error": {..}}`, `[{"error": ..}]`, `{"message": ..}`,
    /// `{"detail": [{"loc": [..], "msg": ..}]}`, with an `innererror`, with a document as its message.
    pub(super) fn read(body: &Value) -> Self {
        let mut walk_state = BodyWalk::default();
        walk_state.walk(body.clone());
        let BodyWalk { messages, mut error_body } = walk_state;
        let shown = (0..MESSAGE_FIELDS.len())
            .find_map(|rank| messages.iter().find(|(of, _)| *of == rank))
            .map(|(_, message)| message.clone());
        error_body.message = short(&shown.unwrap_or_else(|| rest(body)));
        let unsaid: Vec<&str> = error_body
            .parameters
            .iter()
            .map(String::as_str)
            .filter(|name| !error_body.message.contains(name))
            .collect();
        if !error_body.message.is_empty() && !unsaid.is_empty() {
            error_body.message = short(&format!("{} ({})", error_body.message, unsaid.join(", ")));
        }
        error_body
    }

    /// A body that is not JSON.
    pub(super) fn plain(text: &str) -> Self {
        let mut words = ErrorWords::default();
        words.add(text);
        Self { message: short(text), words, ..Self::default() }
    }

    /// Whether a document with status 200 is an error all the same.
    pub(super) fn has_error(body: &Value) -> bool {
        let is_error_object = |body: &Value| {
            let field = |name: &str| body.get(name).is_some_and(|value| !is_nothing(value));
            let has_error = body.get("object").and_then(Value::as_str) == Some("error");
            let speaks = has_error || ["errors", "detail", "message"].into_iter().any(field);
            field("error") || (body.get("choices").is_none() && speaks)
        };
        match body {
            Value::Array(items) => items.first().is_some_and(is_error_object),
            _ => is_error_object(body),
        }
    }

    /// The error that a status means.
    pub(super) fn into_error(self, host: String, status: u16, wait: Option<Duration>) -> ChatRequestError {
        let status = match (status, self.status) {
            (200..=299, Some(inner @ 400..=599)) => inner,
            _ => status,
        };
        let message = if self.message.is_empty() { "no message".to_owned() } else { self.message.clone() };
        if let Some(field) = RefusedField::read(status, &self.words, &self.parameters) {
            return ChatRequestError::FieldRefused { host, status, field, message };
        }
        if let Some(reason) = meaning::row_reason(status, &self.words, &self.codes) {
            return ChatRequestError::Refused { host, status, reason, message };
        }
        let is_spent = || self.codes.iter().any(|code| code == "insufficientquota");
        match status {
            402 => ChatRequestError::QuotaSpent { host, message },
            429 if is_spent() => ChatRequestError::QuotaSpent { host, message },
            429 => ChatRequestError::RateLimited { host, wait, message },
            401 | 403 => ChatRequestError::Denied { host, status, message },
            404 | 405 | 410 => ChatRequestError::NotFound { host, status, message },
            300..=399 => ChatRequestError::Redirected { host, status },
            200..=299 | 408 | 409 | 425 | 500..=599 => {
                ChatRequestError::Server { host, status, wait, message }
            }
            _ => ChatRequestError::Refused { host, status, reason: MissingSignal::RequestRefused, message },
        }
    }
}

/// The state of a walk through an error body.
#[derive(Default)]
struct BodyWalk {
    /// Messages with the rank of their field, in the order in which they were found.
    messages: Vec<(usize, String)>,
    error_body: ErrorBody,
}

impl BodyWalk {
    /// Reads every value, breadth first.
    fn walk(&mut self, body: Value) {
        let mut queue = std::collections::VecDeque::from([(String::new(), body)]);
        let mut values_read = 0;
        while let Some((name, value)) = queue.pop_front() {
            values_read += 1;
            if values_read > MAX_VALUES {
                return;
            }
            self.read_value(&name, &value);
            match value {
                Value::Object(fields) => queue.extend(fields),
                // Items of a list belong to the list's name.
                Value::Array(items) => {
                    queue.extend(items.into_iter().take(MAX_ITEMS).map(|item| (name.clone(), item)));
                }
                // Gateways put the error of their upstream into a string.
                Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
                    queue.extend(serde_json::from_str::<Value>(&text).ok().map(|inner| (name, inner)));
                }
                _ => {}
            }
        }
    }

    fn read_value(&mut self, name: &str, value: &Value) {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return,
        };
        let is_text = value.is_string() && !text.trim().is_empty();
        if CODE_FIELDS.contains(&name) {
            match text.parse::<u16>() {
                Ok(status @ 100..=599) => self.error_body.status = self.error_body.status.or(Some(status)),
                _ if is_text => self.error_body.codes.push(words::letters(&text)),
                _ => {}
            }
        }
        if !is_text {
            return;
        }
        self.error_body.words.add(&text);
        if PARAMETER_FIELDS.contains(&name) && text != "body" {
            self.error_body.parameters.push(short(&text));
        }
        let rank = MESSAGE_FIELDS.iter().position(|field| *field == name);
        // The top of a body that is a text is one.
        if let Some(rank) = rank.or_else(|| name.is_empty().then_some(0)) {
            self.messages.push((rank, text));
        }
    }
}

/// A body without known fields, as received.
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

/// A message in one line. Control characters become spaces, not nothing: removing them could join the parts of a key
/// that redaction did not recognise.
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
