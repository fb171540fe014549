//! Weights: rows, matrices, and files that lie about them.

use std::error::Error;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use half::f16;
use plimsoll_engine::gguf::{BlockFormat, GgufError, GgufFile, GgufMatrix, GgufWeights};
use plimsoll_engine::{EmbeddingRows, Linear, Placement, Tensors, WeightsError};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::models::golden;
use crate::writer::{self, F32, TEXT, U32, Writer, text, value};

const EMBEDDINGS: &str = "model.embed_tokens.weight";
/// Rows of a packed matrix are unpacked one by one to the very values of the whole.
const SAME: f32 = 0.0;
/// A packed product against an unpacked one: activations are rounded to 8 bits, by half of 1/127 of a block's largest at
/// most. As a part of the largest weight times the number of activations, of which none is above 1.
const PACKED_TOLERANCE: f32 = 0.5 / 127.0;
/// Outputs of a matrix are packed in panels of so many, the last of which is filled up.
const PANEL: usize = 16;
/// Bytes of a panel over those of its blocks in a file: scales of few bits are a byte each.
const PANEL_OVERHEAD: f64 = 1.25;
/// What rounding to half precision changes, as a part of a product's size.
const HALF_TOLERANCE: f32 = 2e-2;

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn open(writer: &Writer) -> Result<(TempDir, GgufWeights), GgufError> {
    let (folder, path) = file(&writer.file());
    Ok((folder, GgufWeights::new(GgufFile::open(&path)?)?))
}

/// The message with all its causes.
fn message(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", message(cause)),
        None => error.to_string(),
    }
}

fn refusal<T, E: Error>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => message(&error),
    }
}

/// A model whose embeddings are of a format.
fn embeddings(format: u32, shape: &[u64], bytes: &[u8]) -> Writer {
    let mut writer = writer::model();
    writer.tensor("token_embd.weight", shape, format, bytes);
    writer
}

fn placement(dtype: DType) -> Placement {
    Placement { dtype, device: Device::Cpu }
}

#[expect(clippy::result_large_err, reason = "as the trait has it")]
fn dense(weights: &GgufWeights, shape: &[usize], dtype: DType) -> Result<Tensor, WeightsError> {
    weights.dense(EMBEDDINGS, shape, &placement(dtype))
}

#[test]
fn files_that_are_no_models_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.gguf");
    assert!(refusal(GgufFile::open(&missing)).contains("cannot open"));
    let (_folder, empty) = file(&[]);
    assert!(refusal(GgufFile::open(&empty)).contains("no GGUF file"));
    assert!(refusal(GgufFile::open(folder.path())).contains("is no file"));
    let mut split = writer::model();
    split.pair("split.count", &value(2, &3_u16.to_le_bytes()));
    let (_folder, path) = file(&split.file());
    assert!(refusal(GgufFile::open(&path)).contains("one of 3 parts of a split model"));
    let mut one_part = embeddings(0, &[32, 1], &[0; 128]);
    one_part.pair("split.count", &value(2, &1_u16.to_le_bytes()));
    assert!(open(&one_part).is_ok());
}

#[test]
fn a_file_cut_within_the_weights_is_refused_before_they_are_read() {
    let whole = embeddings(0, &[32, 4], &[0; 512]).file();
    let (_folder, path) = file(&whole[..whole.len() - 1]);
    let refused = refusal(GgufFile::open(&path));
    assert!(refused.contains("tensor `token_embd.weight`: has 512 bytes at offset 0"), "{refused}");
}

