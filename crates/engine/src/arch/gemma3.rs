//! Gemma 3, text only: four norms a block with weights around 0, normalised queries and keys, a scaled
//! embedding, and two rotary embeddings: one for the layers that see a window, one for the others.

use serde_json::{Map, Value};

use super::config::{FULL, RawConfig, SLIDING, activation, require, unsupported};
use super::config_error::ConfigError;
use super::rope::RawRope;
use crate::spec::{Biases, DecoderSpec, LayerSpec, Multipliers, Norm, Rope, RopePairs};

/// What transformers takes where a file does not say.
const GLOBAL_THETA: f64 = 1_000_000.0;
/// What transformers takes where a file does not say.
const LOCAL_THETA: f64 = 10_000.0;
/// Every which layer sees all, where a file says neither this nor `layer_types`.
const PATTERN: usize = 6;

/// Index of the rotary embedding of layers that see all.
const GLOBAL: usize = 0;
/// Index of that of layers that see a window.
const LOCAL: usize = 1;

pub(super) fn spec(raw: &RawConfig) -> Result<DecoderSpec, ConfigError> {
    require("num_key_value_heads", raw.num_key_value_heads)?;
    let width = require("head_dim", raw.head_dim)?;
    let [global, local] = ropes(raw, width)?;
    let gate = activation("hidden_activation", raw.hidden_activation.as_deref())?;
    let plain = raw.plain_with(gate, width, global.clone())?;
    let attention = raw.attention_bias.unwrap_or(false);
    let scale = require("query_pre_attn_scalar", raw.query_pre_attn_scalar)?;
    Ok(DecoderSpec {
        norm: Norm { offset: 1.0, ..plain.norm },
        biases: Biases { query_key_value: attention, output: attention, feed_forward: false },
        query_key_norm: true,
        output_norms: true,
        tied_embeddings: raw.tie_word_embeddings.unwrap_or(true),
        multipliers: Multipliers { embedding: (plain.hidden as f64).sqrt(), ..plain.multipliers },
        attention_scale: scale.powf(-0.5),
        logit_cap: raw.final_logit_softcapping,
        layers: layers(raw)?,
        ropes: vec![global, local],
        ..plain
    })
}

fn layers(raw: &RawConfig) -> Result<Vec<LayerSpec>, ConfigError> {
    let pattern = raw.sliding_window_pattern.unwrap_or(PATTERN);
    if pattern == 0 {
        return Err(unsupported("sliding_window_pattern", "0"));
    }
    let sliding = raw.sliding_layers(|layer| !(layer + 1).is_multiple_of(pattern))?;
    let mut layers = raw.windowed(&sliding)?;
    for (layer, slides) in layers.iter_mut().zip(sliding) {
        layer.rope = if slides { LOCAL } else { GLOBAL };
    }
    Ok(layers)
}

/// The global and the local rotary embedding. `rope_scaling` speaks of the global one.
fn ropes(raw: &RawConfig, width: usize) -> Result<[Rope; 2], ConfigError> {
    let (global, local) = match (&raw.rope_scaling, &raw.rope_parameters) {
        (Some(_), Some(_)) => {
            return Err(ConfigError::Contradiction { first: "rope_scaling", second: "rope_parameters" });
        }
        (Some(scaling), None) => (RawRope::read("rope_scaling", scaling)?, RawRope::default()),
        (None, Some(both)) => (nested(both, FULL)?, nested(both, SLIDING)?),
        (None, None) => (RawRope::default(), RawRope::default()),
    };
    let rope = |rope: &RawRope, theta: Option<f64>, default: f64| {
        if rope.partial_rotary_factor.or(raw.partial_rotary_factor).is_some_and(|share| share != 1.0) {
            return Err(unsupported("partial_rotary_factor", "not 1"));
        }
        Ok(Rope {
            theta: rope.rope_theta.or(theta).unwrap_or(default),
            width,
            pairs: RopePairs::Halves,
            scaling: rope.scaling(raw)?,
        })
    };
    Ok([rope(&global, raw.rope_theta, GLOBAL_THETA)?, rope(&local, raw.rope_local_base_freq, LOCAL_THETA)?])
}

/// One entry of `rope_parameters`, by the kind of layer.
fn nested(both: &Map<String, Value>, kind: &str) -> Result<RawRope, ConfigError> {
    const FIELD: &str = "rope_parameters";
    if let Some(key) = both.keys().find(|key| ![FULL, SLIDING].contains(&key.as_str())) {
        return Err(unsupported(FIELD, &format!("by `{key}`, and not by kind of layer")));
    }
    match both.get(kind) {
        None | Some(Value::Null) => Ok(RawRope::default()),
        Some(Value::Object(map)) => RawRope::read(FIELD, map),
        Some(other) => Err(unsupported(FIELD, &other.to_string())),
    }
}
