//! `plimsoll serve` as a program: killed under load, and what its own log says of keys.
#![cfg(unix)]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use plimsoll_router::conformance::example_thresholds;
use plimsoll_test_support::chat_server::{Server, ServerReply, completion};
use plimsoll_test_support::numbers::Numbers;
use serde_json::{Value, json};

use crate::harness::Sandbox;

const PATIENCE: Duration = Duration::from_mins(1);
const INTERVAL_SECONDS: f64 = 0.2;
/// What a busy machine may add to an interval.
const SLACK_SECONDS: f64 = 1.5;
/// How long a gateway is asked before it is killed: long enough that some decisions are older than the state may be.
const LOAD_SECONDS: f64 = 3.0;
const KEY: &str = "sk-of-the-servers-7";

/// A gateway as a process.
struct Serving {
    child: Child,
    address: String,
}

impl Serving {
    fn start(sandbox: &Sandbox, stderr: Stdio) -> Self {
        let mut command: Command = sandbox.command(&["serve", "--config", "gateway.yaml", "--json", "-vv"]);
        command.env("PLIMSOLL_TEST_KEY", KEY);
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut document = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening: Value = loop {
            document.push_str(&lines.next().unwrap().unwrap());
            if let Ok(document) = serde_json::from_str(&document) {
                break document;
            }
        };
        Self { child, address: format!("http://{}/v1", listening["listen"].as_str().unwrap()) }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn write_files(sandbox: &Sandbox, slm: &Server, llm: &Server) {
    sandbox.write("t.json", example_thresholds().sealed().unwrap().to_json().unwrap());
    let server = |server: &Server, name: &str| json!({"base_url": server.base_url, "model": name, "api_key_env": "PLIMSOLL_TEST_KEY", "retries": 0});
    let settings = json!({
        "thresholds": "t.json", "method": "perplexity", "target": "selective_error=0.2:0.1",
        "slm": server(slm, "small"), "llm": server(llm, "large"),
        "listen": "127.0.0.1:0", "metrics_listen": "off", "accept_unverified": true, "track": true,
        "log": {"file": "decisions.jsonl", "fsync_seconds": 0.05},
        "state": {"file": "state.json", "interval_seconds": INTERVAL_SECONDS},
    });
    sandbox.write("gateway.yaml", settings.to_string());
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(PATIENCE)).build().new_agent()
}

/// The whole answer, or `None` where the gateway was killed before its end.
fn ask(agent: &ureq::Agent, address: &str, stream: bool) -> Option<String> {
    let body = json!({"model": "plimsoll", "messages": [{"role": "user", "content": "What is 9 + 9?"}], "stream": stream});
    let request = agent.post(format!("{address}/chat/completions")).content_type("application/json");
    request.send(body.to_string()).ok()?.body_mut().read_to_string().ok()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Replies of another confidence each time, so that both routes are taken.
fn unsteady(text: &'static str) -> Server {
    Server::scripted(move |request, before| {
        let logprob = -0.01 - (before * 7 % 100) as f64 / 50.0;
        Some(ServerReply::json(200, &completion(&request.body, &[(text, logprob), ("</s>", -0.5)], false)))
    })
}

/// The id that an answer tells of its decision.
fn id(answer: &str) -> String {
    let document: Value = serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    document["plimsoll"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[test]
fn killed_under_load_it_loses_no_more_than_it_says() {
    const KILLS: usize = 3;
    const CLIENTS: usize = 8;
    let sandbox = Sandbox::new();
    let (slm, llm) = (unsteady("from the SLM"), unsteady("from the LLM"));
    write_files(&sandbox, &slm, &llm);
    let mut moments = Numbers::new(7);
    let mut resumed = 0;
    for kill in 0..KILLS {
        let (serving, started_at) = (Serving::start(&sandbox, Stdio::null()), now());
        let (answers, is_killed) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        let count = AtomicUsize::new(0);
        let killed_at = thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let agent = agent();
                    while !is_killed.load(Ordering::Relaxed) {
                        let Some(answer) = ask(&agent, &serving.address, false) else { continue };
                        answers.lock().unwrap().push((now(), id(&answer)));
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let begun = Instant::now();
            while count.load(Ordering::Relaxed) < 150 || begun.elapsed().as_secs_f64() < LOAD_SECONDS {
                assert!(begun.elapsed() < PATIENCE, "{} answers", count.load(Ordering::Relaxed));
                thread::sleep(Duration::from_millis(5));
            }
            thread::sleep(Duration::from_millis(moments.below(300) as u64));
            let at = now();
            let pid = serving.child.id().to_string();
            assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            is_killed.store(true, Ordering::Relaxed);
            at
        });
        serving.kill();

        let log = String::from_utf8(sandbox.read("decisions.jsonl")).unwrap();
        let whole = log.rfind('\n').map_or(0, |end| end + 1);
        let lines: Vec<Value> = log[..whole]
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("kill {kill}: {error}: {line}"))
            })
            .collect();
        let logged: std::collections::BTreeSet<&str> =
            lines.iter().map(|line| line["id"].as_str().unwrap()).collect();
        for (at, id) in answers.lock().unwrap().iter() {
            let is_old = *at < killed_at - SLACK_SECONDS / 2.0;
            assert!(
                !is_old || logged.contains(id.as_str()),
                "kill {kill}: {id} was answered long before and is not logged"
            );
        }
        let is_old = |line: &&Value| {
            let time = line["time"].as_f64().unwrap();
            started_at <= time && time < killed_at - INTERVAL_SECONDS - SLACK_SECONDS
        };
        let old = lines.iter().filter(is_old).count();
        assert!(old > 0, "kill {kill}: no decision is old enough to tell");
        let state = sandbox.json("state.json");
        let learnt = &state["points"]["perplexity/selective_error=0.2:0.1"]["tracker"]["state"]["n"];
        let learnt = usize::try_from(learnt.as_u64().unwrap_or_else(|| panic!("{state}"))).unwrap();
        // What was learnt before the earlier kills is kept, and of this gateway's decisions all but the latest interval's.
        assert!(
            learnt >= resumed + old,
            "kill {kill}: {learnt} decisions in the state, {resumed} at the start, {old} since then older than an interval"
        );
        resumed = learnt;
    }
    half_a_line_is_left_out(&sandbox);
}

