//! From metadata to a [`DecoderSpec`].
//!
//! Files say less than a `config.json`: what an architecture implies (its activation, that Gemma scales
//! embeddings) stands here as llama.cpp takes it to be. What a file requires and the decoder does not do is
//! refused by name.

use super::architecture::GgufArchitecture;
use super::error::{GgufError, GgufSpecError};
use super::file::GgufFile;
use super::header::GgufHeader;
use super::header_error::shown;
use super::loading;
use super::metadata::{Metadata, needed};
use super::names::{ROPE_FACTORS, ROPE_FACTORS_LONG, ROPE_FACTORS_SHORT};
use super::value::MetadataValue;
use crate::spec::{
    Activation, Biases, DecoderSpec, Fusion, LayerSpec, MAX_LAYERS, Multipliers, Norm, Rope, RopePairs,
    RopeScaling,
};

/// The base of rotary frequencies where a file does not say, and that of Gemma's windowed layers.
const DEFAULT_ROPE_BASE: f64 = 10_000.0;
/// Gemma 3: one layer of so many has no window.
const GEMMA3_PATTERN: usize = 6;
/// Gemma 3 of 27 billion parameters, known by its number of layers, scales queries by the width of the
/// model over its heads and not by the width of a head. Files do not say so otherwise.
const GEMMA3_27B_LAYERS: usize = 62;

/// By `general.architecture`, with the `model_type` of a `config.json`.
const ARCHITECTURES: &[(&str, &str, GgufArchitecture)] = &[
    ("llama", "llama", GgufArchitecture::Llama),
    ("phi3", "phi3", GgufArchitecture::Phi3),
    ("qwen2", "qwen2", GgufArchitecture::Qwen2),
    ("qwen3", "qwen3", GgufArchitecture::Qwen3),
    ("granite", "granite", GgufArchitecture::Granite),
    ("gemma3", "gemma3_text", GgufArchitecture::Gemma3),
];

/// What a file's metadata describe. Norm weights of Gemma are stored with their 1 already added, so that
/// the offset of every norm is 0.
pub(super) fn decoder_spec(file: &GgufFile) -> Result<(GgufArchitecture, DecoderSpec), GgufError> {
    let failed = |source| GgufError::spec(file.path(), source);
    let keys = ArchitectureKeys::new(file.header()).map_err(failed)?;
    let mut spec = keys.spec().map_err(failed)?;
    // Before tensors are read whose lengths follow from it.
    spec.validate().map_err(|error| failed(error.into()))?;
    if let Some(rope) = spec.ropes.first_mut() {
        rope.scaling = scaling(file, keys.stretching().map_err(failed)?, rope.width / 2)?;
    }
    spec.validate().map_err(|error| failed(error.into()))?;
    Ok((keys.architecture, spec))
}

fn scaling(file: &GgufFile, how: Stretching, count: usize) -> Result<RopeScaling, GgufError> {
    let divisors = |name| loading::divisors(file, name, count);
    Ok(match how {
        Stretching::None => RopeScaling::None,
        Stretching::Linear(factor) => RopeScaling::Linear { factor },
        Stretching::Divisors => RopeScaling::Divisors { divisors: divisors(ROPE_FACTORS)? },
        Stretching::LongRope { original_context, attention_factor } => RopeScaling::LongRope {
            short: divisors(ROPE_FACTORS_SHORT)?,
            long: divisors(ROPE_FACTORS_LONG)?,
            attention_factor,
            original_context,
        },
    })
}

/// How rotary frequencies are stretched, before the tensors of divisors are read.
#[derive(Debug, Clone, Copy)]
enum Stretching {
    None,
    Linear(f64),
    Divisors,
    LongRope { original_context: usize, attention_factor: f64 },
}

/// The metadata under an architecture's name.
struct ArchitectureKeys<'a> {
    header: &'a GgufHeader,
    metadata: &'a Metadata,
    prefix: &'static str,
    model_type: &'static str,
    architecture: GgufArchitecture,
}

impl<'a> ArchitectureKeys<'a> {
    fn new(header: &'a GgufHeader) -> Result<Self, GgufSpecError> {
        const ARCHITECTURE: &str = "general.architecture";
        let metadata = &header.metadata;
        let name = needed(ARCHITECTURE, metadata.text(ARCHITECTURE)?)?;
        let known = ARCHITECTURES.iter().find(|(known, ..)| *known == name);
        let Some(&(prefix, model_type, architecture)) = known else {
            return Err(GgufSpecError::Architecture { name: name.to_owned() });
        };
        let keys = Self { header, metadata, prefix, model_type, architecture };
        keys.refuse_unsupported()?;
        Ok(keys)
    }

