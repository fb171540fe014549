//! ERNIE 4.5 without experts: a Llama that rotates neighbouring entries of a head, with all biases or none.

use super::config::{RawConfig, require};
use super::config_error::ConfigError;
use crate::spec::{Biases, DecoderSpec, Rope, RopePairs};

/// What transformers takes where a file does not say.
const DEFAULT_THETA: f64 = 500_000.0;

pub(super) fn spec(raw: &RawConfig) -> Result<DecoderSpec, ConfigError> {
    require("num_key_value_heads", raw.num_key_value_heads)?;
    let width = require("head_dim", raw.head_dim)?;
    let rope = Rope { pairs: RopePairs::Interleaved, ..raw.rope_with(width, false, DEFAULT_THETA)? };
    let bias = raw.use_bias.unwrap_or(false);
    Ok(DecoderSpec {
        biases: Biases { query_key_value: bias, output: bias, feed_forward: bias },
        tied_embeddings: raw.tie_word_embeddings.unwrap_or(true),
        ..raw.plain(width, rope)?
    })
}
