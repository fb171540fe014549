//! From named tensors to a decoder.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use candle_core::DType;

use super::attention_shape::AttentionShape;
use super::block::{DecoderBlock, Projection, Projections};
use super::norm::RmsNorm;
use crate::spec::DecoderSpec;
use crate::weights::{Embedding, Linear, Placement, Tensors};
use crate::weights_error::WeightsError;

/// The embedding, and the layer that makes logits if it is tied.
const EMBEDDING: &str = "model.embed_tokens.weight";
/// The layer that makes logits.
const HEAD: &str = "lm_head.weight";
/// The final norm.
const NORM: &str = "model.norm.weight";
/// Tables of old files that follow from the configuration.
const DERIVED: &str = ".rotary_emb.inv_freq";

/// Takes tensors by name and remembers which were taken.
pub(super) struct Loader<'a> {
    spec: &'a DecoderSpec,
    tensors: &'a dyn Tensors,
    placement: &'a Placement,
    /// Norms are computed in f32 whatever the dtype.
    exact: Placement,
    taken: RefCell<BTreeSet<String>>,
}

/// All that a decoder is made of.
pub(super) struct Parts {
    pub(super) embedding: Embedding,
    pub(super) blocks: Vec<DecoderBlock>,
    pub(super) norm: RmsNorm,
    pub(super) head: Arc<dyn Linear>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(spec: &'a DecoderSpec, tensors: &'a dyn Tensors, placement: &'a Placement) -> Self {
        let exact = Placement { dtype: DType::F32, device: placement.device.clone() };
        Self { spec, tensors, placement, exact, taken: RefCell::default() }
    }

    pub(super) fn load(&self) -> Result<Parts, WeightsError> {
        let table = [self.spec.vocabulary, self.spec.hidden];
        self.take(EMBEDDING);
        // A head that is written although it is tied is taken as it is written, as transformers 5 does.
        let tied = self.spec.tied_embeddings && self.tensors.shape(HEAD).is_none();
        let embedding = self.tensors.embedding(EMBEDDING, table, self.placement, tied)?;
        let head = match &embedding.head {
            Some(head) => Arc::clone(head),
            None => self.linear(HEAD, table)?,
        };
        let blocks = (0..self.spec.layers.len()).map(|index| self.block(index)).collect::<Result<_, _>>()?;
        let norm = self.norm(NORM, self.spec.hidden)?;
        self.refuse_surplus()?;
        Ok(Parts { embedding, blocks, norm, head })
    }

    /// Ignoring an unknown tensor would change the answers.
    fn refuse_surplus(&self) -> Result<(), WeightsError> {
        let taken = self.taken.borrow();
        let known = |name: &str| taken.contains(name) || name.ends_with(DERIVED);
        match self.tensors.names().into_iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => Err(WeightsError::Surplus {
                name: name.to_owned(),
                architecture: self.spec.architecture.clone(),
            }),
        }
    }

    fn take(&self, name: &str) {
        self.taken.borrow_mut().insert(name.to_owned());
    }

    fn linear(&self, name: &str, shape: [usize; 2]) -> Result<Arc<dyn Linear>, WeightsError> {
        self.take(name);
        self.tensors.linear(name, shape, self.placement)
    }

    fn norm(&self, name: &str, width: usize) -> Result<RmsNorm, WeightsError> {
        self.take(name);
        let stored = self.tensors.dense(name, &[width], &self.exact)?;
        RmsNorm::new(&stored, self.spec.norm)
            .map_err(|source| WeightsError::Device { name: name.to_owned(), source })
    }

    fn projection(&self, name: &str, shape: [usize; 2], bias: bool) -> Result<Projection, WeightsError> {
        let weight = self.linear(&format!("{name}.weight"), shape)?;
        let bias = bias.then(|| {
            let name = format!("{name}.bias");
            self.take(&name);
            self.tensors.dense(&name, &shape[..1], self.placement)
        });
        Ok(Projection { weight, bias: bias.transpose()? })
    }

    fn block(&self, index: usize) -> Result<DecoderBlock, WeightsError> {
        let spec = self.spec;
        let (at, layer) = (format!("model.layers.{index}"), spec.layers[index]);
        let norm = |name: &str| self.norm(&format!("{at}.{name}.weight"), spec.hidden);
        let output_norm = |name: &str| spec.output_norms.then(|| norm(name)).transpose();
        // With four norms a block, the second is that of the attention's output.
        let feed_forward_norm =
            if spec.output_norms { "pre_feedforward_layernorm" } else { "post_attention_layernorm" };
        let attention = format!("{at}.self_attn");
        let (hidden, intermediate) = (spec.hidden, spec.intermediate);
        Ok(DecoderBlock {
            index,
            shape: shape(spec, layer.window),
            rope: layer.rope,
            activation: spec.activation,
            residual: spec.multipliers.residual,
            input_norm: norm("input_layernorm")?,
            query_key_value: self.query_key_value(&attention)?,
            head_norms: self.head_norms(&attention)?,
            output: self.projection(
                &format!("{attention}.o_proj"),
                [hidden, spec.query_width()],
                spec.biases.output,
            )?,
            output_norm: output_norm("post_attention_layernorm")?,
            feed_forward_norm: norm(feed_forward_norm)?,
            gate_up: self.gate_up(&format!("{at}.mlp"))?,
            down: self.projection(
                &format!("{at}.mlp.down_proj"),
                [hidden, intermediate],
                spec.biases.feed_forward,
            )?,
            feed_forward_output_norm: output_norm("post_feedforward_layernorm")?,
        })
    }

    fn query_key_value(&self, at: &str) -> Result<Projections<3>, WeightsError> {
        let spec = self.spec;
        let widths = [spec.query_width(), spec.key_value_width(), spec.key_value_width()];
        let bias = spec.biases.query_key_value;
        let one =
            |name: &str, width: usize| self.projection(&format!("{at}.{name}"), [width, spec.hidden], bias);
        if spec.fusion.query_key_value {
            return Ok(Projections::Fused(one("qkv_proj", widths.iter().sum())?, widths));
        }
        Ok(Projections::Apart([
            one("q_proj", widths[0])?,
            one("k_proj", widths[1])?,
            one("v_proj", widths[2])?,
        ]))
    }

    fn head_norms(&self, at: &str) -> Result<Option<[RmsNorm; 2]>, WeightsError> {
        if !self.spec.query_key_norm {
            return Ok(None);
        }
        let norm = |name: &str| self.norm(&format!("{at}.{name}.weight"), self.spec.head_width);
        Ok(Some([norm("q_norm")?, norm("k_norm")?]))
    }

    fn gate_up(&self, at: &str) -> Result<Projections<2>, WeightsError> {
        let (width, bias) = (self.spec.intermediate, self.spec.biases.feed_forward);
        let one = |name: &str, width: usize| {
            self.projection(&format!("{at}.{name}"), [width, self.spec.hidden], bias)
        };
        if self.spec.fusion.gate_up {
            return Ok(Projections::Fused(one("gate_up_proj", 2 * width)?, [width, width]));
        }
        Ok(Projections::Apart([one("gate_proj", width)?, one("up_proj", width)?]))
    }
}

fn shape(spec: &DecoderSpec, window: Option<usize>) -> AttentionShape {
    AttentionShape {
        key_value_heads: spec.key_value_heads,
        group: spec.group(),
        head_width: spec.head_width,
        scale: spec.attention_scale,
        window,
    }
}
