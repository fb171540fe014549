//! Cases out of public bug reports about systems like this one, each with a scripted server and a pipeline.
//!
//! They are not in the repository: the tests run where `PLIMSOLL_REAL_DATA` names the folder that holds `cases/`
//! and `python3` is there to serve them, and say so where not. `asking::hosted` holds the same kinds with inputs of
//! its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::asking::bench::{command, count, rows};
use crate::harness::{Run, Sandbox};

/// How long a case's server lives at most.
const SECONDS: &str = "240";

/// A case in a folder of its own, with its server running.
struct Case {
    sandbox: Sandbox,
    server: Child,
    port: u16,
}

impl Drop for Case {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Case {
    /// Starts a case, its server's mode replaced; `None` where cases or Python are not there.
    fn start(name: &str, mode: Option<(&str, &str)>) -> Option<Self> {
        let Some(root) = std::env::var_os("PLIMSOLL_REAL_DATA").map(|root| PathBuf::from(root).join("cases"))
        else {
            println!("cases: SKIPPED {name}, nothing was tested: PLIMSOLL_REAL_DATA is not set");
            return None;
        };
        if Command::new("python3").arg("--version").output().is_err() {
            println!("cases: SKIPPED {name}, nothing was tested: there is no python3 to serve it");
            return None;
        }
        let sandbox = Sandbox::new();
        for entry in fs::read_dir(root.join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                sandbox.write(path.file_name().unwrap().to_str().unwrap(), fs::read(&path).unwrap());
            }
        }
        if let Some((from, to)) = mode {
            let script = String::from_utf8(sandbox.read("server.py")).unwrap();
            assert!(script.contains(from), "{script}");
            sandbox.write("server.py", script.replace(from, to));
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let case = Self { server: serve(&root.join("rig"), &sandbox, port), sandbox, port };
        case.wait_until_served();
        Some(case)
    }

    /// Waits for the server to listen; dropped, a case ends its server.
    fn wait_until_served(&self) {
        let is_served = |_| {
            std::thread::sleep(Duration::from_millis(20));
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        };
        assert!((0..500).any(is_served), "the server of the case did not start");
    }

    /// The command that runs the case.
    fn command(&self, out: &str, more: &str) -> Command {
        let url = format!("http://127.0.0.1:{}/v1", self.port);
        let line = format!("run plan.yaml --until score --out {out} --set slms.0.base_url={url} {more}");
        command(&self.sandbox, &line.replace("{URL}", &url))
    }

    fn run(&self, out: &str, more: &str) -> Run {
        Run::from_command(self.command(out, more))
    }

    /// The requests that the server had, in order.
    fn requests(&self) -> usize {
        fs::read_to_string(self.sandbox.path("requests.log")).unwrap_or_default().lines().count()
    }

    /// The number of each question (`Q17: ..`), by id.
    fn numbers(&self) -> BTreeMap<String, u64> {
        let number = |row: &Value| {
            let (number, _) =
                row["question"].as_str().unwrap().strip_prefix('Q').unwrap().split_once(':').unwrap();
            number.parse().unwrap()
        };
        let id = |row: &Value| row["question_id"].as_str().unwrap().to_owned();
        rows(&self.sandbox, "out", "questions").iter().map(|row| (id(row), number(row))).collect()
    }

    /// The confidences of a method, or the reasons why there is none.
    fn of_method(&self, method: &str) -> Vec<Value> {
        let rows = rows(&self.sandbox, "out", "confidences");
        let of = rows.into_iter().filter(|row| row["method"] == method);
        of.map(|row| {
            if row["confidence"].is_null() {
                row["missing_reason"].clone()
            } else {
                row["confidence"].clone()
            }
        })
        .collect()
    }

