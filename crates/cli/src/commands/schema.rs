//! `plimsoll schema`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use plimsoll_files::write_atomic;
use plimsoll_pipeline::config::json_schema;
use plimsoll_router::thresholds::VERSION;
use plimsoll_router::{Thresholds, conformance};
use plimsoll_store::TABLES;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::console::Console;
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};

/// What explains the folder to people who write a runtime in another language.
const README: &str = include_str!("schema/README.md");

/// Write the schemas of all formats.
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    Write(WriteArguments),
}

/// Write the JSON Schemas of thresholds and pipeline files, the tables' schemas and the conformance vectors.
///
/// Everything is generated from the types that the program itself uses. DIR then holds
/// thresholds.schema.json, pipeline.schema.json, tables/TABLE.json, conformance/*.json, and a README.md that explains the
/// conformance vectors to those who write a runtime in another language.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  plimsoll schema write schemas")]
pub(crate) struct WriteArguments {
    /// The folder; made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs the command.
pub(super) fn run(command: &SchemaCommand, console: &Console) -> Result<(), Failure> {
    let SchemaCommand::Write(arguments) = command;
    let documents = documents()?;
    for (name, text) in &documents {
        let path = arguments.folder.join(Path::new(name));
        write_atomic(&path, |file| file.write_all(text.as_bytes())).or_fail(FailureKind::Stage)?;
    }
    let names: Vec<&String> = documents.iter().map(|(name, _)| name).collect();
    console.document(&json!({"folder": arguments.folder, "files": names}))?;
    console.text(format!("wrote {} files to {}\n", names.len(), arguments.folder.display()))
}

/// Every file: its path in the folder, and its text.
fn documents() -> Result<Vec<(String, String)>, Failure> {
    let mut documents = vec![
        ("README.md".to_owned(), README.to_owned()),
        ("thresholds.schema.json".to_owned(), pretty(&thresholds_schema())?),
        ("pipeline.schema.json".to_owned(), pretty(&json_schema())?),
    ];
    documents.extend(TABLES.iter().map(|table| (format!("tables/{}.json", table.name), table.dump())));
    for (name, vectors) in conformance::vectors() {
        documents.push((format!("conformance/{name}"), pretty(&vectors)?));
    }
    let example = conformance::example_thresholds().to_json().or_fail(FailureKind::Stage)?;
    documents.push(("conformance/example.thresholds.json".to_owned(), example));
    Ok(documents)
}

/// JSON Schema of thresholds files, draft 2020-12.
fn thresholds_schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Thresholds>();
    schema.insert(
        "title".to_owned(),
        json!(format!("Plimsoll thresholds file, format version {}", VERSION.major)),
    );
    schema.to_value()
}

fn pretty(value: &Value) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value).or_fail(FailureKind::Stage)?;
    text.push('\n');
    Ok(text)
}
