//! Phi-3 and Phi-3.5: fused projections, `LongRoPE`.

use super::config::RawConfig;
use super::config_error::ConfigError;
use crate::spec::{DecoderSpec, Fusion, LayerSpec};

pub(super) fn spec(raw: &RawConfig) -> Result<DecoderSpec, ConfigError> {
    let width = raw.head_width()?;
    let plain = raw.plain(width, raw.rope(width, true)?)?;
    Ok(DecoderSpec {
        fusion: Fusion { query_key_value: true, gate_up: true },
        layers: vec![LayerSpec { window: raw.sliding_window.tokens(), rope: 0 }; plain.layers.len()],
        ..plain
    })
}
