//! Models behind a server that speaks OpenAI's protocol; here a scripted one.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::bench::{
    METHODS, Written, chunks, command, coqa, count, dataset, gsm8k, is_in_any_file, policy, ran, rows,
    with_models,
};
use crate::harness::{Run, Sandbox};
use plimsoll_test_support::chat_server::{Server, ServerReply, ServerRequest, completion};

pub(super) const KEY: &str = "sk-never-shown-0123";
const MAIN: usize = 12;

/// A server as an item of a pipeline; `more` are keys of its own.
pub(super) fn item(id: &str, server: &Server, more: &str) -> String {
    let url = &server.base_url;
    format!(
        "  - {{id: {id}, backend: openai, base_url: \"{url}\", model: {id}-1, api_key_env: MADE_UP_KEY{more}}}\n"
    )
}

/// A pipeline whose models answer from a server.
pub(super) fn pipeline(server: &Server, methods: &str, more: &str) -> Written {
    Written {
        slms: item("small", server, more),
        llms: item("large", server, more),
        methods: methods.to_owned(),
        ..Written::of_gsm8k(MAIN)
    }
}

pub(super) fn sandbox(pipeline: &Written) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("gsm8k.jsonl", gsm8k(60));
    sandbox.write("pipeline.yaml", pipeline.text());
    sandbox
}

pub(super) fn run(sandbox: &Sandbox, arguments: &str) -> Run {
    run_into(sandbox, "out", arguments)
}

/// Runs the pipeline into a folder.
pub(super) fn run_into(sandbox: &Sandbox, out: &str, arguments: &str) -> Run {
    let mut command = command(sandbox, &format!("run pipeline.yaml --out {out} {arguments}"));
    command.env("MADE_UP_KEY", KEY);
    Run::from_command(command)
}

/// What a model of the synthetic server says, which depends on the request alone.
pub(super) fn talk(request: &ServerRequest) -> Value {
    let (body, last) = (&request.body, request.last());
    let word = if last.len() % 2 == 0 { "1" } else { "2" };
    if last.contains("True or False only") {
        return completion(body, &[("True", -0.25)], true);
    }
    if last.contains("a number from 0 to 1 only") {
        return completion(body, &[("0.", -0.5), ("75", -0.5), ("</s>", -0.125)], false);
    }
    if last.contains("Reply with two lines only") {
        let first = format!("Answer: {word}\n");
        return completion(body, &[(&first, -0.5), ("Confidence: 0.6", -0.5), ("</s>", -0.125)], false);
    }
    let sampled = body["temperature"].as_f64() > Some(0.0);
    let word = if sampled && body["seed"].as_u64().unwrap() % 3 == 0 { "3" } else { word };
    completion(body, &[(word, -0.25), ("</s>", -0.125)], false)
}

fn honest() -> Server {
    Server::scripted(|request, _| Some(ServerReply::json(200, &talk(request))))
}

/// Neither a file of the sandbox nor what a run said holds the key.
#[track_caller]
fn assert_secret(sandbox: &Sandbox, run: &Run) {
    for text in [KEY, "never-shown"] {
        assert_eq!(is_in_any_file(sandbox.root(), text), None);
        assert!(!run.stdout.contains(text) && !run.stderr.contains(text), "{run:?}");
    }
}

#[test]
fn both_models_behind_a_server() {
    let server = honest();
    let sandbox =
        sandbox(&pipeline(&server, METHODS, ", price: {input_per_mtok: 1.0, output_per_mtok: 2.0}"));
    let first = run(&sandbox, "--json").exits(0);
    assert_secret(&sandbox, &first);
    let confidences = rows(&sandbox, "out", "confidences");
    let of = |method: &str| -> Vec<&Value> {
        confidences.iter().filter(|row| row["method"] == method && row["fold"].is_null()).collect()
    };
    /// Absolute: log-probabilities are kept in single precision.
    const SINGLE: f64 = 1e-6;
    let about = |row: &Value, value: f64| (row["confidence"].as_f64().unwrap() - value).abs() < SINGLE;
    let word = (-0.25f64).exp();
    for (method, value) in [
        ("average_token_probability", word),
        ("perplexity", word),
        ("verbalization_1s", 0.6),
        ("verbalization_2s", 0.75),
    ] {
        assert_eq!(of(method).len(), MAIN);
        assert!(of(method).iter().all(|row| about(row, value)), "{method}: {:?}", of(method)[0]);
    }
    let (yes, no) = ((-0.25f64).exp(), (-2.0f64).exp());
    assert!(of("p_true").iter().all(|row| about(row, yes / (yes + no))), "{:?}", of("p_true")[0]);
    assert!(of("jaccard_degree").iter().all(|row| row["confidence"].as_f64().is_some()));
    for probe in ["trained_probe", "ood_probe"] {
        let reason = |row: &&Value| row["missing_reason"] == "hidden_states_unsupported";
        assert!(of(probe).iter().all(reason), "{:?}", of(probe)[0]);
    }
    // What a server said about itself and charged.
    let generations = rows(&sandbox, "out", "generations");
    assert!(
        generations
            .iter()
            .all(|row| row["served_model"] == "served-1" && row["cost_usd"].as_f64() > Some(0.0))
    );
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.headers["authorization"] == format!("Bearer {KEY}")));
    let file = sandbox.json("out/small--large.thresholds.json");
    assert_eq!(file["slm"]["revision"], "small-1");
    Run::from_command(command(&sandbox, "thresholds validate out/small--large.thresholds.json")).exits(0);
    // A second run asks nobody, not even with answers gone: replies are kept.
    let again = run(&sandbox, "--json").exits(0).json();
    assert_eq!(ran(&again), [""; 0]);
    std::fs::remove_dir_all(sandbox.path("out/.work/infer")).unwrap();
    std::fs::remove_file(sandbox.path("out/tables/generations/generations-00000.parquet")).unwrap();
    assert_eq!(ran(&run(&sandbox, "--json").exits(0).json())[0], "infer");
    assert_eq!(server.requests().len(), requests.len());
}

