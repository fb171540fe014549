//! What the metadata say about a model: its architecture, sizes and constants.

use super::error::HyperparameterError;
use super::header::Header;
use super::metadata::{Metadata, needed};
use super::names::{ROPE_FACTORS, ROPE_FACTORS_LONG, ROPE_FACTORS_SHORT};
use super::value::Value;

/// No size in a model is above this, so that products of two fit into 64 bits.
const MOST: usize = 1 << 31;
/// The base of rotary frequencies where a file does not say, as in llama.cpp.
const DEFAULT_ROPE_BASE: f64 = 10_000.0;
/// Gemma 3: one layer of so many sees everything.
const GEMMA3_PATTERN: usize = 6;
/// Gemma 3 of 27 billion parameters, by its number of layers, scales queries by the width of the model
/// over its heads and not by the width of a head. Files do not say so otherwise.
const GEMMA3_27B_LAYERS: usize = 62;

/// The architectures that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Architecture {
    /// Llama, Mistral, Danube, `SmolLM2`.
    Llama,
    /// Phi 3 and 3.5, with fused projections.
    Phi3,
    /// Qwen 2 and 2.5, with biases.
    Qwen2,
    /// Qwen 3, with normed queries and keys.
    Qwen3,
    /// Granite 3, with multipliers.
    Granite,
    /// The text part of Gemma 3.
    Gemma3,
}

const ARCHITECTURES: &[(&str, Architecture)] = &[
    ("llama", Architecture::Llama),
    ("phi3", Architecture::Phi3),
    ("qwen2", Architecture::Qwen2),
    ("qwen3", Architecture::Qwen3),
    ("granite", Architecture::Granite),
    ("gemma3", Architecture::Gemma3),
];

impl Architecture {
    /// Whether the file holds the rows of queries and keys with the two values that turn together side by
    /// side, not a half head apart.
    pub(super) fn interleaves(self) -> bool {
        matches!(self, Self::Llama | Self::Granite)
    }
}

/// How rotary frequencies are changed for long texts.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All divided by a number.
    Linear(f64),
    /// Each divided by its own, in the tensor `rope_freqs.weight`.
    Factors,
    /// Each divided by its own, from the tensors `rope_factors_short.weight` or `rope_factors_long.weight`.
    LongShort {
        /// Texts longer than this, in tokens, take the long ones.
        original_context: usize,
        /// What cosines and sines are multiplied with.
        attention_factor: f64,
    },
}

/// Rotary embeddings.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// The base of the frequencies.
    pub base: f64,
    /// How many of a head's values turn; even.
    pub dimensions: usize,
    /// What is done for long texts.
    pub scaling: RopeScaling,
}

/// Layers that see only what is near.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// How many tokens a token sees, itself among them.
    pub tokens: usize,
    /// Every layer whose number, from 1, is a multiple of this sees everything; 0: no layer does.
    pub pattern: usize,
    /// The base of the frequencies in layers that do not see everything; they are not scaled. None: as in
    /// the others.
    pub rope_base: Option<f64>,
}

/// Numbers that activations are multiplied with.
#[derive(Debug, Clone, PartialEq)]
pub struct Multipliers {
    /// Embeddings.
    pub embedding: f64,
    /// Products of queries and keys.
    pub attention: f64,
    /// What a block adds to the stream.
    pub residual: f64,
    /// What logits are *divided* by.
    pub logits_divisor: f64,
}

/// A model as the metadata describe it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperparameters {
    /// What kind of model it is.
    pub architecture: Architecture,
    /// Layers.
    pub layers: usize,
    /// Width of the stream.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub intermediate: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Rows of the embeddings.
    pub vocabulary: usize,
    /// The longest text, in tokens.
    pub context: usize,
    /// What is added under the root of a norm.
    pub norm_epsilon: f64,
    /// Rotary embeddings.
    pub rope: Rope,
    /// Layers that see only what is near.
    pub window: Option<Window>,
    /// Multipliers, 1 where there are none.
    pub multipliers: Multipliers,
    /// Whether the embeddings serve as the last projection, too.
    pub tied: bool,
}

