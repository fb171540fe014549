//! What the whole signal set costs, with and without shared prefixes: `signals FOLDER [PROMPTS] [LENGTH]`
//! prints a JSON object for each kind of prompts.
//!
//! FOLDER gets a random model of SmolLM2-135M's shape with a synthetic tokenizer of words, unless it is there.
//! PROMPTS (100) prompts of each kind with five exemplars: `gsm8k` as long as questions of that kind with
//! worked answers, up to LENGTH (128) new tokens; `mmlu` as long as multiple choice, up to 8. The words are
//! synthetic: time depends on lengths alone. A random model rarely stops, so nearly all answers are of full
//! length.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use plimsoll_backend::{Backend as _, BackendObserver, Batch, Cancel, Control, Observation, Request};
use plimsoll_core::prompt::{FollowUp, Message, Prompt, Role};
use plimsoll_core::signal::Position;
use plimsoll_core::{Decoding, ModelId, QuestionId, Seed, SignalRequest};
use plimsoll_engine::chat::TEMPLATE_DATE;
use plimsoll_engine::{HashCache, LocalBackend, LocalLimits, OpenedModel, Placement};
use rand::Rng as _;
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error>>;

const VOCABULARY: usize = 49152;
const HIDDEN: usize = 576;
const INTERMEDIATE: usize = 1536;
const LAYERS: usize = 30;
const HEADS: usize = 9;
const KEY_VALUE_HEADS: usize = 3;
const EXEMPLARS: usize = 5;
/// Words that stand for more than themselves, before all others.
const NAMED: [&str; 6] = ["?", "True", "False", "<say>", "<end>", "<begin>"];

/// A kind of prompts, in words.
struct Kind {
    name: &'static str,
    question: usize,
    worked_answer: usize,
    max_tokens: u32,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let folder = Path::new(arguments.first().ok_or("usage: signals FOLDER [PROMPTS] [LENGTH]")?);
    let prompts: usize = arguments.get(1).map_or(Ok(100), |count| count.parse())?;
    let max_tokens: u32 = arguments.get(2).map_or(Ok(128), |length| length.parse())?;
    if !folder.join("model.safetensors").exists() {
        write_model(folder)?;
    }
    let kinds = [
        Kind { name: "gsm8k", question: 60, worked_answer: 110, max_tokens },
        Kind { name: "mmlu", question: 90, worked_answer: 1, max_tokens: 8 },
    ];
    for kind in kinds {
        let requests = requests(&kind, prompts)?;
        let mut report = json!({"kind": kind.name, "prompts": prompts, "most_new_tokens": kind.max_tokens});
        for (name, shares) in [("shared", true), ("unshared", false)] {
            report[name] = run(folder, &requests, kind.max_tokens, shares)?;
        }
        println!("{report}");
    }
    Ok(())
}

/// The whole signal set of all requests in one batch.
fn run(folder: &Path, requests: &[Request], max_tokens: u32, shares: bool) -> Outcome<serde_json::Value> {
    let opened = OpenedModel::open(folder)?;
    let hashes = opened.hashes(&HashCache::none())?;
    let model = opened.load(Placement::cpu_f32())?;
    let limits = LocalLimits { shares_prefixes: shares, ..LocalLimits::default() };
    let backend = LocalBackend::new(ModelId::new("random")?, model, &hashes, TEMPLATE_DATE);
    let backend = backend.with_limits(limits);
    let signals = SignalRequest::answer()
        .with_logprobs()
        .with_samples(5, 1.0)?
        .with_follow_up_masses("p_true")
        .with_follow_up_text("verbalization_2s", 16)
        .with_hidden_state(-8, Position::LastPromptToken);
    let batch = Batch::new(requests, &signals, Decoding::new(0.0, 1.0, max_tokens)?, Seed::new(1))?;
    let (cancel, progress): (_, Arc<dyn BackendObserver>) = (Cancel::new(), Arc::new(()));
    let mut rows: Vec<Observation> = Vec::new();
    let start = Instant::now();
    backend.answer(&batch, &mut rows, &Control { cancel: &cancel, progress: &progress })?;
    let seconds = start.elapsed().as_secs_f64();
    let computed = backend.computed();
    Ok(json!({
        "answers": rows.iter().filter(|row| row.generations.iter().all(|row| row.text.is_some())).count(),
        "s": seconds,
        "tokens_per_s": computed.computed() as f64 / seconds,
        "prefilled": computed.prefilled,
        "decoded": computed.decoded,
        "unshared": computed.unshared,
        "computed_over_unshared": computed.computed() as f64 / computed.unshared as f64,
    }))
}

