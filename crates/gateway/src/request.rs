//! Requests of clients: what is asked, whether the operating point was fitted for such requests, and the bodies that
//! the two models get. Fields that are not looked at pass as they are written.

mod messages;
mod neutral;

use std::collections::BTreeMap;

use plimsoll_core::Decoding;
use plimsoll_core::prompt::Message;
use plimsoll_remote::openai::{MAX_TOP_LOGPROBS, RequestFields, TokenLimit};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::model_name::AskedPoint;

/// What is wrong with a request, for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestProblem {
    /// Not a JSON object.
    #[error("the body is no JSON object: {0}")]
    NoObject(String),
    /// A field is missing or of another shape.
    #[error("`{field}` {problem}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What is wrong, and what to write.
        problem: String,
    },
    /// A model that is none of this gateway.
    #[error(
        "there is no model `{0}` here: `plimsoll` is the operating point that this gateway was started with, and \
         GET /v1/models lists the others"
    )]
    NoSuchModel(String),
}

impl RequestProblem {
    fn field(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Field { field, problem: problem.into() }
    }

    /// The field's name, for the error body.
    pub fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::NoObject(_) => None,
            Self::Field { field, .. } => Some(field),
            Self::NoSuchModel(_) => Some("model"),
        }
    }
}

/// A request for a chat completion.
#[derive(Debug)]
pub struct ChatRequest {
    fields: BTreeMap<String, Box<RawValue>>,
    asked: AskedPoint,
    is_streamed: bool,
    wants_usage: bool,
    logprobs: Option<u8>,
    max_tokens: Option<u32>,
    /// The messages, or why they are none that a point was fitted for.
    messages: Result<Vec<Message>, &'static str>,
}

/// The `plimsoll` object of a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedObject {
    method: String,
    target: String,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

/// What the SLM is asked beside the client's own fields.
#[derive(Debug, Clone, Copy)]
pub struct SlmFields<'a> {
    /// The model's name at its server.
    pub model: &'a str,
    /// How the answer is decoded.
    pub decoding: Decoding,
    /// The name of the field that bounds its length.
    pub token_limit: TokenLimit,
    /// Likeliest tokens that the method needs at each position.
    pub top_logprobs: u8,
    /// Whether the reply is streamed.
    pub stream: bool,
    /// What requests carry beside, in place of what the client says of it.
    pub fields: &'a RequestFields,
}

