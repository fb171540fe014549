//! `plimsoll import`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::foreign_scores::{LmEvalFiles, convert_lm_eval, find};
use serde_json::json;

use crate::console::Console;

/// Write results of another program as a table of scores.
///
/// From lm-evaluation-harness: the files `samples_TASK_DATE.jsonl` of `--log_samples`, of tasks of
/// `output_type: multiple_choice`. The softmax over the log-likelihoods of the choices gives two methods, the largest probability
/// and its margin over the second. With --llm the same tasks answered by a large model say where it is right.
/// Questions are matched by task, number and hash.
///
/// LM-Polygraph and uqlm keep their results as objects of Python: `scores_from_lm_polygraph` and `scores_from_uqlm`
/// of the Python package plimsoll turn them into the same table. Logs of any other shape are mapped by SQL: a
/// pipeline with `import`, docs/quickstart.md.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  lm_eval --model hf --model_args pretrained=SMALL --tasks arc_easy --log_samples --output_path small
  plimsoll import --from lm-eval 'small/*/samples_*.jsonl' --llm 'large/*/samples_*.jsonl' --out scores.parquet
  plimsoll fit --scores scores.parquet --out calibration/mine")]
pub(crate) struct ImportArguments {
    /// The program that wrote the files
    #[arg(long, value_name = "TOOL", value_enum)]
    from: Tool,
    /// The small model's files; patterns are expanded
    #[arg(required = true, num_args = 1.., value_name = "FILE")]
    files: Vec<String>,
    /// The large model's files
    #[arg(long, num_args = 1.., value_name = "FILE")]
    llm: Vec<String>,
    /// Name of the small model, for the thresholds file
    #[arg(long, value_name = "ID")]
    slm_id: Option<String>,
    /// Name of the large model
    #[arg(long, value_name = "ID", requires = "llm")]
    llm_id: Option<String>,
    /// The metric that says whether an answer is correct [default: the first of each file]
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    /// From which value of the metric on an answer is correct, where it is not 0 or 1 alone
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    correct_from: Option<f64>,
    /// The table to write, .parquet or .csv
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// The programs whose files can be read.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tool {
    /// Files of lm-evaluation-harness
    LmEval,
}

/// Runs the command.
pub(super) fn run(arguments: &ImportArguments, console: &Console) -> Result<(), Failure> {
    let scores = match arguments.from {
        Tool::LmEval => {
            let files = LmEvalFiles {
                slm: find(&arguments.files)?,
                llm: find(&arguments.llm)?,
                slm_id: arguments.slm_id.clone(),
                llm_id: arguments.llm_id.clone(),
                metric: arguments.metric.clone(),
                correct_from: arguments.correct_from,
            };
            convert_lm_eval(&files, &arguments.out)?
        }
    };
    for note in &scores.notes {
        console.note(note);
    }
    let methods: BTreeSet<&str> = scores.rows.iter().map(|row| row.method.as_str()).collect();
    console.document(&json!({"path": arguments.out, "rows": scores.rows.len(), "methods": methods}))?;
    let names = methods.into_iter().collect::<Vec<_>>().join(", ");
    console.text(format!("wrote {} rows of {names} to {}\n", scores.rows.len(), arguments.out.display()))
}
