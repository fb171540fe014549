//! Gradients against autograd, and logits against the engine.

use candle_core::{DType, Device, Tensor, Var};
use plimsoll_core::Seed;

use super::*;
use crate::parameters;

/// Of a gradient in f32 against one in f64, as a share of the longest entry's length.
const GRADIENT_TOLERANCE: f64 = 2e-5;
/// Of a loss of a few tokens in f32, in nats.
const LOSS_TOLERANCE: f64 = 1e-5;

const SHAPE: ModelShape = ModelShape {
    vocabulary: 19,
    hidden: 16,
    layers: 2,
    heads: 2,
    feed_forward: 24,
    context: 32,
    rope_theta: 1e4,
    norm_epsilon: 1e-5,
};

fn samples() -> Vec<TrainingSample> {
    let sample =
        |tokens: &[u32], weights: &[f32]| TrainingSample { tokens: tokens.into(), weights: weights.into() };
    vec![
        sample(&[3, 7, 7, 1, 18, 0], &[9.0, 0.0, 1.0, 0.25, 0.0, 2.0]),
        sample(&[5], &[1.0]),
        sample(&[2, 11, 4, 4, 6, 17, 9, 13, 2], &[0.0, 1.0, 1.0, 0.0, 0.5, 1.0, 1.0, 0.0, 1.0]),
    ]
}

/// The decoder in its plain form, in f64, by candle's autograd.
struct Reference {
    vars: Vec<(String, Var)>,
}

impl Reference {
    fn new(layout: &ParameterLayout, parameters: &[f32]) -> Self {
        let vars = layout.entries().iter().map(|entry| {
            let parameters: Vec<f64> = entry.values(parameters).iter().map(|x| f64::from(*x)).collect();
            let tensor = Tensor::from_vec(parameters, (entry.rows, entry.columns), &Device::Cpu).unwrap();
            (entry.name.clone(), Var::from_tensor(&tensor).unwrap())
        });
        Self { vars: vars.collect() }
    }

    fn get(&self, name: &str) -> Tensor {
        self.vars.iter().find(|(known, _)| known == name).unwrap().1.as_tensor().clone()
    }

    fn norm(&self, x: &Tensor, name: &str) -> Tensor {
        let mean = (x.sqr().unwrap().mean_keepdim(1).unwrap() + SHAPE.norm_epsilon).unwrap();
        let normed = x.broadcast_div(&mean.sqrt().unwrap()).unwrap();
        normed.broadcast_mul(&self.get(name)).unwrap()
    }

    fn linear(&self, x: &Tensor, name: &str) -> Tensor {
        x.matmul(&self.get(name).t().unwrap()).unwrap()
    }

    fn turned(x: &Tensor) -> Tensor {
        let (count, width) = x.dims2().unwrap();
        let half = width / 2;
        let angle = |index: usize| {
            let (position, index) = (index / half, index % half);
            position as f64 * SHAPE.rope_theta.powf(-2.0 * index as f64 / width as f64)
        };
        let table = |of: &dyn Fn(f64) -> f64| {
            let parameters: Vec<f64> = (0..count * half).map(|index| of(angle(index))).collect();
            Tensor::from_vec(parameters, (count, half), &Device::Cpu).unwrap()
        };
        let (cosines, sines) = (table(&f64::cos), table(&f64::sin));
        let (low, high) = (x.narrow(1, 0, half).unwrap(), x.narrow(1, half, half).unwrap());
        let new_low = ((&low * &cosines).unwrap() - (&high * &sines).unwrap()).unwrap();
        let new_high = ((&high * &cosines).unwrap() + (&low * &sines).unwrap()).unwrap();
        Tensor::cat(&[new_low, new_high], 1).unwrap()
    }

    fn attention(&self, x: &Tensor, at: &str) -> Tensor {
        let (count, width) = (x.dim(0).unwrap(), SHAPE.head());
        let [query, key, value] =
            ["q", "k", "v"].map(|w| self.linear(x, &format!("{at}.self_attn.{w}_proj.weight")));
        let mask: Vec<f64> =
            (0..count * count).map(|i| if i % count > i / count { f64::NEG_INFINITY } else { 0.0 }).collect();
        let mask = Tensor::from_vec(mask, (count, count), &Device::Cpu).unwrap();
        let heads = (0..SHAPE.heads).map(|head| {
            let part = |of: &Tensor| of.narrow(1, head * width, width).unwrap().contiguous().unwrap();
            let (query, key) = (Self::turned(&part(&query)), Self::turned(&part(&key)));
            let scores = (query.matmul(&key.t().unwrap()).unwrap() / (width as f64).sqrt()).unwrap();
            let scores = (scores + &mask).unwrap();
            let max = scores.max_keepdim(1).unwrap().detach();
            let powers = scores.broadcast_sub(&max).unwrap().exp().unwrap();
            let weights = powers.broadcast_div(&powers.sum_keepdim(1).unwrap()).unwrap();
            weights.matmul(&part(&value)).unwrap()
        });
        self.linear(
            &Tensor::cat(&heads.collect::<Vec<_>>(), 1).unwrap(),
            &format!("{at}.self_attn.o_proj.weight"),
        )
    }