impl Hyperparameters {
    /// Reads the metadata. Norm weights of Gemma 3 are stored with their 1 already added, so that norms of
    /// all architectures multiply with the weight as stored.
    ///
    /// # Errors
    /// An architecture or a feature that is not supported, a key that is missing, a number that cannot be.
    pub fn new(header: &Header) -> Result<Self, HyperparameterError> {
        const ARCHITECTURE: &str = "general.architecture";
        let metadata = &header.metadata;
        let name = needed(ARCHITECTURE, metadata.text(ARCHITECTURE)?)?;
        let known = ARCHITECTURES.iter().find(|(known, _)| *known == name);
        let Some(&(prefix, architecture)) = known else {
            let name = name.to_owned();
            return Err(HyperparameterError::Architecture { name });
        };
        let keys = Keys { metadata, prefix };
        keys.refuse_unsupported(architecture)?;
        let vocabulary = match header.tensors.get("token_embd.weight") {
            Some(info) if info.shape.len() == 2 => info.shape[0],
            _ => return Err(HyperparameterError::Embeddings),
        };
        let (hidden, layers) = (keys.size("embedding_length")?, keys.size("block_count")?);
        let (heads, kv_heads, head_dim) = keys.heads(hidden)?;
        let by_heads = architecture == Architecture::Gemma3 && layers == GEMMA3_27B_LAYERS;
        let scaled_by = if by_heads { hidden / heads } else { head_dim };
        Ok(Self {
            architecture,
            layers,
            hidden,
            intermediate: keys.size("feed_forward_length")?,
            heads,
            kv_heads,
            head_dim,
            vocabulary,
            context: keys.size("context_length")?,
            norm_epsilon: keys.positive("attention.layer_norm_rms_epsilon", None)?,
            rope: keys.rope(header, architecture, head_dim)?,
            window: keys.window(architecture)?,
            multipliers: keys.multipliers(architecture, hidden, scaled_by)?,
            tied: !header.tensors.contains_key("output.weight"),
        })
    }

    /// Whether a layer, from 0, sees only what is near.
    pub fn is_windowed(&self, layer: usize) -> bool {
        self.window
            .as_ref()
            .is_some_and(|window| window.pattern == 0 || !(layer + 1).is_multiple_of(window.pattern))
    }
}

/// The metadata under an architecture's name.
struct Keys<'a> {
    metadata: &'a Metadata,
    prefix: &'static str,
}

