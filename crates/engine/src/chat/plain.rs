//! The form of a chat for models that were never taught one.
//!
//! System text stands as it is; the others' turns start with `User: ` and `Assistant: `; a blank line
//! parts them. A reply is requested by `Assistant:` without a space after it, since most vocabularies
//! begin words with one.

use minijinja::Value;

use super::error::ChatError;

/// Writes the messages.
///
/// # Errors
/// If a message has no text as `role` or `content`.
pub(super) fn write(messages: &[Value], add_generation_prompt: bool) -> Result<String, ChatError> {
    let mut turns = Vec::with_capacity(messages.len() + 1);
    for (index, message) in messages.iter().enumerate() {
        let text = |key: &'static str| {
            let value = message.get_attr(key).ok();
            let text = value.as_ref().and_then(|value| value.as_str()).map(str::to_owned);
            text.ok_or(ChatError::PlainMessage { index, key })
        };
        let content = text("content")?;
        turns.push(match text("role")?.as_str() {
            "system" => content,
            "user" => format!("User: {content}"),
            "assistant" => format!("Assistant: {content}"),
            role => format!("{role}: {content}"),
        });
    }
    if add_generation_prompt {
        turns.push("Assistant:".to_owned());
    }
    Ok(turns.join("\n\n"))
}
