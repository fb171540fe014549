//! `plimsoll transfer`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use plimsoll_evaluate::{HoldOut, TransferSpec, summarise};
use plimsoll_pipeline::run_folder::{RunFolder, Stopwatch, table_path};
use plimsoll_pipeline::stage_key::StageDependencies;
use plimsoll_pipeline::stages::transfer::SeriesTransferTask;
use plimsoll_pipeline::{Failure, Stage};
use plimsoll_store::tables::transfer;
use serde_json::json;

use crate::arguments::fit_options::FitOptions;
use crate::arguments::store_options::{StoreOptions, note_counts};
use crate::arguments::values;
use crate::console::Console;
use crate::views::transfer::{json_rows, transfer_text};

/// Test whether thresholds hold on datasets or domains that they were not fitted on.
///
/// One dataset (or domain) after the other is held out; thresholds are drawn and fitted on the rest as
/// `plimsoll fit` does it, and applied to it. Each row says what a threshold achieved there: routing ratio
/// against the target, accuracy against random routing and against the held-out data's own best threshold,
/// the distance of the predicted from the true routing curve, and how much the confidences differ (KS, PSI).
///
/// Besides, what would mend it: how far a routing ratio is missed after `plimsoll adapt` and by a tracker, what
/// some labels buy for an accuracy, and whether guarantees that are about datasets hold on the held-out one.
///
/// Series are read one at a time, and shared with other machines by --store, as `plimsoll fit` does it.
///
/// OUT then holds tables/transfer.parquet and manifest.json. A guarantee over rows holds on the pool's
/// distribution, and `violated` shows how often it fails beyond it. One over datasets promises something of a
/// new dataset drawn like the pool's; with one dataset in the pool it is not available.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  plimsoll transfer --scores scores.csv --by dataset --by domain --ratio 0.2 0.5 --out transfer

The summary has one row per method, kind of held-out data and kind of target:
  fits               thresholds fitted, of all that were tried
  |achieved-target|  mean distance of the achieved from the wanted routing ratio
  over random        mean accuracy above random routing at the same ratio
  curve rmse         mean distance of predicted and true curve; random rmse: of the random line
  KS                 mean distance of the confidences of pool and held-out data
  violated           share of the risk thresholds whose held-out risk exceeds alpha

Below it, for each method:
  mean miss          of a routing ratio: the fixed threshold, adapted to 25, 100 and 500 confidences
                     without a label, tracked over the first 100, 500 and 1,000 questions
  guarantees         violated over rows; over datasets: share that may be violated, share that was; the
                     strictest of K datasets' thresholds, and a bound by Student's t
  labels             mean miss of an accuracy; how often the cautious choice (one standard deviation to
                     spare) reaches it, and what it defers")]
pub(crate) struct TransferArguments {
    /// Tables of scores, as `plimsoll fit` takes them; patterns are expanded
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    scores: Vec<String>,
    /// What is held out; may be given twice
    #[arg(long, default_value = "dataset", value_name = "WHAT", value_enum, num_args = 1..)]
    by: Vec<By>,
    /// Draws per held-out dataset or domain
    #[arg(long, default_value = "3", value_name = "N", value_parser = values::repeats)]
    #[arg(allow_negative_numbers = true)]
    repeats: u32,
    #[command(flatten)]
    options: FitOptions,
    #[command(flatten)]
    store: StoreOptions,
    /// Output folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What is held out, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum By {
    /// One dataset at a time
    Dataset,
    /// One domain at a time
    Domain,
}

impl From<By> for HoldOut {
    fn from(by: By) -> Self {
        match by {
            By::Dataset => Self::Dataset,
            By::Domain => Self::Domain,
        }
    }
}

/// Runs the command.
pub(super) fn run(arguments: &TransferArguments, console: &Console) -> Result<(), Failure> {
    let options = arguments.options.parameters()?;
    let mut by = arguments.by.clone();
    by.sort_unstable();
    by.dedup();
    let by: Vec<HoldOut> = by.into_iter().map(HoldOut::from).collect();
    let mut files = console.scores(&arguments.scores)?;
    let shared = arguments.store.open()?;
    let mut folder = RunFolder::open(&arguments.out, console)?;
    let stopwatch = Stopwatch::start();
    let source = files.series(console)?;
    let names: Vec<&str> = by.iter().map(|by| by.name()).collect();
    let parameters = json!({"options": options, "by": names, "repeats": arguments.repeats});
    let spec = TransferSpec { fit: options.fit_spec(), by, repeats: arguments.repeats };
    let task = SeriesTransferTask::new(spec, &parameters);
    let (tables, counts) = task.run(&source, shared.as_ref(), console)?;
    note_counts(shared.as_ref(), counts, console);

    let dependencies = StageDependencies { stage: Stage::Transfer, parameters, inputs: files.inputs };
    let provenance = dependencies.provenance(options.seed);
    let outputs = tables.write(&folder, &provenance)?;
    folder.set_pipeline("plimsoll transfer", &provenance.config_sha256);
    folder.record(dependencies.completed(outputs, stopwatch))?;
    let rows = tables.rows;
    let summary = summarise(&rows);
    console.document(&json!({"transfer": json_rows(&rows), "summary": summary}))?;
    console.text(transfer_text(&summary))?;
    let path = folder.path(&table_path(transfer::TABLE.name));
    console.text(format!("wrote {} rows to {}\n", rows.len(), path.display()))
}
