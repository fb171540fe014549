//! A run that is ended in the middle goes on from there, to the same tables.
#![cfg(unix)]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::bench::{
    Mark, Written, assert_same, chunks, command, document, gsm8k, ran, rows, sh, with_models,
};
use plimsoll_test_support::numbers::Numbers;

use crate::harness::{PROGRAM, Run, Sandbox};

/// How long a run may take to do what a test waits for.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(2);

fn sandbox(rows: usize, chunk: usize) -> Sandbox {
    let sandbox = with_models(1);
    sandbox.write("gsm8k.jsonl", gsm8k(rows * 2));
    let pipeline = Written { more: format!("inference: {{chunk: {chunk}}}\n"), ..Written::of_gsm8k(rows) };
    sandbox.write("pipeline.yaml", pipeline.text());
    sandbox
}

fn spawn(sandbox: &Sandbox) -> Child {
    let mut command = command(sandbox, "run pipeline.yaml --out out");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How many chunks are finished.
fn finished(sandbox: &Sandbox) -> usize {
    let folder = fs::read_dir(sandbox.path("out/.work/infer")).into_iter().flatten();
    folder.filter(|chunk| chunk.as_ref().unwrap().path().join("chunk.json").is_file()).count()
}

/// Waits until so many chunks are finished; false if the run ended before.
fn wait_for(child: &mut Child, sandbox: &Sandbox, wanted: usize) -> bool {
    let start = Instant::now();
    while finished(sandbox) < wanted {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(start.elapsed() < PATIENCE, "{} of {wanted} chunks are finished", finished(sandbox));
        thread::sleep(PAUSE);
    }
    true
}

#[test]
fn killed_at_twenty_moments_it_ends_with_the_same_tables() {
    const QUESTIONS: usize = 200;
    const CHUNK: usize = 4;
    const KILLS: usize = 20;
    let sandbox = sandbox(QUESTIONS, CHUNK);
    let mut moments = Numbers::new(2024);
    let mut seen: Vec<Mark> = Vec::new();
    for kill in 0..KILLS {
        let before = finished(&sandbox);
        let mut child = spawn(&sandbox);
        // At a random moment after up to two more chunks; with none, somewhere from the start of the process on.
        let more = moments.below(3);
        assert!(wait_for(&mut child, &sandbox, before + more), "kill {kill}: the run ended before");
        thread::sleep(Duration::from_millis(moments.below(if more == 0 { 150 } else { 20 }) as u64));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "kill {kill}: it was still running");
        let now = chunks(&sandbox, "out", "infer");
        for mark in &seen {
            assert!(now.contains(mark), "kill {kill}: {mark:?} was finished and is not what it was");
        }
        seen = now;
    }
    let done = finished(&sandbox);
    assert!(done > KILLS / 2 && done < 2 * QUESTIONS / CHUNK, "{done} chunks before the last run");
    let last = document(&sandbox, "run pipeline.yaml --out out");
    assert_eq!(last["inference"]["chunks_kept"], done, "no finished chunk is answered again");
    assert_eq!(last["inference"]["chunks_answered"], 2 * QUESTIONS / CHUNK - done);
    let now = chunks(&sandbox, "out", "infer");
    assert!(seen.iter().all(|mark| now.contains(mark)));
    assert_eq!(rows(&sandbox, "out", "generations").len(), 2 * QUESTIONS);
    document(&sandbox, "run pipeline.yaml --out undisturbed");
    assert_same(&sandbox, "out", "undisturbed");
}

#[test]
fn an_interrupt_ends_it_in_good_order() {
    let sandbox = sandbox(40, 1);
    let mut child = spawn(&sandbox);
    assert!(wait_for(&mut child, &sandbox, 3));
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    Run::from(child.wait_with_output().unwrap()).exits(4).says([
        "stage infer",
        "cancelled; what was finished is kept, and the same command goes on from there",
    ]);
    let (done, marks) = (finished(&sandbox), chunks(&sandbox, "out", "infer"));
    assert!((3..80).contains(&done), "{done}");
    let last = document(&sandbox, "run pipeline.yaml --out out");
    assert!(!ran(&last).contains(&"ingest".to_owned()));
    assert_eq!(
        (&last["inference"]["chunks_kept"], &last["inference"]["chunks_answered"]),
        (&done.into(), &(80 - done).into())
    );
    let now = chunks(&sandbox, "out", "infer");
    assert!(marks.iter().all(|mark| now.contains(mark)));
    document(&sandbox, "run pipeline.yaml --out undisturbed");
    assert_same(&sandbox, "out", "undisturbed");
}