#[test]
fn a_budget_that_runs_out_stops_the_run_and_keeps_what_was_paid_for() {
    let server = honest();
    // 2 tokens: 0.0004 US dollars a reply, and before it has come 3 are put by.
    let more =
        ", price: {input_per_mtok: 0.0, output_per_mtok: 200.0}, limits: {concurrency: 1, budget_usd: 0.003}";
    let mut pipeline = pipeline(&server, " [perplexity]\n", more);
    pipeline.more = "inference: {chunk: 2}\n".to_owned();
    let sandbox = sandbox(&pipeline);
    run(&sandbox, "").exits(4).says(["stage infer", "small", "budget of 0.003 USD"]);
    let (marks, asked) = (chunks(&sandbox, "out", "infer"), server.requests().len());
    assert!(marks.len() >= 4 && asked < MAIN, "{} files, {asked} requests", marks.len());
    run(&sandbox, "--set slms.0.limits.budget_usd=5 --set llms.0.limits.budget_usd=5").exits(0);
    let now = chunks(&sandbox, "out", "infer");
    assert!(marks.iter().all(|mark| now.contains(mark)));
    assert_eq!(server.requests().len(), 2 * MAIN, "nothing is paid for twice");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_asks_no_server_twice_what_it_answered() {
    use std::process::Stdio;
    use std::time::Duration;
    const WORKERS: usize = 2;
    let server = Server::scripted(|request, _| {
        Some(ServerReply { silence: Duration::from_millis(30), ..ServerReply::json(200, &talk(request)) })
    });
    let mut pipeline = pipeline(&server, " [perplexity]\n", &format!(", limits: {{concurrency: {WORKERS}}}"));
    pipeline.more = "inference: {chunk: 6}\n".to_owned();
    let sandbox = sandbox(&pipeline);
    let mut kills = 0;
    for more in [1, 3, 2, 4] {
        let before = server.requests().len();
        let mut command = command(&sandbox, "run pipeline.yaml --out out");
        command.env("MADE_UP_KEY", KEY).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        while server.requests().len() < before + more && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        kills += usize::from(child.wait().unwrap().code().is_none());
    }
    assert_eq!(kills, 4);
    run(&sandbox, "").exits(0);
    let requests = server.requests().len();
    assert!(requests <= 2 * MAIN + kills * WORKERS, "{requests} requests, {kills} kills");
    let generations = rows(&sandbox, "out", "generations");
    assert!(generations.len() == 2 * MAIN && generations.iter().all(|row| row["text"].is_string()));
}

/// A server that says nothing, and one that says to come back in an hour, hold nobody who wants to leave.
#[cfg(unix)]
#[test]
fn an_interrupt_is_heard_while_a_server_is_waited_for() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    /// Shorter than the server's silence; what starts and ends the process is in it.
    const SOON: Duration = Duration::from_secs(20);
    let silent = |_: &ServerRequest| ServerReply {
        silence: Duration::from_mins(1),
        ..ServerReply::json(200, &json!({}))
    };
    let busy = |_: &ServerRequest| ServerReply::error(429, "rate_limit_exceeded").with("Retry-After", "60");
    let scripts: [fn(&ServerRequest) -> ServerReply; 2] = [silent, busy];
    for script in scripts {
        let server = Server::scripted(move |request, _| Some(script(request)));
        let sandbox = sandbox(&pipeline(&server, " [perplexity]\n", ""));
        let mut command = command(&sandbox, "run pipeline.yaml --out out");
        command.env("MADE_UP_KEY", KEY).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        while server.requests().is_empty() {
            assert!(child.try_wait().unwrap().is_none(), "it ended without asking");
            std::thread::sleep(Duration::from_millis(5));
        }
        let start = Instant::now();
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let ended = Run::from(child.wait_with_output().unwrap())
            .exits(4)
            .says(["the same command goes on from there"]);
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        assert_secret(&sandbox, &ended);
    }
}

