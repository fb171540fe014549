//! `config.json`: what is read, and what is refused by name.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::error::Error;
use std::fs;
use std::path::Path;

use plimsoll_engine::spec::{LayerSpec, RopeScaling};
use plimsoll_engine::{ARCHITECTURES, DecoderSpec, Safetensors, read_config};
use proptest::prelude::*;
use serde_json::{Value, json};

fn golden(name: &str, file: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/decoder");
    serde_json::from_str(&fs::read_to_string(root.join(name).join(file)).unwrap()).unwrap()
}

fn read(config: &Value) -> Result<DecoderSpec, String> {
    read_config(&config.to_string()).map_err(|error| {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        text
    })
}

/// A golden's configuration with some fields replaced; `Value::Null` stays null.
fn with(name: &str, fields: &Value) -> Value {
    let mut config = golden(name, "config.json");
    for (field, value) in fields.as_object().unwrap() {
        config[field] = value.clone();
    }
    config
}

fn without(name: &str, field: &str) -> Value {
    let mut config = golden(name, "config.hub.json");
    config.as_object_mut().unwrap().remove(field);
    config
}

/// The names of all goldens, in order.
fn goldens() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/decoder");
    let entries = fs::read_dir(root).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_dialects_say_the_same() {
    for name in goldens() {
        let (new, old) = (golden(&name, "config.json"), golden(&name, "config.hub.json"));
        assert_eq!(read(&new).unwrap(), read(&old).unwrap(), "{name}");
    }
}

#[test]
fn parameters_are_the_numbers_in_the_file() {
    for name in goldens() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/decoder").join(&name);
        let spec = read(&golden(&name, "config.json")).unwrap();
        assert_eq!(spec.parameters(), Safetensors::open(&folder).unwrap().elements(), "{name}");
    }
}

#[test]
fn architectures_are_sorted_and_there_once() {
    assert!(ARCHITECTURES.is_sorted_by(|a, b| a.model_type < b.model_type));
}

#[test]
fn an_unknown_architecture_is_refused_with_those_that_are_known() {
    let names: Vec<String> = ARCHITECTURES.iter().map(|known| format!("`{}`", known.model_type)).collect();
    let wanted = format!("`model_type` is `mixtral`; those understood are {}", names.join(", "));
    let error = read(&with("llama", &json!({"model_type": "mixtral"}))).unwrap_err();
    assert!(error.contains(&wanted), "{error}");
}

#[test]
fn what_the_decoder_does_not_have_is_refused_by_name() {
    let rope = |kind: &str| json!({"rope_parameters": {"rope_type": kind, "rope_theta": 1e4, "factor": 2.0}});
    let cases = [
        ("llama", json!({"model_type": "gemma3", "text_config": {}}), "`model_type` is `gemma3`"),
        ("llama", json!({"text_config": {"a": 1}}), "`text_config` is {\\\"a\\\":1}, which is not supported"),
        ("llama", json!({"vision_config": {}}), "`vision_config` is {}"),
        ("llama", json!({"quantization_config": {"quant_method": "gptq"}}), "`quantization_config` is"),
        ("llama", json!({"num_local_experts": 8}), "`num_local_experts` is 8"),
        ("gemma3", json!({"attn_logit_softcapping": 50.0}), "`attn_logit_softcapping` is 50.0"),
        ("gemma3", json!({"use_bidirectional_attention": true}), "`use_bidirectional_attention` is true"),
        ("llama", json!({"hidden_act": "relu"}), "`hidden_act` is relu"),
        ("llama", rope("yarn"), "`rope_type` is yarn"),
        ("llama", rope("dynamic"), "`rope_type` is dynamic"),
        ("llama", rope("\u{1b}[0m"), "`rope_type` is \\u{1b}[0m"),
        (
            "llama",
            json!({"rope_parameters": {"rope_type": "default", "new_key": 1}}),
            "unknown field `new_key`",
        ),
        ("llama", json!({"partial_rotary_factor": 0.5}), "`partial_rotary_factor` is 0.5"),
        (
            "llama",
            json!({"rope_scaling": {"rope_type": "default"}}),
            "`rope_scaling` and `rope_parameters` are both there",
        ),
        (
            "mistral_window",
            json!({"layer_types": ["full_attention", "sliding_attention"]}),
            "`layer_types` is not the same",
        ),
        (
            "gemma3",
            json!({"layer_types": ["full_attention", "sliding_attention", "chunked_attention"]}),
            "`layer_types` is chunked_attention",
        ),
        ("gemma3", json!({"layer_types": ["full_attention"]}), "`layer_types` and `num_hidden_layers`"),
        (
            "gemma3",
            json!({"layer_types": null, "sliding_window_pattern": 0}),
            "`sliding_window_pattern` is 0",
        ),
        ("gemma3", json!({"sliding_window": null}), "`sliding_window` is missing"),
        (
            "gemma3",
            json!({"rope_parameters": {"rope_type": "default"}}),
            "`rope_parameters` is by `rope_type`",
        ),
        (
            "qwen2",
            json!({"layer_types": ["full_attention", "sliding_attention"]}),
            "`layer_types` and `use_sliding_window`",
        ),
    ];
    for (name, fields, wanted) in cases {
        let error = read(&with(name, &fields)).unwrap_err();
        assert!(error.contains(wanted) || error.contains(&wanted.replace("\\\"", "\"")), "{fields}: {error}");
    }
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_made() {
    let cases = [
        (
            json!({"num_hidden_layers": 1_000_000_000_000_u64}),
            "`layers` is 1000000000000; it must be between 1 and 1024",
        ),
        (json!({"num_hidden_layers": 0}), "`layers` is 0"),
        (json!({"num_attention_heads": 0}), "`heads` is 0"),
        (json!({"num_key_value_heads": 0}), "`key_value_heads` is 0"),
        (json!({"num_key_value_heads": 3}), "4 query heads cannot be shared out among 3"),
        (
            json!({"num_attention_heads": 3, "num_key_value_heads": 3, "head_dim": null}),
            "`hidden_size` and `num_attention_heads`",
        ),
        (json!({"head_dim": 5}), "a rotary embedding of 5 entries has no pairs"),
        (json!({"head_dim": 1_000_000_000}), "`head_width` is 1000000000"),
        (json!({"head_dim": 1_000_000}), "`heads * head_width` is 4000000"),
        (json!({"hidden_size": 0, "head_dim": 8}), "`hidden` is 0"),
        (json!({"vocab_size": u64::MAX}), "`vocabulary` is 18446744073709551615"),
        (json!({"vocab_size": -1}), "invalid value"),
        (json!({"vocab_size": 1.5}), "invalid type"),
        (json!({"vocab_size": null}), "`vocab_size` is missing"),
        (json!({"max_position_embeddings": 0}), "`context` is 0"),
        (json!({"rms_norm_eps": 0.0}), "`norm.epsilon` is 0"),
        (json!({"rope_parameters": {"rope_type": "default", "rope_theta": 0.0}}), "`rope.theta` is 0"),
        (json!({"rope_parameters": {"rope_type": "linear", "factor": -1.0}}), "`rope.factor` is -1"),
        (json!({"rope_parameters": {"rope_type": "linear"}}), "`factor` is missing"),
        (
            json!({"rope_parameters": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8}}),
            "`rope.high - rope.low` is 0",
        ),
    ];
    for (fields, wanted) in cases {
        let error = read(&with("llama_plain", &fields)).unwrap_err();
        assert!(error.contains(wanted), "{fields}: {error}");
    }
    for (original, wanted) in [(0, "`rope.original_context` is 0"), (1, "")] {
        let mut config = golden("phi3_long", "config.json");
        config["original_max_position_embeddings"] = original.into();
        // With a context of 1 the logarithm is 0 and the factor infinite.
        let error = read(&config).unwrap_err();
        assert!(error.contains(wanted), "{error}");
    }
    let mut config = golden("phi3_long", "config.json");
    config["rope_parameters"]["long_factor"] = json!([1.0]);
    assert!(read(&config).unwrap_err().contains("`rope.long` has 1 entries; the rotary embedding has 4"));
}

