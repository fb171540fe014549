//! Tiny models of every architecture, as transformers computes them. `goldens/decoder/models.py` wrote them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use plimsoll_engine::{
    ARCHITECTURES, Decoder, Hidden, Placement, Positions, Safetensors, StepRow, Tensors, read_config,
};
use serde::Deserialize;

/// Of logits that differ by several units, in f32, between two orders of summing.
const F32_TOLERANCE: f32 = 1e-4;
/// In bf16: how much further from the f32 logits, by root mean square, than transformers is. Both round every
/// operation to 8 bits, each in an order of its own, so for one model either may be the closer one.
const BF16_TOLERANCE: f32 = 2.0;
/// The same, on average over all models.
const BF16_MEAN_TOLERANCE: f32 = 1.2;

#[derive(Deserialize)]
struct Expected {
    prompt: Vec<u32>,
    greedy_prompt: Vec<u32>,
    greedy: Vec<u32>,
}

struct Golden {
    name: String,
    folder: PathBuf,
    expected: Expected,
    tensors: Safetensors,
}

impl Golden {
    fn open(folder: PathBuf) -> Self {
        let text = fs::read_to_string(folder.join("expected.json")).unwrap();
        Self {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            expected: serde_json::from_str(&text).unwrap(),
            tensors: Safetensors::open_file(&folder.join("expected.safetensors")).unwrap(),
            folder,
        }
    }

    fn decoder(&self, config: &str, dtype: DType) -> Decoder {
        let spec = read_config(&fs::read_to_string(self.folder.join(config)).unwrap()).unwrap();
        let weights = Safetensors::open(&self.folder).unwrap();
        Decoder::load(spec, &weights, Placement { dtype, device: Device::Cpu }).unwrap()
    }

    fn expected(&self, name: &str) -> Tensor {
        let shape = self.tensors.shape(name).unwrap().to_vec();
        self.tensors.dense(name, &shape, &Placement::cpu_f32()).unwrap()
    }
}

fn goldens() -> Vec<Golden> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/decoder");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders.into_iter().map(Golden::open).collect()
}

fn largest(tensor: &Tensor) -> f32 {
    tensor.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

fn distance(found: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(found.dims(), expected.dims());
    largest(&(found - expected).unwrap())
}

/// The root mean square of the difference.
fn spread(found: &Tensor, expected: &Tensor) -> f32 {
    let squares = (found - expected).unwrap().sqr().unwrap();
    squares.mean_all().unwrap().to_scalar::<f32>().unwrap().sqrt()
}

#[test]
fn every_architecture_has_a_golden_in_both_dialects() {
    let types: Vec<String> = goldens()
        .iter()
        .flat_map(|golden| {
            ["config.json", "config.hub.json"].map(|config| golden.decoder(config, DType::F32))
        })
        .map(|decoder| decoder.spec().architecture.clone())
        .collect();
    for architecture in ARCHITECTURES {
        let count = types.iter().filter(|found| *found == architecture.model_type).count();
        assert!(count >= 2, "{} has no golden", architecture.model_type);
    }
}

#[test]
fn logits_at_every_position_are_those_of_transformers() {
    for golden in goldens() {
        for config in ["config.json", "config.hub.json"] {
            let decoder = golden.decoder(config, DType::F32);
            let mut cache = decoder.cache();
            let mut row = StepRow::new(&golden.expected.prompt, &mut cache);
            row.logits = Positions::All;
            let output = decoder.step(&mut [row]).unwrap().remove(0);
            let off = distance(&output.logits.unwrap(), &golden.expected("logits"));
            assert!(off <= F32_TOLERANCE, "{} by {config}: {off}", golden.name);
        }
    }
}

#[test]
fn bf16_logits_are_as_close_to_f32_as_those_of_transformers_in_bf16() {
    let mut ratios = Vec::new();
    for golden in goldens() {
        let decoder = golden.decoder("config.json", DType::BF16);
        let mut cache = decoder.cache();
        let mut row = StepRow::new(&golden.expected.prompt, &mut cache);
        row.logits = Positions::All;
        let found = decoder.step(&mut [row]).unwrap().remove(0).logits.unwrap();
        let exact = golden.expected("logits");
        let (ours, theirs) = (spread(&found, &exact), spread(&golden.expected("logits_bf16"), &exact));
        assert!(ours <= BF16_TOLERANCE * theirs, "{}: {ours} against {theirs}", golden.name);
        ratios.push(ours / theirs);
    }
    let mean = ratios.iter().sum::<f32>() / ratios.len() as f32;
    assert!(mean <= BF16_MEAN_TOLERANCE, "{mean}");
}

#[test]
fn hidden_states_are_those_of_transformers() {
    for golden in goldens() {
        let decoder = golden.decoder("config.json", DType::F32);
        for layer in 0..=decoder.spec().layers.len() {
            let mut cache = decoder.cache();
            let mut row = StepRow::new(&golden.expected.prompt, &mut cache);
            row.logits = Positions::None;
            row.hidden = Some(Hidden { layer, positions: Positions::All, before_norm: false });
            let output = decoder.step(&mut [row]).unwrap().remove(0);
            assert!(output.logits.is_none());
            let expected = golden.expected(&format!("hidden.{layer}"));
            let off = distance(&output.hidden.unwrap(), &expected);
            let max = F32_TOLERANCE * largest(&expected).max(1.0);
            assert!(off <= max, "{} layer {layer}: {off}", golden.name);
        }
    }
}

#[test]
fn greedy_text_is_that_of_transformers() {
    for golden in goldens() {
        let decoder = golden.decoder("config.json", DType::F32);
        let mut cache = decoder.cache();
        let (mut next, mut made, mut recomputed) =
            (golden.expected.greedy_prompt.clone(), Vec::<u32>::new(), 0);
        for _ in 0..golden.expected.greedy.len() {
            let output = decoder.step(&mut [StepRow::new(&next, &mut cache)]).unwrap().remove(0);
            recomputed += output.recomputed;
            let best = output.logits.unwrap().argmax(1).unwrap().to_vec1::<u32>().unwrap();
            made.extend_from_slice(&best);
            next = best;
        }
        assert_eq!(made, golden.expected.greedy, "{}", golden.name);
        assert_eq!(recomputed > 0, golden.name == "phi3_crossing", "{}", golden.name);
    }
}
