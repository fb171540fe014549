//! Whole files against transformers and llama.cpp.

use std::path::PathBuf;

use candle_core::Tensor;
use plimsoll_engine::gguf::{BlockFormat, GgufFile, GgufWeights};
use plimsoll_engine::{Decoder, Placement, Positions, StepRow, Tensors, WeightsError};

/// Against transformers with the same weights, all in F32: rounding of sums in another order. As a part of
/// the logits' size.
const F32_TOLERANCE: f64 = 1e-4;
/// Against llama.cpp, which rounds activations to 8 bits in its own way for packed weights.
const LLAMA_CPP_PACKED_TOLERANCE: f64 = 6e-2;
/// Against transformers, over llama.cpp's own distance to it: both round activations to 8 bits, each in its own way.
/// Measured: llama.cpp is 1.3e-2 to 1.7e-2 from transformers on these files.
const EIGHT_BIT_FACTOR: f64 = 1.5;
/// Against llama.cpp with half-precision weights: it rounds activations to the same type.
const LLAMA_CPP_HALF_TOLERANCE: f64 = 1e-2;
/// Against llama.cpp for Gemma, whose activation function it looks up in a table of half precision.
const LLAMA_CPP_GELU_TOLERANCE: f64 = 2e-3;

pub(crate) const ARCHITECTURES: &[&str] =
    &["llama", "llama3", "mistral", "phi3-short", "phi3-long", "qwen2", "qwen3", "granite", "gemma3"];
const HALVES: &[&str] = &["llama-f16", "llama-bf16"];
const PACKED: &[&str] = &[
    "llama-q4_0",
    "llama-q4_1",
    "llama-q5_0",
    "llama-q5_1",
    "llama-q8_0",
    "llama-k-low",
    "llama-k-high",
    "llama-q4_k_m-576",
];

pub(crate) fn golden(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/gguf");
    folder.join(format!("{name}.gguf"))
}

pub(crate) fn open(name: &str) -> GgufWeights {
    let file = GgufFile::open(&golden(&format!("model-{name}"))).unwrap();
    GgufWeights::new(file).unwrap()
}

/// How matrices are multiplied with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Products {
    /// As they are packed.
    Packed,
    /// Unpacked to F32.
    Unpacked,
}

/// Weights of which nothing stays packed: what the trait does where a container has no matrices of its own.
#[derive(Debug)]
struct Unpacked<'a>(&'a GgufWeights);

impl Tensors for Unpacked<'_> {
    fn names(&self) -> Vec<&str> {
        self.0.names()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.0.shape(name)
    }

    fn dense(&self, name: &str, shape: &[usize], placement: &Placement) -> Result<Tensor, WeightsError> {
        self.0.dense(name, shape, placement)
    }
}

