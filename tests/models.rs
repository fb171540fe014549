//! `plimsoll model`: a synthetic model with random weights, in safetensors, and a small GGUF file.

use serde_json::{Value, json};

use crate::harness::{Run, Sandbox};
use crate::made_model::{goldens, write_random as write_model};
use plimsoll_test_support::hub_server::{Hub, HubContent};

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
    Run::from_command(command)
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
    let text = run(&sandbox, &["model", "inspect", "--model", "model"]).exits(0);
    assert!(text.stdout.ends_with('\n'));
    text.shows(["llama", "2 of 16 wide", "template"]);
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
    let plain = ["model", "generate", "--model", "model", "--prompt", "the ferry", "--max-new-tokens", "12"];
    let plain = run(&sandbox, &plain).exits(0).stdout;
    assert_eq!(plain, format!("{}\n", greedy["text"].as_str().unwrap()), "not a terminal: whole, at the end");
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
fn variables_reach_the_chat_template_and_its_hash() {
    let sandbox = with_model();
    let switch = "{% for message in messages %}{{ message['content'] }}{% endfor %}{% if brief %}briefly{% endif %}{{ style }}:";
    let config = json!({"chat_template": switch, "eos_token": "<|end|>"});
    sandbox.write("model/tokenizer_config.json", config.to_string());
    let inspect = |more: &[&str]| {
        let mut arguments = vec!["model", "inspect", "--model", "model", "--no-hashes", "--json"];
        arguments.extend(more);
        run(&sandbox, &arguments).exits(0).json()
    };
    let plain = inspect(&[]);
    assert_eq!(plain["template_variables"], json!(["brief", "style"]));
    let hash = |more: &[&str]| inspect(more)["chat_template_sha256"].clone();
    let given = hash(&["--template-variable", "brief=true"]);
    assert_ne!(given, plain["chat_template_sha256"]);
    assert_ne!(given, hash(&["--template-variable", "brief=false"]));
    run(&sandbox, &["model", "inspect", "--model", "model"]).exits(0).shows(["variables     brief style"]);
    let generate = |more: &[&str]| {
        let mut arguments = vec!["model", "generate", "--model", "model", "--prompt", "the ferry"];
        arguments.extend(["--max-new-tokens", "8", "--json"]);
        arguments.extend(more);
        run(&sandbox, &arguments)
    };
    let answer = |more: &[&str]| generate(more).exits(0).json();
    assert_ne!(answer(&["--template-variable", "brief=true"])["tokens"], answer(&[])["tokens"]);
    assert_eq!(answer(&["--template-variable", "brief=false"])["tokens"], answer(&[])["tokens"]);
    for (more, message) in [
        (
            &["--template-variable", "breif=true"][..],
            "the chat template does not read `breif`; it reads brief, style",
        ),
        (&["--template-variable", "style=low"], "a text stands in quotes"),
        (&["--template-variable", "style"], "a variable is written NAME=JSON"),
        (&["--template-variable", "messages=[]"], "it holds the messages of the prompt"),
        (&["--template-variable", "style={}"], "`style` is neither a text"),
        (&["--template-variable", "style=1", "--template-variable", "style=2"], "style is given twice"),
        (&["--template-variable", "style=1", "--raw"], "--raw"),
    ] {
        generate(more).exits(2).says([message]);
    }
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

/// A safetensors file of a header as it is, and bytes.
fn safetensors_file(header: &[u8], data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header, data].concat()
}

#[test]
fn weights_that_lie_are_input_errors() {
    let sandbox = with_model();
    let ask = |model: &str| {
        run(
            &sandbox,
            &["model", "generate", "--model", model, "--prompt", "the ferry", "--max-new-tokens", "2"],
        )
    };
    let whole = sandbox.read("model/model.safetensors");
    let start = 8 + usize::try_from(u64::from_le_bytes(whole[..8].try_into().unwrap())).unwrap();
    let (header, data) = (&whole[8..start], &whole[start..]);
    let moved = |begin: u64, end: u64| {
        let mut header: Value = serde_json::from_slice(header).unwrap();
        header["model.norm.weight"]["data_offsets"] = json!([begin, end]);
        safetensors_file(header.to_string().as_bytes(), data)
    };
    for (bytes, wanted) in [
        (whole[..whole.len() / 2].to_vec(), "and the header says"),
        (whole[..20].to_vec(), "and the header says"),
        (safetensors_file(&[b'['; 9000], data), "its header cannot be read"),
        (moved(0, 64), "is next"),
        (moved(1 << 62, (1 << 62) + 64), "is next"),
    ] {
        write_model(&sandbox, "damaged");
        sandbox.write("damaged/model.safetensors", bytes);
        ask("damaged").exits(3).says(["model.safetensors", wanted]);
    }
    write_model(&sandbox, "sharded");
    std::fs::remove_file(sandbox.path("sharded/model.safetensors")).unwrap();
    let index = json!({"weight_map": {"model.norm.weight": "model-00001-of-00002.safetensors"}});
    sandbox.write("sharded/model.safetensors.index.json", index.to_string());
    ask("sharded").exits(3).says(["cannot open", "model-00001-of-00002.safetensors"]);

    let gguf = std::fs::read(goldens().join("gguf/model-llama-q8_0.gguf")).unwrap();
    let with = |offset: usize, number: u64| {
        let mut bytes = gguf.clone();
        bytes[offset..offset + 8].copy_from_slice(&number.to_le_bytes());
        bytes
    };
    // After a tensor's name stand the count of its dimensions, two of these, its type, its offset.
    let tensor_offset = |name: &str| {
        let start = gguf.windows(name.len()).position(|bytes| bytes == name.as_bytes()).unwrap();
        start + name.len() + 4 + 2 * 8 + 4
    };
    for (bytes, wanted) in [
        (gguf[..gguf.len() / 2].to_vec(), "but the file has"),
        (gguf[..50].to_vec(), "cannot read the header"),
        (with(8, 1 << 60), "tensors are announced"),
        (with(16, 1 << 60), "metadata pairs are announced"),
        (with(tensor_offset("token_embd.weight"), 1 << 62), "but the file has"),
        (with(tensor_offset("blk.0.attn_q.weight"), 0), "overlaps"),
    ] {
        sandbox.write("damaged.gguf", bytes);
        ask("damaged.gguf").exits(3).says(["damaged.gguf", wanted]);
    }
}

