//! Generates greedy answers to the rows of a split of all datasets and grades them:
//! `cargo run --release -p plimsoll-toy-trainer --example evaluate -- MODEL [validation|test] [ROWS]`.
//!
//! Choices are made on `validation`; `test` is for reports alone.

use std::io::{Write as _, stdout};
use std::path::PathBuf;

use plimsoll_core::prompt::Message;
use plimsoll_core::{Reply, Seed};
use plimsoll_engine::chat::Moment;
use plimsoll_engine::sampling::Sampling;
use plimsoll_engine::{OpenedModel, Placement};
use plimsoll_ingest::prompts::{PromptSpec, PromptStyle, prompt};
use plimsoll_label::{Policy, extract, grade};
use plimsoll_pocket::DATASETS;
use plimsoll_toy_trainer::evaluation::rows;
use plimsoll_toy_trainer::generate::{GenerationSpec, generate};

/// Forgives nothing.
const POLICY: &str = r#"{"refusal": "wrong", "truncated": "wrong", "empty": "wrong", "ambiguous": "wrong",
    "no_answer": "wrong", "outside_choices": "wrong", "number_relative_tolerance": 0.0, "span": "exact_match"}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().ok_or("which model? a folder")?);
    let split = words.next().unwrap_or_else(|| "validation".to_owned());
    let max_rows: usize = words.next().map_or(Ok(usize::MAX), |word| word.parse())?;
    let model = OpenedModel::open(&folder)?.load(Placement::cpu_f32())?;
    let policy: Policy = serde_json::from_str(POLICY)?;
    let files = tempfile::tempdir()?;
    let generation = GenerationSpec {
        samples: 0,
        sampling: Sampling::greedy(),
        max_tokens: 16,
        seed: Seed::new(0),
        now: Moment::date(2000, 1, 1)?,
    };
    let mut sum = 0.0;
    for dataset in DATASETS {
        let mut rows = rows(*dataset, &split, files.path())?;
        rows.truncate(max_rows);
        let spec = PromptSpec::new(*dataset, PromptStyle::Direct);
        let prompts: Vec<_> = rows.iter().map(|row| prompt(row, &[], &spec)).collect();
        let chats: Vec<&[Message]> = prompts.iter().map(|prompt| prompt.messages.as_slice()).collect();
        let answers = generate(&model, &chats, &generation)?;
        let right = rows.iter().zip(&answers).filter(|(row, answers)| {
            grade(row, &extract(row, &Reply::complete(&answers[0])), &policy).correct == Some(true)
        });
        let share = right.count() as f64 / rows.len().max(1) as f64;
        sum += share;
        writeln!(stdout(), "{:<20} {:>4} rows {share:.3}", dataset.id(), rows.len())?;
    }
    writeln!(stdout(), "{:<20} {:>9} {:.3}", "mean", "", sum / DATASETS.len() as f64)?;
    Ok(())
}
