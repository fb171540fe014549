//! Prints some items of a dataset as prompts with their answers, and some training documents:
//! `cargo run -p plimsoll-pocket --example show -- pocket_sums`.

use std::io::{Write as _, stdout};

use plimsoll_core::Seed;
use plimsoll_pocket::suite::{Mixture, Stream, TrainingDocument, native_rows};

/// How many of each are shown.
const SHOWN: usize = 6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dataset = std::env::args().nth(1).ok_or("which dataset? for instance pocket_sums")?;
    let mut out = stdout().lock();
    let rows = native_rows(&dataset, "test")?;
    writeln!(out, "{} rows", rows.lines().count())?;
    for row in rows.lines().take(SHOWN) {
        writeln!(out, "{row}")?;
    }
    let mixture = Mixture {
        statements: 1.0,
        dialogues: 2.0,
        recall: 1.0,
        comparisons: 1.0,
        datasets: vec![(dataset, 1.0)],
        zipf: 1.0,
        templates: 7,
        rare_template: 0.02,
        recall_pairs: 5,
    };
    let stream = Stream::new(Seed::new(1), &mixture)?;
    for index in 0..2 * SHOWN as u64 {
        match stream.document(index)? {
            TrainingDocument::Statements(text) => writeln!(out, "--- statements\n{text}")?,
            TrainingDocument::Recall(recall) => writeln!(out, "--- recall\n{}", recall.text)?,
            TrainingDocument::Dialogue(dialogue) => {
                for message in &dialogue.prompt.messages {
                    writeln!(out, "--- dialogue\n{}", message.text)?;
                }
                writeln!(out, "--- reply: {}", dialogue.reply)?;
            }
        }
    }
    Ok(())
}
