//! Servers as hosted ones are: with fingerprints that alternate, prompts that are filtered, fields that are refused,
//! models that reason. A run ends, and its tables are right.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::bench::{coqa, count, dataset, policy, ran, rows};
use super::servers::{item, judged_pipeline, pipeline, run, run_into, sandbox, talk};
use crate::harness::Sandbox;
use plimsoll_test_support::chat_server::{Server, ServerReply, ServerRequest, completion};

const MAIN: usize = 40;

/// A pipeline of forty questions.
fn forty(server: &Server, methods: &str, more: &str) -> super::bench::Written {
    super::bench::Written {
        datasets: dataset("gsm8k", "gsm8k.jsonl", "test", MAIN),
        more: "inference: {chunk: 16}\n".to_owned(),
        ..pipeline(server, methods, more)
    }
}

/// The number of the question that a request speaks of.
fn number(request: &ServerRequest) -> usize {
    let turns = request.body["messages"].as_array().unwrap();
    let first = turns.iter().find_map(|turn| turn["content"].as_str()?.split_once(" had ")).unwrap().1;
    first.split(' ').next().unwrap().parse().unwrap()
}

/// The numbers of the questions in a run's pool, by id.
fn numbers(sandbox: &Sandbox) -> std::collections::BTreeMap<String, usize> {
    let number = |row: &Value| {
        let text = row["question"].as_str().unwrap().split_once(" had ").unwrap().1;
        text.split(' ').next().unwrap().parse().unwrap()
    };
    let id = |row: &Value| row["question_id"].as_str().unwrap().to_owned();
    rows(sandbox, "out", "questions").iter().map(|row| (id(row), number(row))).collect()
}

#[test]
fn fingerprints_that_alternate_stop_no_run() {
    let server = Server::scripted(|request, before| {
        let mut reply = talk(request);
        reply["system_fingerprint"] = json!(if before % 2 == 0 { "fp_0000000001" } else { "fp_0000000002" });
        Some(ServerReply::json(200, &reply))
    });
    let sandbox = sandbox(&forty(&server, " [perplexity]\n", ""));
    let first = run(&sandbox, "").exits(0);
    let generations = rows(&sandbox, "out", "generations");
    let seen: BTreeSet<&str> =
        generations.iter().map(|row| row["system_fingerprint"].as_str().unwrap()).collect();
    assert_eq!((generations.len(), seen.len()), (2 * MAIN, 2), "{first:?}");
    assert!(generations.iter().all(|row| row["text"].is_string()));
    assert_eq!(ran(&run(&sandbox, "--json").exits(0).json()), [""; 0]);
    // A finished run is given another method, and another folder.
    let asked = server.requests().len();
    sandbox.write("pipeline.yaml", forty(&server, " [perplexity, p_true]\n", "").text());
    run(&sandbox, "").exits(0);
    assert_eq!(server.requests().len(), asked + MAIN, "one follow-up a question, and nothing else");
    run_into(&sandbox, "other", "").exits(0);
    // A pipeline may ask for one fingerprint.
    let same = run_into(&sandbox, "same", "--set slms.0.same_fingerprint=true");
    same.exits(4).says(["fp_0000000001", "fp_0000000002", "`same_fingerprint`"]);
}

#[test]
fn another_model_s_name_stops_a_run() {
    let server = Server::scripted(|request, before| {
        let mut reply = talk(request);
        reply["model"] = json!(if before < 20 { "gpt-x-2025-04-14" } else { "gpt-x-2025-11-01" });
        Some(ServerReply::json(200, &reply))
    });
    let sandbox = sandbox(&forty(&server, " [perplexity]\n", ""));
    run(&sandbox, "").exits(4).says(["gpt-x-2025-04-14", "gpt-x-2025-11-01", "new folder"]);
}

/// Each eighth question is filtered; all others are answered.
fn filtering() -> Server {
    Server::scripted(|request, _| {
        let error = json!({"error": {"code": "content_filter", "status": 400, "param": "prompt", "type": null,
            "message": "The response was filtered due to the prompt triggering the content management policy.",
            "innererror": {"code": "ResponsibleAIPolicyViolation"}}});
        let reply = if number(request).is_multiple_of(8) {
            ServerReply::json(400, &error)
        } else {
            ServerReply::json(200, &talk(request))
        };
        Some(ServerReply { silence: std::time::Duration::from_millis(4), ..reply })
    })
}

/// The tables of a run in which each eighth question was filtered.
#[track_caller]
fn assert_filtered(sandbox: &Sandbox, samples: usize) {
    let numbers = numbers(sandbox);
    let refused = numbers.values().filter(|number| **number % 8 == 0).count();
    assert!(refused > 2 && refused < MAIN / 2);
    let generations = rows(sandbox, "out", "generations");
    assert_eq!(generations.len(), 2 * MAIN + samples * MAIN);
    for row in &generations {
        let is_refused = numbers[row["question_id"].as_str().unwrap()].is_multiple_of(8);
        let reason = if is_refused { json!("content_filter") } else { Value::Null };
        assert_eq!((row["text"].is_null(), &row["failure"]), (is_refused, &reason), "{row}");
    }
    let scores = rows(sandbox, "out", "scores");
    assert_eq!(
        count(&scores, |row| row["method"] == "jaccard_degree" && row["confidence"].is_null()),
        refused
    );
    assert_eq!(count(&scores, |row| row["slm_correct"].is_null()), 2 * refused);
}

