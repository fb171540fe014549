//! Variables of a chat template that a user sets, such as `enable_thinking`: they change prompts, so they belong to
//! the identity of a model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::data::Data;
use super::special::NAMES as SPECIAL_NAMES;

/// Maximum number of variables, and maximum bytes of them as JSON. Known templates read up to five.
const MAX_VARIABLES: usize = 64;
const MAX_BYTES: usize = 64 << 10;

/// Names that mean something already, and what.
const RESERVED: [(&str, &str); 12] = [
    ("messages", "holds the messages of the prompt"),
    ("add_generation_prompt", "is always true, since every prompt asks for a reply"),
    ("continue_final_message", "is always false, since every prompt asks for a reply"),
    ("tools", "stays empty: models are not given tools here"),
    ("documents", "stays empty: what a prompt says stands in its messages"),
    ("chat_template", "is the template itself; put another beside the model instead"),
    ("strftime_now", "is a function of templates"),
    ("raise_exception", "is a function of templates"),
    ("range", "is a function of templates"),
    ("namespace", "is a function of templates"),
    ("dict", "is a function of templates"),
    ("loop", "counts the turns of a loop in templates"),
];

/// Why a variable cannot be set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariableError {
    /// A name that no template can spell.
    #[error("`{}` is no name of a variable: it takes letters, digits and `_`, no digit first", shown(name))]
    Name {
        /// The name.
        name: String,
    },
    /// A name that means something already.
    #[error("`{name}` cannot be set: it {reason}")]
    Reserved {
        /// The name.
        name: String,
        /// What it is.
        reason: &'static str,
    },
    /// A value that is neither a scalar nor a list of scalars.
    #[error("`{name}` is neither a text, a number, true, false or null, nor a list of these")]
    Shape {
        /// The name.
        name: String,
    },
    /// More than any template reads.
    #[error("the variables are more than {MAX_VARIABLES}, or longer than {MAX_BYTES} bytes")]
    TooMany,
    /// A template that does not mention it would go on as if it were not set.
    #[error("the chat template does not read `{name}`; {}", known(read))]
    Unread {
        /// The name.
        name: String,
        /// What it does read.
        read: Vec<String>,
    },
    /// A model without a template.
    #[error("the model has no chat template that could read `{name}`")]
    NoTemplate {
        /// The name.
        name: String,
    },
}

fn shown(name: &str) -> String {
    name.chars().take(80).flat_map(char::escape_debug).collect()
}

fn known(read: &[String]) -> String {
    if read.is_empty() { "it reads none".to_owned() } else { format!("it reads {}", read.join(", ")) }
}

/// Variables by name, each of which a template may be given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TemplateVariables(BTreeMap<String, Json>);

impl TemplateVariables {
    /// Checks names and values.
    ///
    /// ```
    /// use plimsoll_engine::chat::TemplateVariables;
    /// use serde_json::json;
    ///
    /// assert!(TemplateVariables::new([("enable_thinking".to_owned(), json!(false))]).is_ok());
    /// let refused = TemplateVariables::new([("messages".to_owned(), json!([]))]).unwrap_err();
    /// assert_eq!(refused.to_string(), "`messages` cannot be set: it holds the messages of the prompt");
    /// ```
    ///
    /// # Errors
    /// [`VariableError`] for a name that is none or is taken, for a value that is neither a scalar nor a list of
    /// scalars, and for too many of them.
    pub fn new(variables: impl IntoIterator<Item = (String, Json)>) -> Result<Self, VariableError> {
        let variables: BTreeMap<String, Json> = variables.into_iter().collect();
        for (name, value) in &variables {
            check(name, value)?;
        }
        let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.to_string().len()).sum();
        if variables.len() > MAX_VARIABLES || bytes > MAX_BYTES {
            return Err(VariableError::TooMany);
        }
        Ok(Self(variables))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// As JSON.
    pub fn json(&self) -> Json {
        Json::Object(self.0.clone().into_iter().collect())
    }

    /// As templates see them.
    pub(super) fn data(&self) -> impl Iterator<Item = (String, Data)> {
        self.0.iter().map(|(name, value)| (name.clone(), Data::from(value)))
    }

    /// The first that is not among the names that a template reads.
    pub(super) fn first_unread(&self, read: &BTreeSet<String>) -> Option<&str> {
        self.0.keys().map(String::as_str).find(|name| !read.contains(*name))
    }
}

fn check(name: &str, value: &Json) -> Result<(), VariableError> {
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !begins || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') || name.len() > MAX_VARIABLES {
        return Err(VariableError::Name { name: name.to_owned() });
    }
    if let Some(reason) = reserved(name) {
        return Err(VariableError::Reserved { name: name.to_owned(), reason });
    }
    let is_scalar = |value: &Json| !value.is_array() && !value.is_object();
    match value {
        Json::Array(items) if items.iter().all(is_scalar) => Ok(()),
        value if is_scalar(value) => Ok(()),
        _ => Err(VariableError::Shape { name: name.to_owned() }),
    }
}

/// What a name means already.
pub(super) fn reserved(name: &str) -> Option<&'static str> {
    if SPECIAL_NAMES.contains(&name) {
        return Some("is a token of the model's own tokenizer");
    }
    RESERVED.iter().find(|(reserved, _)| *reserved == name).map(|(_, reason)| *reason)
}
