//! Mistral: a Llama all of whose layers see a window.

use super::config::{RawConfig, RawWindow, require, unsupported};
use super::config_error::ConfigError;
use crate::spec::{DecoderSpec, LayerSpec};

/// What transformers takes where a file does not say; null is no window.
const DEFAULT_WINDOW: usize = 4096;

pub(super) fn spec(raw: &RawConfig) -> Result<DecoderSpec, ConfigError> {
    require("num_key_value_heads", raw.num_key_value_heads)?;
    let window = match raw.sliding_window {
        RawWindow::Absent => Some(DEFAULT_WINDOW),
        stated => stated.tokens(),
    };
    // Ministral alternates; transformers reads such a file as Mistral with a warning, and wrongly.
    if raw.sliding_layers(|_| window.is_some())?.iter().any(|slides| *slides != window.is_some()) {
        return Err(unsupported("layer_types", "not the same for all layers"));
    }
    let width = raw.head_width()?;
    let plain = raw.plain(width, raw.rope(width, false)?)?;
    Ok(DecoderSpec { layers: vec![LayerSpec { window, rope: 0 }; plain.layers.len()], ..plain })
}
