//! `plimsoll thresholds export`.

mod litellm;
mod ucci;
mod vllm;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use plimsoll_files::write_atomic;
use plimsoll_pipeline::threshold_files::read_file;
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};
use plimsoll_router::{Router, Target, Thresholds};
use serde_json::json;

use crate::arguments::values;
use crate::console::Console;

/// Write an operating point as another program's configuration.
///
/// What is written decides as the thresholds file does, give or take the rounding of one operation where a
/// confidence meets the threshold; where the other format cannot say the same it is refused, with the
/// reason. Other programs know neither guarantees nor identities, watch no drift and check no hash: the point's
/// id and the file's hash stand in what is written, so that it can be traced.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll thresholds export slm--llm.thresholds.json --to vllm-semantic-router \\
      --method perplexity --target routing_ratio=0.3
  plimsoll thresholds export slm--llm.thresholds.json --to litellm --method perplexity \\
      --target selective_error=0.1:0.1 --out plimsoll_callback.py")]
pub(crate) struct ExportArguments {
    /// The thresholds file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The other program
    #[arg(long, value_name = "PROGRAM")]
    to: Program,
    /// The method that gives the confidence
    #[arg(long, value_name = "M")]
    method: String,
    /// Operating point: `routing_ratio=R`, `accuracy=A`, `selective_error=ALPHA:DELTA`, ..
    #[arg(long, value_name = "T", value_parser = values::target)]
    target: Target,
    /// The file to write; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A program that reads the export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Program {
    /// The `algorithm` of a decision of vLLM semantic router 0.4 (YAML); of perplexity
    VllmSemanticRouter,
    /// A router file of ucci-router, version 1 (JSON); of `token_margin`
    UcciRouter,
    /// A callback for the proxy of `LiteLLM` (Python); of perplexity, `average_token_probability` or `min_token_probability`
    Litellm,
}

/// What an export speaks of.
struct Point<'a> {
    method: &'a str,
    id: &'a str,
    threshold: f64,
    slm: &'a str,
    llm: Option<&'a str>,
    file_sha256: &'a str,
}

impl Point<'_> {
    /// Lines that say where an export comes from.
    fn origin(&self) -> [String; 2] {
        let llm = self.llm.map_or_else(String::new, |llm| format!(", LLM {llm}"));
        [
            format!("Operating point {}; SLM {}{llm}.", self.id, self.slm),
            format!("Written by plimsoll from the thresholds file with sha256 {}.", self.file_sha256),
        ]
    }

    /// Whether every question is deferred.
    fn defers_all(&self) -> bool {
        self.threshold > 1.0
    }
}

/// Runs the command.
pub(super) fn run(arguments: &ExportArguments, console: &Console) -> Result<(), Failure> {
    let thresholds: Thresholds = read_file(&arguments.file)?;
    let router = Router::without_device_check(&thresholds, &arguments.method, &arguments.target);
    let router = router.or_fail(FailureKind::Usage)?;
    let point = Point {
        method: &arguments.method,
        id: &router.point().id,
        threshold: router.threshold().get(),
        slm: &thresholds.slm.id,
        llm: thresholds.llm.as_ref().map(|llm| llm.id.as_str()),
        file_sha256: &thresholds.sha256,
    };
    let written = match arguments.to {
        Program::VllmSemanticRouter => vllm::export(&point),
        Program::UcciRouter => ucci::export(&point),
        Program::Litellm => litellm::export(&point),
    };
    let text = written.map_err(|reason| {
        let to =
            arguments.to.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        Failure::usage(format!("{} cannot be said in {to}: {reason}", point.id))
    })?;
    let Some(out) = &arguments.out else {
        console.document(&json!({ "threshold_id": point.id, "text": text }))?;
        return console.text(text);
    };
    write_atomic(out, |file| file.write_all(text.as_bytes())).or_fail(FailureKind::Stage)?;
    console.document(&json!({ "threshold_id": point.id, "out": out }))?;
    console.text(format!("{}\n", out.display()))
}

/// Why a method is refused that another program does not compute.
fn other_method(point: &Point<'_>, computes: &str) -> String {
    format!("it computes {computes} and not {}", point.method)
}
