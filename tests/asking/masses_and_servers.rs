//! What a run shows beside its figures: how likely the replies were that p(True) compares, and what servers said they are.

use std::env;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::bench::{Written, command, count, gsm8k, rows, sh};
use crate::harness::{Run, Sandbox};
use plimsoll_test_support::chat_server::{Server, ServerReply, ServerRequest, completion};

const MAIN: usize = 24;

/// A server that lists these tokens where it is asked for True or False.
fn listing(list: impl Fn(&ServerRequest) -> Vec<(&'static str, f64)> + Send + Sync + 'static) -> Server {
    Server::scripted(move |request, _| {
        if !request.last().contains("True or False only") {
            let words = [("1", -0.25), ("</s>", -0.125)];
            return Some(ServerReply::json(200, &completion(&request.body, &words, false)));
        }
        let listed = list(request);
        let mut reply = completion(&request.body, &[(listed[0].0, listed[0].1)], true);
        let top: Vec<Value> = listed
            .iter()
            .map(|(token, logprob)| json!({"token": token, "logprob": logprob, "bytes": null}))
            .collect();
        reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"] = json!(top);
        Some(ServerReply::json(200, &reply))
    })
}

fn sandbox(server: &Server, method: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    let url = &server.base_url;
    let slms = format!(
        "  - {{id: small, backend: openai, base_url: \"{url}\", model: small-1, limits: {{concurrency: 1}}}}\n"
    );
    let pipeline = Written {
        slms: slms.clone(),
        llms: slms.replace("small", "large"),
        methods: format!(" [perplexity, {method}]\n"),
        ..Written::of_gsm8k(MAIN)
    };
    sandbox.write("pipeline.yaml", pipeline.text());
    sandbox
}

fn p_true(sandbox: &Sandbox) -> Vec<Value> {
    let mut rows = rows(sandbox, "out", "confidences");
    assert!(rows.iter().all(|row| row["method"] == "p_true" || row["answer_mass"].is_null()));
    rows.retain(|row| row["method"] == "p_true");
    rows
}

/// The first number after a word in what is asked.
fn number_after(request: &ServerRequest, word: &str) -> u32 {
    let text = request.body.to_string();
    let digits: String =
        text.split(word).nth(1).unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// What the run says of p(True) in its overview.
fn overview(document: &Value) -> Value {
    let methods = document["overview"]["methods"].as_array().unwrap();
    methods.iter().find(|row| row["method"] == "p_true").unwrap().clone()
}

#[test]
fn a_model_that_wants_to_think_has_no_p_true() {
    // Both listed far down, one of them, neither; and enough of both for a quarter of the questions.
    let server = listing(|request| {
        let think = [("<think>", -0.0001), ("Okay", -9.5)];
        let more: &[(&str, f64)] = match number_after(request, "had ") % 4 {
            0 => &[("False", -16.0), ("True", -18.0)],
            1 => &[("True", -18.0)],
            2 => &[],
            _ => return vec![("True", -0.75), ("False", -1.0)],
        };
        think.into_iter().chain(more.iter().copied()).collect()
    });
    let sandbox = sandbox(&server, "p_true");
    let document = sh(&sandbox, "run pipeline.yaml --out out --json").exits(0).json();
    let rows = p_true(&sandbox);
    assert_eq!(rows.len(), MAIN);
    let (mut sum, mut too_small) = (0.0, 0);
    for row in &rows {
        let mass = row["answer_mass"].as_f64().unwrap();
        sum += mass;
        match row["missing_reason"].as_str() {
            Some("masses_too_small") => assert!(mass > 0.0 && mass < 2e-7, "{row}"),
            Some("neither_listed") => assert!(mass == 0.0, "{row}"),
            None => {
                assert!((mass - (-0.75f64).exp() - (-1f64).exp()).abs() < 1e-6 && row["confidence"].is_f64());
            }
            other => panic!("{other:?}"),
        }
        too_small += u64::from(row["missing_reason"] == "masses_too_small");
    }
    assert!(too_small > 3 && count(&rows, |row| row["confidence"].is_number()) > 3, "{too_small}");
    let shown = overview(&document);
    assert_eq!(shown["masses_too_small"], too_small);
    assert!((shown["answer_mass"].as_f64().unwrap() - sum / MAIN as f64).abs() < 1e-9);
    let methods = document["overview"]["methods"].as_array().unwrap();
    let of_perplexity = methods.iter().find(|row| row["method"] == "perplexity").unwrap();
    assert!(of_perplexity["answer_mass"].is_null() && of_perplexity["masses_too_small"].is_null());
    let said = format!("too little in {too_small} of {MAIN} rows");
    sh(&sandbox, "run pipeline.yaml --out out")
        .exits(0)
        .shows(["p_true of small: the replies that are compared have", &said]);
    for document in ["out/report.html", "out/README.md"] {
        let text = String::from_utf8(sandbox.read(document)).unwrap().replace('\\', "");
        assert!(text.contains("compared replies are unlikely"), "{document}");
    }
    assert!(String::from_utf8(sandbox.read("out/report.html")).unwrap().contains("masses_too_small"));
    // Another floor is another variant: the answers stay, and the scores are made anew.
    let asked = server.requests().len();
    let pipeline = String::from_utf8(sandbox.read("pipeline.yaml")).unwrap();
    sandbox.write("pipeline.yaml", pipeline.replace("p_true]", "p_true: {min_mass: 0.0}]"));
    let again = sh(&sandbox, "run pipeline.yaml --out out --json").exits(0).json();
    assert_eq!(overview(&again)["masses_too_small"], 0);
    assert_eq!(count(&p_true(&sandbox), |row| row["missing_reason"] == "masses_too_small"), 0);
    assert_eq!(server.requests().len(), asked);
    sandbox.write("pipeline.yaml", pipeline.replace("p_true]", "p_true: {min_mass: 2}]"));
    sh(&sandbox, "config pipeline.yaml").exits(2).says(["p_true", "min_mass is 2; it must be from 0 to 1"]);
}

#[test]
fn a_table_of_an_earlier_version_is_made_anew() {
    let server = listing(|_| vec![("True", -0.5), ("False", -1.0)]);
    let sandbox = sandbox(&server, "p_true");
    sh(&sandbox, "run pipeline.yaml --out out").exits(0);
    // As a program of before would have recorded the stage.
    let mut manifest = sandbox.json("out/manifest.json");
    let stages = manifest["stages"].as_array_mut().unwrap();
    let score = stages.iter_mut().find(|stage| stage["stage"] == "score").unwrap();
    assert!(
        score["parameters"]["tables"].is_array(),
        "the tables' versions are part of what scores depend on"
    );
    score["key"] = json!("0".repeat(64));
    sandbox.write("out/manifest.json", manifest.to_string());
    let asked = server.requests().len();
    sh(&sandbox, "run pipeline.yaml --out out").exits(0).shows(["score     runs:"]);
    assert_eq!(server.requests().len(), asked);
}

/// Recordings of a server with several fingerprints, four in five of one.
fn recorded() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    let model = |id: &str| {
        format!("  - {{id: {id}, backend: replay, files: [{{path: {id}.jsonl, format: generations}}]}}\n")
    };
    let pipeline = Written {
        slms: model("small"),
        llms: model("large"),
        methods: " [perplexity, jaccard_degree: {samples: 2, temperature: 1.0}]\n".to_owned(),
        ..Written::of_gsm8k(MAIN)
    };
    sandbox.write("pipeline.yaml", pipeline.text());
    let (mut small, mut large) = (String::new(), String::new());
    for row in 0..60 {
        let fingerprint = if row % 5 == 4 { "fp_b\u{1b}[2J<script>" } else { "fp_a" };
        let line = json!({"question_id": format!("gsm8k/test/{row}"), "text": "1", "tokens": ["1"], "logprobs": [-0.5],
            "served_model": "gpt-x-2025-04-14", "system_fingerprint": fingerprint,
            "samples": [{"text": "1", "served_model": "gpt-x-2025-04-14"}, "2"]});
        small.push_str(&format!("{line}\n"));
        large.push_str(&format!("{}\n", json!({"question_id": format!("gsm8k/test/{row}"), "text": "1"})));
    }
    sandbox.write("small.jsonl", small);
    sandbox.write("large.jsonl", large);
    sandbox
}

#[test]
fn what_servers_said_they_are_is_counted() {
    let sandbox = recorded();
    let document = sh(&sandbox, "run pipeline.yaml --out out --json").exits(0).json();
    let served = document["overview"]["served"].as_array().unwrap().clone();
    let generations = rows(&sandbox, "out", "generations");
    let mut all = 0;
    for row in &served {
        assert_eq!((&row["model"], &row["served_model"]), (&json!("small"), &json!("gpt-x-2025-04-14")));
        let same = |said: &Value| {
            said["served_model"] == row["served_model"]
                && said["system_fingerprint"] == row["system_fingerprint"]
        };
        assert_eq!(row["replies"], count(&generations, same), "{row}");
        all += row["replies"].as_u64().unwrap();
    }
    // Answers with two fingerprints, and samples with none; those that say nothing have no row.
    assert_eq!((served.len(), all), (3, 2 * MAIN as u64));
    let shares: f64 = served.iter().map(|row| row["share"].as_f64().unwrap()).sum();
    assert!((shares - 1.0).abs() < 1e-12);
    let run = sh(&sandbox, "run pipeline.yaml --out out").exits(0);
    let run = run.shows([
        "names and fingerprints of the servers",
        "gpt-x-2025-04-14",
        "fp_a",
        "fp_b\\u{1b}[2J<script>",
    ]);
    assert!(!run.stdout.contains('\u{1b}'));
    let html = String::from_utf8(sandbox.read("out/report.html")).unwrap();
    assert!(
        html.contains("What the servers said they are") && html.contains("fp_b\u{fffd}[2J&lt;script&gt;")
    );
    // The thresholds file stays as it is.
    let file = String::from_utf8(sandbox.read("out/small--large.thresholds.json")).unwrap();
    assert!(!file.contains("fp_a"));
}

#[test]
fn models_in_process_say_nothing_of_themselves() {
    let sandbox = super::bench::with_models(1);
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    sandbox.write("pipeline.yaml", Written::of_gsm8k(MAIN).text());
    let document = sh(&sandbox, "run pipeline.yaml --out out --json").exits(0).json();
    assert_eq!(document["overview"]["served"], json!([]));
    assert!(!String::from_utf8(sandbox.read("out/report.html")).unwrap().contains("What the servers said"));
}

/// The case of a real report, where `PLIMSOLL_REAL_DATA` names the folder that holds `cases/`: the server as that file has it.
#[test]
fn p_true_of_a_model_that_thinks_in_a_report() {
    let folder = env::var_os("PLIMSOLL_REAL_DATA").map(|root| PathBuf::from(root).join("cases/case30"));
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        println!("skipped: PLIMSOLL_REAL_DATA is not set or holds no cases/case30");
        return;
    };
    let server = listing(move |request| {
        let question = number_after(request, "Q");
        let mut listed = vec![("<think>", -0.0001), ("Okay", -9.5)];
        if !question.is_multiple_of(4) {
            listed.push(("False", -16.0 - f64::from(question % 3)));
        }
        listed.push(("True", -18.0));
        listed
    });
    let sandbox = Sandbox::new();
    for name in ["plan.yaml", "q.jsonl", "q.mapping.yaml"] {
        sandbox.write(name, std::fs::read(folder.join(name)).unwrap());
    }
    let pipeline = String::from_utf8(sandbox.read("plan.yaml")).unwrap();
    sandbox.write("plan.yaml", pipeline.replace("http://127.0.0.1:8330/v1", &server.base_url));
    Run::from_command(command(&sandbox, "run plan.yaml --out out --until score")).exits(0);
    let rows = p_true(&sandbox);
    assert!(
        !rows.is_empty() && rows.iter().all(|row| row["missing_reason"] == "masses_too_small"),
        "{:?}",
        rows[0]
    );
    assert!(rows.iter().all(|row| row["answer_mass"].as_f64().is_some_and(|mass| mass > 0.0 && mass < 2e-7)));
}