    #[track_caller]
    fn assert_all(&self, method: &str, expected: &Value) {
        /// Absolute: log-probabilities are kept in single precision.
        const SINGLE: f64 = 1e-6;
        let values = self.of_method(method);
        let is_it = |value: &Value| match (value.as_f64(), expected.as_f64()) {
            (Some(value), Some(expected)) => (value - expected).abs() < SINGLE,
            _ => value == expected,
        };
        assert!(!values.is_empty() && values.iter().all(is_it), "{method}: {values:?}");
    }
}

fn serve(rig: &Path, sandbox: &Sandbox, port: u16) -> Child {
    let mut server = Command::new("python3");
    server.arg(rig.join("fake.py")).arg(sandbox.root()).arg(port.to_string()).arg(SECONDS);
    // Nothing is written beside the rig.
    server.env("PYTHONPATH", rig).env("PYTHONDONTWRITEBYTECODE", "1").stderr(Stdio::null());
    server.spawn().unwrap()
}

#[test]
fn case01_fingerprints_that_alternate() {
    let Some(case) = Case::start("case01", None) else { return };
    case.run("out", "").exits(0);
    let generations = rows(&case.sandbox, "out", "generations");
    let seen: BTreeSet<&str> =
        generations.iter().map(|row| row["system_fingerprint"].as_str().unwrap()).collect();
    assert_eq!(seen.len(), 2);
    case.assert_all("perplexity", &json!((-0.25f64).exp()));
    case.run("out", "").exits(0);
    case.run("out2", "").exits(0);
}

#[test]
fn case02_log_probs_of_reasoning_and_answer() {
    let Some(case) = Case::start("case02", None) else { return };
    case.run("out", "").exits(0);
    case.assert_all("average_token_probability", &json!((-0.25f64).exp()));
    case.assert_all("perplexity", &json!((-0.25f64).exp()));
}

#[test]
fn case03_log_probs_refused_in_a_list() {
    for mode in ["LIST = True", "LIST = False"] {
        let Some(case) = Case::start("case03", Some(("LIST = True", mode))) else { return };
        case.run("out", "").exits(0).says(["Logprobs is not enabled for models/g-2.5-x"]);
        case.assert_all("average_token_probability", &json!("no_logprobs"));
        case.assert_all("p_true", &json!("no_top_logprobs"));
        case.assert_all("verbalization_2s", &json!(0.8));
        let labels = rows(&case.sandbox, "out", "labels");
        assert!(labels.iter().all(|row| row["correct"] == true), "{mode}");
    }
}

#[test]
fn case05_a_server_that_lists_five() {
    let Some(case) = Case::start("case05", None) else { return };
    case.run("out", "--set slms.0.top_logprobs=20")
        .exits(0)
        .says(["Cannot request more than 5 logprobs", "`top_logprobs: 5`"]);
    let (yes, no) = ((-0.2f64).exp(), (-1.8f64).exp());
    case.assert_all("p_true", &json!(yes / (yes + no)));
}

#[test]
fn case06_replacements_for_parts_of_characters() {
    let Some(case) = Case::start("case06", None) else { return };
    case.run("out", "").exits(0);
    let mean = (3.0 * (-0.1f64).exp() + (-0.25f64).exp() + (-0.3f64).exp()) / 5.0;
    case.assert_all("average_token_probability", &json!(mean));
}

#[test]
fn case07_tokens_as_the_vocabulary_has_them() {
    let Some(case) = Case::start("case07", None) else { return };
    case.run("out", "").exits(0);
    case.assert_all("average_token_probability", &json!((-0.25f64).exp()));
    let (yes, no) = ((-0.3f64).exp(), (-1.5f64).exp());
    case.assert_all("p_true", &json!(yes / (yes + no)));
}

/// The labels whose reason is a cut, by the numbers of their questions.
fn truncated(case: &Case) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let numbers = case.numbers();
    let labels = rows(&case.sandbox, "out", "labels");
    let is_cut = |row: &&Value| row["reason"] == "truncated" && row["correct"] == false;
    let number = |row: &Value| numbers[row["question_id"].as_str().unwrap()];
    (labels.iter().filter(is_cut).map(number).collect(), labels.iter().map(number).collect())
}