#[test]
fn two_runs_do_not_write_to_one_folder() {
    let sandbox = sandbox(40, 1);
    let mut child = spawn(&sandbox);
    assert!(wait_for(&mut child, &sandbox, 1));
    sh(&sandbox, "run pipeline.yaml --out out").exits(2).says(["another plimsoll is writing to `out`"]);
    sh(&sandbox, "run pipeline.yaml --out out --until ingest").exits(2);
    assert!(child.try_wait().unwrap().is_none(), "the first goes on");
    child.kill().unwrap();
    child.wait().unwrap();
    // The dead hold no lock.
    sh(&sandbox, "run pipeline.yaml --out out --until ingest").exits(0);
}

#[test]
fn a_full_disk_ends_it_and_with_room_it_goes_on() {
    let sandbox = with_models(1);
    sandbox.write("gsm8k.jsonl", gsm8k(120));
    let pipeline = Written {
        methods: " [perplexity, jaccard_degree: {samples: 12, temperature: 1.0}]\n".to_owned(),
        more: "inference: {chunk: 40}\n".to_owned(),
        ..Written::of_gsm8k(80)
    };
    sandbox.write("pipeline.yaml", pipeline.text());
    document(&sandbox, "run pipeline.yaml --out whole");
    let size =
        |name: &str| fs::metadata(sandbox.path(&format!("whole/tables/{name}.parquet"))).unwrap().len();
    let fits = size("questions").max(size("datasets"));
    let does_not = size("generations/generations-00001");
    // Room for the pool, but not for a chunk of answers with samples.
    let blocks = fits.div_ceil(512) + 1;
    assert!(blocks * 512 < does_not, "{fits} {does_not}");
    let mut command = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {PROGRAM} run pipeline.yaml --out out");
    command.args(["-c", &script]).current_dir(sandbox.root());
    super::bench::isolate(&mut command, &sandbox);
    Run::from_command(command).exits(4).says(["stage infer", "generations.parquet"]);
    assert_eq!(
        sandbox.files("out"),
        ["manifest.json", "tables/datasets.parquet", "tables/questions.parquet"]
    );
    let last = document(&sandbox, "run pipeline.yaml --out out");
    assert_eq!(ran(&last)[0], "infer");
    assert_same(&sandbox, "out", "whole");
    let left = fs::read_dir(sandbox.path("out/.work/infer")).unwrap();
    for chunk in left {
        for file in fs::read_dir(chunk.unwrap().path()).unwrap() {
            let name = file.unwrap().file_name();
            assert!(!name.to_string_lossy().contains(".tmp"), "{name:?} was left");
        }
    }
}

#[test]
fn killed_in_the_later_stages_it_ends_with_the_same_tables() {
    const KILLS: usize = 8;
    let sandbox = sandbox(60, 30);
    let whole = Instant::now();
    document(&sandbox, "run pipeline.yaml --out undisturbed");
    let longest = whole.elapsed();
    document(&sandbox, "run pipeline.yaml --out out --until infer");
    let marks = chunks(&sandbox, "out", "infer");
    let mut moments = Numbers::new(7);
    for _ in 0..KILLS {
        let mut child = spawn(&sandbox);
        let moment = longest.mul_f64(moments.below(100) as f64 / 100.0);
        thread::sleep(moment);
        // It may have ended by itself.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    document(&sandbox, "run pipeline.yaml --out out");
    assert_same(&sandbox, "out", "undisturbed");
    assert_eq!(chunks(&sandbox, "out", "infer"), marks);
}
