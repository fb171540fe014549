//! `plimsoll datasets inspect`.

use clap::Args;
use plimsoll_core::Question;
use plimsoll_ingest::prompts::{InstructionOrder, PromptStyle};
use serde::Serialize;

use super::prompts::{self, Shown};
use super::{SourceArguments, summary};
use crate::console::Console;
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::questions;

/// Read a source and say what became of every row.
///
/// A row is a question or is refused with a reason (a test split without answers is `unlabelled`). The
/// exit code is 0 if the source could be read, whatever its rows hold; a damaged file, or a file of
/// another dataset, is exit code 3. `--prompt` adds what a model would be asked.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll datasets inspect gsm8k --source test.jsonl
  plimsoll datasets inspect mmlu --source hf://datasets/cais/mmlu --split test
  plimsoll datasets inspect boolq --source data/boolq --split dev --prompt --few-shot 2
  plimsoll datasets inspect my_trivia --source trivia.csv --mapping trivia.yaml --json

Variables: HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE, as the hub's own tools read them.")]
pub(crate) struct InspectArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// Show what a model would be asked: the first question in text, every question with --json
    #[arg(long)]
    prompt: bool,
    /// How the answer is asked for
    #[arg(long, value_enum, default_value = "direct", requires = "prompt")]
    style: Style,
    /// Where the prompt says how to answer: before the question or after it
    #[arg(long, value_enum, default_value = "first", requires = "prompt")]
    instruction: Order,
    /// Exemplars before the question, from the questions whose role is to be one
    #[arg(long, value_name = "N", default_value_t = 0, requires = "prompt")]
    few_shot: u8,
    /// Seed that chooses the exemplars
    #[arg(long, value_name = "N", default_value_t = 50, requires = "prompt")]
    seed: u64,
    /// Show this question instead of the first
    #[arg(long, value_name = "QUESTION_ID")]
    question: Option<String>,
}

/// How the answer is asked for, as typed.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Style {
    /// The answer alone
    Direct,
    /// Reasoning, then the answer
    ChainOfThought,
}

/// Where the prompt says how to answer, as typed.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Order {
    First,
    Last,
}

/// The JSON document; `prompts` only if they were asked for.
#[derive(Debug, Serialize)]
struct Document<'a> {
    rows: u64,
    refused: Vec<RefusedRow>,
    questions: &'a [Question],
    #[serde(skip_serializing_if = "Option::is_none")]
    prompts: Option<Vec<Shown>>,
}

/// A refused row: `row` counts from 1 in `file`.
#[derive(Debug, Serialize)]
struct RefusedRow {
    row: u64,
    reason: String,
    file: String,
    line: Option<u64>,
}

/// Runs the command.
pub(super) fn run(arguments: &InspectArguments, console: &Console) -> Result<(), Failure> {
    let read = questions::read(&arguments.source.source(), console)?;
    let style = match arguments.style {
        Style::Direct => PromptStyle::Direct,
        Style::ChainOfThought => PromptStyle::ChainOfThought,
    };
    let instruction = match arguments.instruction {
        Order::First => InstructionOrder::First,
        Order::Last => InstructionOrder::Last,
    };
    let options = prompts::PromptOptions {
        style,
        instruction,
        few_shot: usize::from(arguments.few_shot),
        seed: arguments.seed,
    };
    let prompts = arguments.prompt.then(|| prompts::all(&read, &options)).transpose()?;
    if !console.json() {
        console.text(summary::text(&read))?;
        return console.text(summary::question(&read, arguments.question.as_deref(), prompts.as_deref())?);
    }
    let refused = read.ingested.refused.iter().map(|refused| RefusedRow {
        row: refused.row,
        reason: refused.reason.to_string(),
        file: refused.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        line: refused.line,
    });
    let only = |id: &str| arguments.question.as_deref().is_none_or(|wanted| wanted == id);
    let questions: Vec<Question> = read
        .ingested
        .questions
        .iter()
        .filter(|question| only(question.question_id.as_str()))
        .cloned()
        .collect();
    console.document(&Document {
        rows: read.ingested.rows,
        refused: refused.collect(),
        questions: &questions,
        prompts: prompts.map(|shown| shown.into_iter().filter(|shown| only(&shown.question_id)).collect()),
    })
}
