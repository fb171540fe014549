//! Times 100,000 GSM8K-like rows: synthetic ones, written to a file, read, deduplicated and sampled.
//!
//! `cargo run --release -p plimsoll-ingest --example hundred_thousand`

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Instant;

use plimsoll_core::Seed;
use plimsoll_ingest::pool::{Duplicates, PoolDataset, PoolOptions, RoleShares, SampleSpec, pool};
use plimsoll_ingest::{dataset, read_source};
use serde_json::json;

/// Rows.
const ROWS: u64 = 100_000;
/// Every so many rows one is a rewording of another.
const REWORDED_EVERY: u64 = 50;
/// Words of a question; GSM8K has 45 on average.
const WORDS: u64 = 45;
/// Different words, the first ones likelier, as in a language.
const VOCABULARY: u64 = 20_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("test.jsonl");
    std::fs::write(&path, synthetic())?;
    let start = Instant::now();
    let gsm8k = dataset("gsm8k").ok_or("no gsm8k")?;
    let found = read_source(gsm8k, &path, None)?;
    let read = start.elapsed();
    writeln!(out, "{} rows read in {:.2} s", found.rows, read.as_secs_f64())?;
    let entry = |sample| PoolDataset {
        questions: found.questions.clone(),
        refused: 0,
        unlabelled: 0,
        sample,
        few_shot: 8,
    };
    let shares = RoleShares { few_shot: 0.04, probe_training: 0.16 };
    let options = PoolOptions {
        seed: Seed::new(50),
        shares,
        probe_rows_per_main_row: 0.2,
        duplicates: Duplicates::Drop,
    };
    for sample in [None, Some(SampleSpec { rows: 500, by: None })] {
        let entries = vec![entry(sample)];
        let start = Instant::now();
        let pool = pool(entries, &options)?;
        let (seconds, report) = (start.elapsed().as_secs_f64(), &pool.report.datasets[0]);
        writeln!(
            out,
            "{} rows drawn, deduplicated in {seconds:.2} s: {} pairs, {} rows cut short, {} kept",
            report.sampled,
            pool.report.pairs.len(),
            pool.report.rows_cut_short,
            pool.rows.len()
        )?;
    }
    Ok(())
}

/// Rows as JSON lines.
fn synthetic() -> String {
    let seed = Seed::new(1);
    let mut text = String::new();
    for row in 0..ROWS {
        let reworded = row % REWORDED_EVERY == REWORDED_EVERY - 1;
        let of = if reworded { row - 1 } else { row };
        let mut words = Vec::new();
        for word in 0..WORDS {
            let hash = seed.hash_key(of * WORDS + word);
            let (a, b) = (hash % VOCABULARY, (hash >> 32) % VOCABULARY);
            words.push(format!("w{}", a * b / VOCABULARY));
        }
        if reworded {
            "reworded".clone_into(&mut words[20]);
        }
        let question = words.join(" ");
        let answer = format!("Some steps.\n#### {}", row % 1000);
        let line = json!({"question": question, "answer": answer});
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line}");
    }
    text
}
