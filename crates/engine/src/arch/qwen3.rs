//! Qwen 3: each head's queries and keys are normalised.

use super::config::{RawConfig, require};
use super::config_error::ConfigError;
use super::qwen2;
use crate::spec::{Biases, DecoderSpec};

pub(super) fn spec(raw: &RawConfig) -> Result<DecoderSpec, ConfigError> {
    require("num_key_value_heads", raw.num_key_value_heads)?;
    let width = require("head_dim", raw.head_dim)?;
    let attention = raw.attention_bias.unwrap_or(false);
    Ok(DecoderSpec {
        biases: Biases { query_key_value: attention, output: attention, feed_forward: false },
        query_key_norm: true,
        layers: qwen2::layers(raw)?,
        ..raw.plain(width, raw.rope(width, false)?)?
    })
}
