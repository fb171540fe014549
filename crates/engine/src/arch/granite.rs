//! Granite 3: a Llama with four multipliers.

use super::config::RawConfig;
use super::config_error::ConfigError;
use super::llama;
use crate::spec::{DecoderSpec, Multipliers};

pub(super) fn spec(raw: &RawConfig) -> Result<DecoderSpec, ConfigError> {
    let multipliers = Multipliers {
        embedding: raw.embedding_multiplier.unwrap_or(1.0),
        residual: raw.residual_multiplier.unwrap_or(1.0),
        logits_divisor: raw.logits_scaling.unwrap_or(1.0),
    };
    // Instead of 1 / sqrt(head_width), and 1 where it is absent.
    let attention_scale = raw.attention_multiplier.unwrap_or(1.0);
    Ok(DecoderSpec { multipliers, attention_scale, ..llama::spec(raw)? })
}
