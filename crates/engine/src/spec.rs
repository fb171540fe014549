//! What a decoder is made of: sizes, norms, biases, rotary embedding and multipliers.
//!
//! Each architecture is a mapping from its configuration (`config.json`, or the metadata of a GGUF file) to a
//! [`DecoderSpec`]; the decoder knows no architecture.

use crate::spec_error::SpecError;

/// Maximum number of layers that are accepted.
pub const MAX_LAYERS: usize = 1024;
/// Maximum number of entries of a vocabulary that are accepted.
const MAX_VOCABULARY: usize = 1 << 24;
/// The most of any other width that is accepted.
const MAX_WIDTH: usize = 1 << 20;
/// The longest context that is accepted. A `u32` position times an inverse frequency is computed in f32.
const MAX_CONTEXT: usize = 1 << 28;

/// A decoder, whole. [`DecoderSpec::validate`] holds for every spec that reaches a decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderSpec {
    /// The architecture that it came from, as `model_type` of `config.json` spells it (`llama`, `phi3`).
    pub architecture: String,
    /// Rows of the embedding; may be more than the tokenizer can emit.
    pub vocabulary: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width between the two halves of the feed-forward part.
    pub intermediate: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; `heads` is a multiple of it.
    pub key_value_heads: usize,
    /// Width of one head. `heads * head_width` need not be `hidden`.
    pub head_width: usize,
    /// Maximum number of tokens of one sequence.
    pub context: usize,
    /// How norms are computed.
    pub norm: Norm,
    /// The gate's activation.
    pub activation: Activation,
    /// Whether weights of projections are stored in one.
    pub fusion: Fusion,
    /// Which projections have a bias.
    pub biases: Biases,
    /// Whether each head of queries and keys is normalised before it is rotated (Qwen 3, Gemma 3).
    pub query_key_norm: bool,
    /// Whether the outputs of attention and feed-forward part are normalised too, four norms a block
    /// (Gemma 3).
    pub output_norms: bool,
    /// Whether the logits are computed with the embedding's weights.
    pub tied_embeddings: bool,
    /// Factors that are 1 in most architectures.
    pub multipliers: Multipliers,
    /// What the scores of attention are multiplied with, usually `1 / sqrt(head_width)`.
    pub attention_scale: f64,
    /// `Some(c)`: logits are `c * tanh(logits / c)`.
    pub logit_cap: Option<f64>,
    /// Each block, in order.
    pub layers: Vec<LayerSpec>,
    /// The rotary embeddings that the layers name by index.
    pub ropes: Vec<Rope>,
}

/// What differs from block to block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerSpec {
    /// `Some(w)`: position `i` sees `i - w + 1 ..= i`, itself counted. `None`: all before it.
    pub window: Option<usize>,
    /// Its rotary embedding, an index into [`DecoderSpec::ropes`].
    pub rope: usize,
}

/// Root-mean-square norms: `x / sqrt(mean(x^2) + epsilon) * (weight + offset)`, in f32.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Norm {
    /// Added to the mean square.
    pub epsilon: f64,
    /// Added to the stored weight: 1 for Gemma's `config.json`, else 0.
    pub offset: f64,
}

/// The gate's activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// GELU by its tanh approximation.
    GeluTanh,
    /// GELU by the error function.
    Gelu,
}

/// Which weights are stored in one matrix, rows one below the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fusion {
    /// `self_attn.qkv_proj`: query, key, value.
    pub query_key_value: bool,
    /// `mlp.gate_up_proj`: gate, up.
    pub gate_up: bool,
}

/// Which projections have a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Biases {
    /// Query, key and value.
    pub query_key_value: bool,
    /// The output of attention.
    pub output: bool,
    /// Gate, up and down.
    pub feed_forward: bool,
}

/// Factors that are 1 in most architectures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multipliers {
    /// Of the embedding, rounded to the dtype of the computation first.
    pub embedding: f64,
    /// Of what each half of a block adds to the residual stream.
    pub residual: f64,
    /// What logits are divided by.
    pub logits_divisor: f64,
}

impl Default for Multipliers {
    fn default() -> Self {
        Self { embedding: 1.0, residual: 1.0, logits_divisor: 1.0 }
    }
}

/// A rotary embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// The base of the frequencies: frequency `i` is `theta^(-2 i / width)`.
    pub theta: f64,
    /// How many entries of a head are rotated, an even number; the rest passes.
    pub width: usize,
    /// Which entries of a head form a pair.
    pub pairs: RopePairs,
    /// How frequencies are stretched for longer contexts.
    pub scaling: RopeScaling,
}

/// Which entries of a head are rotated together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RopePairs {
    /// `i` and `i + width / 2`, as transformers stores its weights.
    #[default]
    Halves,
    /// `2 i` and `2 i + 1`, as GGUF files of some architectures store theirs.
    Interleaved,
}

/// How the frequencies of a rotary embedding are stretched.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All frequencies divided by the factor.
    Linear {
        /// At least 1.
        factor: f64,
    },
    /// Llama 3.1: low frequencies divided, high ones kept, those between interpolated.
    Llama3 {
        /// What low frequencies are divided by.
        factor: f64,
        /// Wavelengths above `original_context / low` are low frequencies.
        low: f64,
        /// Wavelengths below `original_context / high` are high frequencies.
        high: f64,
        /// The context of the training before the stretching.
        original_context: usize,
    },
    /// One divisor for each of the `width / 2` frequencies, as GGUF files store the result of the above.
    Divisors {
        /// The divisors.
        divisors: Vec<f32>,
    },
    /// `LongRoPE`: one set of divisors for sequences of up to `original_context` tokens, another for longer
    /// ones. The whole sequence is computed with one set, so a cache that crosses is computed anew.
    LongRope {
        /// `width / 2` divisors for short sequences.
        short: Vec<f32>,
        /// `width / 2` divisors for long sequences.
        long: Vec<f32>,
        /// What the cosines and sines of both are multiplied with.
        attention_factor: f64,
        /// The longest short sequence, in tokens.
        original_context: usize,
    },
}