fn word(id: usize) -> String {
    NAMED.get(id).map_or_else(|| format!("w{id}"), |name| (*name).to_owned())
}

/// Prompts that differ after their exemplars.
fn requests(kind: &Kind, count: usize) -> Outcome<Vec<Request>> {
    let mut rng = Seed::new(1).derive(kind.name).rng();
    let mut words = |count: usize| -> String {
        let ids = (0..count).map(|_| rng.random_range(NAMED.len()..VOCABULARY));
        ids.map(word).collect::<Vec<_>>().join(" ")
    };
    let mut exemplars = Vec::new();
    for _ in 0..EXEMPLARS {
        exemplars.push(words(kind.question));
        exemplars.push(words(kind.worked_answer));
    }
    let exemplars = exemplars.join(" ");
    let follow_up = |id: &str, template: String| FollowUp { id: id.to_owned(), template, continues: true };
    let (is_right, how_sure) = (words(20), words(30));
    let mut requests = Vec::new();
    for row in 0..count {
        let text = format!("{exemplars} {}", words(kind.question));
        let prompt = Prompt {
            version: "1".to_owned(),
            messages: vec![Message { role: Role::User, text }],
            follow_ups: vec![
                follow_up("p_true", is_right.clone()),
                follow_up("verbalization_2s", how_sure.clone()),
            ],
            true_strings: vec!["True".to_owned()],
            false_strings: vec!["False".to_owned()],
        };
        let question_id = QuestionId::new(format!("made/{}/{row}", kind.name))?;
        requests.push(Request { question_id, source_row: None, prompt });
    }
    Ok(requests)
}

fn write_model(folder: &Path) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    let config = json!({
        "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_VALUE_HEADS, "rms_norm_eps": 1e-5, "max_position_embeddings": 8192,
        "rope_theta": 100_000.0, "hidden_act": "silu", "tie_word_embeddings": true, "eos_token_id": 4,
    });
    fs::write(folder.join("config.json"), config.to_string())?;
    let vocabulary: HashMap<String, usize> = (0..VOCABULARY).map(|id| (word(id), id)).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "?"},
    });
    fs::write(folder.join("tokenizer.json"), tokenizer.to_string())?;
    let template = "{% for message in messages %}<begin> {{ message.content }} <end> {% endfor %}<say>";
    fs::write(folder.join("tokenizer_config.json"), json!({"chat_template": template}).to_string())?;
    Ok(candle_core::safetensors::save(&weights()?, folder.join("model.safetensors"))?)
}

fn weights() -> Outcome<HashMap<String, Tensor>> {
    let mut rng = Seed::new(1).derive("weights").rng();
    let mut weights = HashMap::new();
    let mut add = |name: String, shape: &[usize]| -> Outcome<()> {
        let count = shape.iter().product();
        let is_norm = shape.len() == 1;
        let number = |_| if is_norm { 1.0 } else { rng.random_range(-0.05..0.05_f32) };
        let numbers: Vec<f32> = (0..count).map(number).collect();
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu)?.to_dtype(DType::BF16)?;
        weights.insert(name, tensor);
        Ok(())
    };
    let narrow = HIDDEN / HEADS * KEY_VALUE_HEADS;
    add("model.embed_tokens.weight".to_owned(), &[VOCABULARY, HIDDEN])?;
    add("model.norm.weight".to_owned(), &[HIDDEN])?;
    for layer in 0..LAYERS {
        for (name, shape) in [
            ("self_attn.q_proj", &[HIDDEN, HIDDEN][..]),
            ("self_attn.k_proj", &[narrow, HIDDEN]),
            ("self_attn.v_proj", &[narrow, HIDDEN]),
            ("self_attn.o_proj", &[HIDDEN, HIDDEN]),
            ("mlp.gate_proj", &[INTERMEDIATE, HIDDEN]),
            ("mlp.up_proj", &[INTERMEDIATE, HIDDEN]),
            ("mlp.down_proj", &[HIDDEN, INTERMEDIATE]),
            ("input_layernorm", &[HIDDEN]),
            ("post_attention_layernorm", &[HIDDEN]),
        ] {
            add(format!("model.layers.{layer}.{name}.weight"), shape)?;
        }
    }
    Ok(weights)
}
