//! `plimsoll model`: a made-up model with random weights, in safetensors, and a small GGUF file.

use serde_json::{Value, json};

use crate::harness::{Run, Sandbox};
use crate::hub_server::{Content, Hub};
use crate::made_model::{goldens, write_random as write_model};

/// Absolute: log-probabilities that were computed in batches of other shapes.
const SAME: f64 = 1e-4;

/// A sandbox with a model, whose caches stay in the sandbox.
fn with_model() -> Sandbox {
    let sandbox = Sandbox::new();
    write_model(&sandbox, "model");
    sandbox
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    let mut command = sandbox.command(arguments);
    command.env("XDG_CACHE_HOME", sandbox.path("cache"));
    Run::of(command)
}

fn texts(tokens: &Value) -> String {
    tokens.as_array().unwrap().iter().map(|token| token["text"].as_str().unwrap()).collect()
}

#[test]
fn inspect_says_what_a_model_is() {
    let sandbox = with_model();
    let found = run(&sandbox, &["model", "inspect", "--model", "model", "--json"]).exits(0).json();
    assert_eq!((&found["architecture"], &found["layers"]), (&json!("llama"), &json!(2)));
    assert_eq!((&found["dtype"], &found["chat_template"]), (&json!("F32"), &json!("template")));
    assert_eq!(found["stop_tokens"], json!([1]));
    assert_eq!(found["parameters"], json!(512 * 16 + 16 + 2 * (2 * 16 + 2 * 256 + 2 * 128 + 3 * 16 * 24)));
    let weights = sandbox.read("model/model.safetensors");
    let hash: String = {
        use sha2::Digest as _;
        sha2::Sha256::digest(weights).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    assert_eq!(found["weights_sha256"], json!(hash));
    assert_eq!(found["tokenizer_problem"], Value::Null);
    run(&sandbox, &["model", "inspect", "--model", "model"]).exits(0).shows([
        "llama",
        "2 of 16 wide",
        "template",
    ]);
    let bare =
        run(&sandbox, &["model", "inspect", "--model", "model", "--no-hashes", "--json"]).exits(0).json();
    assert_eq!(bare["weights_sha256"], Value::Null);
}

#[test]
fn log_probabilities_join_to_the_text_and_agree_with_generation() {
    let sandbox = with_model();
    let text = "the ferry left port 東京 🛳";
    let found =
        run(&sandbox, &["model", "logprobs", "--model", "model", "--text", text, "--json"]).exits(0).json();
    assert_eq!(texts(&found["tokens"]), text);
    let tokens = found["tokens"].as_array().unwrap();
    assert_eq!(tokens[0]["logprob"], Value::Null);
    assert!(tokens[1..].iter().all(|token| token["logprob"].as_f64().unwrap() <= 0.0));
    sandbox.write("text.txt", text);
    let from_file =
        run(&sandbox, &["model", "logprobs", "--model", "model", "--text-file", "text.txt", "--json"]);
    assert_eq!(from_file.exits(0).json(), found);
    // What a greedy answer says of its tokens, teacher forcing says too.
    let raw = [
        "model",
        "generate",
        "--model",
        "model",
        "--prompt",
        "the ferry",
        "--raw",
        "--max-new-tokens",
        "6",
        "--json",
    ];
    let answer = run(&sandbox, &raw).exits(0).json();
    let ids = |tokens: &Value| {
        tokens.as_array().unwrap().iter().map(|token| token["id"].clone()).collect::<Vec<_>>()
    };
    let whole = format!("the ferry{}", answer["text"].as_str().unwrap());
    let forced =
        run(&sandbox, &["model", "logprobs", "--model", "model", "--text", &whole, "--json"]).exits(0).json();
    let (generated, forced_ids) = (ids(&answer["tokens"]), ids(&forced["tokens"]));
    if forced_ids.ends_with(&generated) {
        let start = forced_ids.len() - generated.len();
        for (index, token) in answer["tokens"].as_array().unwrap().iter().enumerate() {
            let (a, b) = (
                token["logprob"].as_f64().unwrap(),
                forced["tokens"][start + index]["logprob"].as_f64().unwrap(),
            );
            assert!((a - b).abs() <= SAME, "{a} {b}");
        }
    }
}

#[test]
fn generation_is_greedy_or_depends_on_the_seed_alone() {
    let sandbox = with_model();
    let answer = |more: &[&str]| {
        let mut arguments = vec!["model", "generate", "--model", "model", "--prompt", "the ferry", "--json"];
        arguments.extend(["--max-new-tokens", "12"]);
        arguments.extend(more);
        run(&sandbox, &arguments).exits(0).json()
    };
    let greedy = answer(&[]);
    assert_eq!(greedy, answer(&["--threads", "1"]));
    assert_eq!(texts(&greedy["tokens"]), greedy["text"].as_str().unwrap());
    assert!(["stop", "length"].contains(&greedy["finish_reason"].as_str().unwrap()));
    let seven = answer(&["--temperature", "1.5", "--seed", "7"]);
    assert_eq!(seven, answer(&["--temperature", "1.5", "--seed", "7", "--threads", "1"]));
    assert_ne!(seven, answer(&["--temperature", "1.5", "--seed", "8"]));
    assert_eq!(answer(&["--temperature", "1.5", "--seed", "8", "--top-k", "1"])["tokens"], greedy["tokens"]);
    // The template's text is another prompt than the raw one.
    assert_ne!(answer(&["--raw"])["tokens"], greedy["tokens"]);
    assert_ne!(answer(&["--system", "Be brief."])["tokens"], greedy["tokens"]);
    let text = greedy["text"].as_str().unwrap();
    let cut = text.char_indices().nth(text.chars().count() / 2).unwrap().0;
    let stop: String = text[cut..].chars().take(2).collect();
    let stopped = answer(&["--stop", &stop]);
    assert_eq!(stopped["finish_reason"], "stop");
    assert_eq!(stopped["text"].as_str().unwrap(), &text[..text.find(&stop).unwrap()]);
}

#[test]
fn a_gguf_file_is_a_model_too() {
    let sandbox = Sandbox::new();
    let golden = |name: &str| goldens().join(format!("gguf/{name}.gguf")).to_str().unwrap().to_owned();
    let file = golden("model-llama-q8_0");
    let found = run(&sandbox, &["model", "inspect", "--model", &file, "--json"]).exits(0).json();
    assert_eq!(found["architecture"], "llama");
    assert_eq!(found["files"], json!(["model-llama-q8_0.gguf"]));
    assert_eq!(found["weights_sha256"].as_str().unwrap().len(), 64);
    let answer =
        ["model", "generate", "--model", &file, "--prompt", "ab", "--raw", "--max-new-tokens", "4", "--json"];
    let answer = run(&sandbox, &answer).exits(0).json();
    assert!((1..=4).contains(&answer["tokens"].as_array().unwrap().len()));
}

#[test]
fn what_is_wrong_is_said_with_its_exit_code() {
    let sandbox = with_model();
    let ask = |model: &str, more: &[&str]| {
        let mut arguments = vec!["model", "generate", "--model", model, "--prompt", "the ferry"];
        arguments.extend(more);
        run(&sandbox, &arguments)
    };
    ask("nowhere", &[]).exits(3).says(["nowhere"]);
    sandbox.write("empty/x.txt", "");
    ask("empty", &[]).exits(3).says(["no weights"]);
    sandbox.write("text.txt", "hello");
    ask("text.txt", &[]).exits(3).says(["no .gguf file"]);
    sandbox.write("zero.gguf", "");
    ask("zero.gguf", &[]).exits(3).says(["zero.gguf"]);
    ask("model", &["--temperature", "-1"]).exits(2).says(["temperature"]);
    ask("model", &["--top-p", "0"]).exits(2).says(["top_p"]);
    ask("model", &["--max-new-tokens", "0"]).exits(2).says(["max-new-tokens"]);
    ask("model", &["--date", "2025-02-30"]).exits(2).says(["date"]);
    let long = "the ferry left port ".repeat(60);
    let too_long = ["model", "generate", "--model", "model", "--raw", "--prompt", &long];
    run(&sandbox, &too_long).exits(2).says(["the model's context has 128"]);
    run(&sandbox, &["model", "logprobs", "--model", "model", "--text", ""]).exits(2).says(["no token"]);
    run(&sandbox, &["model", "logprobs", "--model", "model"]).exits(2).says(["--text"]);

    let damage = |file: &str, bytes: &[u8]| {
        write_model(&sandbox, "damaged");
        sandbox.write(&format!("damaged/{file}"), bytes);
        ask("damaged", &[])
    };
    damage("config.json", b"{").exits(3).says(["config.json"]);
    damage("config.json", br#"{"model_type": "mamba"}"#).exits(3).says(["mamba"]);
    damage("model.safetensors", b"").exits(3).says(["model.safetensors"]);
    damage("tokenizer.json", b"{}").exits(3).says(["tokenizer"]);
    let raises = json!({"chat_template": "{{ raise_exception('only for cats') }}"});
    damage("tokenizer_config.json", raises.to_string().as_bytes()).exits(3).says(["only for cats"]);
    let endless = json!({"chat_template": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}"});
    damage("tokenizer_config.json", endless.to_string().as_bytes()).exits(3).says(["template"]);
    let mut weights = sandbox.read("model/model.safetensors");
    let end = weights.len();
    weights[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    damage("model.safetensors", &weights).exits(3).says(["NaN"]);
    // Other models' tokenizers know more tokens than this model has.
    let config = String::from_utf8(sandbox.read("model/config.json")).unwrap();
    let smaller = config.replace("\"vocab_size\":512", "\"vocab_size\":300");
    damage("config.json", smaller.as_bytes()).exits(3).says(["beyond the model's vocabulary of 300"]);
}

#[test]
fn a_model_comes_from_the_hub_as_from_its_folder() {
    let sandbox = with_model();
    let names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
    let files: Vec<(&str, Vec<u8>)> =
        names.map(|name| (name, sandbox.read(&format!("model/{name}")))).to_vec();
    let borrowed: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let mut all = borrowed.clone();
    all.push(("pytorch_model.bin", b"never fetched"));
    let hub = Hub::start(Content::model("made/up").revision("main", &all));
    let from_hub = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.env("HF_ENDPOINT", &hub.front.address).env("HF_HOME", sandbox.path("cache"));
        command.env("XDG_CACHE_HOME", sandbox.path("cache"));
        for variable in
            ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY"]
        {
            command.env_remove(variable);
        }
        Run::of(command).exits(0).json()
    };
    let ask = |model| {
        ["model", "generate", "--model", model, "--prompt", "the ferry", "--max-new-tokens", "8", "--json"]
    };
    assert_eq!(from_hub(&ask("hf://made/up@main")), run(&sandbox, &ask("model")).exits(0).json());
    let described = from_hub(&["model", "inspect", "--model", "hf://made/up", "--json"]);
    assert_eq!(described["revision"].as_str().unwrap().len(), 40);
    assert!(!sandbox.files("cache").iter().any(|name| name.ends_with("pytorch_model.bin")));
}