impl ChatRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestProblem`].
    pub fn read(body: &[u8]) -> Result<Self, RequestProblem> {
        let fields: BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(body).map_err(|error| RequestProblem::NoObject(error.to_string()))?;
        let model: String = required(&fields, "model")?;
        let asked = match field::<AskedObject>(&fields, "plimsoll")? {
            Some(AskedObject { method, target }) => AskedPoint::Named { method, target },
            None => AskedPoint::from_model(&model).ok_or(RequestProblem::NoSuchModel(model))?,
        };
        let top = field::<u8>(&fields, "top_logprobs")?.unwrap_or(0);
        if top > MAX_TOP_LOGPROBS {
            return Err(RequestProblem::field("top_logprobs", "is more than 20"));
        }
        let stream_options = field::<StreamOptions>(&fields, "stream_options")?;
        Ok(Self {
            asked,
            is_streamed: field(&fields, "stream")?.unwrap_or(false),
            wants_usage: stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            logprobs: field::<bool>(&fields, "logprobs")?.unwrap_or(false).then_some(top),
            max_tokens: max_tokens(&fields)?,
            messages: messages::read(&required::<Vec<serde_json::Value>>(&fields, "messages")?)?,
            fields,
        })
    }

    /// The operating point that is asked for.
    pub fn asked(&self) -> &AskedPoint {
        &self.asked
    }

    /// Whether the reply is to be streamed.
    pub fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    /// Whether a streamed reply is to end with the count of tokens.
    pub fn wants_usage(&self) -> bool {
        self.wants_usage
    }

    /// How many of the likeliest tokens the client wants beside the log-probabilities; `None` if it wants none of these.
    pub fn logprobs(&self) -> Option<u8> {
        self.logprobs
    }

    /// The messages, of a request that a point may be fitted for.
    pub fn messages(&self) -> &[Message] {
        self.messages.as_deref().unwrap_or_default()
    }

    /// The first field for which no operating point with this decoding was fitted; `None` for a request like those of the
    /// calibration.
    pub fn unsupported(&self, decoding: Decoding) -> Option<&'static str> {
        let other = |name: &'static str, calibrated: f64| {
            let text = self.fields.get(name).map(|value| value.get().trim());
            let is_same = text.is_none_or(|text| text == "null" || text.parse() == Ok(calibrated));
            (!is_same).then_some(name)
        };
        self.beyond_text()
            .or_else(|| other("temperature", decoding.temperature()))
            .or_else(|| other("top_p", decoding.top_p()))
    }

    /// How the SLM is to decode: as calibrated, and no longer than the client allows.
    pub fn decoding(&self, calibrated: Decoding) -> Decoding {
        let max = calibrated.max_new_tokens().min(self.max_tokens.unwrap_or(u32::MAX));
        Decoding::new(calibrated.temperature(), calibrated.top_p(), max).unwrap_or(calibrated)
    }

    /// The first field that asks for something else than one text as an answer to texts.
    pub fn beyond_text(&self) -> Option<&'static str> {
        self.messages.as_ref().err().copied().or_else(|| neutral::first_other(&self.fields))
    }

    /// How a model of this process is to decode that no operating point binds: as the client says; greedily, and
    /// `max_tokens` long, where it does not.
    ///
    /// # Errors
    /// What no model can do.
    pub fn free_decoding(&self, max_tokens: u32) -> Result<Decoding, String> {
        let number =
            |name: &'static str| field::<f64>(&self.fields, name).map_err(|problem| problem.to_string());
        let (temperature, top_p) = (number("temperature")?.unwrap_or(0.0), number("top_p")?.unwrap_or(1.0));
        let max_tokens = self.max_tokens.unwrap_or(max_tokens);
        Decoding::new(temperature, top_p, max_tokens).map_err(|problem| problem.to_string())
    }

    /// The body for the SLM's server.
    ///
    /// # Errors
    /// Why it could not be written.
    pub fn slm_body(&self, wanted: &SlmFields<'_>) -> Result<Vec<u8>, serde_json::Error> {
        let decoding = wanted.decoding;
        let top_logprobs = wanted.top_logprobs.max(self.logprobs.unwrap_or(0));
        let mut own = BTreeMap::from([
            ("model", to_raw_value(wanted.model)?),
            ("temperature", to_raw_value(&decoding.temperature())?),
            ("top_p", to_raw_value(&decoding.top_p())?),
            (wanted.token_limit.name(), to_raw_value(&decoding.max_new_tokens())?),
            ("logprobs", to_raw_value(&true)?),
            ("top_logprobs", to_raw_value(&top_logprobs)?),
        ]);
        if wanted.stream {
            own.insert("stream", to_raw_value(&true)?);
        }
        let fields = wanted.fields.in_body();
        for (name, value) in &fields {
            own.insert(name, to_raw_value(value)?);
        }
        const DROPPED: [&str; 4] = ["max_tokens", "max_completion_tokens", "stream", "stream_options"];
        self.body(&own, &DROPPED)
    }

    /// The body for the LLM's server: the client's, under the LLM's name, with those of `fields` that the client does not
    /// have.
    ///
    /// # Errors
    /// Why it could not be written.
    pub fn llm_body(&self, model: &str, fields: &RequestFields) -> Result<Vec<u8>, serde_json::Error> {
        let fields = fields.in_body();
        let mut own = BTreeMap::from([("model", to_raw_value(model)?)]);
        for (name, value) in fields.iter().filter(|(name, _)| !self.fields.contains_key(*name)) {
            own.insert(name, to_raw_value(value)?);
        }
        self.body(&own, &[])
    }

    fn body(
        &self,
        own: &BTreeMap<&str, Box<RawValue>>,
        dropped: &[&str],
    ) -> Result<Vec<u8>, serde_json::Error> {
        let kept = |name: &str| name != "plimsoll" && !dropped.contains(&name);
        let mut body: BTreeMap<&str, &RawValue> = self
            .fields
            .iter()
            .filter(|(name, _)| kept(name))
            .map(|(name, value)| (name.as_str(), value.as_ref()))
            .collect();
        body.extend(own.iter().map(|(name, value)| (*name, value.as_ref())));
        serde_json::to_vec(&body)
    }
}

/// A field; null counts as absent.
fn field<T: DeserializeOwned>(
    fields: &BTreeMap<String, Box<RawValue>>,
    name: &'static str,
) -> Result<Option<T>, RequestProblem> {
    let Some(value) = fields.get(name) else { return Ok(None) };
    serde_json::from_str(value.get())
        .map_err(|error| RequestProblem::field(name, format!("is of another shape: {error}")))
}

fn required<T: DeserializeOwned>(
    fields: &BTreeMap<String, Box<RawValue>>,
    name: &'static str,
) -> Result<T, RequestProblem> {
    field(fields, name)?.ok_or_else(|| RequestProblem::field(name, "is missing"))
}

/// The smaller of the two names' limits, should a client give both.
fn max_tokens(fields: &BTreeMap<String, Box<RawValue>>) -> Result<Option<u32>, RequestProblem> {
    let mut least: Option<u32> = None;
    for name in ["max_tokens", "max_completion_tokens"] {
        match field::<u32>(fields, name)? {
            Some(0) => return Err(RequestProblem::field(name, "is 0")),
            Some(max) => least = Some(least.map_or(max, |least| least.min(max))),
            None => {}
        }
    }
    Ok(least)
}

#[cfg(test)]
mod tests;
