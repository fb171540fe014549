//! `config.json` as it is written, the fields of all architectures in one.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::config_error::ConfigError;
use crate::spec::{Activation, Biases, DecoderSpec, Fusion, LayerSpec, MAX_LAYERS, Multipliers, Norm, Rope};
use crate::spec_error::SpecError;

/// The fields that are read. A field that another architecture owns is ignored, as transformers does; one that
/// no decoder here has is refused.
#[derive(Debug, Clone, Deserialize)]
pub struct RawConfig {
    pub(super) model_type: String,
    pub(super) vocab_size: Option<usize>,
    pub(super) hidden_size: Option<usize>,
    pub(super) intermediate_size: Option<usize>,
    pub(super) num_hidden_layers: Option<usize>,
    pub(super) num_attention_heads: Option<usize>,
    pub(super) num_key_value_heads: Option<usize>,
    pub(super) head_dim: Option<usize>,
    pub(super) hidden_act: Option<String>,
    pub(super) hidden_activation: Option<String>,
    pub(super) max_position_embeddings: Option<usize>,
    pub(super) original_max_position_embeddings: Option<usize>,
    pub(super) rms_norm_eps: Option<f64>,
    pub(super) rope_theta: Option<f64>,
    pub(super) rope_local_base_freq: Option<f64>,
    pub(super) rope_scaling: Option<Map<String, Value>>,
    pub(super) rope_parameters: Option<Map<String, Value>>,
    pub(super) partial_rotary_factor: Option<f64>,
    pub(super) attention_bias: Option<bool>,
    pub(super) mlp_bias: Option<bool>,
    pub(super) use_bias: Option<bool>,
    pub(super) tie_word_embeddings: Option<bool>,
    #[serde(default)]
    pub(super) sliding_window: RawWindow,
    pub(super) use_sliding_window: Option<bool>,
    pub(super) max_window_layers: Option<usize>,
    pub(super) layer_types: Option<Vec<String>>,
    pub(super) sliding_window_pattern: Option<usize>,
    pub(super) query_pre_attn_scalar: Option<f64>,
    pub(super) final_logit_softcapping: Option<f64>,
    pub(super) embedding_multiplier: Option<f64>,
    pub(super) attention_multiplier: Option<f64>,
    pub(super) residual_multiplier: Option<f64>,
    pub(super) logits_scaling: Option<f64>,
    attn_logit_softcapping: Option<Value>,
    quantization_config: Option<Value>,
    compression_config: Option<Value>,
    text_config: Option<Value>,
    vision_config: Option<Value>,
    num_local_experts: Option<Value>,
    num_experts: Option<Value>,
    use_bidirectional_attention: Option<Value>,
    rope_interleaved: Option<Value>,
}

/// `sliding_window`. Absent and null differ: Mistral's default is a window, null is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum RawWindow {
    #[default]
    Absent,
    Null,
    Tokens(usize),
}

impl RawWindow {
    /// The window, if there is one.
    pub(super) fn tokens(self) -> Option<usize> {
        match self {
            Self::Absent | Self::Null => None,
            Self::Tokens(tokens) => Some(tokens),
        }
    }
}

impl<'de> Deserialize<'de> for RawWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Tokens))
    }
}

/// The one word for a layer that sees all before it.
pub(super) const FULL: &str = "full_attention";
/// The one word for a layer that sees a window.
pub(super) const SLIDING: &str = "sliding_attention";

impl RawConfig {
    /// # Errors
    /// [`ConfigError::Unsupported`] naming the first field that is neither absent, null nor false.
    pub(super) fn refuse_what_no_decoder_has(&self) -> Result<(), ConfigError> {
        let fields = [
            ("attn_logit_softcapping", &self.attn_logit_softcapping),
            ("quantization_config", &self.quantization_config),
            ("compression_config", &self.compression_config),
            ("text_config", &self.text_config),
            ("vision_config", &self.vision_config),
            ("num_local_experts", &self.num_local_experts),
            ("num_experts", &self.num_experts),
            ("use_bidirectional_attention", &self.use_bidirectional_attention),
            ("rope_interleaved", &self.rope_interleaved),
        ];
        for (field, value) in fields {
            if let Some(value) = value.as_ref().filter(|value| !matches!(value, Value::Bool(false))) {
                return Err(unsupported(field, &excerpt(&value.to_string())));
            }
        }
        Ok(())
    }

    /// The decoder of a Llama without scaled rotary embedding, windows or biases, on which the others build.
    /// `rope` is the rotary embedding of all layers.
    pub(super) fn plain(&self, head_width: usize, rope: Rope) -> Result<DecoderSpec, ConfigError> {
        let gate = activation("hidden_act", self.hidden_act.as_deref())?;
        self.plain_with(gate, head_width, rope)
    }