#[test]
fn a_key_that_is_echoed_stands_nowhere() {
    // In answers, in errors that pass, and in what the server says about itself.
    let server = Server::scripted(|request, before| {
        if before % 5 == 0 {
            return Some(
                ServerReply::new(500, format!("Authorization: Bearer {KEY}")).with("Retry-After", "0"),
            );
        }
        let mut reply = completion(&request.body, &[("1 ", -0.5), (KEY, -0.5), ("</s>", -0.5)], false);
        reply["system_fingerprint"] = json!(KEY);
        Some(ServerReply::json(200, &reply))
    });
    let sandbox = sandbox(&pipeline(&server, " [perplexity]\n", ""));
    let ended = run(&sandbox, "").exits(0);
    assert_secret(&sandbox, &ended);
    assert!(server.requests().iter().all(|request| request.headers["authorization"].contains(KEY)));
    let generations = rows(&sandbox, "out", "generations");
    assert!(generations.iter().all(|row| row["text"].as_str().is_some_and(|text| text.starts_with("1 "))));
    // In an error that ends the run.
    let body = json!({"error": {"message": format!("bad key {KEY}"), "code": KEY}});
    let server = Server::scripted(move |_, _| Some(ServerReply::json(401, &body)));
    let sandbox = self::sandbox(&pipeline(&server, " [perplexity]\n", ""));
    let ended = run(&sandbox, "").exits(4).says(["stage infer", "bad key"]);
    assert_secret(&sandbox, &ended);
    // A key that is not set is named, and the pipeline says nothing else about it.
    let mut unset = command(&sandbox, "run pipeline.yaml --out out");
    unset.env_remove("MADE_UP_KEY");
    Run::from_command(unset).exits(2).says(["small", "MADE_UP_KEY"]);
}

#[test]
fn an_error_with_status_200_is_no_answer_and_a_busy_server_is_asked_again() {
    let server = Server::scripted(|request, before| {
        if before == 0 {
            return Some(ServerReply::error(429, "rate_limit_exceeded").with("Retry-After", "1"));
        }
        let refused = request.last().contains("had 1");
        Some(if refused {
            ServerReply::error(200, "overloaded")
        } else {
            ServerReply::json(200, &talk(request))
        })
    });
    let sandbox = sandbox(&pipeline(&server, " [perplexity]\n", ", limits: {concurrency: 1, retries: 1}"));
    run(&sandbox, "").exits(0);
    let requests = server.requests();
    assert!(requests[1].at - requests[0].at >= std::time::Duration::from_millis(990));
    assert_eq!(requests[0].body, requests[1].body);
    let generations = rows(&sandbox, "out", "generations");
    let questions = rows(&sandbox, "out", "questions");
    let refused: BTreeSet<&str> = questions
        .iter()
        .filter(|row| row["question"].as_str().unwrap().contains("had 1"))
        .map(|row| row["question_id"].as_str().unwrap())
        .collect();
    assert!(!refused.is_empty() && refused.len() < questions.len());
    for row in &generations {
        let is_refused = refused.contains(row["question_id"].as_str().unwrap());
        assert_eq!((row["text"].is_null(), row["failure"].is_null()), (is_refused, !is_refused), "{row}");
    }
    assert!(generations.iter().any(|row| row["text"].is_string() && row["attempts"] == 2));
    let labels = rows(&sandbox, "out", "labels");
    let ungraded = |row: &Value| row["correct"].is_null() && row["reason"] == "server_failed";
    assert_eq!(count(&labels, ungraded), 2 * refused.len());
    let scores = rows(&sandbox, "out", "scores");
    assert_eq!(count(&scores, |row| row["confidence"].is_null()), refused.len());
}

/// A server that answers and judges, how many more verdicts it gives before it lets nobody in, and what it was asked
/// for those that it gave.
struct Referee {
    server: Server,
    left: Arc<AtomicUsize>,
    judged: Arc<Mutex<Vec<String>>>,
}

