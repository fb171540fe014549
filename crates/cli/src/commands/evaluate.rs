//! `plimsoll evaluate`.

use std::path::{Path, PathBuf};

use clap::Args;
use plimsoll_core::Seed;
use plimsoll_evaluate::EvaluationSettings;
use plimsoll_pipeline::run_folder::manifest::InputFile;
use plimsoll_pipeline::run_folder::{RunFolder, Stopwatch};
use plimsoll_pipeline::series_name::key_name;
use plimsoll_pipeline::series_source::SeriesSource;
use plimsoll_pipeline::stage_key::StageDependencies;
use plimsoll_pipeline::stages::evaluate::{SeriesEvaluation, thresholds_entry};
use plimsoll_pipeline::threshold_files::read_file;
use plimsoll_pipeline::{Failure, Stage};
use plimsoll_router::Thresholds;
use serde_json::json;

use crate::arguments::store_options::{StoreOptions, note_counts};
use crate::arguments::values;
use crate::console::Console;
use crate::views::evaluation::alignment_text;

/// Evaluate confidences and routing curves on a table of scores.
///
/// For each (SLM, LLM, method), per dataset and for the pool of all: how well the confidence ranks right
/// answers first (ROC AUC, PRR, AURC), how well it is calibrated once mapped (ECE, Brier), and what routing
/// by it buys over random routing (curves, APGR). Without --thresholds the maps are fitted out of fold on
/// these scores; with it, the file's own maps are evaluated.
///
/// Series are read one at a time, and shared with other machines by --store, as `plimsoll fit` does it.
///
/// OUT then holds `alignment`, `map_metrics`, `curves` and `curve_areas` as Parquet tables, and manifest.json.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll evaluate --scores scores.csv --out evaluation
  plimsoll evaluate --scores new.csv --thresholds slm--llm.thresholds.json --out evaluation --json")]
pub(crate) struct EvaluateArguments {
    /// Tables of scores, as `plimsoll fit` takes them; patterns are expanded
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    scores: Vec<String>,
    /// Evaluate the calibration maps of this thresholds file
    #[arg(long, value_name = "FILE")]
    thresholds: Option<PathBuf>,
    /// Bootstrap replicates behind the 95 % intervals; 0 = no intervals
    #[arg(long, default_value = "1000", value_name = "N", value_parser = values::bootstrap)]
    #[arg(allow_negative_numbers = true)]
    bootstrap: u32,
    /// Seed of everything random
    #[arg(long, default_value = "50", value_name = "N", value_parser = values::seed)]
    #[arg(allow_negative_numbers = true)]
    seed: u64,
    #[command(flatten)]
    store: StoreOptions,
    /// Output folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub(super) fn run(arguments: &EvaluateArguments, console: &Console) -> Result<(), Failure> {
    let file = arguments.thresholds.as_deref().map(MapFile::read).transpose()?;
    let mut files = console.scores(&arguments.scores)?;
    let shared = arguments.store.open()?;
    let mut folder = RunFolder::open(&arguments.out, console)?;
    let stopwatch = Stopwatch::start();
    let source = files.series(console)?;
    if let Some(file) = &file {
        file.note_unused(&source, console);
    }
    let settings = EvaluationSettings { bootstrap: arguments.bootstrap, seed: Seed::new(arguments.seed) };
    let maps = file.as_ref().map(|file| &file.thresholds);
    let thresholds = maps.map(|thresholds| &thresholds.sha256);
    let parameters =
        json!({"seed": arguments.seed, "bootstrap": arguments.bootstrap, "thresholds_sha256": thresholds});
    let evaluation = SeriesEvaluation::new(settings, maps, &parameters);
    let (tables, counts) = evaluation.run(&source, shared.as_ref(), console)?;
    note_counts(shared.as_ref(), counts, console);

    let mut inputs = files.inputs;
    inputs.extend(file.as_ref().map(|file| file.input.clone()));
    let dependencies = StageDependencies { stage: Stage::Evaluate, parameters, inputs };
    let provenance = dependencies.provenance(arguments.seed);
    let outputs = tables.write(&folder, &provenance)?;
    folder.set_pipeline("plimsoll evaluate", &provenance.config_sha256);
    folder.record(dependencies.completed(outputs, stopwatch))?;
    console.document(&tables)?;
    console.text(alignment_text(&tables))?;
    console.text(format!("wrote 4 tables to {}\n", folder.path("tables").display()))
}

/// A thresholds file whose maps are evaluated.
struct MapFile {
    thresholds: Thresholds,
    input: InputFile,
}

impl MapFile {
    fn read(path: &Path) -> Result<Self, Failure> {
        Ok(Self { thresholds: read_file(path)?, input: InputFile::from_path(path)? })
    }

    fn note_unused(&self, source: &SeriesSource, console: &Console) {
        for key in source.keys() {
            if thresholds_entry(&self.thresholds, key).is_none() {
                console.note(format_args!(
                    "the thresholds file has no entry for {}: it is evaluated with maps fitted out of fold",
                    key_name(key)
                ));
            }
        }
    }
}