impl Keys<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn optional_size(&self, name: &str) -> Result<Option<usize>, HyperparameterError> {
        let key = self.key(name);
        let size = self.metadata.count(&key)?;
        if let Some(size) = size
            && (size == 0 || size > MOST)
        {
            let (value, problem) = (size as f64, "not between 1 and 2^31");
            return Err(HyperparameterError::Value { key, value, problem });
        }
        Ok(size)
    }

    fn size(&self, name: &str) -> Result<usize, HyperparameterError> {
        Ok(needed(&self.key(name), self.optional_size(name)?)?)
    }

    /// A float above zero.
    fn positive(&self, name: &str, default: Option<f64>) -> Result<f64, HyperparameterError> {
        let key = self.key(name);
        let value = needed(&key, self.metadata.float(&key)?.or(default))?;
        if value > 0.0 {
            return Ok(value);
        }
        let problem = "not above 0";
        Err(HyperparameterError::Value { key, value, problem })
    }

    fn problem(&self, name: &str, value: usize, problem: &'static str) -> HyperparameterError {
        let (key, value) = (self.key(name), value as f64);
        HyperparameterError::Value { key, value, problem }
    }

    fn unsupported(&self, name: &str, feature: impl Into<String>) -> HyperparameterError {
        let (key, feature) = (self.key(name), feature.into());
        HyperparameterError::Unsupported { key, feature }
    }

    /// What changes a model's results and is not carried out here.
    fn refuse_unsupported(&self, architecture: Architecture) -> Result<(), HyperparameterError> {
        for (name, feature) in [
            ("expert_count", "experts"),
            ("attn_logit_softcapping", "bounded attention scores"),
            ("final_logit_softcapping", "bounded logits"),
            ("attention.clamp_kqv", "bounded projections"),
            ("pooling_type", "pooling"),
        ] {
            match self.metadata.get(&self.key(name)) {
                None | Some(Value::Unsigned(0)) => {}
                Some(Value::Float(float)) if *float == 0.0 => {}
                Some(_) => return Err(self.unsupported(name, feature)),
            }
        }
        if self.metadata.boolean(&self.key("attention.causal"))? == Some(false) {
            return Err(self.unsupported("attention.causal", "attention to what follows"));
        }
        // llama.cpp takes `finetuned` = false of a Granite model to mean that nothing turns.
        let finetuned = self.metadata.boolean(&self.key("rope.scaling.finetuned"))?;
        if architecture == Architecture::Granite && finetuned == Some(false) {
            return Err(self.unsupported("rope.scaling.finetuned", "no rotary embeddings"));
        }
        match self.metadata.text("general.type")? {
            None | Some("model") => Ok(()),
            Some(kind) => Err(HyperparameterError::Unsupported {
                key: "general.type".to_owned(),
                feature: format!("`{}`", super::header_error::shown(kind)),
            }),
        }
    }

    /// Heads of queries, heads of keys, width of a head.
    fn heads(&self, hidden: usize) -> Result<(usize, usize, usize), HyperparameterError> {
        let heads = self.size("attention.head_count")?;
        let kv_heads = self.optional_size("attention.head_count_kv")?;
        let kv_heads = kv_heads.unwrap_or(heads);
        if !heads.is_multiple_of(kv_heads) {
            let problem = "no divisor of the number of heads";
            return Err(self.problem("attention.head_count_kv", kv_heads, problem));
        }
        let head_dim = match self.optional_size("attention.key_length")? {
            Some(head_dim) => head_dim,
            None if hidden.is_multiple_of(heads) => hidden / heads,
            None => {
                let problem = "no divisor of the model's width";
                return Err(self.problem("attention.head_count", heads, problem));
            }
        };
        let value_dim = self.optional_size("attention.value_length")?;
        if let Some(value_dim) = value_dim
            && value_dim != head_dim
        {
            let problem = "not the width of keys";
            return Err(self.problem("attention.value_length", value_dim, problem));
        }
        if head_dim.saturating_mul(heads) > MOST {
            let problem = "too many for heads of that width";
            return Err(self.problem("attention.head_count", heads, problem));
        }
        Ok((heads, kv_heads, head_dim))
    }

    fn rope(
        &self,
        header: &Header,
        architecture: Architecture,
        head_dim: usize,
    ) -> Result<Rope, HyperparameterError> {
        const DIMENSIONS: &str = "rope.dimension_count";
        let dimensions = self.optional_size(DIMENSIONS)?.unwrap_or(head_dim);
        if dimensions > head_dim || !dimensions.is_multiple_of(2) {
            let problem = "odd, or more than a head has";
            return Err(self.problem(DIMENSIONS, dimensions, problem));
        }
        if architecture.interleaves() && dimensions != head_dim {
            return Err(self.unsupported(DIMENSIONS, "a part of each head to turn"));
        }
        Ok(Rope {
            base: self.positive("rope.freq_base", Some(DEFAULT_ROPE_BASE))?,
            dimensions,
            scaling: self.rope_scaling(header)?,
        })
    }

    fn rope_scaling(&self, header: &Header) -> Result<RopeScaling, HyperparameterError> {
        const TYPE: &str = "rope.scaling.type";
        let key = self.key(TYPE);
        let kind = self.metadata.text(&key)?;
        let long_short = [ROPE_FACTORS_LONG, ROPE_FACTORS_SHORT];
        if long_short.iter().any(|name| header.tensors.contains_key(*name)) {
            let context = self.size("context_length")?;
            let original = self.optional_size("rope.scaling.original_context_length")?;
            return Ok(RopeScaling::LongShort {
                original_context: original.unwrap_or(context),
                attention_factor: self.positive("rope.scaling.attn_factor", Some(1.0))?,
            });
        }
        let factor = self.positive("rope.scaling.factor", Some(1.0))?;
        let factors = header.tensors.contains_key(ROPE_FACTORS);
        match kind {
            None | Some("none" | "linear") if factors => Ok(RopeScaling::Factors),
            Some("none") => Ok(RopeScaling::None),
            // A factor without a type is linear, as in llama.cpp.
            None | Some("linear") if factor == 1.0 => Ok(RopeScaling::None),
            None | Some("linear") => Ok(RopeScaling::Linear(factor)),
            Some(kind) => {
                let kind = format!("`{}` scaling", super::header_error::shown(kind));
                Err(self.unsupported(TYPE, kind))
            }
        }
    }

    fn window(&self, architecture: Architecture) -> Result<Option<Window>, HyperparameterError> {
        const WINDOW: &str = "attention.sliding_window";
        // Converters write 0 for none.
        if self.metadata.get(&self.key(WINDOW)) == Some(&Value::Unsigned(0)) {
            return Ok(None);
        }
        let Some(tokens) = self.optional_size(WINDOW)? else {
            return Ok(None);
        };
        let gemma = architecture == Architecture::Gemma3;
        let pattern = self.optional_size("attention.sliding_window_pattern")?;
        let local = self.positive("rope.freq_base_swa", Some(DEFAULT_ROPE_BASE))?;
        Ok(Some(Window {
            tokens,
            pattern: pattern.unwrap_or(if gemma { GEMMA3_PATTERN } else { 0 }),
            rope_base: gemma.then_some(local),
        }))
    }

    fn multipliers(
        &self,
        architecture: Architecture,
        hidden: usize,
        head_dim: usize,
    ) -> Result<Multipliers, HyperparameterError> {
        let attention = (head_dim as f64).sqrt().recip();
        let gemma = architecture == Architecture::Gemma3;
        let embedding = if gemma { (hidden as f64).sqrt() } else { 1.0 };
        Ok(Multipliers {
            embedding: self.positive("embedding_scale", Some(embedding))?,
            attention: self.positive("attention.scale", Some(attention))?,
            residual: self.positive("residual_scale", Some(1.0))?,
            logits_divisor: self.positive("logit_scale", Some(1.0))?,
        })
    }
}
