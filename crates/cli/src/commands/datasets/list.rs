//! `plimsoll datasets list`.

use clap::Args;
use plimsoll_ingest::{DATASETS, Dataset};
use plimsoll_pocket::DATASETS as GENERATED;
use serde::Serialize;

use crate::console::Console;
use crate::text_table::{Side, TextTable};
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::questions::POCKET;

/// The benchmarks that are read as their authors publish them, and as the hub has them.
///
/// A table of your own is read, too: see `plimsoll datasets inspect --help`, --mapping.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  plimsoll datasets list --json")]
pub(crate) struct ListArguments {}

/// What is said of a dataset.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    id: &'a str,
    name: &'a str,
    domain: &'a str,
    answer_kind: &'static str,
    licence: &'a str,
    hub: Option<String>,
    config: Option<&'static str>,
    forms: Vec<Form>,
}

/// A form in which it is read.
#[derive(Debug, Serialize)]
struct Form {
    name: String,
    fields: Vec<String>,
}

/// Runs the command.
pub(super) fn run(_: &ListArguments, console: &Console) -> Result<(), Failure> {
    let entries: Vec<Entry<'_>> = DATASETS.iter().map(|dataset| entry(*dataset)).collect();
    let generated: Vec<Entry<'_>> = GENERATED.iter().map(|dataset| entry(*dataset)).collect();
    console.document(&serde_json::json!({ "datasets": entries, "generated": generated }))?;
    console.text(table(&entries).text(0))?;
    console.text(format!("\ngenerated here, about an invented world (--source {POCKET}):\n"))?;
    console.text(table(&generated).text(0))
}

fn table(entries: &[Entry<'_>]) -> TextTable {
    let mut table = TextTable::new(&[
        ("id", Side::Left),
        ("domain", Side::Left),
        ("answer", Side::Left),
        ("source on the hub", Side::Left),
        ("licence", Side::Left),
    ]);
    for entry in entries {
        let hub = entry.hub.clone().unwrap_or_else(|| "-".to_owned());
        table.push([
            entry.id.to_owned(),
            entry.domain.to_owned(),
            entry.answer_kind.to_owned(),
            hub,
            entry.licence.to_owned(),
        ]);
    }
    table
}

fn entry(dataset: &dyn Dataset) -> Entry<'_> {
    let form = |form: plimsoll_ingest::dataset::DatasetForm<'_>| Form {
        name: form.name.to_owned(),
        fields: form.fields.into_iter().map(str::to_owned).collect(),
    };
    Entry {
        id: dataset.id(),
        name: dataset.name(),
        domain: dataset.domain(),
        answer_kind: dataset.answer_kind().name(),
        licence: dataset.licence(),
        hub: dataset.hub().map(|hub| format!("hf://datasets/{}", hub.repository)),
        config: dataset.hub().map(|hub| hub.config),
        forms: dataset.forms().into_iter().map(form).collect(),
    }
}