    /// The same, where the activation stands in another field.
    pub(super) fn plain_with(
        &self,
        activation: Activation,
        head_width: usize,
        rope: Rope,
    ) -> Result<DecoderSpec, ConfigError> {
        let heads = self.heads()?;
        let layers = self.layer_count()?;
        Ok(DecoderSpec {
            architecture: self.model_type.clone(),
            vocabulary: require("vocab_size", self.vocab_size)?,
            hidden: require("hidden_size", self.hidden_size)?,
            intermediate: require("intermediate_size", self.intermediate_size)?,
            heads,
            key_value_heads: self.num_key_value_heads.unwrap_or(heads),
            head_width,
            context: self.context()?,
            norm: Norm { epsilon: require("rms_norm_eps", self.rms_norm_eps)?, offset: 0.0 },
            activation,
            fusion: Fusion::default(),
            biases: Biases::default(),
            query_key_norm: false,
            output_norms: false,
            tied_embeddings: self.tie_word_embeddings.unwrap_or(false),
            multipliers: Multipliers::default(),
            // As transformers raises it, so that the last bit agrees.
            attention_scale: (head_width as f64).powf(-0.5),
            logit_cap: None,
            layers: vec![LayerSpec { window: None, rope: 0 }; layers],
            ropes: vec![rope],
        })
    }

    pub(super) fn heads(&self) -> Result<usize, ConfigError> {
        let heads = require("num_attention_heads", self.num_attention_heads)?;
        if heads == 0 {
            return Err(ConfigError::Spec(SpecError::Size { field: "heads", value: 0, max: usize::MAX }));
        }
        Ok(heads)
    }

    /// `head_dim`, or where it is absent the heads' share of the residual stream.
    pub(super) fn head_width(&self) -> Result<usize, ConfigError> {
        if let Some(width) = self.head_dim {
            return Ok(width);
        }
        let (heads, hidden) = (self.heads()?, require("hidden_size", self.hidden_size)?);
        if !hidden.is_multiple_of(heads) {
            return Err(ConfigError::Contradiction { first: "hidden_size", second: "num_attention_heads" });
        }
        Ok(hidden / heads)
    }

    pub(super) fn context(&self) -> Result<usize, ConfigError> {
        require("max_position_embeddings", self.max_position_embeddings)
    }

    /// Checked before anything is as long as it.
    pub(super) fn layer_count(&self) -> Result<usize, ConfigError> {
        let value = require("num_hidden_layers", self.num_hidden_layers)?;
        if value > MAX_LAYERS {
            return Err(ConfigError::Spec(SpecError::Size { field: "layers", value, max: MAX_LAYERS }));
        }
        Ok(value)
    }

    /// Whether each layer sees a window: `layer_types` where it is there, else what the architecture says.
    pub(super) fn sliding_layers(&self, otherwise: impl Fn(usize) -> bool) -> Result<Vec<bool>, ConfigError> {
        let count = self.layer_count()?;
        let Some(types) = &self.layer_types else {
            return Ok((0..count).map(otherwise).collect());
        };
        if types.len() != count {
            return Err(ConfigError::Contradiction { first: "layer_types", second: "num_hidden_layers" });
        }
        types
            .iter()
            .map(|name| match name.as_str() {
                FULL => Ok(false),
                SLIDING => Ok(true),
                other => Err(unsupported("layer_types", other)),
            })
            .collect()
    }

    /// Layers with the window where `sliding` says so; rope 0 throughout.
    pub(super) fn windowed(&self, sliding: &[bool]) -> Result<Vec<LayerSpec>, ConfigError> {
        let window = self.sliding_window.tokens();
        if window.is_none() && sliding.contains(&true) {
            return Err(ConfigError::Missing { field: "sliding_window" });
        }
        Ok(sliding.iter().map(|slides| LayerSpec { window: window.filter(|_| *slides), rope: 0 }).collect())
    }
}

pub(super) fn require<T>(field: &'static str, value: Option<T>) -> Result<T, ConfigError> {
    value.ok_or(ConfigError::Missing { field })
}

pub(super) fn unsupported(field: &'static str, value: &str) -> ConfigError {
    ConfigError::Unsupported { field, value: excerpt(value) }
}

pub(super) fn activation(field: &'static str, name: Option<&str>) -> Result<Activation, ConfigError> {
    match require(field, name)? {
        "silu" | "swish" => Ok(Activation::Silu),
        "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
        "gelu" => Ok(Activation::Gelu),
        other => Err(unsupported(field, other)),
    }
}

/// A field's value for a message, cut where it grows long.
fn excerpt(value: &str) -> String {
    const MAX_CHARACTERS: usize = 60;
    match value.char_indices().nth(MAX_CHARACTERS) {
        Some((cut, _)) => format!("{}..", &value[..cut]),
        None => value.to_owned(),
    }
}