    fn loss(&self, sample: &TrainingSample) -> Tensor {
        let read = &sample.tokens[..sample.tokens.len() - 1];
        let embedding = self.get("model.embed_tokens.weight");
        let mut x = embedding.index_select(&Tensor::new(read, &Device::Cpu).unwrap(), 0).unwrap();
        for layer in 0..SHAPE.layers {
            let at = format!("model.layers.{layer}");
            let normed = self.norm(&x, &format!("{at}.input_layernorm.weight"));
            x = (&x + self.attention(&normed, &at)).unwrap();
            let normed = self.norm(&x, &format!("{at}.post_attention_layernorm.weight"));
            let gate = self.linear(&normed, &format!("{at}.mlp.gate_proj.weight"));
            let up = self.linear(&normed, &format!("{at}.mlp.up_proj.weight"));
            let one = (gate.neg().unwrap().exp().unwrap() + 1.0).unwrap();
            let gated = ((gate / one).unwrap() * up).unwrap();
            x = (&x + self.linear(&gated, &format!("{at}.mlp.down_proj.weight"))).unwrap();
        }
        let logits = self.norm(&x, "model.norm.weight").matmul(&embedding.t().unwrap()).unwrap();
        let total = logits.exp().unwrap().sum_keepdim(1).unwrap().log().unwrap();
        let nats = total.broadcast_sub(&logits).unwrap();
        let targets = Tensor::new(&sample.tokens[1..], &Device::Cpu).unwrap().unsqueeze(1).unwrap();
        let nats = nats.gather(&targets, 1).unwrap();
        let weights = Tensor::new(&sample.weights[1..], &Device::Cpu).unwrap();
        (nats.squeeze(1).unwrap() * weights.to_dtype(DType::F64).unwrap()).unwrap().sum_all().unwrap()
    }
}

#[test]
fn gradients_are_those_of_the_plain_form() {
    let mut network = TrainableDecoder::new(SHAPE);
    let layout = network.layout().clone();
    let mut parameters = parameters::draw(&SHAPE, &layout, Seed::new(3)).unwrap();
    // Norms that are not all 1, and larger numbers than at the start, so that nothing is nearly linear.
    parameters.iter_mut().enumerate().for_each(|(i, x)| *x *= 1.5 + (i % 7) as f32 / 10.0);
    let samples = samples();
    let mut gradient = vec![0.0; layout.len()];
    let loss = network.gradient(&parameters, &samples, &mut gradient);

    let reference = Reference::new(&layout, &parameters);
    let losses: Vec<Tensor> = samples
        .iter()
        .filter(|sample| sample.tokens.len() > 1)
        .map(|sample| reference.loss(sample))
        .collect();
    let total = Tensor::stack(&losses, 0).unwrap().sum_all().unwrap();
    assert!((loss.nats - total.to_scalar::<f64>().unwrap()).abs() < LOSS_TOLERANCE * loss.weight);
    assert_eq!(network.loss(&parameters, &samples), loss);
    let store = (total / loss.weight).unwrap().backward().unwrap();
    for (entry, (name, var)) in layout.entries().iter().zip(&reference.vars) {
        let expected = store.get(var).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let max = expected.iter().fold(0.0_f64, |max, x| max.max(x.abs()));
        assert!(max > 0.0, "{name} has a gradient");
        for (found, expected) in entry.values(&gradient).iter().zip(&expected) {
            let off = (f64::from(*found) - expected).abs();
            assert!(off <= GRADIENT_TOLERANCE * max, "{name}: {found} {expected}");
        }
    }
}

#[test]
fn a_loss_does_not_depend_on_what_stands_beside() {
    let mut network = TrainableDecoder::new(SHAPE);
    let parameters = parameters::draw(&SHAPE, network.layout(), Seed::new(4)).unwrap();
    let samples = samples();
    let alone: f64 =
        samples.iter().map(|sample| network.loss(&parameters, std::slice::from_ref(sample)).nats).sum();
    assert!((network.loss(&parameters, &samples).nats - alone).abs() < LOSS_TOLERANCE);
}
