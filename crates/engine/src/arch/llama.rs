//! Llama 3.1 and 3.2, `SmolLM2`, H2O-Danube 3.1 and whatever else calls itself Llama.

use super::config::RawConfig;
use super::config_error::ConfigError;
use crate::spec::{Biases, DecoderSpec};

pub(super) fn spec(raw: &RawConfig) -> Result<DecoderSpec, ConfigError> {
    let width = raw.head_width()?;
    let attention = raw.attention_bias.unwrap_or(false);
    let biases =
        Biases { query_key_value: attention, output: attention, feed_forward: raw.mlp_bias.unwrap_or(false) };
    Ok(DecoderSpec { biases, ..raw.plain(width, raw.rope(width, false)?)? })
}