#[test]
fn what_is_not_finite_is_named_with_its_place() {
    let mut floats = vec![0_u8; 4 * 32 * 4];
    floats[4 * 70..4 * 71].copy_from_slice(&f32::NAN.to_le_bytes());
    let (_folder, weights) = open(&embeddings(0, &[32, 4], &floats)).unwrap();
    for dtype in [DType::F32, DType::BF16] {
        let refused = refusal(dense(&weights, &[4, 32], dtype));
        assert!(refused.contains("`token_embd.weight`"), "{refused}");
        assert!(refused.contains("row 2, at or after column 6"), "{refused}");
    }
    let mut blocks = vec![0_u8; 4 * 2 * 34];
    blocks[5 * 34..5 * 34 + 2].copy_from_slice(&f16::INFINITY.to_le_bytes());
    let (_folder, weights) = open(&embeddings(8, &[64, 4], &blocks)).unwrap();
    let matrix = weights.matrix(EMBEDDINGS, [4, 64], &placement(DType::F32));
    for refused in [refusal(matrix), refusal(dense(&weights, &[4, 64], DType::F32))] {
        assert!(refused.contains("row 2, at or after column 32"), "{refused}");
    }
}

#[test]
fn a_file_that_shrinks_after_it_was_opened_is_an_error() {
    let whole = embeddings(0, &[32, 4], &[0; 512]).file();
    let (_folder, path) = file(&whole);
    let weights = GgufWeights::new(GgufFile::open(&path).unwrap()).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let refused = refusal(dense(&weights, &[4, 32], DType::F32));
    assert!(refused.contains("tensor `token_embd.weight`"), "{refused}");
    assert!(refused.contains("cannot be read"), "{refused}");
}

#[test]
fn a_value_that_the_wanted_type_cannot_hold_is_named() {
    let mut floats = vec![0_u8; 512];
    floats[4 * 33..4 * 34].copy_from_slice(&1e6_f32.to_le_bytes());
    let (_folder, weights) = open(&embeddings(0, &[32, 4], &floats)).unwrap();
    assert!(dense(&weights, &[4, 32], DType::BF16).is_ok());
    let refused = refusal(dense(&weights, &[4, 32], DType::F16));
    assert!(refused.contains("holds a value at row 1, column 1 that F16 cannot hold"), "{refused}");
}

#[test]
fn shapes_and_names_are_held_against_the_model() {
    let (_folder, weights) = open(&embeddings(0, &[32, 4], &[0; 512])).unwrap();
    assert_eq!(weights.shape(EMBEDDINGS), Some(&[4, 32][..]));
    let refused = refusal(dense(&weights, &[32, 4], DType::F32));
    assert!(refused.contains("has shape [4, 32]; the configuration asks for [32, 4]"), "{refused}");
    let refused = refusal(dense(&weights, &[128], DType::F32));
    assert!(refused.contains("asks for [128]"), "{refused}");
    let missing = weights.dense("model.norm.weight", &[32], &placement(DType::F32));
    assert!(refusal(missing).contains("tensor `model.norm.weight`"));
    let mut surplus = embeddings(0, &[32, 4], &[0; 512]);
    surplus.tensor("blk.0.attn_sinks.weight", &[2], 0, &[0; 8]);
    let refused = refusal(open(&surplus));
    assert!(refused.contains("`blk.0.attn_sinks.weight`"), "{refused}");
    assert!(refused.contains("is not part of a model of this architecture"), "{refused}");
}

#[test]
fn rows_that_are_no_heads_are_refused() {
    let mut odd = embeddings(0, &[32, 4], &[0; 512]);
    odd.tensor("blk.0.attn_q.weight", &[32, 6], 0, &[0; 768]);
    assert!(refusal(open(&odd)).contains("has 6 rows, which are not 2 heads of an even size"));
    let mut packed = embeddings(0, &[32, 4], &[0; 512]);
    packed.tensor("blk.0.attn_q.bias", &[32], 8, &[0; 34]);
    assert!(refusal(open(&packed)).contains("is a packed vector"));
}

