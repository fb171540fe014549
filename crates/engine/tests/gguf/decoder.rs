//! A decoder as plain as can be, to see that names, rows and constants of a file are understood.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops;
use plimsoll_engine::gguf::GgufWeights;
use plimsoll_engine::spec::{Activation, RopeScaling};
use plimsoll_engine::{Placement, Tensors};

const CPU: Device = Device::Cpu;

/// How matrices are multiplied with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Products {
    /// As they are packed.
    Packed,
    /// Unpacked to F32.
    Unpacked,
}

/// A model and how to multiply.
pub(crate) struct Decoder<'a> {
    pub(crate) weights: &'a GgufWeights,
    pub(crate) products: Products,
}

impl Decoder<'_> {
    fn dense(&self, name: &str) -> Option<Tensor> {
        let shape = self.weights.shape(name)?;
        Some(self.weights.dense(name, shape, &Placement::cpu_f32()).unwrap())
    }

    fn vector(&self, name: &str) -> Tensor {
        self.dense(name).unwrap()
    }

    fn linear(&self, stem: &str, x: &Tensor) -> Result<Tensor> {
        let name = format!("{stem}.weight");
        let y = match self.products {
            Products::Unpacked => x.matmul(&self.vector(&name).t()?)?,
            Products::Packed => {
                let shape = self.weights.shape(&name).unwrap();
                let shape = [shape[0], shape[1]];
                let linear = self.weights.linear(&name, shape, &Placement::cpu_f32());
                linear.unwrap().forward(x)?
            }
        };
        match self.dense(&format!("{stem}.bias")) {
            Some(bias) => y.broadcast_add(&bias),
            None => Ok(y),
        }
    }

    fn norm(&self, stem: &str, x: &Tensor) -> Result<Tensor> {
        let epsilon = self.weights.spec().norm.epsilon;
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        let root = (mean + epsilon)?.sqrt()?;
        let weight = self.vector(&format!("{stem}.weight"));
        x.broadcast_div(&root)?.broadcast_mul(&weight)
    }

    /// Cosines and sines, each `[tokens, dimensions / 2]`.
    fn angles(&self, layer: usize, tokens: usize) -> (Tensor, Tensor) {
        let spec = self.weights.spec();
        let rope = &spec.ropes[spec.layers[layer].rope];
        let half = rope.width / 2;
        let (divisors, factor) = match &rope.scaling {
            RopeScaling::None => (vec![1.0; half], 1.0),
            RopeScaling::Linear { factor } => (vec![*factor as f32; half], 1.0),
            RopeScaling::Divisors { divisors } => (divisors.clone(), 1.0),
            RopeScaling::LongRope { short, long, attention_factor, original_context } => {
                let divisors = if tokens > *original_context { long } else { short };
                (divisors.clone(), *attention_factor)
            }
            RopeScaling::Llama3 { .. } => panic!("files hold divisors instead"),
        };
        let table = |turn: fn(f64) -> f64| {
            let entry = |at: usize| {
                let frequency =
                    rope.theta.powf(-((at % half) as f64) / half as f64) / f64::from(divisors[at % half]);
                (turn((at / half) as f64 * frequency) * factor) as f32
            };
            let table: Vec<f32> = (0..tokens * half).map(entry).collect();
            Tensor::from_vec(table, (tokens, half), &CPU).unwrap()
        };
        (table(f64::cos), table(f64::sin))
    }

    /// `x` is `[heads, tokens, head_dim]`.
    fn turned(&self, x: &Tensor, layer: usize) -> Result<Tensor> {
        let turning = self.weights.spec().ropes[0].width;
        let (cos, sin) = self.angles(layer, x.dim(1)?);
        let (first, second) = (x.narrow(2, 0, turning / 2)?, x.narrow(2, turning / 2, turning / 2)?);
        let rest = x.narrow(2, turning, x.dim(2)? - turning)?;
        let a = (first.broadcast_mul(&cos)? - second.broadcast_mul(&sin)?)?;
        let b = (second.broadcast_mul(&cos)? + first.broadcast_mul(&sin)?)?;
        Tensor::cat(&[a, b, rest], 2)
    }

    fn mask(&self, layer: usize, tokens: usize) -> Result<Tensor> {
        let spec = self.weights.spec();
        let reach = spec.layers[layer].window.unwrap_or(tokens);
        let entry = |at: usize| {
            let (query, key) = (at / tokens, at % tokens);
            let seen = key <= query && query - key < reach;
            if seen { 0.0 } else { f32::NEG_INFINITY }
        };
        Tensor::from_vec((0..tokens * tokens).map(entry).collect(), (tokens, tokens), &CPU)
    }

    fn attention(&self, layer: usize, x: &Tensor) -> Result<Tensor> {
        let spec = self.weights.spec();
        let (tokens, head_dim) = (x.dim(0)?, spec.head_width);
        let stem = format!("model.layers.{layer}.self_attn");
        let (queries, keys) = (spec.heads * head_dim, spec.key_value_heads * head_dim);
        let fused = format!("{stem}.qkv_proj");
        let [q, k, v] = if self.weights.shape(&format!("{fused}.weight")).is_some() {
            let all = self.linear(&fused, x)?;
            [(0, queries), (queries, keys), (queries + keys, keys)]
                .map(|(at, size)| all.narrow(1, at, size).unwrap())
        } else {
            ["q_proj", "k_proj", "v_proj"].map(|part| self.linear(&format!("{stem}.{part}"), x).unwrap())
        };
        let heads = |x: Tensor| x.reshape((tokens, (), head_dim))?.transpose(0, 1)?.contiguous();
        let (mut q, mut k, v) = (heads(q)?, heads(k)?, heads(v)?);
        if spec.query_key_norm {
            q = self.norm(&format!("{stem}.q_norm"), &q)?;
            k = self.norm(&format!("{stem}.k_norm"), &k)?;
        }
        let (q, k) = (self.turned(&q, layer)?, self.turned(&k, layer)?);
        let group = spec.heads / spec.key_value_heads;
        let each = |x: &Tensor| -> Result<Tensor> {
            let shared: Vec<_> = (0..spec.heads).map(|head| x.get(head / group).unwrap()).collect();
            Tensor::stack(&shared, 0)
        };
        let scores = (q.matmul(&each(&k)?.t()?)? * spec.attention_scale)?;
        let scores = scores.broadcast_add(&self.mask(layer, tokens)?)?;
        let mixed = ops::softmax_last_dim(&scores)?.matmul(&each(&v)?)?;
        let mixed = mixed.transpose(0, 1)?.reshape((tokens, queries))?;
        self.linear(&format!("{stem}.o_proj"), &mixed)
    }

    fn feed_forward(&self, layer: usize, x: &Tensor) -> Result<Tensor> {
        let spec = self.weights.spec();
        let stem = format!("model.layers.{layer}.mlp");
        let (gate, up) = if spec.fusion.gate_up {
            let both = self.linear(&format!("{stem}.gate_up_proj"), x)?;
            let width = spec.intermediate;
            (both.narrow(1, 0, width)?, both.narrow(1, width, width)?)
        } else {
            let part = |part| self.linear(&format!("{stem}.{part}"), x);
            (part("gate_proj")?, part("up_proj")?)
        };
        let gate = match spec.activation {
            Activation::GeluTanh => gate.gelu()?,
            _ => gate.silu()?,
        };
        self.linear(&format!("{stem}.down_proj"), &(gate * up)?)
    }

    /// Logits of all positions, `[tokens, vocabulary]`.
    pub(crate) fn logits(&self, tokens: &[u32]) -> Result<Tensor> {
        let spec = self.weights.spec();
        let gemma = spec.output_norms;
        let embeddings = self.vector("model.embed_tokens.weight");
        let ids = Tensor::new(tokens, &CPU)?;
        let mut x = (embeddings.index_select(&ids, 0)? * spec.multipliers.embedding)?;
        for layer in 0..spec.layers.len() {
            let stem = format!("model.layers.{layer}");
            let norm = |name: &str, x: &Tensor| self.norm(&format!("{stem}.{name}"), x);
            let mut added = self.attention(layer, &norm("input_layernorm", &x)?)?;
            if gemma {
                added = norm("post_attention_layernorm", &added)?;
            }
            x = (x + (added * spec.multipliers.residual)?)?;
            let before = if gemma { "pre_feedforward_layernorm" } else { "post_attention_layernorm" };
            let mut added = self.feed_forward(layer, &norm(before, &x)?)?;
            if gemma {
                added = norm("post_feedforward_layernorm", &added)?;
            }
            x = (x + (added * spec.multipliers.residual)?)?;
        }
        let x = self.norm("model.norm", &x)?;
        let head = if spec.tied_embeddings { "model.embed_tokens" } else { "lm_head" };
        self.linear(head, &x)? / spec.multipliers.logits_divisor
    }
}
