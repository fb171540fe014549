//! A tiny random model with a tokenizer of bytes and a chat template, asks, and a run.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::sync::{Arc, LazyLock};

use candle_core::{Device, Tensor};
use plimsoll_backend::{
    Backend, BackendError, BackendObserver, Batch, Cancel, Control, Observation, Request,
};
use plimsoll_core::prompt::{FollowUp, Message, Prompt, Role};
use plimsoll_core::signal::Position;
use plimsoll_core::{Decoding, ModelId, QuestionId, Seed, SignalRequest};
use plimsoll_engine::chat::Moment;
use plimsoll_engine::{
    HashCache, LanguageModel, LocalBackend, LocalLimits, ModelHashes, OpenedModel, Placement,
};
use rand::Rng as _;
use serde_json::{Value, json};
use tempfile::TempDir;

const HIDDEN: usize = 32;
const INTERMEDIATE: usize = 48;
pub(crate) const LAYERS: usize = 3;
const HEADS: usize = 4;
const KEY_VALUE_HEADS: usize = 2;
const VOCABULARY: usize = 288;
pub(crate) const CONTEXT: usize = 512;

/// Special tokens, after the bytes and the words.
const SPECIAL: [&str; 3] = ["<|say|>", "<|end|>", "<|begin|>"];
/// Words that are one token, with a space before them too.
const WORDS: [&str; 2] = ["True", "False"];

/// A template that raises where it is told to.
pub(crate) const TEMPLATE: &str = "{% for message in messages %}{% if 'forbidden' in message.content %}\
{{ raise_exception('no') }}{% endif %}<|begin|>{{ message.role }}: {{ message.content }}<|end|>{% endfor %}\
{% if add_generation_prompt %}<|say|>{% endif %}";

/// The signs by which byte-level tokenizers write bytes.
fn signs() -> Vec<char> {
    let plain = |byte: u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut others = 256..;
    let sign = |byte| if plain(byte) { byte } else { others.next().unwrap() };
    (0..256).map(sign).map(|code| char::from_u32(code).unwrap()).collect()
}

pub(crate) fn tokenizer() -> Value {
    let mut vocabulary: BTreeMap<String, usize> =
        signs().iter().enumerate().map(|(byte, sign)| (sign.to_string(), byte)).collect();
    let mut merges = Vec::new();
    for word in WORDS {
        for end in 2..=word.len() {
            vocabulary.insert(word[..end].to_owned(), vocabulary.len());
            merges.push(json!([word[..end - 1], word[end - 1..end]]));
        }
        vocabulary.insert(format!("Ġ{word}"), vocabulary.len());
        merges.push(json!(["Ġ", word]));
    }
    let added: Vec<Value> = SPECIAL
        .iter()
        .enumerate()
        .map(|(index, text)| {
            json!({"id": vocabulary.len() + index, "content": text, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true})
        })
        .collect();
    let level =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": level, "post_processor": null, "decoder": level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": merges},
    })
}

/// Random weights; the last norm times `scale`.
pub(crate) fn weights(seed: u64, scale: f32) -> HashMap<String, Tensor> {
    let mut rng = Seed::new(seed).derive("weights").rng();
    let mut weights = HashMap::new();
    let mut add = |name: String, shape: &[usize], middle: f32, spread: f32| {
        let count = shape.iter().product();
        let numbers: Vec<f32> = (0..count).map(|_| middle + spread * rng.random_range(-1.0..1.0)).collect();
        weights.insert(name, Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap());
    };
    add("model.embed_tokens.weight".into(), &[VOCABULARY, HIDDEN], 0.0, 1.0);
    add("lm_head.weight".into(), &[VOCABULARY, HIDDEN], 0.0, 0.5);
    add("model.norm.weight".into(), &[HIDDEN], scale, 0.2 * scale);
    let narrow = HIDDEN / HEADS * KEY_VALUE_HEADS;
    for layer in 0..LAYERS {
        for (name, shape) in [
            ("self_attn.q_proj", [HIDDEN, HIDDEN]),
            ("self_attn.k_proj", [narrow, HIDDEN]),
            ("self_attn.v_proj", [narrow, HIDDEN]),
            ("self_attn.o_proj", [HIDDEN, HIDDEN]),
            ("mlp.gate_proj", [INTERMEDIATE, HIDDEN]),
            ("mlp.up_proj", [INTERMEDIATE, HIDDEN]),
            ("mlp.down_proj", [HIDDEN, INTERMEDIATE]),
        ] {
            add(format!("model.layers.{layer}.{name}.weight"), &shape, 0.0, 0.4);
        }
        for name in ["input_layernorm", "post_attention_layernorm"] {
            add(format!("model.layers.{layer}.{name}.weight"), &[HIDDEN], 1.0, 0.2);
        }
    }
    weights
}

fn config() -> Value {
    json!({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "num_key_value_heads": KEY_VALUE_HEADS, "rms_norm_eps": 1e-5,
        "max_position_embeddings": CONTEXT, "rope_theta": 10000.0, "hidden_act": "silu",
        "tie_word_embeddings": false, "torch_dtype": "float32",
        // Several, so that answers end at different places.
        "eos_token_id": [12, 99, 130, 180, 201, 255, VOCABULARY - 1],
    })
}

