//! What a template sees: JSON with its keys in order.

use std::fmt;

use minijinja::Value;
use minijinja::value::ValueKind;
use plimsoll_core::prompt::{Message, Role};
use serde::Deserialize;

/// A JSON value whose keys keep their order, as templates print them.
///
/// ```
/// use plimsoll_engine::chat::Data;
/// let message: Data = serde_json::from_str(r#"{"role": "user", "content": "Hello"}"#).unwrap();
/// assert_eq!(message, Data::map([("role", Data::from("user")), ("content", Data::from("Hello"))]));
/// ```
#[derive(Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Data(pub(super) Value);

impl Data {
    /// A map in this order of keys.
    pub fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self(Value::from_pairs(entries.into_iter().map(|(key, value)| (Value::from(key), value.0))))
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self(Value::from(items.into_iter().map(|item| item.0).collect::<Vec<_>>()))
    }

    /// JSON's null, Python's None.
    pub fn none() -> Self {
        Self(Value::from(()))
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self(Value::from(text))
    }
}

impl From<bool> for Data {
    fn from(flag: bool) -> Self {
        Self(Value::from(flag))
    }
}

impl From<i64> for Data {
    fn from(number: i64) -> Self {
        Self(Value::from(number))
    }
}

impl From<&serde_json::Value> for Data {
    fn from(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::none(),
            Json::Bool(flag) => Self::from(*flag),
            Json::String(text) => Self::from(text.as_str()),
            Json::Array(items) => Self::list(items.iter().map(Self::from)),
            Json::Object(map) => Self::map(map.iter().map(|(key, value)| (key.as_str(), Self::from(value)))),
            // Of an integer beyond 64 bits, JSON has a float.
            Json::Number(number) => Self(match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Value::from(number),
                (None, Some(number)) => Value::from(number),
                (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
            }),
        }
    }
}

impl From<&Message> for Data {
    fn from(message: &Message) -> Self {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Self::map([("role", Self::from(role)), ("content", Self::from(message.text.as_str()))])
    }
}

/// The names of a message's reasoning. The first is the one that templates read.
const REASONING: [&str; 3] = ["reasoning_content", "thinking", "reasoning"];

/// A message as `transformers` shows it to a template: without the keys that are none, and with its
/// reasoning under the names that templates know.
///
/// `None` if it is no map.
pub(super) fn shown(message: &Data) -> Option<Value> {
    if message.0.kind() != ValueKind::Map {
        return None;
    }
    let mut entries = Vec::new();
    for key in message.0.try_iter().ok()? {
        let value = message.0.get_item(&key).ok()?;
        if !value.is_none() {
            entries.push((key, value));
        }
    }
    let of = |name: &str| entries.iter().find(|(key, _)| key.as_str() == Some(name));
    if let Some((_, reasoning)) = REASONING.iter().find_map(|name| of(name)) {
        let reasoning = reasoning.clone();
        if of("thinking").is_none() {
            entries.insert(0, (Value::from("thinking"), reasoning.clone()));
        }
        match entries.iter_mut().find(|(key, _)| key.as_str() == Some(REASONING[0])) {
            Some(entry) => entry.1 = reasoning,
            None => entries.push((Value::from(REASONING[0]), reasoning)),
        }
    }
    Some(Value::from_pairs(entries))
}
