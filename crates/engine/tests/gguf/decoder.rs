//! A decoder as plain as can be, to see that names, rows and constants of a file are understood.

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::ops;
use plimsoll_engine::gguf::{Architecture, GgufWeights, RopeFactors, RopeScaling};

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
        Some(self.weights.dense(name, shape, DType::F32, &CPU).unwrap())
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
                let matrix = self.weights.matrix(&name, shape, DType::F32, &CPU);
                matrix.unwrap().product(x)?
            }
        };
        match self.dense(&format!("{stem}.bias")) {
            Some(bias) => y.broadcast_add(&bias),
            None => Ok(y),
        }
    }

    fn norm(&self, stem: &str, x: &Tensor) -> Result<Tensor> {
        let epsilon = self.weights.hyperparameters().norm_epsilon;
        let mean = x.sqr()?.mean_keepdim(D::Minus1)?;
        let root = (mean + epsilon)?.sqrt()?;
        let weight = self.vector(&format!("{stem}.weight"));
        x.broadcast_div(&root)?.broadcast_mul(&weight)
    }

    /// Cosines and sines, each `[tokens, dimensions / 2]`.
    fn angles(&self, layer: usize, tokens: usize) -> (Tensor, Tensor) {
        let model = self.weights.hyperparameters();
        let half = model.rope.dimensions / 2;
        let factors = |which| self.weights.rope_factors(which, half).unwrap().unwrap();
        let (mut base, mut factor) = (model.rope.base, 1.0);
        let mut divisors = match model.rope.scaling {
            RopeScaling::None => vec![1.0; half],
            RopeScaling::Linear(by) => vec![by as f32; half],
            RopeScaling::Factors => factors(RopeFactors::Always),
            RopeScaling::LongShort { original_context, attention_factor } => {
                factor = attention_factor;
                let long = tokens > original_context;
                factors(if long { RopeFactors::Long } else { RopeFactors::Short })
            }
            ref other => panic!("{other:?}"),
        };
        let local = model.window.as_ref().and_then(|window| window.rope_base);
        if let (Some(local), true) = (local, model.is_windowed(layer)) {
            base = local;
            divisors = vec![1.0; half];
        }
        let table = |turn: fn(f64) -> f64| {
            let entry = |at: usize| {
                let frequency =
                    base.powf(-((at % half) as f64) / half as f64) / f64::from(divisors[at % half]);
                (turn((at / half) as f64 * frequency) * factor) as f32
            };
            let table: Vec<f32> = (0..tokens * half).map(entry).collect();
            Tensor::from_vec(table, (tokens, half), &CPU).unwrap()
        };
        (table(f64::cos), table(f64::sin))
    }

    /// `x` is `[heads, tokens, head_dim]`.
    fn turned(&self, x: &Tensor, layer: usize) -> Result<Tensor> {
        let turning = self.weights.hyperparameters().rope.dimensions;
        let (cos, sin) = self.angles(layer, x.dim(1)?);
        let (first, second) = (x.narrow(2, 0, turning / 2)?, x.narrow(2, turning / 2, turning / 2)?);
        let rest = x.narrow(2, turning, x.dim(2)? - turning)?;
        let a = (first.broadcast_mul(&cos)? - second.broadcast_mul(&sin)?)?;
        let b = (second.broadcast_mul(&cos)? + first.broadcast_mul(&sin)?)?;
        Tensor::cat(&[a, b, rest], 2)
    }

    fn mask(&self, layer: usize, tokens: usize) -> Result<Tensor> {
        let model = self.weights.hyperparameters();
        let window = model.window.as_ref().filter(|_| model.is_windowed(layer));
        let reach = window.map_or(tokens, |window| window.tokens);
        let entry = |at: usize| {
            let (query, key) = (at / tokens, at % tokens);
            let seen = key <= query && query - key < reach;
            if seen { 0.0 } else { f32::NEG_INFINITY }
        };
        Tensor::from_vec((0..tokens * tokens).map(entry).collect(), (tokens, tokens), &CPU)
    }

    fn attention(&self, layer: usize, x: &Tensor) -> Result<Tensor> {
        let model = self.weights.hyperparameters();
        let (tokens, head_dim) = (x.dim(0)?, model.head_dim);
        let stem = format!("model.layers.{layer}.self_attn");
        let (queries, keys) = (model.heads * head_dim, model.kv_heads * head_dim);
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
        if matches!(model.architecture, Architecture::Qwen3 | Architecture::Gemma3) {
            q = self.norm(&format!("{stem}.q_norm"), &q)?;
            k = self.norm(&format!("{stem}.k_norm"), &k)?;
        }
        let (q, k) = (self.turned(&q, layer)?, self.turned(&k, layer)?);
        let group = model.heads / model.kv_heads;
        let each = |x: &Tensor| -> Result<Tensor> {
            let shared: Vec<_> = (0..model.heads).map(|head| x.get(head / group).unwrap()).collect();
            Tensor::stack(&shared, 0)
        };
        let scores = (q.matmul(&each(&k)?.t()?)? * model.multipliers.attention)?;
        let scores = scores.broadcast_add(&self.mask(layer, tokens)?)?;
        let mixed = ops::softmax_last_dim(&scores)?.matmul(&each(&v)?)?;
        let mixed = mixed.transpose(0, 1)?.reshape((tokens, queries))?;
        self.linear(&format!("{stem}.o_proj"), &mixed)
    }

    fn feed_forward(&self, layer: usize, x: &Tensor) -> Result<Tensor> {
        let model = self.weights.hyperparameters();
        let stem = format!("model.layers.{layer}.mlp");
        let (gate, up) = if model.architecture == Architecture::Phi3 {
            let both = self.linear(&format!("{stem}.gate_up_proj"), x)?;
            let width = model.intermediate;
            (both.narrow(1, 0, width)?, both.narrow(1, width, width)?)
        } else {
            let part = |part| self.linear(&format!("{stem}.{part}"), x);
            (part("gate_proj")?, part("up_proj")?)
        };
        let gate = match model.architecture {
            Architecture::Gemma3 => gate.gelu()?,
            _ => gate.silu()?,
        };
        self.linear(&format!("{stem}.down_proj"), &(gate * up)?)
    }

    /// Logits of all positions, `[tokens, vocabulary]`.
    pub(crate) fn logits(&self, tokens: &[u32]) -> Result<Tensor> {
        let model = self.weights.hyperparameters();
        let gemma = model.architecture == Architecture::Gemma3;
        let embeddings = self.vector("model.embed_tokens.weight");
        let ids = Tensor::new(tokens, &CPU)?;
        let mut x = (embeddings.index_select(&ids, 0)? * model.multipliers.embedding)?;
        for layer in 0..model.layers {
            let stem = format!("model.layers.{layer}");
            let norm = |name: &str, x: &Tensor| self.norm(&format!("{stem}.{name}"), x);
            let mut added = self.attention(layer, &norm("input_layernorm", &x)?)?;
            if gemma {
                added = norm("post_attention_layernorm", &added)?;
            }
            x = (x + (added * model.multipliers.residual)?)?;
            let before = if gemma { "pre_feedforward_layernorm" } else { "post_attention_layernorm" };
            let mut added = self.feed_forward(layer, &norm(before, &x)?)?;
            if gemma {
                added = norm("post_feedforward_layernorm", &added)?;
            }
            x = (x + (added * model.multipliers.residual)?)?;
        }
        let x = self.norm("model.norm", &x)?;
        let head = if model.tied { "model.embed_tokens" } else { "lm_head" };
        self.linear(head, &x)? / model.multipliers.logits_divisor
    }
}