    fn is_gemma(&self) -> bool {
        self.architecture == GgufArchitecture::Gemma3
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn has(&self, tensor: &str) -> bool {
        self.header.tensors.contains_key(tensor)
    }

    fn optional_size(&self, name: &str) -> Result<Option<usize>, GgufSpecError> {
        Ok(self.metadata.count(&self.key(name))?)
    }

    fn size(&self, name: &str) -> Result<usize, GgufSpecError> {
        Ok(needed(&self.key(name), self.optional_size(name)?)?)
    }

    fn float(&self, name: &str, default: f64) -> Result<f64, GgufSpecError> {
        Ok(self.metadata.float(&self.key(name))?.unwrap_or(default))
    }

    fn problem(&self, name: &str, value: usize, problem: &'static str) -> GgufSpecError {
        GgufSpecError::Value { key: self.key(name), value, problem }
    }

    fn unsupported(&self, name: &str, feature: impl Into<String>) -> GgufSpecError {
        GgufSpecError::Unsupported { key: self.key(name), feature: feature.into() }
    }

    /// What would change a model's results and is not done here.
    fn refuse_unsupported(&self) -> Result<(), GgufSpecError> {
        for (name, feature) in [
            ("expert_count", "experts"),
            ("attn_logit_softcapping", "bounded attention scores"),
            ("attention.clamp_kqv", "bounded projections"),
            ("pooling_type", "pooling"),
        ] {
            match self.metadata.get(&self.key(name)) {
                None | Some(MetadataValue::Unsigned(0)) => {}
                Some(MetadataValue::Float(float)) if *float == 0.0 => {}
                Some(_) => return Err(self.unsupported(name, feature)),
            }
        }
        if self.metadata.boolean(&self.key("attention.causal"))? == Some(false) {
            return Err(self.unsupported("attention.causal", "attention to what follows"));
        }
        // llama.cpp takes `finetuned` = false of a Granite model to mean that nothing is rotated.
        let finetuned = self.metadata.boolean(&self.key("rope.scaling.finetuned"))?;
        if self.architecture == GgufArchitecture::Granite && finetuned == Some(false) {
            return Err(self.unsupported("rope.scaling.finetuned", "no rotary embeddings"));
        }
        match self.metadata.text("general.type")? {
            None | Some("model") => Ok(()),
            Some(kind) => {
                let (key, feature) = ("general.type".to_owned(), format!("`{}`", shown(kind)));
                Err(GgufSpecError::Unsupported { key, feature })
            }
        }
    }

    /// The spec, its first rotary embedding not stretched yet.
    fn spec(&self) -> Result<DecoderSpec, GgufSpecError> {
        let vocabulary = match self.header.tensors.get("token_embd.weight") {
            Some(info) if info.shape.len() == 2 => info.shape[0],
            _ => return Err(GgufSpecError::Embeddings),
        };
        let hidden = self.size("embedding_length")?;
        let (heads, key_value_heads, head_width) = self.heads(hidden)?;
        let (layers, ropes) = self.layers(head_width)?;
        let by_heads = self.is_gemma() && layers.len() == GEMMA3_27B_LAYERS;
        let scaled_by = if by_heads { hidden / heads } else { head_width };
        let gemma_or = |gemma: f64, other: f64| if self.is_gemma() { gemma } else { other };
        let cap = self.float("final_logit_softcapping", 0.0)?;
        let phi3 = self.architecture == GgufArchitecture::Phi3;
        Ok(DecoderSpec {
            architecture: self.model_type.to_owned(),
            vocabulary,
            hidden,
            intermediate: self.size("feed_forward_length")?,
            heads,
            key_value_heads,
            head_width,
            context: self.size("context_length")?,
            norm: self.norm()?,
            activation: if self.is_gemma() { Activation::GeluTanh } else { Activation::Silu },
            fusion: Fusion { query_key_value: self.has("blk.0.attn_qkv.weight"), gate_up: phi3 },
            biases: self.biases(),
            query_key_norm: matches!(self.architecture, GgufArchitecture::Qwen3 | GgufArchitecture::Gemma3),
            output_norms: self.is_gemma(),
            tied_embeddings: !self.has("output.weight"),
            multipliers: Multipliers {
                embedding: self.float("embedding_scale", gemma_or((hidden as f64).sqrt(), 1.0))?,
                residual: self.float("residual_scale", 1.0)?,
                logits_divisor: self.float("logit_scale", 1.0)?,
            },
            attention_scale: self.float("attention.scale", (scaled_by as f64).sqrt().recip())?,
            logit_cap: (cap != 0.0).then_some(cap),
            layers,
            ropes,
        })
    }

    fn norm(&self) -> Result<Norm, GgufSpecError> {
        let key = self.key("attention.layer_norm_rms_epsilon");
        let epsilon = needed(&key, self.metadata.float(&key)?)?;
        Ok(Norm { epsilon, offset: 0.0 })
    }

    /// As the first layer has them; if another has others, a tensor is missing or too many.
    fn biases(&self) -> Biases {
        Biases {
            query_key_value: self.has("blk.0.attn_q.bias") || self.has("blk.0.attn_qkv.bias"),
            output: self.has("blk.0.attn_output.bias"),
            feed_forward: self.has("blk.0.ffn_down.bias"),
        }
    }

    /// Heads of queries, heads of keys, width of a head.
    fn heads(&self, hidden: usize) -> Result<(usize, usize, usize), GgufSpecError> {
        const HEADS: &str = "attention.head_count";
        let heads = self.size(HEADS)?;
        if heads == 0 {
            return Err(self.problem(HEADS, heads, "no number of heads"));
        }
        let key_value_heads = self.optional_size("attention.head_count_kv")?.unwrap_or(heads);
        let head_width = match self.optional_size("attention.key_length")? {
            Some(width) => width,
            None if hidden.is_multiple_of(heads) => hidden / heads,
            None => return Err(self.problem(HEADS, heads, "no divisor of the model's width")),
        };
        const VALUES: &str = "attention.value_length";
        match self.optional_size(VALUES)? {
            Some(values) if values != head_width => {
                Err(self.problem(VALUES, values, "not the width of keys"))
            }
            _ if heads.checked_mul(head_width).is_none() => {
                Err(self.problem(HEADS, heads, "too many for heads of that width"))
            }
            _ => Ok((heads, key_value_heads, head_width)),
        }
    }

    /// The layers, and the rotary embeddings that they name.
    fn layers(&self, head_width: usize) -> Result<(Vec<LayerSpec>, Vec<Rope>), GgufSpecError> {
        const LAYERS: &str = "block_count";
        let count = self.size(LAYERS)?;
        if count > MAX_LAYERS {
            return Err(self.problem(LAYERS, count, "more layers than any model has"));
        }
        let rope = self.rope(head_width)?;
        let mut ropes = vec![rope];
        // Converters write 0 for none.
        let window = self.optional_size("attention.sliding_window")?.filter(|&window| window > 0);
        let default_pattern = if self.is_gemma() { GEMMA3_PATTERN } else { 0 };
        let pattern = self.optional_size("attention.sliding_window_pattern")?.unwrap_or(default_pattern);
        if self.is_gemma() && window.is_some() {
            let theta = self.float("rope.freq_base_swa", DEFAULT_ROPE_BASE)?;
            ropes.push(Rope { theta, ..ropes[0].clone() });
        }
        let layer = |index: usize| {
            let sees_all = pattern > 0 && (index + 1).is_multiple_of(pattern);
            let window = window.filter(|_| !sees_all);
            LayerSpec { window, rope: if window.is_some() { ropes.len() - 1 } else { 0 } }
        };
        Ok(((0..count).map(layer).collect(), ropes))
    }

    fn rope(&self, head_width: usize) -> Result<Rope, GgufSpecError> {
        const WIDTH: &str = "rope.dimension_count";
        let width = self.optional_size(WIDTH)?.unwrap_or(head_width);
        if self.architecture.interleaves() && width != head_width {
            return Err(self.unsupported(WIDTH, "a part of each head to be rotated"));
        }
        Ok(Rope {
            theta: self.float("rope.freq_base", DEFAULT_ROPE_BASE)?,
            width,
            // Rows are put in this order when they are read.
            pairs: RopePairs::Halves,
            scaling: RopeScaling::None,
        })
    }

    fn stretching(&self) -> Result<Stretching, GgufSpecError> {
        const TYPE: &str = "rope.scaling.type";
        let key = self.key(TYPE);
        let kind = self.metadata.text(&key)?;
        if self.has(ROPE_FACTORS_LONG) || self.has(ROPE_FACTORS_SHORT) {
            let original = self.optional_size("rope.scaling.original_context_length")?;
            return Ok(Stretching::LongRope {
                original_context: original.map_or_else(|| self.size("context_length"), Ok)?,
                attention_factor: self.float("rope.scaling.attn_factor", 1.0)?,
            });
        }
        // A factor without a type is linear, as in llama.cpp.
        let factor = self.float("rope.scaling.factor", 1.0)?;
        match kind {
            None | Some("none" | "linear") if self.has(ROPE_FACTORS) => Ok(Stretching::Divisors),
            Some("none") => Ok(Stretching::None),
            None | Some("linear") if factor == 1.0 || factor == 0.0 => Ok(Stretching::None),
            None | Some("linear") => Ok(Stretching::Linear(factor)),
            Some(kind) => Err(self.unsupported(TYPE, format!("`{}` scaling", shown(kind)))),
        }
    }
}