const SAMPLED: &str = " [average_token_probability, jaccard_degree: {samples: 3, temperature: 1.0}]\n";

#[test]
fn a_filtered_question_costs_one_request_and_no_run() {
    let server = filtering();
    let sandbox = sandbox(&forty(&server, SAMPLED, ""));
    let first = run(&sandbox, "").exits(0);
    assert_filtered(&sandbox, 3);
    let refused = numbers(&sandbox).values().filter(|number| **number % 8 == 0).count();
    assert_eq!(server.requests().len(), 2 * refused + (MAIN - refused) * 5);
    // Reported once for each model, with the server's words.
    let notices = first.stderr.matches("content_filter").count();
    assert!(notices == 2 && first.stderr.contains("content management policy"), "{}", first.stderr);
}

#[cfg(unix)]
#[test]
fn a_run_with_filtered_questions_goes_on_from_wherever_it_was_interrupted() {
    use std::process::Stdio;
    let server = filtering();
    let sandbox = sandbox(&forty(&server, SAMPLED, ", limits: {concurrency: 2}"));
    let mut interrupted = 0;
    for more in [2, 9, 31, 17, 40] {
        let before = server.requests().len();
        let mut command = super::bench::command(&sandbox, "run pipeline.yaml --out out");
        command.env("MADE_UP_KEY", super::servers::KEY).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while server.requests().len() < before + more && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!words.contains("one after the other"), "{words}");
        interrupted += usize::from(output.status.code() == Some(4));
    }
    assert!(interrupted >= 4, "{interrupted} of five runs were still going on");
    run(&sandbox, "").exits(0);
    assert_filtered(&sandbox, 3);
}

#[test]
fn as_many_likeliest_tokens_are_asked_for_as_a_server_lists() {
    let server = Server::scripted(|request, _| {
        let refused = request.body["top_logprobs"].as_u64() > Some(5);
        let error =
            json!({"object": "error", "message": "Cannot request more than 5 logprobs.", "code": 400});
        Some(if refused { ServerReply::json(400, &error) } else { ServerReply::json(200, &talk(request)) })
    });
    let sandbox = sandbox(&forty(&server, " [average_token_probability, p_true]\n", ""));
    let first = run(&sandbox, "").exits(0).says(["Cannot request more than 5 logprobs", "`top_logprobs: 5`"]);
    assert_eq!(first.stderr.matches("`top_logprobs: 5`").count(), 1, "{}", first.stderr);
    let confidences = rows(&sandbox, "out", "confidences");
    assert_eq!(count(&confidences, |row| row["confidence"].is_number()), 2 * MAIN);
}

#[test]
fn a_server_without_log_probs_says_so_in_a_list() {
    let server = Server::scripted(|request, _| {
        let error = json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT",
            "message": "Logprobs is not enabled for models/any"}}]);
        let refused = request.body["logprobs"] == true;
        Some(if refused { ServerReply::json(400, &error) } else { ServerReply::json(200, &talk(request)) })
    });
    let sandbox = sandbox(&forty(&server, " [perplexity, p_true, verbalization_2s]\n", ""));
    run(&sandbox, "").exits(0).says(["Logprobs is not enabled for models/any", "`no_logprobs`"]);
    let confidences = rows(&sandbox, "out", "confidences");
    let of = |method: &str, reason: Value| {
        count(&confidences, |row| row["method"] == method && row["missing_reason"] == reason)
    };
    assert_eq!(
        [
            of("perplexity", json!("no_logprobs")),
            of("p_true", json!("no_top_logprobs")),
            of("verbalization_2s", Value::Null)
        ],
        [MAIN; 3]
    );
}

#[test]
fn a_model_that_answers_nothing_is_no_success_and_is_asked_again() {
    let mended = Arc::new(AtomicBool::new(false));
    let is_mended = Arc::clone(&mended);
    let server = Server::scripted(move |request, _| {
        let refused = request.body["model"] == "large-1" && !is_mended.load(Ordering::SeqCst);
        Some(if refused {
            ServerReply::error(400, "frobnicated")
        } else {
            ServerReply::json(200, &talk(request))
        })
    });
    // Fewer than end a run while it goes on.
    let sandbox = sandbox(&pipeline(&server, " [perplexity]\n", ""));
    run(&sandbox, "").exits(4).says([
        "stage infer",
        "`large`",
        "none of 12",
        "`request_refused`",
        "frobnicated",
    ]);
    let asked = server.requests().len();
    run(&sandbox, "").exits(4);
    assert!(server.requests().len() >= asked + 12, "it is asked again");
    mended.store(true, Ordering::SeqCst);
    run(&sandbox, "").exits(0);
    let generations = rows(&sandbox, "out", "generations");
    assert!(generations.len() == 24 && generations.iter().all(|row| row["text"].is_string()));
}

