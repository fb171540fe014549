//! Models as users have them.

use std::fs;
use std::path::{Path, PathBuf};

use plimsoll_core::Seed;
use plimsoll_core::prompt::Message;
use tempfile::TempDir;

use super::*;
use crate::chat::Moment;
use crate::sampling::Sampling;
use crate::step::{Positions, StepRow};

/// Absolute, of log-probabilities from steps of other lengths.
const SAME: f64 = 1e-4;

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

/// A copy of a golden model's folder.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in ["config.json", "model.safetensors"] {
        fs::copy(goldens().join("decoder/llama").join(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn gguf() -> LanguageModel {
    let opened = OpenedModel::open(&goldens().join("gguf/model-llama.gguf")).unwrap();
    opened.load(Placement::cpu_f32()).unwrap()
}

fn stop_tokens(files: &[(&str, &str)]) -> Result<Vec<u32>> {
    let folder = folder();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Ok(OpenedModel::open(folder.path())?.description().stop_tokens)
}

#[test]
fn a_folder_is_described_without_its_weights_in_memory() {
    let folder = folder();
    let opened = OpenedModel::open(folder.path()).unwrap();
    let described = opened.description();
    assert_eq!((described.architecture.as_str(), described.stored.as_str()), ("llama", "BF16"));
    assert_eq!((described.layers, described.form), (2, ChatForm::Plain));
    assert_eq!(described.parameters, opened.spec.parameters());
    assert_eq!(opened.natural_dtype(), DType::BF16);
    assert!(described.tokenizer_problem.unwrap().contains("no tokenizer.json"));
    assert_eq!(opened.weight_files(), [folder.path().join("model.safetensors")]);
    let hashes = opened.hashes(&HashCache::none()).unwrap();
    assert_eq!(
        hashes.weights_sha256,
        plimsoll_hub::sha256(&folder.path().join("model.safetensors")).unwrap()
    );
    assert_eq!(hashes.tokenizer_sha256, None);
    assert!(matches!(opened.load(Placement::cpu_f32()), Err(EngineError::Tokenizer(_))));
}

#[test]
fn a_tokenizer_of_a_larger_model_is_a_problem_that_is_told() {
    let folder = folder();
    fs::copy(goldens().join("text/gpt2.json"), folder.path().join("tokenizer.json")).unwrap();
    let opened = OpenedModel::open(folder.path()).unwrap();
    assert!(opened.description().tokenizer_problem.unwrap().contains("beyond the model's vocabulary of 61"));
}

#[test]
fn what_ends_an_answer_is_read_where_transformers_reads_it() {
    let generation = |text: &'static str| stop_tokens(&[("generation_config.json", text)]);
    assert_eq!(generation(r#"{"eos_token_id": 7}"#).unwrap(), [7]);
    assert_eq!(generation(r#"{"eos_token_id": [9, 7, 9]}"#).unwrap(), [7, 9]);
    for text in [r#"{"eos_token_id": "</s>"}"#, r#"{"eos_token_id": -1}"#, "[]", "", "{"] {
        assert!(matches!(generation(text), Err(EngineError::Damaged { .. })), "{text}");
    }
    // Without a word there, config.json's holds.
    assert_eq!(generation(r#"{"eos_token_id": null}"#).unwrap(), [2]);
    assert_eq!(generation("{}").unwrap(), [2]);
    let config = fs::read_to_string(goldens().join("decoder/llama/config.json")).unwrap();
    let config = config.replacen(r#""eos_token_id": 2"#, r#""eos_token_id": 5"#, 1);
    assert_eq!(stop_tokens(&[("config.json", &config)]).unwrap(), [5]);
    let both = [("config.json", config.as_str()), ("generation_config.json", r#"{"eos_token_id": 6}"#)];
    assert_eq!(stop_tokens(&both).unwrap(), [6]);
}

#[test]
fn folders_that_hold_no_one_model() {
    let empty = TempDir::new().unwrap();
    assert!(matches!(OpenedModel::open(empty.path()), Err(EngineError::Absent { .. })));
    for name in ["b.gguf", "a.GGUF"] {
        fs::copy(goldens().join("gguf/model-llama.gguf"), empty.path().join(name)).unwrap();
    }
    let several = OpenedModel::open(empty.path()).unwrap_err().to_string();
    assert!(several.contains("a.GGUF, b.gguf"), "{several}");
    fs::remove_file(empty.path().join("b.gguf")).unwrap();
    assert_eq!(OpenedModel::open(empty.path()).unwrap().description().stored, "F32");
    assert!(matches!(OpenedModel::open(&empty.path().join("nothing")), Err(EngineError::Io { .. })));
    fs::write(empty.path().join("notes.txt"), "x").unwrap();
    assert!(
        OpenedModel::open(&empty.path().join("notes.txt")).unwrap_err().to_string().contains("no .gguf file")
    );
}

#[test]
fn log_probabilities_are_those_of_the_logits() {
    let model = gguf();
    let tokens: Vec<u32> = (0..40).map(|index| index * 5 % 60).collect();
    let found = model.logprobs(&tokens).unwrap();
    let mut cache = model.decoder().cache();
    let mut row = StepRow { logits: Positions::All, ..StepRow::new(&tokens, &mut cache) };
    let logits = model.decoder().step(std::slice::from_mut(&mut row)).unwrap().remove(0).logits.unwrap();
    let logits: Vec<Vec<f32>> = logits.to_vec2().unwrap();
    assert_eq!((found.len(), found[0]), (40, None));
    for (index, logprob) in found.iter().enumerate().skip(1) {
        let before: Vec<f64> = logits[index - 1].iter().map(|logit| f64::from(*logit)).collect();
        let sum: f64 = before.iter().map(|logit| logit.exp()).sum();
        let expected = before[tokens[index] as usize] - sum.ln();
        assert!((logprob.unwrap() - expected).abs() <= SAME);
    }
    assert!(matches!(model.logprobs(&[]), Err(EngineError::NoTokens)));
}

#[test]
fn an_answer_ends_where_the_context_does() {
    let model = gguf();
    let context = model.decoder().spec().context;
    let answer = GenerationOptions {
        sampling: Sampling::at(1.0).unwrap(),
        max_tokens: 10 * context,
        stop_strings: Vec::new(),
        seed: Seed::new(1),
    };
    let prompt = vec![3; context - 2];
    let mut observed = 0;
    let generated = model.generate(&prompt, &answer, &mut |_| observed += 1).unwrap();
    assert!(generated.tokens.len() <= 3 && observed <= 3, "{observed}");
    let longer = vec![3; context + 1];
    assert!(matches!(model.generate(&longer, &answer, &mut |_| ()), Err(EngineError::Step(_))));
    assert!(matches!(model.generate(&[], &answer, &mut |_| ()), Err(EngineError::NoTokens)));
}

#[test]
fn a_model_without_a_template_writes_plain_text() {
    let model = gguf();
    let message = |text: &str| Message { role: plimsoll_core::prompt::Role::User, text: text.to_owned() };
    let now = Moment::date(2025, 1, 1).unwrap();
    let chat = model.encode_chat(&[message("ab")], now).unwrap();
    let text = model.tokenizer().decode(&chat).unwrap();
    assert!(text.contains("ab"), "{text}");
    assert!(chat.len() > model.encode_text("ab").unwrap().len());
}
