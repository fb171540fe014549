//! Architectures: from `config.json` to a [`DecoderSpec`], one file each.
//!
//! Both dialects of `config.json` are read: `rope_scaling`, `rope_theta` and `torch_dtype` of most files on
//! the hub, `rope_parameters` and `dtype` of transformers 5. Fields that would change what a model says and
//! that the decoder does not have are refused by name.

mod config;
mod config_error;
mod ernie4_5;
mod gemma3;
mod granite;
mod llama;
mod mistral;
mod phi3;
mod qwen2;
mod qwen3;
mod rope;

pub use config::RawConfig;
pub use config_error::ConfigError;

use crate::spec::DecoderSpec;

/// An architecture that is understood.
#[derive(Debug, Clone, Copy)]
pub struct Architecture {
    /// `model_type` of `config.json`.
    pub model_type: &'static str,
    map: fn(&RawConfig) -> Result<DecoderSpec, ConfigError>,
}

/// All architectures.
pub const ARCHITECTURES: &[Architecture] = &[
    Architecture { model_type: "ernie4_5", map: ernie4_5::spec },
    Architecture { model_type: "gemma3_text", map: gemma3::spec },
    Architecture { model_type: "granite", map: granite::spec },
    Architecture { model_type: "llama", map: llama::spec },
    Architecture { model_type: "mistral", map: mistral::spec },
    Architecture { model_type: "phi3", map: phi3::spec },
    Architecture { model_type: "qwen2", map: qwen2::spec },
    Architecture { model_type: "qwen3", map: qwen3::spec },
];

fn names() -> Vec<&'static str> {
    ARCHITECTURES.iter().map(|architecture| architecture.model_type).collect()
}

/// Reads the text of a `config.json`. The spec is validated.
///
/// # Errors
/// [`ConfigError`] if the text is no such JSON, the architecture is not among [`ARCHITECTURES`], or a field is
/// missing, absurd or asks for what the decoder does not have.
pub fn read_config(text: &str) -> Result<DecoderSpec, ConfigError> {
    let raw: RawConfig = serde_json::from_str(text).map_err(ConfigError::Json)?;
    let architecture = ARCHITECTURES
        .iter()
        .find(|architecture| architecture.model_type == raw.model_type)
        .ok_or_else(|| ConfigError::Architecture { found: raw.model_type.clone(), known: names() })?;
    raw.refuse_what_no_decoder_has()?;
    let spec = (architecture.map)(&raw)?;
    spec.validate().map_err(ConfigError::Spec)?;
    Ok(spec)
}