/// The logits of a decoder of those weights, at those positions, one after another.
fn logits(weights: &GgufWeights, products: Products, tokens: &[u32], positions: Vec<usize>) -> Vec<f32> {
    let unpacked = Unpacked(weights);
    let tensors: &dyn Tensors = match products {
        Products::Packed => weights,
        Products::Unpacked => &unpacked,
    };
    let decoder = Decoder::load(weights.spec().clone(), tensors, Placement::cpu_f32()).unwrap();
    let mut cache = decoder.cache();
    let mut row = StepRow::new(tokens, &mut cache);
    row.logits = Positions::List(positions);
    let output = decoder.step(&mut [row]).unwrap().remove(0);
    output.logits.unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// How far our logits are from those of another.
fn apart(weights: &GgufWeights, products: Products, other: &str) -> f64 {
    let metadata = &weights.file().header().metadata;
    let numbers = |key: &str| -> Vec<u32> {
        let numbers = metadata.integers(key).unwrap().unwrap();
        numbers.iter().map(|&number| number.cast_unsigned()).collect()
    };
    let positions = numbers("golden.positions").into_iter().map(|position| position as usize);
    let ours = logits(weights, products, &numbers("golden.tokens"), positions.collect());
    let theirs = metadata.floats(&format!("golden.{other}")).unwrap().unwrap();
    off(&ours, theirs)
}

/// How far llama.cpp's logits are from those of transformers.
fn theirs(weights: &GgufWeights) -> f64 {
    let metadata = &weights.file().header().metadata;
    let logits = |other: &str| metadata.floats(&format!("golden.{other}")).unwrap().unwrap();
    off(logits("llama_cpp"), logits("transformers"))
}

/// The distance of logits from others, as a part of their size (root mean squares).
fn off(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let square = |x: f64| x * x;
    let pairs = ours.iter().zip(theirs).map(|(&a, &b)| (f64::from(a), f64::from(b)));
    let (off, size) = pairs.fold((0.0, 0.0), |(off, size), (a, b)| (off + square(a - b), size + square(b)));
    (off / size).sqrt()
}

#[test]
fn architectures_give_the_logits_of_transformers_and_llama_cpp() {
    for name in ARCHITECTURES {
        let weights = open(name);
        let by_transformers = apart(&weights, Products::Unpacked, "transformers");
        let by_llama_cpp = apart(&weights, Products::Unpacked, "llama_cpp");
        let gemma = *name == "gemma3";
        let tolerance = if gemma { LLAMA_CPP_GELU_TOLERANCE } else { F32_TOLERANCE };
        assert!(by_transformers < F32_TOLERANCE, "{name}: {by_transformers}");
        assert!(by_llama_cpp < tolerance, "{name}: {by_llama_cpp}");
    }
}

#[test]
fn half_precision_weights_give_the_same_logits() {
    for name in HALVES {
        let weights = open(name);
        let by_transformers = apart(&weights, Products::Unpacked, "transformers");
        let by_llama_cpp = apart(&weights, Products::Unpacked, "llama_cpp");
        assert!(by_transformers < F32_TOLERANCE, "{name}: {by_transformers}");
        assert!(by_llama_cpp < LLAMA_CPP_HALF_TOLERANCE, "{name}: {by_llama_cpp}");
    }
}

#[test]
fn packed_weights_give_the_logits_of_unpacked_ones() {
    for name in PACKED {
        let weights = open(name);
        let unpacked = apart(&weights, Products::Unpacked, "transformers");
        let packed = apart(&weights, Products::Packed, "transformers");
        let by_llama_cpp = apart(&weights, Products::Packed, "llama_cpp");
        assert!(unpacked < F32_TOLERANCE, "{name}: {unpacked}");
        let tolerance = EIGHT_BIT_FACTOR * theirs(&weights);
        assert!(packed < tolerance, "{name}: {packed} of {tolerance}");
        assert!(by_llama_cpp < LLAMA_CPP_PACKED_TOLERANCE, "{name}: {by_llama_cpp}");
    }
}

/// The logits after the last token of each row, read in steps of so many tokens, all rows in the same steps.
fn last_logits(decoder: &Decoder, rows: &[Vec<u32>], size: usize) -> Vec<Vec<f32>> {
    let mut caches: Vec<_> = rows.iter().map(|_| decoder.cache()).collect();
    let mut last = vec![Vec::new(); rows.len()];
    for step in 0..rows.iter().map(Vec::len).max().unwrap().div_ceil(size) {
        let taking = rows.iter().zip(&mut caches).zip(&mut last);
        let (mut steps, mut targets): (Vec<_>, Vec<_>) = taking
            .filter_map(|((row, cache), last)| Some((StepRow::new(row.chunks(size).nth(step)?, cache), last)))
            .unzip();
        for (output, target) in decoder.step(&mut steps).unwrap().into_iter().zip(&mut targets) {
            **target = output.logits.unwrap().flatten_all().unwrap().to_vec1().unwrap();
        }
    }
    last
}

#[test]
fn packed_rows_have_the_same_bits_alone_together_and_in_steps_of_any_size() {
    const ROWS: u32 = 24;
    for name in PACKED {
        let weights = open(name);
        let decoder = Decoder::load(weights.spec().clone(), &weights, Placement::cpu_f32()).unwrap();
        let row = |row: u32| (0..=row % 23).map(|index| (row * 7 + index * 31) % 251).collect();
        let rows: Vec<Vec<u32>> = (0..ROWS).map(row).collect();
        let together = last_logits(&decoder, &rows, 64);
        for size in [1, 5, 17] {
            assert!(last_logits(&decoder, &rows, size) == together, "{name} in steps of {size}");
        }
        for (row, beside) in rows.iter().zip(&together).step_by(5) {
            let alone = last_logits(&decoder, std::slice::from_ref(row), 64);
            assert!(alone[0] == *beside, "{name}, {} tokens", row.len());
        }
    }
}

#[test]
fn a_model_of_576_has_the_mixture_of_formats_that_its_rows_allow() {
    let weights = open("llama-q4_k_m-576");
    let layer = |part: &str| weights.format(&format!("model.layers.0.{part}.weight"));
    assert_eq!(layer("self_attn.q_proj"), Some(BlockFormat::Q5_0));
    assert_eq!(layer("self_attn.v_proj"), Some(BlockFormat::Q8_0));
    assert_eq!(layer("mlp.down_proj"), Some(BlockFormat::Q6K));
}

#[test]
fn blocks_are_unpacked_to_the_bit() {
    let file = GgufFile::open(&golden("blocks")).unwrap();
    let tensors = &file.header().tensors;
    let bytes = std::fs::read(golden("blocks")).unwrap();
    let mut formats = 0;
    for (name, info) in tensors {
        let Some(expected) = tensors.get(&format!("{name}.unpacked")) else {
            continue;
        };
        let at = |info: &plimsoll_engine::gguf::TensorInfo| {
            let start = usize::try_from(info.offset).unwrap();
            start..start + usize::try_from(info.bytes).unwrap()
        };
        let expected: Vec<u32> = bytes[at(expected)]
            .chunks_exact(4)
            .map(|four| u32::from_le_bytes(four.try_into().unwrap()))
            .collect();
        let ours = as_model(info.format, &bytes[at(info)], &info.shape);
        let ours = ours.dense("model.embed_tokens.weight", &info.shape, &Placement::cpu_f32());
        let ours: Vec<f32> = ours.unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let ours: Vec<u32> = ours.into_iter().map(f32::to_bits).collect();
        assert!(ours == expected, "{name}");
        formats += 1;
    }
    assert_eq!(formats, BlockFormat::all().count() - 1, "all but F32");
}

/// A model that has nothing but embeddings.
fn as_model(format: BlockFormat, bytes: &[u8], shape: &[usize]) -> GgufWeights {
    let id = (0..64).find(|&id| BlockFormat::from_id(id) == Ok(format)).unwrap();
    let mut writer = crate::writer::model();
    let shape = [shape[1] as u64, shape[0] as u64];
    writer.tensor("token_embd.weight", &shape, id, bytes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blocks.gguf");
    std::fs::write(&path, writer.file()).unwrap();
    GgufWeights::new(GgufFile::open(&path).unwrap()).unwrap()
}