/// A completion of a model that reasons before it says this.
fn reasoned(body: &Value, thought: &str, said: &str) -> Value {
    let said = format!("\n\n{said}");
    completion(
        body,
        &[("<think>", -3.0), (thought, -2.0), ("</think>", -3.0), (&said, -0.25), ("<|im_end|>", -1.0)],
        false,
    )
}

/// What a model that reasons says; its thoughts are full of other answers.
fn thinker(request: &ServerRequest) -> Value {
    let (body, last) = (&request.body, request.last());
    let word = if last.len() % 2 == 0 { "1" } else { "2" };
    if last.contains("a number from 0 to 1 only") {
        return reasoned(body, "I checked 2 times, so perhaps 0.2, or 20%.", "0.75");
    }
    if last.contains("Reply with two lines only") {
        return reasoned(body, "Answer: 7\nConfidence: 0.1?", &format!("Answer: {word}\nConfidence: 0.6"));
    }
    // A parser at the server takes the reasoning off, and leaves the log-probs of all tokens.
    let mut reply = reasoned(body, "The answer is 12. Or is the answer 13?", word);
    if number(request).is_multiple_of(2) {
        reply["choices"][0]["message"]["content"] = json!(word);
    }
    reply
}

#[test]
fn a_model_that_reasons_is_graded_and_scored_by_what_it_says() {
    let server = Server::scripted(|request, _| Some(ServerReply::json(200, &thinker(request))));
    let methods = " [average_token_probability, perplexity, jaccard_degree: {samples: 2, temperature: 1.0}, \
                   verbalization_1s, verbalization_2s]\n";
    let mut pipeline = forty(&server, methods, "");
    pipeline.max_new_tokens = 64;
    let sandbox = sandbox(&pipeline);
    run(&sandbox, "").exits(0);
    let labels = rows(&sandbox, "out", "labels");
    assert!(labels.iter().all(|row| matches!(row["answer"].as_str(), Some("1" | "2"))), "{}", labels[0]);
    let confidences = rows(&sandbox, "out", "confidences");
    for (method, value) in [
        ("average_token_probability", (-0.25f64).exp()),
        ("perplexity", (-0.25f64).exp()),
        ("jaccard_degree", 1.0),
        ("verbalization_1s", 0.6),
        ("verbalization_2s", 0.75),
    ] {
        let is_right = |row: &Value| {
            row["method"] == method
                && row["confidence"].as_f64().is_some_and(|confidence| (confidence - value).abs() < 1e-6)
        };
        let of: Vec<&Value> = confidences.iter().filter(|row| row["method"] == method).collect();
        assert_eq!(count(&confidences, is_right), MAIN, "{method}: {:?}", of[0]);
    }
    // What is asked in a second turn speaks of the answer, and not of the reasoning.
    let second = server.requests().into_iter().filter(|request| request.last().contains("from 0 to 1 only"));
    for request in second {
        let turns = request.body["messages"].as_array().unwrap();
        assert!(turns.iter().all(|turn| !turn["content"].as_str().unwrap().contains("think")), "{turns:?}");
    }
}

#[test]
fn a_judge_that_reasons_gives_verdicts() {
    let server = Server::scripted(|request, _| {
        if request.body["model"] != "referee-1" {
            let text = format!("some {}", request.last().len() % 4);
            return Some(ServerReply::json(
                200,
                &completion(&request.body, &[(&text, -0.5), ("</s>", -0.1)], false),
            ));
        }
        // Many templates and servers know no system role.
        let turns = request.body["messages"].as_array().unwrap();
        if turns.len() != 1 || turns[0]["role"] != "user" {
            return Some(ServerReply::json(400, &json!({"error": {"message": "System role not supported"}})));
        }
        let said = request.last().contains("some 0") || request.last().contains("some 2");
        let verdict = format!("{{\"verdict\": \"{}\"}}", if said { "correct" } else { "incorrect" });
        let thought = "{\"verdict\": \"incorrect\"}? Let me see.";
        Some(ServerReply::json(200, &reasoned(&request.body, thought, &verdict)))
    });
    let sandbox =
        sandbox(&judged_pipeline(&server, &item("referee", &server, ""), &policy("wrong", "judge")));
    sandbox.write("coqa.json", coqa(12, 3));
    run(&sandbox, "").exits(0);
    let labels = rows(&sandbox, "out", "labels");
    assert!(!labels.is_empty());
    for row in &labels {
        assert_eq!(row["grader"], "judge:referee", "{row}");
        assert_eq!(row["correct"], row["answer"].as_str().unwrap().ends_with(['0', '2']), "{row}");
    }
}
