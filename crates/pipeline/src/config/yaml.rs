//! The only module that knows YAML: text to a JSON value, and a value to text.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::{MergeKeyPolicy, budget, options, ser_options};

/// The largest pipeline; a real one has a few kilobytes.
pub(crate) const MAX_BYTES: u64 = 1 << 20;
/// Values that aliases may repeat.
const MAX_REPEATED: usize = 10_000;

/// Reads one YAML document. Repeated keys, a second document, values that are not JSON (NaN), and
/// documents built to exhaust memory are refused.
///
/// # Errors
/// What is wrong, with line and column.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut options = options! {
        budget: budget! { max_nodes: 100_000 },
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
    };
    options.alias_limits.max_total_replayed_events = MAX_REPEATED;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err("it is empty".to_owned());
    }
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// Reads the value of a `--set`: a scalar, or a list or mapping in brackets.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse_value(text: &str) -> Result<Value, String> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    let options = options! { strict_booleans: true, merge_keys: MergeKeyPolicy::Error, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

/// Reads one YAML document as this type, as strictly as a pipeline.
///
/// # Errors
/// What is wrong, with the key where there is one.
pub(crate) fn parse_as<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_path_to_error::deserialize(parse(text)?).map_err(|error| match error.path().to_string().as_str() {
        "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    })
}

/// A value as YAML text.
///
/// # Errors
/// Why the writer failed.
pub(crate) fn write(value: &impl Serialize) -> Result<String, serde_saphyr::ser::Error> {
    let options = ser_options! { compact_list_indent: false };
    serde_saphyr::to_string_with_options(value, options)
}