#[test]
fn tokenizers_and_templates_that_mean_harm_are_input_errors() {
    let sandbox = with_model();
    let ask = |file: &str, content: Value| {
        write_model(&sandbox, "hostile");
        sandbox.write(&format!("hostile/{file}"), content.to_string());
        run(
            &sandbox,
            &["model", "generate", "--model", "hostile", "--prompt", "the ferry", "--max-new-tokens", "2"],
        )
    };
    let tokenizer = |part: &str, value: Value| {
        let mut file = sandbox.json("model/tokenizer.json");
        file[part] = value;
        ask("tokenizer.json", file)
    };
    let far = json!({
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<far>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<far>": {"id": "<far>", "ids": [77_777], "tokens": ["<far>"]}},
    });
    tokenizer("post_processor", far).exits(3).says(["token 77777", "beyond the model's vocabulary of 512"]);
    let doubling = json!({"type": "Replace", "pattern": {"String": "e"}, "content": "ee"});
    let doublings = json!({"type": "Sequence", "normalizers": vec![doubling; 40]});
    tokenizer("normalizer", doublings).exits(3).says(["times longer"]);
    let pattern = json!({"Regex": "(?=(e+)+b)\\1|(?:.|.)*(?!.)!"});
    let split = json!({"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": false});
    let mut file = sandbox.json("model/tokenizer.json");
    file["pre_tokenizer"] = split;
    write_model(&sandbox, "hostile");
    sandbox.write("hostile/tokenizer.json", file.to_string());
    let text = "e".repeat(100);
    let scored = ["model", "logprobs", "--model", "hostile", "--text", &text];
    run(&sandbox, &scored).exits(3).says(["an expression of its pre-tokenizer gives up"]);

    let template = |source: &str| ask("tokenizer_config.json", json!({"chat_template": source}));
    let growing = "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}";
    template(growing).exits(3).says(["template"]);
    let said =
        template("{{ raise_exception('only\u{1b}[31m cats') }}").exits(3).says(["only\\u{1b}[31m cats"]);
    assert!(!said.stderr.contains('\u{1b}'), "a template commands no terminal: {}", said.stderr);
    template("{% for i in range(500) %}the ferry {% endfor %}")
        .exits(2)
        .says(["the model's context has 128"]);
}

/// A file whose length is real and whose 64 GiB are holes, of a shape that its configuration asks for.
#[cfg(target_os = "linux")]
#[test]
fn weights_beyond_the_memory_are_an_error() {
    const WIDE: u64 = 1024;
    let (sandbox, rows) = (with_model(), 1_u64 << 24);
    let bytes = rows * WIDE * 4;
    let mut config = sandbox.json("model/config.json");
    (config["vocab_size"], config["hidden_size"], config["head_dim"]) = (json!(rows), json!(WIDE), json!(8));
    sandbox.write("model/config.json", config.to_string());
    let header = json!({"model.embed_tokens.weight": {"dtype": "F32", "shape": [rows, WIDE], "data_offsets": [0, bytes]}});
    let start = safetensors_file(header.to_string().as_bytes(), &[]);
    sandbox.write("model/model.safetensors", &start);
    let file = std::fs::File::options().write(true).open(sandbox.path("model/model.safetensors")).unwrap();
    file.set_len(start.len() as u64 + bytes).unwrap();
    let program = sandbox.command(&["model", "generate", "--model", "model", "--prompt", "the ferry"]);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -v 4000000; exec \"$0\" \"$@\""]).arg(program.get_program());
    limited.args(program.get_args()).current_dir(sandbox.root());
    let refused = Run::from_command(limited).exits(3);
    refused.says(["there is no memory for tensor `model.embed_tokens.weight`: 68719476736 bytes"]);
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
    let hub = Hub::start(HubContent::model("made/up").revision("main", &all));
    let from_hub = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.env("HF_ENDPOINT", &hub.front.address).env("HF_HOME", sandbox.path("cache"));
        command.env("XDG_CACHE_HOME", sandbox.path("cache"));
        for variable in
            ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY"]
        {
            command.env_remove(variable);
        }
        Run::from_command(command).exits(0).json()
    };
    let ask = |model| {
        ["model", "generate", "--model", model, "--prompt", "the ferry", "--max-new-tokens", "8", "--json"]
    };
    assert_eq!(from_hub(&ask("hf://made/up@main")), run(&sandbox, &ask("model")).exits(0).json());
    let described = from_hub(&["model", "inspect", "--model", "hf://made/up", "--json"]);
    assert_eq!(described["revision"].as_str().unwrap().len(), 40);
    assert!(!sandbox.files("cache").iter().any(|name| name.ends_with("pytorch_model.bin")));
}