#[test]
fn case10_all_tokens_spent_on_reasoning() {
    let Some(case) = Case::start("case10", None) else { return };
    case.run("out", &format!("--set labels.grading={}", policy())).exits(0);
    let (cut, all) = truncated(&case);
    assert_eq!(cut, all.iter().copied().filter(|number| number % 4 != 3).collect());
    assert_eq!(case.requests(), rows(&case.sandbox, "out", "labels").len(), "nothing is asked twice");
}

#[test]
fn case11_other_names_of_a_cut() {
    let Some(case) = Case::start("case11", None) else { return };
    case.run("out", &format!("--set labels.grading={}", policy())).exits(0);
    let (cut, all) = truncated(&case);
    // Each sixth question's reply says that the model stopped, long before its limit.
    assert_eq!(cut, all.iter().copied().filter(|number| number % 6 != 4).collect());
}

/// A grading policy in which a cut answer is a wrong one, as JSON without spaces.
fn policy() -> String {
    let keys = ["refusal", "truncated", "empty", "ambiguous", "no_answer", "outside_choices"];
    let mut policy: serde_json::Map<String, Value> =
        keys.iter().map(|key| ((*key).to_owned(), json!("wrong"))).collect();
    policy.insert("number_relative_tolerance".to_owned(), json!(0.0));
    policy.insert("span".to_owned(), json!("exact_match"));
    json!({"policy": policy}).to_string()
}

#[test]
fn case30_p_true_of_a_model_that_wants_to_think() {
    let Some(case) = Case::start("case30", None) else { return };
    case.run("out", "").exits(0);
    case.assert_all("p_true", &json!("masses_too_small"));
}

#[test]
fn case34_a_passage_that_is_too_long_and_prompts_that_are_filtered() {
    for (mode, reason) in [("MODE = \"azure\"", "content_filter"), ("MODE = \"vllm\"", "context_too_long")] {
        let Some(case) = Case::start("case34", Some(("MODE = \"azure\"", mode))) else { return };
        case.run("out", "").exits(0);
        let numbers = case.numbers();
        for row in rows(&case.sandbox, "out", "generations") {
            let is_refused = (11..=18).contains(&numbers[row["question_id"].as_str().unwrap()]);
            let expected = if is_refused { json!(reason) } else { Value::Null };
            assert_eq!(row["failure"], expected, "{row}");
        }
    }
}

#[cfg(unix)]
#[test]
fn case35_stopped_and_gone_on() {
    let Some(case) = Case::start("case35", None) else { return };
    for more in [60, 100, 30] {
        let before = case.requests();
        let mut command = case.command("out", "");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while case.requests() < before + more && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        child.wait().unwrap();
    }
    case.run("out", "").exits(0);
    let numbers = case.numbers();
    let generations = rows(&case.sandbox, "out", "generations");
    let refused = |row: &Value| numbers[row["question_id"].as_str().unwrap()] % 8 == 0;
    assert!(count(&generations, refused) > 0);
    for row in &generations {
        let expected = if refused(row) { json!("content_filter") } else { Value::Null };
        assert_eq!(row["failure"], expected, "{row}");
    }
}

#[test]
fn case39_judges_that_reason_and_that_know_no_system_role() {
    for mode in ["MODE = \"gemma\"", "MODE = \"think\"", "MODE = \"plain\""] {
        let Some(case) = Case::start("case39", Some(("MODE = \"gemma\"", mode))) else { return };
        case.run("out", "--set labels.grading.judge.base_url={URL}").exits(0);
        let labels = rows(&case.sandbox, "out", "labels");
        let judged = |row: &Value| row["grader"] == "judge:judge" && row["correct"] == true;
        assert!(!labels.is_empty() && labels.iter().all(judged), "{mode}: {}", labels[0]);
    }
}