fn referee(verdicts: usize) -> Referee {
    let (left, judged) = (Arc::new(AtomicUsize::new(verdicts)), Arc::<Mutex<Vec<String>>>::default());
    let (of_server, recorded) = (left.clone(), judged.clone());
    let server = Server::scripted(move |request, _| {
        if request.body["model"] != "referee-1" {
            let text = format!("some {}", request.last().len() % 4);
            return Some(ServerReply::json(
                200,
                &completion(&request.body, &[(&text, -0.5), ("</s>", -0.1)], false),
            ));
        }
        if of_server.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err() {
            return Some(ServerReply::error(401, "locked"));
        }
        recorded.lock().unwrap().push(request.last().to_owned());
        let asked: Value = serde_json::from_str(request.last().lines().last().unwrap()).unwrap();
        let is_right = asked["candidate_answer"].as_str().unwrap().ends_with(['0', '2']);
        let verdict = format!("{{\"verdict\": \"{}\"}}", if is_right { "correct" } else { "incorrect" });
        Some(ServerReply::json(200, &completion(&request.body, &[(&verdict, -0.1), ("</s>", -0.1)], false)))
    });
    Referee { server, left, judged }
}

impl Referee {
    /// What was judged, in pairs of a question and an answer.
    fn judged(&self) -> Vec<String> {
        self.judged.lock().unwrap().clone()
    }
}

/// A pipeline over `coqa.json` whose answers this judge grades.
pub(super) fn judged_pipeline(server: &Server, judge: &str, policy: &str) -> Written {
    let judge = judge.trim().trim_start_matches("- ");
    Written {
        datasets: dataset("coqa", "coqa.json", "validation", MAIN),
        more: format!("inference: {{chunk: 4}}\nlabels: {{grading: {{policy: {policy}, judge: {judge}}}}}\n"),
        ..pipeline(server, " [perplexity]\n", "")
    }
}

fn judged(server: &Server) -> Sandbox {
    let sandbox = sandbox(&judged_pipeline(server, &item("referee", server, ""), &policy("wrong", "judge")));
    sandbox.write("coqa.json", coqa(12, 3));
    sandbox
}

#[test]
fn a_judge_gives_verdicts_each_once() {
    let referee = referee(usize::MAX);
    let sandbox = judged(&referee.server);
    run(&sandbox, "").exits(0);
    let labels = rows(&sandbox, "out", "labels");
    assert_eq!(labels.len(), 2 * MAIN);
    let by_judge = |row: &Value| row["grader"] == "judge:referee" && row["correct"].is_boolean();
    assert!(labels.iter().all(by_judge), "{}", labels[0]);
    for row in &labels {
        assert_eq!(row["correct"], row["answer"].as_str().unwrap().ends_with(['0', '2']), "{row}");
    }
    // Both models say the same, and it is judged for both at once.
    let first = referee.judged();
    let distinct: BTreeSet<&String> = first.iter().collect();
    assert_eq!((first.len(), distinct.len()), (MAIN, MAIN));
    let file = sandbox.json("out/small--large.thresholds.json");
    assert_eq!(file["calibration"]["labels"], "judged");
    run(&sandbox, "").exits(0);
    let table = sandbox.read("out/tables/labels.parquet");
    std::fs::remove_file(sandbox.path("out/tables/labels.parquet")).unwrap();
    run(&sandbox, "").exits(0);
    assert!(sandbox.read("out/tables/labels.parquet") == table);
    assert_eq!(referee.judged().len(), MAIN);
}

#[test]
fn a_judge_that_stops_in_the_middle_is_not_asked_again_what_it_said() {
    let referee = referee(6);
    let sandbox = judged(&referee.server);
    run(&sandbox, "").exits(4).says(["stage label", "referee", "locked"]);
    assert_eq!(referee.judged().len(), 6);
    let marks = chunks(&sandbox, "out", "judge");
    assert!(!marks.is_empty());
    assert!(!sandbox.exists("out/tables/labels.parquet"));
    referee.left.store(usize::MAX, Ordering::SeqCst);
    let last = run(&sandbox, "--json").exits(0).json();
    assert_eq!(ran(&last)[0], "label");
    let judged = referee.judged();
    let distinct: BTreeSet<&String> = judged.iter().collect();
    assert_eq!((judged.len(), distinct.len()), (MAIN, MAIN));
    let now = chunks(&sandbox, "out", "judge");
    assert!(marks.iter().all(|mark| now.contains(mark)));
}

#[test]
fn one_small_model_in_process_and_a_large_one_behind_a_server() {
    let server = honest();
    let models = with_models(1);
    models.write("gsm8k.jsonl", gsm8k(60));
    let pipeline = Written { llms: item("large", &server, ""), ..Written::of_gsm8k(MAIN) };
    models.write("pipeline.yaml", pipeline.text());
    run(&models, "").exits(0);
    let file = models.json("out/small--large.thresholds.json");
    assert_eq!(file["slm"]["weights_sha256"].as_str().unwrap().len(), 64);
    assert_eq!((&file["llm"]["revision"], &file["llm"]["weights_sha256"]), (&json!("large-1"), &Value::Null));
    assert_eq!(server.requests().len(), MAIN);
}
