//! Fields that every request to a server carries beside those that a run sets itself: they change answers, so they belong to
//! the identity of a model and to what a thresholds file records.

use std::collections::BTreeMap;

use plimsoll_core::Decoding;
use plimsoll_core::canonical::to_text;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Maximum number of fields, and maximum bytes of them as JSON: what a server knows is a few dozen, with short values.
const MAX_FIELDS: usize = 64;
const MAX_BYTES: usize = 64 << 10;

/// Names that a request has already, and what sets them.
const RESERVED: [(&str, &str); 13] = [
    ("model", "is the key `model`"),
    ("messages", "holds the prompt"),
    ("temperature", "is set by how answers are decoded"),
    ("top_p", "is set by how answers are decoded"),
    ("max_tokens", "is set by how answers are decoded"),
    ("max_completion_tokens", "is set by how answers are decoded"),
    ("seed", "differs from request to request; `send_seed: false` leaves it out"),
    ("logprobs", "is set where a method reads log-probabilities"),
    ("top_logprobs", "is the key `top_logprobs`"),
    ("chat_template_kwargs", "is made of `template_variables`"),
    ("stream", "is set where a reply is read as it is written"),
    ("stream_options", "is set where a reply is read as it is written"),
    ("n", "is 1: each sample has a request of its own"),
];

/// Why fields cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFieldProblem {
    /// A name that a request has already.
    #[error("`{name}` cannot stand there: it {reason}")]
    Reserved {
        /// The name.
        name: String,
        /// What sets it.
        reason: &'static str,
    },
    /// A name of nothing.
    #[error("a field has no name")]
    NoName,
    /// Null, which is also what a number that JSON cannot write (`.nan`, `.inf`) becomes.
    #[error("`{name}` is null or no number that JSON has: leave it out, or give it a value")]
    Null {
        /// The field.
        name: String,
    },
    /// More than any server knows.
    #[error("the fields are more than {MAX_FIELDS}, or longer than {MAX_BYTES} bytes")]
    TooMany,
}

/// Fields that every request carries: variables of the server's chat template, and what else the server knows
/// (`repeat_penalty`, `top_k`).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RequestFields {
    /// Sent as `chat_template_kwargs`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    template_variables: BTreeMap<String, Value>,
    /// Sent by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extra_body: BTreeMap<String, Value>,
}

impl RequestFields {
    /// Takes variables of the server's chat template, and other fields by name.
    ///
    /// # Errors
    /// [`RequestFieldProblem`]: what is wrong with a field.
    pub fn new(
        template_variables: BTreeMap<String, Value>,
        extra_body: BTreeMap<String, Value>,
    ) -> Result<Self, RequestFieldProblem> {
        for (name, value) in &extra_body {
            if let Some((_, reason)) = RESERVED.iter().find(|(reserved, _)| reserved == name) {
                return Err(RequestFieldProblem::Reserved { name: name.clone(), reason });
            }
            if name.trim().is_empty() {
                return Err(RequestFieldProblem::NoName);
            }
            if value.is_null() {
                return Err(RequestFieldProblem::Null { name: name.clone() });
            }
        }
        if extra_body.len() > MAX_FIELDS || to_text(&extra_body).len() > MAX_BYTES {
            return Err(RequestFieldProblem::TooMany);
        }
        Ok(Self { template_variables, extra_body })
    }

    /// Whether requests carry nothing of this kind.
    pub fn is_empty(&self) -> bool {
        self.template_variables.is_empty() && self.extra_body.is_empty()
    }

    /// The fields as a request has them.
    pub fn in_body(&self) -> BTreeMap<String, Value> {
        let mut fields = self.extra_body.clone();
        if !self.template_variables.is_empty() {
            let variables = self.template_variables.clone().into_iter().collect();
            fields.insert("chat_template_kwargs".to_owned(), Value::Object(variables));
        }
        fields
    }
}