#[test]
fn models_that_cannot_be_run_are_refused_by_name() {
    let number = |number: u32| value(U32, &number.to_le_bytes());
    let float = |float: f32| value(F32, &float.to_le_bytes());
    let cases = [
        ("general.architecture", value(TEXT, &text("mamba")), "architecture `mamba`"),
        ("llama.expert_count", number(8), "`llama.expert_count` asks for experts"),
        ("llama.rope.scaling.type", value(TEXT, &text("yarn")), "asks for `yarn` scaling"),
        ("llama.rope.dimension_count", number(8), "a part of each head to be rotated"),
        ("llama.attention.key_length", number(3), "rotary embedding of 3 entries has no pairs"),
        ("llama.rope.freq_base", float(f32::NAN), "not a finite float"),
        ("llama.rope.freq_base", float(0.0), "`rope.theta` is 0, which is no usable factor"),
        ("llama.block_count", number(0), "`layers` is 0; it must be between 1 and"),
        ("llama.block_count", value(10, &u64::MAX.to_le_bytes()), "more layers than any model has"),
        ("llama.attention.head_count", number(3), "no divisor of the model's width"),
        ("llama.attention.head_count_kv", number(3), "2 query heads cannot be shared out among 3"),
        ("llama.attention.value_length", number(3), "not the width of keys"),
        ("llama.attention.key_length", value(10, &u64::MAX.to_le_bytes()), "too many for heads"),
        ("llama.attention.causal", value(7, &[0]), "attention to what follows"),
        ("general.type", value(TEXT, &text("adapter")), "asks for `adapter`"),
        ("llama.attn_logit_softcapping", float(30.0), "bounded attention scores"),
        ("llama.embedding_length", value(TEXT, &text("32")), "holds a text"),
    ];
    for (key, replacement, wanted) in cases {
        let mut writer = embeddings(0, &[32, 4], &[0; 512]);
        writer.replace(key, &replacement);
        let refused = refusal(open(&writer));
        assert!(refused.contains(wanted), "{refused}");
    }
    let refused = refusal(open(&writer::model()));
    assert!(refused.contains("`token_embd.weight` is missing or no matrix"), "{refused}");
}

/// Values of both signs, about one in size.
fn wave(count: usize) -> Vec<f32> {
    (0..count).map(|at| (at as f32 * 0.37).sin()).collect()
}

/// Finite blocks that differ from each other.
fn blocks(format: BlockFormat, count: usize) -> Vec<u8> {
    let size = format.bytes_per_block();
    let byte = |at: usize| (at * 73 + at / size * 31) as u8 & 0x3b;
    (0..count * size).map(byte).collect()
}

fn matrix(format: BlockFormat, columns: usize) -> (GgufMatrix, Tensor) {
    let id = (0..64).find(|&id| BlockFormat::from_id(id) == Ok(format)).unwrap();
    let bytes = blocks(format, 7 * columns / format.values_per_block());
    let (_folder, weights) = open(&embeddings(id, &[columns as u64, 7], &bytes)).unwrap();
    let matrix = weights.matrix(EMBEDDINGS, [7, columns], &placement(DType::F32));
    (matrix.unwrap(), dense(&weights, &[7, columns], DType::F32).unwrap())
}

