//! Rotary embeddings as `config.json` writes them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::{RawConfig, require, unsupported};
use super::config_error::ConfigError;
use crate::spec::{Rope, RopePairs, RopeScaling};

/// The default of transformers, for files of the first Llamas.
const DEFAULT_THETA: f64 = 10_000.0;

/// Python's `int(head_dim * factor)`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a head, rounded down"
)]
fn rotated_width(head_width: usize, share: f64) -> usize {
    (head_width as f64 * share) as usize
}

impl RawConfig {
    /// The rotary embedding of all layers, of whichever dialect. Only `partial` architectures may rotate
    /// less than a whole head.
    pub(super) fn rope(&self, head_width: usize, partial: bool) -> Result<Rope, ConfigError> {
        self.rope_with(head_width, partial, DEFAULT_THETA)
    }

    /// The same, where a file without `rope_theta` means another one.
    pub(super) fn rope_with(
        &self,
        head_width: usize,
        partial: bool,
        default_theta: f64,
    ) -> Result<Rope, ConfigError> {
        let raw = match (&self.rope_scaling, &self.rope_parameters) {
            (Some(_), Some(_)) => {
                return Err(ConfigError::Contradiction { first: "rope_scaling", second: "rope_parameters" });
            }
            (Some(map), None) => RawRope::read("rope_scaling", map)?,
            (None, Some(map)) => RawRope::read("rope_parameters", map)?,
            (None, None) => RawRope::default(),
        };
        let share = raw.partial_rotary_factor.or(self.partial_rotary_factor).unwrap_or(1.0);
        if share != 1.0 && !(partial && share > 0.0 && share < 1.0) {
            return Err(unsupported("partial_rotary_factor", &share.to_string()));
        }
        Ok(Rope {
            theta: raw.rope_theta.or(self.rope_theta).unwrap_or(default_theta),
            width: rotated_width(head_width, share),
            pairs: RopePairs::Halves,
            scaling: raw.scaling(self)?,
        })
    }
}

/// `rope_scaling`, flat `rope_parameters`, or one entry of nested ones.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRope {
    rope_type: Option<String>,
    /// What `rope_type` was called first.
    #[serde(rename = "type")]
    kind: Option<String>,
    pub(super) rope_theta: Option<f64>,
    pub(super) partial_rotary_factor: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<usize>,
    short_factor: Option<Vec<f32>>,
    long_factor: Option<Vec<f32>>,
    attention_factor: Option<f64>,
    // Keys of kinds that are refused, so that the message names the kind and not the key.
    #[serde(rename = "beta_fast")]
    _beta_fast: Option<Value>,
    #[serde(rename = "beta_slow")]
    _beta_slow: Option<Value>,
    #[serde(rename = "mscale")]
    _mscale: Option<Value>,
    #[serde(rename = "mscale_all_dim")]
    _mscale_all_dim: Option<Value>,
    #[serde(rename = "mrope_section")]
    _mrope_section: Option<Value>,
    #[serde(rename = "truncate")]
    _truncate: Option<Value>,
    #[serde(rename = "alpha")]
    _alpha: Option<Value>,
}

impl RawRope {
    pub(super) fn read(field: &'static str, map: &Map<String, Value>) -> Result<Self, ConfigError> {
        Self::deserialize(Value::Object(map.clone())).map_err(|source| ConfigError::Field { field, source })
    }

    pub(super) fn kind(&self) -> &str {
        self.rope_type.as_deref().or(self.kind.as_deref()).unwrap_or("default")
    }

    /// How frequencies are stretched, with what `config` says beside it.
    pub(super) fn scaling(&self, config: &RawConfig) -> Result<RopeScaling, ConfigError> {
        match self.kind() {
            "default" => Ok(RopeScaling::None),
            "linear" => Ok(RopeScaling::Linear { factor: require("factor", self.factor)? }),
            "llama3" => Ok(RopeScaling::Llama3 {
                factor: require("factor", self.factor)?,
                low: require("low_freq_factor", self.low_freq_factor)?,
                high: require("high_freq_factor", self.high_freq_factor)?,
                original_context: self.original_context(config)?,
            }),
            "longrope" => self.long(config),
            // Files of the first Phi-3 call it so, and transformers reads both as LongRoPE.
            "su" | "yarn" if config.model_type == "phi3" => self.long(config),
            other => Err(unsupported("rope_type", other)),
        }
    }

    fn long(&self, config: &RawConfig) -> Result<RopeScaling, ConfigError> {
        let original_context = self.original_context(config)?;
        let factor = match self.factor {
            Some(factor) => factor,
            None => config.context()? as f64 / original_context as f64,
        };
        let attention_factor = match self.attention_factor {
            Some(factor) => factor,
            None if factor <= 1.0 => 1.0,
            None => (1.0 + factor.ln() / (original_context as f64).ln()).sqrt(),
        };
        Ok(RopeScaling::LongRope {
            short: require("short_factor", self.short_factor.clone())?,
            long: require("long_factor", self.long_factor.clone())?,
            attention_factor,
            original_context,
        })
    }

    /// Phi-3 writes it beside the rotary embedding, and that wins.
    fn original_context(&self, config: &RawConfig) -> Result<usize, ConfigError> {
        let beside = config.original_max_position_embeddings;
        require("original_max_position_embeddings", beside.or(self.original_max_position_embeddings))
    }
}
