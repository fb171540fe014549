//! The messages of a request.

use plimsoll_core::prompt::{Message, Role};
use serde_json::Value;

use super::RequestProblem;

const FIELD: &str = "messages";

/// Reads messages: as a model in this process takes them, or the field that makes them another kind of request than the
/// calibration's.
///
/// # Errors
/// [`RequestProblem`] for what are no messages.
pub(super) fn read(messages: &[Value]) -> Result<Result<Vec<Message>, &'static str>, RequestProblem> {
    if messages.is_empty() {
        return Err(RequestProblem::field(FIELD, "is empty"));
    }
    let mut read = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let role = message.get("role").and_then(Value::as_str).ok_or_else(|| {
            RequestProblem::field(FIELD, format!("has no `role` that is a text at index {index}"))
        })?;
        match one(role, message) {
            Ok(message) => read.push(message),
            Err(other) => return Ok(Err(other)),
        }
    }
    // A last message of the assistant asks the model to go on within it.
    let ends_with_user = read.last().is_some_and(|message| message.role == Role::User);
    Ok(if ends_with_user { Ok(read) } else { Err(FIELD) })
}

fn one(role: &str, message: &Value) -> Result<Message, &'static str> {
    let role = match role {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        _ => return Err(FIELD),
    };
    let is_asked = |name: &str| message.get(name).is_some_and(|value| !value.is_null());
    if ["tool_calls", "function_call", "audio"].into_iter().any(is_asked) {
        return Err(FIELD);
    }
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().map(part).collect::<Option<String>>().ok_or("content")?,
        _ => return Err(FIELD),
    };
    Ok(Message { role, text })
}

/// The text of a part; `None` for an image, a sound or a file.
fn part(part: &Value) -> Option<&str> {
    let is_text = part.get("type").and_then(Value::as_str) == Some("text");
    part.get("text").and_then(Value::as_str).filter(|_| is_text)
}