/// A disk may keep half a line; readers leave it out, and the gateway goes on after what is whole.
fn half_a_line_is_left_out(sandbox: &Sandbox) {
    let mut log = String::from_utf8(sandbox.read("decisions.jsonl")).unwrap();
    let whole = log.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
    write!(log, "{{\"time\": 17").unwrap();
    sandbox.write("decisions.jsonl", log);
    let check = "thresholds check t.json --decisions decisions.jsonl --method perplexity --target selective_error=0.2:0.1 --json";
    let checked = sandbox.sh(check).exits(0).json();
    assert_eq!(checked["status"], "too_few_rows", "no answer is labelled: {checked}");
    let serving = Serving::start(sandbox, Stdio::null());
    ask(&agent(), &serving.address, false).unwrap();
    let begun = Instant::now();
    let lines = || String::from_utf8(sandbox.read("decisions.jsonl")).unwrap();
    while lines().lines().count() <= whole {
        assert!(begun.elapsed() < PATIENCE, "the log goes on");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(
        lines().lines().all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "half a line is cut off"
    );
    serving.kill();
}

/// At its most talkative, with servers that repeat the key in their errors, in their answers and in their headers.
#[test]
fn its_own_log_holds_no_key() {
    let sandbox = Sandbox::new();
    let repeats = |status: u16| {
        Server::scripted(move |request, _| {
            let key = request.headers.get("authorization").cloned().unwrap_or_default();
            let mut body = completion(&request.body, &[("x", -3.0), ("</s>", -0.5)], false);
            body["choices"][0]["message"]["content"] = json!(key);
            body["error"] = json!({"message": format!("bad key {key}"), "code": key});
            Some(ServerReply::json(status, &body).with("x-request-id", key))
        })
    };
    for (slm, llm) in [(200, 401), (500, 200), (429, 500)] {
        let (slm, llm) = (repeats(slm), repeats(llm));
        write_files(&sandbox, &slm, &llm);
        let file = std::fs::File::create(sandbox.path("stderr")).unwrap();
        let serving = Serving::start(&sandbox, file.into());
        for stream in [false, true] {
            let answer = ask(&agent(), &serving.address, stream).unwrap();
            assert!(!answer.contains(KEY), "{answer}");
        }
        serving.kill();
        for name in ["stderr", "decisions.jsonl"] {
            let text = String::from_utf8(sandbox.read(name)).unwrap();
            assert!(!text.contains(KEY), "{name}: {text}");
        }
    }
}
