//! Qwen 2 and 2.5: biases of query, key and value, and windows in the upper layers where they are requested.

use super::config::{RawConfig, RawWindow, require};
use super::config_error::ConfigError;
use crate::spec::{Biases, DecoderSpec, LayerSpec};

pub(super) fn spec(raw: &RawConfig) -> Result<DecoderSpec, ConfigError> {
    require("num_key_value_heads", raw.num_key_value_heads)?;
    let width = raw.head_width()?;
    Ok(DecoderSpec {
        biases: Biases { query_key_value: true, ..Biases::default() },
        layers: layers(raw)?,
        ..raw.plain(width, raw.rope(width, false)?)?
    })
}

/// Without `use_sliding_window` a window that the file gives is none; else the layers from
/// `max_window_layers` on see it.
pub(super) fn layers(raw: &RawConfig) -> Result<Vec<LayerSpec>, ConfigError> {
    if !raw.use_sliding_window.unwrap_or(false) || raw.sliding_window == RawWindow::Null {
        if raw.sliding_layers(|_| false)?.contains(&true) {
            return Err(ConfigError::Contradiction { first: "layer_types", second: "use_sliding_window" });
        }
        return Ok(vec![LayerSpec { window: None, rope: 0 }; raw.layer_count()?]);
    }
    let first = match &raw.layer_types {
        Some(_) => 0,
        None => require("max_window_layers", raw.max_window_layers)?,
    };
    raw.windowed(&raw.sliding_layers(|layer| layer >= first)?)
}