impl DecoderSpec {
    /// Query heads for each key and value head.
    pub fn group(&self) -> usize {
        self.heads / self.key_value_heads.max(1)
    }

    /// Width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.heads * self.head_width
    }

    /// Width of all key heads together; values are as wide.
    pub fn key_value_width(&self) -> usize {
        self.key_value_heads * self.head_width
    }

    /// The number of parameters, tied ones counted once.
    pub fn parameters(&self) -> u64 {
        let wide = |count: usize| count as u64;
        let (query, key_value) = (wide(self.query_width()), wide(self.key_value_width()));
        let (hidden, intermediate) = (wide(self.hidden), wide(self.intermediate));
        let mut block = 2 * hidden * (query + key_value) + 3 * hidden * intermediate + 2 * hidden;
        if self.output_norms {
            block += 2 * hidden;
        }
        if self.query_key_norm {
            block += 2 * wide(self.head_width);
        }
        if self.biases.query_key_value {
            block += query + 2 * key_value;
        }
        if self.biases.output {
            block += hidden;
        }
        if self.biases.feed_forward {
            block += 2 * intermediate + hidden;
        }
        let tables = if self.tied_embeddings { 1 } else { 2 };
        wide(self.layers.len()) * block + tables * wide(self.vocabulary) * hidden + hidden
    }

    /// Checks every size and factor, so that nothing absurd is allocated or computed.
    ///
    /// # Errors
    /// The first field that makes no sense, with its value.
    pub fn validate(&self) -> Result<(), SpecError> {
        within("vocabulary", self.vocabulary, MAX_VOCABULARY)?;
        within("hidden", self.hidden, MAX_WIDTH)?;
        within("intermediate", self.intermediate, MAX_WIDTH)?;
        within("heads", self.heads, MAX_WIDTH)?;
        within("key_value_heads", self.key_value_heads, MAX_WIDTH)?;
        within("head_width", self.head_width, MAX_WIDTH)?;
        within("heads * head_width", self.query_width(), MAX_WIDTH)?;
        within("context", self.context, MAX_CONTEXT)?;
        within("layers", self.layers.len(), MAX_LAYERS)?;
        if !self.heads.is_multiple_of(self.key_value_heads) {
            return Err(SpecError::Heads { heads: self.heads, key_value_heads: self.key_value_heads });
        }
        self.validate_factors()?;
        for (index, layer) in self.layers.iter().enumerate() {
            if layer.window == Some(0) {
                return Err(SpecError::Size { field: "window", value: 0, max: self.context });
            }
            if layer.rope >= self.ropes.len() {
                return Err(SpecError::NoRope { layer: index, rope: layer.rope, ropes: self.ropes.len() });
            }
        }
        self.ropes.iter().try_for_each(|rope| rope.validate(self.head_width))
    }

    fn validate_factors(&self) -> Result<(), SpecError> {
        positive("norm.epsilon", self.norm.epsilon)?;
        finite("norm.offset", self.norm.offset)?;
        finite("multipliers.embedding", self.multipliers.embedding)?;
        finite("multipliers.residual", self.multipliers.residual)?;
        positive("multipliers.logits_divisor", self.multipliers.logits_divisor)?;
        positive("attention_scale", self.attention_scale)?;
        self.logit_cap.map_or(Ok(()), |cap| positive("logit_cap", cap))
    }
}

impl Rope {
    fn validate(&self, head_width: usize) -> Result<(), SpecError> {
        positive("rope.theta", self.theta)?;
        within("rope.width", self.width, head_width)?;
        if !self.width.is_multiple_of(2) {
            return Err(SpecError::OddRope { width: self.width });
        }
        match &self.scaling {
            RopeScaling::None => Ok(()),
            RopeScaling::Linear { factor } => positive("rope.factor", *factor),
            RopeScaling::Llama3 { factor, low, high, original_context } => {
                positive("rope.factor", *factor)?;
                positive("rope.low", *low)?;
                // `high == low` would divide by zero.
                positive("rope.high - rope.low", high - low)?;
                within("rope.original_context", *original_context, MAX_CONTEXT)
            }
            RopeScaling::Divisors { divisors } => self.validate_divisors("rope.divisors", divisors),
            RopeScaling::LongRope { short, long, attention_factor, original_context } => {
                within("rope.original_context", *original_context, MAX_CONTEXT)?;
                self.validate_divisors("rope.short", short)?;
                self.validate_divisors("rope.long", long)?;
                positive("rope.attention_factor", *attention_factor)
            }
        }
    }

    fn validate_divisors(&self, field: &'static str, divisors: &[f32]) -> Result<(), SpecError> {
        if divisors.len() != self.width / 2 {
            return Err(SpecError::Divisors { field, count: divisors.len(), wanted: self.width / 2 });
        }
        divisors.iter().try_for_each(|divisor| positive(field, f64::from(*divisor)))
    }
}

/// At least 1, at most `max`.
fn within(field: &'static str, value: usize, max: usize) -> Result<(), SpecError> {
    if (1..=max).contains(&value) { Ok(()) } else { Err(SpecError::Size { field, value, max }) }
}

fn positive(field: &'static str, value: f64) -> Result<(), SpecError> {
    if value.is_finite() && value > 0.0 { Ok(()) } else { Err(SpecError::Factor { field, value }) }
}

fn finite(field: &'static str, value: f64) -> Result<(), SpecError> {
    if value.is_finite() { Ok(()) } else { Err(SpecError::Factor { field, value }) }
}
