//! `plimsoll datasets export`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use plimsoll_core::Question;
use plimsoll_core::canonical::sha256_hex;
use plimsoll_core::records::QuestionRow;
use plimsoll_files::write_atomic;
use plimsoll_ingest::pool::{RoleShares, role_of};
use plimsoll_store::{Provenance, tables, write_rows};
use serde_json::json;

use super::{SourceArguments, summary};
use crate::console::Console;
use plimsoll_pipeline::questions::{self, QuestionSet};
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};

/// Write the questions of a source as a table.
///
/// The columns are those of the table `questions` (schemas/tables/questions.json), whatever form the
/// source has: with them, benchmarks can be joined with logs by `question_id`. Refused rows are counted
/// on the terminal; `plimsoll datasets inspect --json` lists them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll datasets export gsm8k --source test.jsonl --out gsm8k.parquet
  plimsoll datasets export mmlu --source hf://datasets/cais/mmlu --split test --out mmlu.jsonl")]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    source: SourceArguments,
    /// The file: NAME.parquet, or NAME.jsonl for one JSON object a line
    #[arg(long, value_name = "FILE", value_parser = out_file)]
    out: OutFile,
}

/// A file whose format is clear from its name.
#[derive(Debug, Clone)]
struct OutFile {
    path: PathBuf,
    parquet: bool,
}

fn out_file(text: &str) -> Result<OutFile, String> {
    let path = PathBuf::from(text);
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match extension.as_str() {
        "parquet" => Ok(OutFile { path, parquet: true }),
        "jsonl" | "ndjson" => Ok(OutFile { path, parquet: false }),
        _ => Err("must end in .parquet or .jsonl".to_owned()),
    }
}

/// Runs the command.
pub(super) fn run(arguments: &ExportArguments, console: &Console) -> Result<(), Failure> {
    let read = questions::read(&arguments.source.source(), console)?;
    let OutFile { path, parquet } = &arguments.out;
    let questions = &read.ingested.questions;
    if *parquet {
        let role = |question| role_of(question, RoleShares::USUAL);
        let rows: Vec<QuestionRow<'_>> =
            questions.iter().map(|question| QuestionRow { question, role: role(question) }).collect();
        write_rows(&tables::questions::TABLE, &rows, path, &provenance(&read)).or_fail(FailureKind::Stage)?;
    } else {
        write_lines(questions, path)?;
    }
    let (written, refused) = (questions.len(), read.ingested.refused.len());
    console.document(
        &json!({"rows": read.ingested.rows, "questions": written, "refused": refused, "out": path}),
    )?;
    console.text(summary::text(&read))?;
    console.text(format!("wrote {written} questions to {}\n", path.display()))
}

fn write_lines(questions: &[Question], path: &Path) -> Result<(), Failure> {
    let write = |file: &mut dyn Write| {
        for question in questions {
            serde_json::to_writer(&mut *file, question)?;
            file.write_all(b"\n")?;
        }
        Ok(())
    };
    write_atomic(path, write).or_fail(FailureKind::Stage)
}

fn provenance(read: &QuestionSet) -> Provenance {
    let config = json!({"dataset": read.dataset.get().id(), "commit": read.commit});
    Provenance {
        stage: "ingest".to_owned(),
        config_sha256: sha256_hex(config.to_string().as_bytes()),
        input_sha256: read.files.iter().map(|file| file.sha256.clone()).collect(),
        seed: 0,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
