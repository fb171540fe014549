//! `plimsoll work`: several workers on one store, of which some are killed, and a run that goes on from what they answered.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::bench::{Written, assert_same, command, document, gsm8k, isolate, sh, with_models};
use crate::harness::{PROGRAM, Run, Sandbox, repository};

/// How long a worker may take to do what a test waits for.
const PATIENCE: Duration = Duration::from_mins(3);

/// A pipeline of two models, with so many chunks each.
fn sandbox(chunks: usize) -> Sandbox {
    const CHUNK: usize = 4;
    let sandbox = with_models(1);
    sandbox.write("gsm8k.jsonl", gsm8k(chunks * CHUNK * 2));
    let more = format!("inference: {{chunk: {CHUNK}}}\n");
    sandbox.write("pipeline.yaml", Written { more, ..Written::of_gsm8k(chunks * CHUNK) }.text());
    sandbox
}

fn worker(sandbox: &Sandbox, options: &str) -> Child {
    let mut command = command(sandbox, &format!("work pipeline.yaml --store store --json -v {options}"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The records in the store.
fn records(sandbox: &Sandbox) -> Vec<PathBuf> {
    let chunks = fs::read_dir(sandbox.path("store/chunks")).into_iter().flatten();
    let files = chunks.flat_map(|chunk| fs::read_dir(chunk.unwrap().path()).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect()
}

fn wait_for(sandbox: &Sandbox, wanted: usize) {
    let start = Instant::now();
    while records(sandbox).len() < wanted {
        assert!(start.elapsed() < PATIENCE, "{} of {wanted} chunks are stored", records(sandbox).len());
        thread::sleep(Duration::from_millis(5));
    }
}

/// How often each chunk was asked, by the log of a worker.
fn asked(log: &str, counts: &mut BTreeMap<String, usize>) {
    for line in log.lines().filter(|line| line.contains("asking")) {
        let chunk = line.split("chunk=").nth(1).unwrap();
        *counts.entry(chunk.chars().take(64).collect()).or_default() += 1;
    }
}

fn number(document: &Value, key: &str) -> u64 {
    document["work"][key].as_u64().unwrap()
}

#[test]
fn three_workers_of_which_one_is_killed_give_the_tables_of_one_run() {
    const CHUNKS: usize = 24;
    let sandbox = sandbox(CHUNKS);
    document(&sandbox, "run pipeline.yaml --out alone");
    let mut workers: Vec<Child> = (0..3).map(|_| worker(&sandbox, "--lease-seconds 8")).collect();
    wait_for(&sandbox, 5);
    workers[0].kill().unwrap();
    let (mut counts, mut answered) = (BTreeMap::new(), 0);
    for (index, worker) in workers.into_iter().enumerate() {
        let run = Run::from(worker.wait_with_output().unwrap());
        asked(&run.stderr, &mut counts);
        if index > 0 {
            let run = run.exits(0);
            answered += number(&run.json(), "chunks_answered");
            assert_eq!(number(&run.json(), "chunks_in_all"), 2 * CHUNKS as u64);
        }
    }
    assert!(answered <= 2 * CHUNKS as u64, "{answered}");
    assert_eq!((records(&sandbox).len(), counts.len()), (2 * CHUNKS, 2 * CHUNKS));
    // One was killed: a chunk is asked at most twice, and no more than one of them.
    assert!(counts.values().sum::<usize>() <= 2 * CHUNKS + 1, "{counts:?}");
    let run = document(&sandbox, "run pipeline.yaml --store store --out out");
    assert_eq!(run["inference"]["chunks_answered"], 0, "the run asks no model");
    assert_eq!(run["inference"]["chunks_kept"], 2 * CHUNKS);
    assert_same(&sandbox, "out", "alone");
}

#[test]
fn parts_need_no_leases_and_a_lost_part_is_answered_by_whoever_comes() {
    const CHUNKS: usize = 6;
    let sandbox = sandbox(CHUNKS);
    for (index, answered) in [(0, 4), (2, 4), (0, 0)] {
        let run = document(&sandbox, &format!("work pipeline.yaml --store store --shard {index}/3"));
        assert_eq!(number(&run, "chunks_answered"), answered, "part {index}");
    }
    assert!(!sandbox.exists("store/leases"));
    assert_eq!(records(&sandbox).len(), 8);
    let run = document(&sandbox, "work pipeline.yaml --store store");
    assert_eq!((number(&run, "chunks_answered"), number(&run, "chunks_kept")), (4, 8));
    document(&sandbox, "run pipeline.yaml --store store --out out");
    document(&sandbox, "run pipeline.yaml --out alone");
    assert_same(&sandbox, "out", "alone");
}

#[test]
fn a_run_on_a_store_answers_what_is_missing_and_gives_it_to_others() {
    let sandbox = sandbox(3);
    let run = document(&sandbox, "run pipeline.yaml --store file-store --out out");
    assert_eq!(run["inference"]["chunks_answered"], 6);
    let again = document(&sandbox, "work pipeline.yaml --store file-store");
    assert_eq!((number(&again, "chunks_answered"), number(&again, "chunks_kept")), (0, 6));
    // A damaged table is found when it is needed, answered again, and mended.
    for chunk in fs::read_dir(sandbox.path("file-store/chunks")).unwrap() {
        for file in fs::read_dir(chunk.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "parquet") {
                let mut bytes = fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(&path, bytes).unwrap();
            }
        }
    }
    let mended = sh(&sandbox, "run pipeline.yaml --store file-store --out mended --json").exits(0);
    assert_eq!(mended.json()["inference"]["chunks_answered"], 6);
    mended.says(["a chunk in the store is damaged and is answered again"]);
    assert_same(&sandbox, "mended", "out");
    let whole = document(&sandbox, "run pipeline.yaml --store file-store --out whole");
    assert_eq!(whole["inference"]["chunks_answered"], 0);
}

#[test]
fn a_full_disk_ends_a_worker_and_with_room_the_same_command_goes_on() {
    let sandbox = sandbox(3);
    let mut full = Command::new("sh");
    let script = format!(
        "trap '' XFSZ; ulimit -f 4; exec {PROGRAM} work pipeline.yaml --store store --scratch scratch"
    );
    full.args(["-c", &script]).current_dir(sandbox.root());
    isolate(&mut full, &sandbox);
    Run::from_command(full).exits(4).says(["generations.parquet"]);
    assert_eq!(records(&sandbox).len(), 0);
    let run = document(&sandbox, "work pipeline.yaml --store store --scratch scratch");
    assert_eq!(number(&run, "chunks_answered"), 6);
}

#[test]
fn what_cannot_be_is_said_before_any_work() {
    let sandbox = sandbox(1);
    for (arguments, says) in [
        ("work pipeline.yaml --store s3://bucket/x", "--features cloud"),
        ("run pipeline.yaml --store gs://bucket/x --out out", "--features cloud"),
        ("work pipeline.yaml --store http://host/x", "is no store"),
        ("work pipeline.yaml --store s3://key:secret@bucket/x", "belong into the environment"),
        ("work pipeline.yaml --store store --shard 3/3", "the last is 2/3"),
        ("work pipeline.yaml --store store --shard x", "is no part"),
    ] {
        sh(&sandbox, arguments).exits(2).says([says]);
    }
    let mut command = command(&sandbox, "work pipeline.yaml --store store");
    command.env("JOB_COMPLETION_INDEX", "1");
    Run::from_command(command).exits(2).says(["JOB_COMPLETIONS is not set"]);
    assert!(!sandbox.exists("store/chunks") && !sandbox.exists("out"));
}

/// The example scripts, run as the batch systems would.
#[test]
fn the_examples_for_batch_systems_answer_everything() {
    let sandbox = sandbox(4);
    let script = repository().join("examples/cluster/work.sbatch");
    let (first, count) = array(&fs::read_to_string(&script).unwrap());
    let folder = Path::new(PROGRAM).parent().unwrap().to_owned();
    let path = std::env::join_paths(
        [folder].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let path = path.unwrap();
    // The first and the last of the array, and in one go what is left.
    for task in [first, first + count - 1] {
        let mut command = Command::new("sh");
        command.arg(&script).args(["pipeline.yaml", "store"]).current_dir(sandbox.root()).env("PATH", &path);
        isolate(&mut command, &sandbox);
        for (name, value) in
            [("ID", task), ("MIN", first), ("COUNT", count), ("MAX", first + count - 1), ("STEP", 1)]
        {
            command.env(format!("SLURM_ARRAY_TASK_{name}"), value.to_string());
        }
        Run::from_command(command).exits(0).shows([&format!("part {}/{count}", task - first)]);
    }
    document(&sandbox, "work pipeline.yaml --store store");
    assert_eq!(records(&sandbox).len(), 8);
}

/// First task and number of tasks of an sbatch script.
fn array(script: &str) -> (usize, usize) {
    let range = script.lines().find_map(|line| line.strip_prefix("#SBATCH --array=")).unwrap();
    let (first, last) = range.split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    (first, last - first + 1)
}

#[test]
fn the_indexed_job_says_how_many_its_workers_are() {
    let text = fs::read_to_string(repository().join("examples/cluster/indexed-job.yaml")).unwrap();
    let job: Value = serde_saphyr::from_str(&text).unwrap();
    let spec = &job["spec"];
    assert_eq!((&job["kind"], &spec["completionMode"]), (&"Job".into(), &"Indexed".into()));
    let container = &spec["template"]["spec"]["containers"][0];
    let variables = container["env"].as_array().unwrap();
    let completions = variables.iter().find(|variable| variable["name"] == "JOB_COMPLETIONS").unwrap();
    assert_eq!(completions["value"].as_str().unwrap(), spec["completions"].to_string());
    let arguments: Vec<&str> =
        container["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()).collect();
    assert_eq!(arguments[0], "work");
    // Its arguments are those of the program, with a store of this machine in the place of the bucket.
    let sandbox = sandbox(2);
    let store = arguments.iter().position(|argument| *argument == "--store").unwrap() + 1;
    let mut arguments = arguments;
    arguments[1] = "pipeline.yaml";
    arguments[store] = "store";
    let mut command = sandbox.command(&arguments);
    isolate(&mut command, &sandbox);
    command.env("JOB_COMPLETION_INDEX", "1").env("JOB_COMPLETIONS", spec["completions"].to_string());
    Run::from_command(command).exits(0);
}
