//! Steps that are refused, and passes of long steps.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use plimsoll_engine::{
    Decoder, Hidden, OpenedModel, Placement, Positions, Safetensors, StepRow, read_config,
};

/// Of logits that differ by several units, in f32.
const TOLERANCE: f32 = 1e-4;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/decoder").join(name)
}

fn model(name: &str) -> Decoder {
    opened(name, Placement::cpu_f32())
}

fn opened(name: &str, placement: Placement) -> Decoder {
    OpenedModel::open(&folder(name)).unwrap().load_decoder(placement).unwrap()
}

fn distance(a: &Tensor, b: &Tensor) -> f32 {
    (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

#[test]
fn steps_that_cannot_be_taken_name_the_row_and_change_nothing() {
    let (model, other) = (model("llama"), model("qwen2"));
    let decoder = model;
    let mut good = decoder.cache();
    decoder.step(&mut [StepRow::new(&[1, 2, 3], &mut good)]).unwrap();
    let long = vec![1; 126];
    let nowhere = |layer, positions| Some(Hidden { layer, positions, before_norm: false });
    let cases: Vec<(&[u32], Positions, Option<Hidden>, &str)> = vec![
        (&[], Positions::Last, None, "row 1 has no tokens"),
        (&[4, 61], Positions::Last, None, "row 1 has token 61 at 1; the model's vocabulary has 61"),
        (
            &[u32::MAX],
            Positions::Last,
            None,
            "row 1 has token 4294967295 at 0; the model's vocabulary has 61",
        ),
        (&long, Positions::Last, None, "row 1 would have 129 tokens; the model's context has 128"),
        (&[4], Positions::List(vec![0, 1]), None, "row 1 asks for position 1 of 1 tokens"),
        (
            &[4],
            Positions::Last,
            nowhere(3, Positions::Last),
            "row 1 asks for the hidden state of layer 3; the model has 0 to 2",
        ),
        (
            &[4],
            Positions::Last,
            nowhere(1, Positions::List(vec![9])),
            "row 1 asks for position 9 of 1 tokens",
        ),
    ];
    for (tokens, logits, hidden, wanted) in cases {
        let mut fine = decoder.cache();
        let row = StepRow { tokens, cache: &mut good, logits, hidden };
        let error = decoder.step(&mut [StepRow::new(&[5], &mut fine), row]).unwrap_err();
        assert_eq!(error.to_string(), wanted);
        assert_eq!((good.tokens(), fine.len()), ([1, 2, 3].as_slice(), 0));
    }
    let mut foreign = other.cache();
    let error = decoder.step(&mut [StepRow::new(&[1], &mut foreign)]).unwrap_err();
    assert_eq!(error.to_string(), "the cache of row 0 was made by another decoder");
    assert!(decoder.step(&mut []).unwrap().is_empty());
}

#[test]
fn a_model_can_be_shared_by_threads_and_caches_moved_between_them() {
    fn shared<T: Send + Sync>(_: &T) {}
    let model = model("llama");
    shared(&model);
    shared(&model.cache());
}

#[test]
fn a_long_step_is_what_short_steps_are() {
    // Two rows, together longer than one pass, in a model whose context allows it.
    let mut spec = read_config(&fs::read_to_string(folder("gemma3").join("config.json")).unwrap()).unwrap();
    spec.context = 4096;
    let tensors = Safetensors::open(&folder("gemma3")).unwrap();
    let decoder = Decoder::load(spec, &tensors, Placement::cpu_f32()).unwrap();
    let prompts: [Vec<u32>; 2] = [900, 700].map(|length| (0..length).map(|i: u32| i * i % 61).collect());
    let mut caches = prompts.each_ref().map(|_| decoder.cache());
    let positions = vec![699, 3, 600, 124];
    let hidden =
        || Some(Hidden { layer: 2, positions: Positions::List(positions.clone()), before_norm: false });
    let mut rows: Vec<StepRow<'_>> = prompts
        .iter()
        .zip(&mut caches)
        .map(|(tokens, cache)| StepRow {
            tokens,
            cache,
            logits: Positions::List(positions.clone()),
            hidden: hidden(),
        })
        .collect();
    let together = decoder.step(&mut rows).unwrap();
    for (prompt, output) in prompts.iter().zip(together) {
        let mut cache = decoder.cache();
        let (mut logits, mut states) = (Vec::new(), Vec::new());
        for piece in prompt.chunks(100) {
            let hidden = Some(Hidden { layer: 2, positions: Positions::All, before_norm: false });
            let row = StepRow { tokens: piece, cache: &mut cache, logits: Positions::All, hidden };
            let output = decoder.step(&mut [row]).unwrap().remove(0);
            logits.push(output.logits.unwrap());
            states.push(output.hidden.unwrap());
        }
        let wanted = Tensor::new(&[699_u32, 3, 600, 124], &Device::Cpu).unwrap();
        for (parts, found) in [(logits, output.logits), (states, output.hidden)] {
            let expected = Tensor::cat(&parts, 0).unwrap().index_select(&wanted, 0).unwrap();
            let off = distance(&found.unwrap(), &expected);
            assert!(off <= TOLERANCE, "{off}");
        }
    }
}

#[test]
fn crossing_the_long_rope_computes_the_cache_anew_both_ways() {
    // Up to 16 tokens are short.
    let model = model("phi3_crossing");
    let decoder = model;
    let tokens: Vec<u32> = (0..20).map(|i: u32| i * 7 % 61).collect();
    let whole = |tokens: &[u32]| {
        let mut cache = decoder.cache();
        decoder.step(&mut [StepRow::new(tokens, &mut cache)]).unwrap().remove(0).logits.unwrap()
    };
    let mut cache = decoder.cache();
    let mut step = |tokens: &[u32], cut: usize| {
        cache.truncate(cut);
        let output = decoder.step(&mut [StepRow::new(tokens, &mut cache)]).unwrap().remove(0);
        (output.recomputed, output.logits.unwrap())
    };
    for (begin, end, recomputed) in [(0, 16, 0), (16, 17, 16), (17, 20, 0), (10, 12, 10), (12, 13, 0)] {
        let (count, logits) = step(&tokens[begin..end], begin);
        assert_eq!(count, recomputed, "{begin}..{end}");
        assert!(distance(&logits, &whole(&tokens[..end])) <= TOLERANCE, "{begin}..{end}");
    }
}

#[test]
fn forks_share_and_bytes_count_room() {
    let model = model("llama");
    let mut cache = model.cache();
    assert!(cache.is_empty() && cache.bytes() == 0);
    model.step(&mut [StepRow::new(&[1, 2, 3], &mut cache)]).unwrap();
    // Two layers, keys and values, two heads of 16 numbers of 4 bytes, a page of 16 tokens.
    assert_eq!(cache.bytes(), 2 * 2 * 2 * 16 * 4 * 16);
    let fork = cache.fork();
    assert_eq!((fork.bytes(), fork.tokens()), (cache.bytes(), cache.tokens()));
    cache.truncate(0);
    assert_eq!((cache.len(), fork.len()), (0, 3));
}

#[test]
fn bf16_has_half_the_bytes() {
    let placement = Placement { dtype: DType::BF16, device: Device::Cpu };
    let model = opened("llama", placement);
    let mut cache = model.cache();
    let output = model.step(&mut [StepRow::new(&[1, 2, 3], &mut cache)]).unwrap().remove(0);
    assert_eq!(output.logits.unwrap().dtype(), DType::F32);
    assert_eq!(cache.bytes(), 2 * 2 * 2 * 16 * 2 * 32);
}

/// Of logits of up to 10, each sum rounded to 8 bits, in two orders.
const BF16_TOLERANCE: f32 = 0.5;

#[test]
fn bf16_token_by_token_is_bf16_at_once() {
    for name in ["llama", "gemma3", "mistral_window", "qwen3"] {
        let placement = Placement { dtype: DType::BF16, device: Device::Cpu };
        let model = opened(name, placement);
        let tokens: Vec<u32> = (0..20).map(|i: u32| i * 7 % 61).collect();
        let (mut at_once, mut by_token) = (model.cache(), model.cache());
        let mut row = StepRow::new(&tokens, &mut at_once);
        row.logits = Positions::All;
        let expected = model.step(&mut [row]).unwrap().remove(0).logits.unwrap();
        let rows = tokens.iter().map(|token| {
            let mut outputs = model.step(&mut [StepRow::new(&[*token], &mut by_token)]).unwrap();
            outputs.remove(0).logits.unwrap()
        });
        let found = Tensor::cat(&rows.collect::<Vec<_>>(), 0).unwrap();
        let off = distance(&found, &expected);
        assert!(off <= BF16_TOLERANCE, "{name}: {off}");
    }
}

#[test]
fn a_head_that_is_written_although_tied_is_taken_as_written() {
    // An untied model that says that it is tied.
    let mut spec =
        read_config(&fs::read_to_string(folder("llama_plain").join("config.json")).unwrap()).unwrap();
    spec.tied_embeddings = true;
    let tensors = Safetensors::open(&folder("llama_plain")).unwrap();
    let decoder = Decoder::load(spec, &tensors, Placement::cpu_f32()).unwrap();
    let untied = model("llama_plain");
    let logits = |decoder: &Decoder| {
        let mut cache = decoder.cache();
        decoder.step(&mut [StepRow::new(&[5, 6], &mut cache)]).unwrap().remove(0).logits.unwrap()
    };
    assert_eq!(distance(&logits(&decoder), &logits(&untied)), 0.0);
}
