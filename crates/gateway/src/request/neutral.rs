//! Fields that change what a model answers, and the values under which they change nothing. Absent, null and empty
//! values change nothing either.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// Names with the values, as JSON, that ask for nothing.
const FIELDS: &[(&str, &[&str])] = &[
    ("tools", &[]),
    ("tool_choice", &["\"none\"", "\"auto\""]),
    ("functions", &[]),
    ("function_call", &["\"none\"", "\"auto\""]),
    ("response_format", &["{\"type\": \"text\"}"]),
    ("n", &["1"]),
    ("best_of", &["1"]),
    ("modalities", &["[\"text\"]"]),
    ("audio", &[]),
    ("prediction", &[]),
    ("web_search_options", &[]),
    ("reasoning_effort", &[]),
    ("reasoning", &[]),
    ("verbosity", &[]),
    ("stop", &[]),
    ("logit_bias", &[]),
    ("frequency_penalty", &["0"]),
    ("presence_penalty", &["0"]),
    ("repetition_penalty", &["1"]),
    ("repeat_penalty", &["1"]),
    ("min_p", &["0"]),
    ("min_tokens", &["0"]),
    ("ignore_eos", &["false"]),
    ("use_beam_search", &["false"]),
    ("continue_final_message", &["false"]),
    ("add_generation_prompt", &["true"]),
    ("chat_template", &[]),
    ("chat_template_kwargs", &[]),
    ("grammar", &[]),
    ("json_schema", &[]),
    ("guided_json", &[]),
    ("guided_regex", &[]),
    ("guided_choice", &[]),
    ("guided_grammar", &[]),
    ("structured_outputs", &[]),
];

/// The first field that asks for another answer than the calibration's requests did.
pub(super) fn first_other(fields: &BTreeMap<String, Box<RawValue>>) -> Option<&'static str> {
    FIELDS
        .iter()
        .find(|(name, neutral)| is_other(fields.get(*name).map(AsRef::as_ref), neutral))
        .map(|(name, _)| *name)
}

fn is_other(value: Option<&RawValue>, neutral: &[&str]) -> bool {
    let Some(raw) = value else { return false };
    // What was valid JSON once is so again; were it not, it would be none that is known.
    let Ok(value) = serde_json::from_str::<Value>(raw.get()) else { return true };
    let is_empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    !is_empty && !neutral.iter().any(|text| is_same(&value, text))
}

/// Whether a value is this JSON; numbers are compared as numbers.
fn is_same(value: &Value, text: &str) -> bool {
    match serde_json::from_str::<Value>(text) {
        Ok(neutral) if value.is_number() => value.as_f64() == neutral.as_f64(),
        Ok(neutral) => *value == neutral,
        Err(_) => false,
    }
}