/// How a server was asked for its answers: what a thresholds file records of it as `decoding`.
///
/// ```
/// use plimsoll_remote::openai::ServedDecoding;
///
/// let text = r#"{"temperature":0.0,"top_p":1.0,"max_new_tokens":256,"extra_body":{"repeat_penalty":1.0}}"#;
/// let recorded = ServedDecoding::from_text(text)?;
/// assert_eq!(recorded.decoding.max_new_tokens(), 256);
/// assert_eq!(recorded.fields.in_body()["repeat_penalty"], 1.0);
/// assert_eq!(recorded.text(), text);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServedDecoding {
    /// The parameters that every backend has.
    #[serde(flatten)]
    pub decoding: Decoding,
    /// What requests carry beside; nothing for a model that is not on a server.
    #[serde(flatten)]
    pub fields: RequestFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedDecoding {
    temperature: f64,
    top_p: f64,
    max_new_tokens: u32,
    #[serde(default)]
    template_variables: BTreeMap<String, Value>,
    #[serde(default)]
    extra_body: BTreeMap<String, Value>,
}

impl ServedDecoding {
    /// Reads what a thresholds file records.
    ///
    /// # Errors
    /// No JSON of this shape, parameters out of range, or fields that no request may carry.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        use serde::de::Error as _;
        let raw: RecordedDecoding = serde_json::from_str(text)?;
        let decoding = Decoding::new(raw.temperature, raw.top_p, raw.max_new_tokens);
        let fields = RequestFields::new(raw.template_variables, raw.extra_body);
        Ok(Self {
            decoding: decoding.map_err(serde_json::Error::custom)?,
            fields: fields.map_err(serde_json::Error::custom)?,
        })
    }

    /// As a thresholds file records it.
    pub fn text(&self) -> String {
        to_text(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: &Value) -> BTreeMap<String, Value> {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn fields(variables: &Value, extra: &Value) -> Result<RequestFields, RequestFieldProblem> {
        RequestFields::new(map(variables), map(extra))
    }

    #[test]
    fn fields_stand_in_the_body_as_they_were_given() {
        let both =
            fields(&json!({"enable_thinking": false}), &json!({"top_k": 0, "mirostat": [1, "x"]})).unwrap();
        assert_eq!(
            json!(both.in_body()),
            json!({"chat_template_kwargs": {"enable_thinking": false}, "top_k": 0, "mirostat": [1, "x"]})
        );
        assert!(!both.is_empty() && RequestFields::default().is_empty());
        assert!(RequestFields::default().in_body().is_empty());
    }

    #[test]
    fn what_a_run_sets_itself_is_refused_with_what_sets_it() {
        for (name, reason) in RESERVED {
            let problem = fields(&json!({}), &json!({ name: 1 })).unwrap_err().to_string();
            assert!(problem.contains(name) && problem.contains(reason), "{problem}");
        }
        for (extra, part) in [
            (json!({"top_k": null}), "`top_k` is null"),
            (json!({" ": 1}), "no name"),
            (json!({"grammar": "x".repeat(MAX_BYTES)}), "longer than"),
            (
                (0..=MAX_FIELDS).map(|index| (format!("f{index}"), json!(1))).collect::<Value>(),
                "more than 64",
            ),
        ] {
            let problem = fields(&json!({}), &extra).unwrap_err().to_string();
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn a_record_without_fields_is_that_of_the_decoding() {
        let decoding = Decoding::new(0.0, 1.0, 9).unwrap();
        let record = ServedDecoding { decoding, fields: RequestFields::default() };
        assert_eq!(record.text(), to_text(&decoding));
        assert_eq!(ServedDecoding::from_text(&record.text()).unwrap(), record);
    }

    #[test]
    fn a_record_with_fields_is_read_as_it_was_written_and_nothing_else_is() {
        let fields = fields(&json!({"enable_thinking": false}), &json!({"repeat_penalty": 1.0})).unwrap();
        let record = ServedDecoding { decoding: Decoding::new(0.5, 0.9, 9).unwrap(), fields };
        assert_eq!(ServedDecoding::from_text(&record.text()).unwrap(), record);
        let whole = r#"{"temperature":0,"top_p":1,"max_new_tokens":9}"#;
        assert!(ServedDecoding::from_text(whole).is_ok());
        for bad in [
            "",
            "[]",
            "{}",
            &whole.replace('9', "0"),
            &whole.replace('9', "9,\"top_k\":1"),
            &whole.replace('9', "9,\"extra_body\":[]"),
            &whole.replace('9', "9,\"extra_body\":{\"n\":2}"),
        ] {
            assert!(ServedDecoding::from_text(bad).is_err(), "{bad}");
        }
    }
}
