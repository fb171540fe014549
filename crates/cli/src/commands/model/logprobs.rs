//! `plimsoll model logprobs`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::Token;
use crate::arguments::model::{ComputeArguments, ModelArguments};
use crate::console::Console;
use plimsoll_pipeline::models::engine_failure;
use plimsoll_pipeline::small_file;
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};

/// The longest text that is scored.
const MAX_BYTES: u64 = 64 << 20;

/// Say how likely a model finds each token of a text, given those before it.
///
/// The text is encoded as the tokenizer encodes plain text, special tokens included. Log-probabilities are
/// natural logs of the model's own distribution over its whole vocabulary; the first token has none.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll model logprobs --model models/SmolLM2-135M --text \"The capital of Norway is Oslo.\"
  plimsoll model logprobs --model model.gguf --text-file answer.txt --json")]
pub(crate) struct LogprobsArguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    compute: ComputeArguments,
    /// The text
    #[arg(long, value_name = "T", required_unless_present = "text_file", conflicts_with = "text_file")]
    text: Option<String>,
    /// A file that holds it
    #[arg(long, value_name = "F")]
    text_file: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Document {
    tokens: Vec<Token>,
}

/// Runs the command.
pub(super) fn run(arguments: &LogprobsArguments, console: &Console) -> Result<(), Failure> {
    let text = match (&arguments.text, &arguments.text_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => small_file::read(path, MAX_BYTES, "text", FailureKind::Input)?,
        (None, None) => String::new(),
    };
    let model = arguments.compute.load(arguments.model.open(console)?, console)?;
    let pieces = model.tokenizer().encode(&text, true).or_fail(FailureKind::Input)?;
    let ids: Vec<u32> = pieces.iter().map(|piece| piece.id).collect();
    let logprobs = model.logprobs(&ids).map_err(engine_failure)?;
    let mut end = 0;
    let mut tokens = Vec::with_capacity(ids.len());
    for (piece, logprob) in pieces.iter().zip(logprobs) {
        // Several tokens may make one character; the first of them shows it, so that texts join.
        let shown = text.get(piece.start.max(end)..piece.end).unwrap_or_default().to_owned();
        end = end.max(piece.end);
        tokens.push(Token { id: piece.id, text: shown, logprob });
    }
    if console.json() {
        return console.document(&Document { tokens });
    }
    let line = |token: &Token| {
        let logprob = token.logprob.map_or_else(|| "-".to_owned(), |logprob| format!("{logprob:.4}"));
        format!("{:>8}  {logprob:>9}  {:?}\n", token.id, token.text)
    };
    console.text(tokens.iter().map(line).collect::<String>())
}