/// Writes a model's folder and opens it.
pub(crate) fn opened(weights: &HashMap<String, Tensor>) -> (TempDir, OpenedModel) {
    opened_with(weights, &tokenizer(), TEMPLATE)
}

/// The same with another tokenizer and another template.
pub(crate) fn opened_with(
    weights: &HashMap<String, Tensor>,
    tokenizer: &Value,
    template: &str,
) -> (TempDir, OpenedModel) {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("config.json", &config().to_string());
    write("tokenizer.json", &tokenizer.to_string());
    write("tokenizer_config.json", &json!({"chat_template": template}).to_string());
    candle_core::safetensors::save(weights, folder.path().join("model.safetensors")).unwrap();
    let opened = OpenedModel::open(folder.path()).unwrap();
    (folder, opened)
}

pub(crate) fn now() -> Moment {
    Moment::date(2025, 1, 1).unwrap()
}

pub(crate) fn id() -> ModelId {
    ModelId::new("tiny").unwrap()
}

pub(crate) fn loaded(seed: u64, scale: f32) -> (LanguageModel, ModelHashes) {
    let (_folder, opened) = opened(&weights(seed, scale));
    let hashes = opened.hashes(&HashCache::none()).unwrap();
    (opened.load(Placement::cpu_f32()).unwrap(), hashes)
}

pub(crate) fn backend(limits: LocalLimits) -> LocalBackend {
    let (model, hashes) = loaded(1, 1.0);
    LocalBackend::new(id(), model, &hashes, now()).with_limits(limits)
}

/// One for tests that look at what comes out, whatever the limits.
pub(crate) static BACKEND: LazyLock<LocalBackend> = LazyLock::new(|| backend(LocalLimits::default()));

const EXEMPLARS: &str =
    "Answer in a word. Q: What floats on the river? A: The ferry. Q: What sinks? A: A stone. ";

pub(crate) fn prompt(text: &str) -> Prompt {
    let follow_up = |id: &str, template: &str, continues| FollowUp {
        id: id.to_owned(),
        template: template.to_owned(),
        continues,
    };
    Prompt {
        version: "1".to_owned(),
        messages: vec![
            Message { role: Role::System, text: EXEMPLARS.to_owned() },
            Message { role: Role::User, text: text.to_owned() },
        ],
        follow_ups: vec![
            follow_up("p_true", "Is {answer} right? True or False", true),
            follow_up("verbalization_2s", "How sure?", true),
            follow_up("alone", "Rate this: {answer}", false),
        ],
        true_strings: vec!["True".to_owned(), " True".to_owned()],
        false_strings: vec!["False".to_owned(), " False".to_owned()],
    }
}

pub(crate) fn request(row: usize, text: &str) -> Request {
    let question_id = QuestionId::new(format!("made/test/{row}")).unwrap();
    Request { question_id, source_row: Some(row as u64), prompt: prompt(text) }
}

/// Questions of lengths from a few to some dozens of tokens.
pub(crate) fn requests(count: usize) -> Vec<Request> {
    let text = |row: usize| format!("Q: What is {row} and {}?", "so on ".repeat(row * 5 % 7));
    (0..count).map(|row| request(row, &text(row))).collect()
}

pub(crate) fn greedy() -> Decoding {
    Decoding::new(0.0, 1.0, 24).unwrap()
}

pub(crate) fn everything() -> SignalRequest {
    SignalRequest::answer()
        .with_logprobs()
        .with_samples(3, 1.0)
        .and_then(|request| request.with_samples(2, 0.5))
        .unwrap()
        .with_follow_up_masses("p_true")
        .with_follow_up_text("p_true", 3)
        .with_follow_up_text("verbalization_2s", 8)
        .with_follow_up_masses("alone")
        .with_follow_up_text("no_such", 4)
        .with_hidden_state(0, Position::LastPromptToken)
        .with_hidden_state(-2, Position::LastPromptToken)
        .with_hidden_state(-1, Position::LastAnswerToken)
        .with_hidden_state(2, Position::LastAnswerToken)
        .with_hidden_state(-8, Position::LastPromptToken)
}

pub(crate) const SEED: u64 = 7;

/// Answers asks; the rows in the order of the asks, as far as they came.
pub(crate) fn answer(
    backend: &LocalBackend,
    requests: &[Request],
    signals: &SignalRequest,
    decoding: Decoding,
) -> (Vec<Observation>, Result<(), BackendError>) {
    let progress: Arc<dyn BackendObserver> = Arc::new(());
    let batch = Batch::new(requests, signals, decoding, Seed::new(SEED)).unwrap();
    let mut rows = Vec::new();
    let ended = backend.answer(&batch, &mut rows, &Control { cancel: &Cancel::new(), progress: &progress });
    rows.sort_by_key(|row: &Observation| {
        requests.iter().position(|request| request.question_id == row.question_id)
    });
    (rows, ended)
}

pub(crate) fn rows(
    backend: &LocalBackend,
    requests: &[Request],
    signals: &SignalRequest,
    decoding: Decoding,
) -> Vec<Observation> {
    let (rows, ended) = answer(backend, requests, signals, decoding);
    ended.unwrap();
    assert_eq!(rows.len(), requests.len());
    rows
}