#[test]
fn what_files_leave_out_is_what_transformers_takes() {
    assert_eq!(read(&without("mistral", "sliding_window")).unwrap().layers[0].window, Some(4096));
    assert!(read(&without("gemma3", "tie_word_embeddings")).unwrap().tied_embeddings);
    assert!(!read(&without("llama_plain", "tie_word_embeddings")).unwrap().tied_embeddings);
    assert_eq!(read(&without("llama_plain", "num_key_value_heads")).unwrap().key_value_heads, 4);
    assert_eq!(read(&without("llama_plain", "rope_theta")).unwrap().ropes[0].theta, 10_000.0);
    assert_eq!(read(&without("ernie4_5", "rope_theta")).unwrap().ropes[0].theta, 500_000.0);
    assert!(read(&without("ernie4_5_biases", "tie_word_embeddings")).unwrap().tied_embeddings);
    assert!(read(&without("ernie4_5", "head_dim")).unwrap_err().contains("`head_dim` is missing"));
    assert_eq!(read(&without("llama_plain", "head_dim")).unwrap().head_width, 8);
    let windows: Vec<_> = read(&golden("qwen2_window", "config.hub.json")).unwrap().layers;
    assert_eq!(windows, [LayerSpec { window: None, rope: 0 }, LayerSpec { window: Some(4), rope: 0 }]);
    let mut phi = golden("phi3_long", "config.hub.json");
    phi["rope_scaling"]["type"] = "su".into();
    assert!(matches!(read(&phi).unwrap().ropes[0].scaling, RopeScaling::LongRope { .. }));
    let nulls = json!({"quantization_config": null, "num_local_experts": null, "rope_interleaved": false});
    read(&with("llama_plain", &nulls)).unwrap();
}

#[test]
fn texts_that_are_no_configuration_are_errors() {
    for text in ["", "{}", "[]", "null", "{\"model_type\": 1}", "\u{feff}{}", &"[".repeat(100_000)] {
        assert!(read_config(text).is_err());
    }
}

proptest! {
    #[test]
    fn any_value_in_any_field_is_read_or_refused(
        name in prop::sample::select(goldens()), field in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            json!(null), json!(0), json!(1), json!(-1), json!(7), json!(1e300), json!(u64::MAX), json!(0.5), json!("a"),
            json!([]), json!([1]), json!({}), json!(true), json!(1_u64 << 40),
        ]),
    ) {
        let mut config = golden(&name, "config.json");
        let keys: Vec<String> = config.as_object().unwrap().keys().cloned().collect();
        config[field.get(&keys)] = value;
        if let Ok(spec) = read_config(&config.to_string()) {
            prop_assert!(spec.validate().is_ok());
            let _ = spec.parameters();
        }
    }
}
