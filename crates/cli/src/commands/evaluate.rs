//! `plimsoll evaluate`.

use std::path::{Path, PathBuf};

use clap::Args;
use plimsoll_core::{ModelId, ScoreSeries, ScoreTable, Seed};
use plimsoll_evaluate::EvaluationSettings;
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::Method;
use serde_json::json;

use super::thresholds::read_file;
use crate::arguments::values;
use crate::console::Console;
use crate::failure::Failure;
use crate::folder::manifest::Source;
use crate::folder::{Done, OutputFolder, Stopwatch};
use crate::score_files::ScoreFiles;
use crate::stages::evaluation::{Work, judge, judged_text};
use crate::stages::fitting::series_name;
use crate::stages::{EVALUATE, key};

/// Judge confidences and routing curves on a table of scores.
///
/// For each (SLM, LLM, method), per dataset and for the pool of all: how well the confidence ranks right
/// answers first (ROC AUC, PRR, AURC), how well it is calibrated once mapped (ECE, Brier), and what routing
/// by it buys over random routing (curves, APGR). Without --thresholds the maps are fitted out of fold on
/// these scores; with it, the file's own maps are judged.
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
    /// Judge the calibration maps of this thresholds file
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
    /// Output folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub(super) fn run(arguments: &EvaluateArguments, console: &Console) -> Result<(), Failure> {
    let file = arguments.thresholds.as_deref().map(MapFile::read).transpose()?;
    let files = ScoreFiles::find(&arguments.scores)?;
    let mut folder = OutputFolder::open(&arguments.out, console)?;
    let stopwatch = Stopwatch::start();
    let table = files.read(console)?.table;
    if let Some(file) = &file {
        file.note_unused(&table, console);
    }
    let method_of = |series: &ScoreSeries| file.as_ref().and_then(|file| file.method(series));
    let judging = EvaluationSettings { bootstrap: arguments.bootstrap, seed: Seed::new(arguments.seed) };
    let work =
        Work { table: &table, judging: Some(judging), transfer: None, made: None, method_of: &method_of };
    let tables = judge(&work, EVALUATE, console)?;

    let thresholds = file.as_ref().map(|file| &file.thresholds.sha256);
    let parameters =
        json!({"seed": arguments.seed, "bootstrap": arguments.bootstrap, "thresholds_sha256": thresholds});
    let mut inputs = files.sources;
    inputs.extend(file.as_ref().map(|file| file.source.clone()));
    let provenance = key::provenance(EVALUATE, &parameters, &inputs, arguments.seed);
    let outputs = tables.write_judged(&folder, &provenance)?;
    let key = key::key(EVALUATE, &parameters, &inputs);
    folder.set_plan("plimsoll evaluate", &provenance.config_sha256);
    folder.record(Done { stage: EVALUATE, key, parameters, inputs, outputs, stopwatch })?;
    console.document(&tables)?;
    console.text(judged_text(&tables))?;
    console.text(format!("wrote 4 tables to {}\n", folder.path("tables").display()))
}

/// A thresholds file whose maps are judged.
struct MapFile {
    thresholds: Thresholds,
    source: Source,
}

impl MapFile {
    fn read(path: &Path) -> Result<Self, Failure> {
        Ok(Self { thresholds: read_file(path)?, source: Source::of(path)? })
    }

    /// The file's entry for a series of its pair.
    fn method(&self, series: &ScoreSeries) -> Option<&Method> {
        let llm = self.thresholds.llm.as_ref().map(|llm| llm.id.as_str());
        let same =
            series.slm.as_str() == self.thresholds.slm.id && series.llm.as_ref().map(ModelId::as_str) == llm;
        self.thresholds.methods.iter().find(|method| same && method.id == series.method.as_str())
    }

    fn note_unused(&self, table: &ScoreTable, console: &Console) {
        for series in table.series.iter().filter(|series| self.method(series).is_none()) {
            console.note(format_args!(
                "the thresholds file has no entry for {}: it is judged with maps fitted out of fold",
                series_name(series)
            ));
        }
    }
}
