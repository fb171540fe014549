//! The estimate of a run, for people.

use std::fmt::Write as _;

use plimsoll_pipeline::estimate::RunEstimate;
use plimsoll_pipeline::model_estimate::ModelEstimate;

use crate::text_table::{Side, TextTable};

const MIB: f64 = 1_048_576.0;

/// The estimate for people.
pub(crate) fn text(estimate: &RunEstimate) -> String {
    let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let mut table = TextTable::new(&[
        ("dataset", Side::Left),
        ("split", Side::Left),
        ("questions", Side::Right),
        ("probe training", Side::Right),
    ]);
    for row in &estimate.datasets {
        let split = row.split.clone().unwrap_or_else(|| "-".to_owned());
        table.push([row.dataset.clone(), split, count(row.questions), count(row.probe_training)]);
    }
    let mut text = table.text(0);
    text.push('\n');
    // Writing to a `String` cannot fail.
    if estimate.models.is_empty() {
        text.push_str("what models are asked, and what that takes, is shown once a dataset can be read\n");
    } else {
        text.push_str(&models_table(&estimate.models).text(0));
        let _ = writeln!(text, "\ndisk, at most: about {:.0} MiB", estimate.disk_bytes as f64 / MIB);
    }
    for missing in &estimate.missing {
        let _ = writeln!(text, "missing: {missing}");
    }
    text.push('\n');
    text
}

/// What each model will be asked, for people.
pub(crate) fn models_table(models: &[ModelEstimate]) -> TextTable {
    let mut table = TextTable::new(&[
        ("model", Side::Left),
        ("prompts", Side::Right),
        ("too long", Side::Right),
        ("texts", Side::Right),
        ("tokens to read", Side::Right),
        ("unshared", Side::Right),
        ("to write, at most", Side::Right),
        ("US dollars, at most", Side::Right),
        ("memory", Side::Right),
    ]);
    for row in models {
        table.push([
            row.model.clone(),
            row.prompts.to_string(),
            row.unanswerable.to_string(),
            row.texts.to_string(),
            tokens(row, row.prompt_tokens),
            tokens(row, row.unshared_prompt_tokens),
            row.max_new_tokens.to_string(),
            row.max_usd.map_or_else(|| "-".to_owned(), |usd| format!("{usd:.2}")),
            row.memory_bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{:.0} MiB", bytes as f64 / MIB)),
        ]);
    }
    table
}

/// A count of tokens; guesses say so.
fn tokens(row: &ModelEstimate, count: u64) -> String {
    if row.is_counted { count.to_string() } else { format!("about {count}") }
}
