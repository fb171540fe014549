//! The JSON Schema of pipeline files, made of the types that read them.

use plimsoll_core::canonical::to_value;
use plimsoll_label::RawPolicy;
use plimsoll_uq::METHODS;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema as _, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::defaults::POLICY;
use super::raw::RawPipeline;

/// Keys of models that one backend has and the others do not.
pub(super) const CANDLE_KEYS: [&str; 4] = ["source", "dtype", "device", "template_date"];
/// As [`CANDLE_KEYS`].
pub(super) const OPENAI_KEYS: [&str; 9] = [
    "base_url",
    "model",
    "api_key_env",
    "limits",
    "top_logprobs",
    "token_limit",
    "send_seed",
    "same_fingerprint",
    "extra_body",
];
/// As [`CANDLE_KEYS`].
pub(super) const REPLAY_KEYS: [&str; 2] = ["files", "recorded_as"];

/// JSON Schema of pipeline files, draft 2020-12. A file that it refuses is refused by [`super::read`] too; the latter
/// checks more (names that occur twice, addresses, which keys go together).
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<RawPipeline>();
    schema.insert("title".to_owned(), json!("Plimsoll pipeline file"));
    schema.to_value()
}

/// The schema without references, to be walked beside a document.
pub(super) fn inlined() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<RawPipeline>().to_value()
}

/// Whether a schema takes a mapping, and nothing else but null.
pub(super) fn is_mapping(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => {
            names.iter().any(|name| name == "object")
                && names.iter().all(|name| name == "object" || name == "null")
        }
        _ => match schema.get("anyOf").and_then(Value::as_array) {
            Some(any) => {
                any.iter().any(is_mapping) && any.iter().all(|one| is_mapping(one) || one["type"] == "null")
            }
            None => false,
        },
    }
}

/// A method is its name, or a mapping from its name to its parameters.
pub(super) fn methods(_: &mut SchemaGenerator) -> Schema {
    let ids: Vec<&str> = METHODS.iter().map(|method| method.id()).collect();
    json_schema!({
        "type": ["array", "null"],
        "minItems": 1,
        "items": {"anyOf": [
            {"enum": ids},
            {
                "type": "object", "minProperties": 1, "maxProperties": 1, "propertyNames": {"enum": ids},
                "additionalProperties": {"type": ["object", "null"]},
            },
        ]},
    })
}

/// The grading policy, each key of which has a default.
pub(super) fn policy(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = RawPolicy::json_schema(generator);
    schema.remove("required");
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (key, default) in to_value(&POLICY).as_object().into_iter().flatten() {
            if let Some(Value::Object(property)) = properties.get_mut(key) {
                property.insert("default".to_owned(), default.clone());
            }
        }
    }
    schema.insert("type".to_owned(), json!(["object", "null"]));
    schema
}

/// Refuses keys of another backend, and asks for those without which a backend cannot work.
pub(super) fn keys_by_backend(schema: &mut Schema) {
    let rule = |backend: &str, required: &[&str], foreign: &[&[&str]]| {
        let refused: serde_json::Map<String, Value> =
            foreign.concat().iter().map(|key| ((*key).to_owned(), json!({"type": "null"}))).collect();
        json!({
            "if": {"properties": {"backend": {"const": backend}}, "required": ["backend"]},
            "then": {"properties": refused, "required": required},
        })
    };
    let rules = json!([
        rule("candle", &["source"], &[&OPENAI_KEYS, &REPLAY_KEYS]),
        rule("openai", &["base_url", "model"], &[&CANDLE_KEYS, &REPLAY_KEYS]),
        rule("replay", &["files"], &[&CANDLE_KEYS, &OPENAI_KEYS, &["template_variables"]]),
    ]);
    schema.insert("allOf".to_owned(), rules);
}