fn largest(x: &Tensor) -> f32 {
    x.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

#[test]
fn rows_and_products_are_those_of_the_unpacked_matrix() {
    let ids = Tensor::new(&[6_u32, 0, 6], &Device::Cpu).unwrap();
    for format in BlockFormat::all() {
        // One block of 32, where there are such, and two of 256.
        for columns in [32, 512].into_iter().filter(|columns| columns % format.values_per_block() == 0) {
            let (matrix, whole) = matrix(format, columns);
            let rows = (matrix.rows(&ids).unwrap() - whole.index_select(&ids, 0).unwrap()).unwrap();
            assert_eq!(largest(&rows), SAME, "{format:?}");
            let x = Tensor::from_vec(wave(3 * columns), (3, columns), &Device::Cpu).unwrap();
            let expected = x.matmul(&whole.t().unwrap()).unwrap();
            let off = largest(&(matrix.forward(&x).unwrap() - &expected).unwrap());
            let size = largest(&whole) * columns as f32;
            assert!(off < PACKED_TOLERANCE * size, "{format:?} {columns}: {off} of {size}");
        }
    }
}

#[test]
fn packed_matrices_stay_packed() {
    for format in BlockFormat::all() {
        // An odd number of blocks, too.
        for columns in [format.values_per_block().max(32), 3 * format.values_per_block().max(32)] {
            let (matrix, _) = matrix(format, columns);
            assert_eq!(matrix.packed_as(), Some(format).filter(|format| !format.is_float()), "{columns}");
            let blocks = 7 * columns / format.values_per_block();
            let (bytes, found) = (blocks * format.bytes_per_block(), Linear::bytes(&matrix));
            if format.is_float() {
                assert_eq!(found, 7 * columns * 4, "{format:?} {columns}");
            } else {
                #[expect(
                    clippy::cast_sign_loss,
                    clippy::cast_possible_truncation,
                    reason = "a number of bytes"
                )]
                let max = ((bytes * PANEL / 7) as f64 * PANEL_OVERHEAD) as usize;
                assert!((bytes..=max).contains(&found), "{format:?} {columns}: {found}");
            }
        }
    }
}

#[test]
fn a_row_that_is_none_is_an_error() {
    for format in [BlockFormat::F32, BlockFormat::Q8_0] {
        let (matrix, _) = matrix(format, 32);
        let ids = Tensor::new(&[7_u32], &Device::Cpu).unwrap();
        assert!(matrix.rows(&ids).is_err());
    }
}

#[test]
fn a_tokenizer_beside_the_file_goes_first() {
    let (folder, weights) = open(&embeddings(0, &[32, 4], &[0; 512])).unwrap();
    let missing = refusal(weights.file().tokenizer_json());
    assert!(missing.contains("`tokenizer.ggml.tokens` is missing"), "{missing}");
    std::fs::write(folder.path().join("tokenizer.json"), "{}").unwrap();
    assert_eq!(weights.file().tokenizer_json().unwrap(), "{}");
}

/// Everything that is ever read of a file.
fn read_all(path: &Path) -> Result<(), Box<dyn Error>> {
    let file = GgufFile::open(path)?;
    let json = file.tokenizer_json();
    let special = file.vocabulary().map(|vocabulary| vocabulary.special_tokens());
    let weights = GgufWeights::new(file)?;
    for name in weights.names() {
        let shape = weights.shape(name).unwrap();
        weights.dense(name, shape, &placement(DType::BF16))?;
        if let [rows, columns] = *shape {
            weights.linear(name, [rows, columns], &placement(DType::F32))?;
        }
    }
    json?;
    special??;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_change_of_a_model_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        // The header and the first weights.
        const CHANGED: usize = 16_000;
        let mut bytes = std::fs::read(golden("model-llama-q4_0")).unwrap();
        for (index, byte) in changes {
            bytes[index.index(CHANGED)] = byte;
        }
        let (_folder, path) = file(&bytes);
        drop(read_all(&path));
    }
}

#[test]
fn an_unchanged_model_is_read_whole() {
    read_all(&golden("model-llama-q4_0")).unwrap();
}

#[test]
fn products_have_the_type_of_their_rows() {
    let (matrix, _) = matrix(BlockFormat::Q8_0, 64);
    let x = Tensor::from_vec(wave(2 * 64), (2, 64), &Device::Cpu).unwrap();
    let expected = matrix.forward(&x).unwrap();
    for dtype in [DType::F16, DType::BF16] {
        let product = matrix.forward(&x.to_dtype(dtype).unwrap()).unwrap();
        assert_eq!(product.dtype(), dtype);
        let off = (product.to_dtype(DType::F32).unwrap() - &expected).unwrap();
        assert!(largest(&off) < HALF_TOLERANCE * largest(&expected), "{dtype:?}");
    }
}
