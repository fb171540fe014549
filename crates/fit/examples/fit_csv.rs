//! From a CSV of scores to a thresholds file, without a pipeline.
//!
//! ```sh
//! cargo run -p plimsoll-fit --example fit_csv -- crates/fit/examples/scores.csv > thresholds.json
//! ```
//!
//! The columns are `question_id`, `dataset`, `method`, `confidence` in [0, 1] (empty = missing), `slm_correct` and
//! `llm_correct` (`true`, `false`, empty = ungraded).

use std::error::Error;
use std::io::{Write as _, stderr, stdout};

use plimsoll_core::{RawScore, ScoreTable, ScoreTableBuilder, Seed};
use plimsoll_fit::{
    DatasetSelection, FitSpec, MethodIdentity, PreparedSeries, ThresholdsFileSpec, fit_method,
    thresholds_file,
};
use plimsoll_router::thresholds::{LabelSource, Pipeline};
use serde::Deserialize;

#[derive(Deserialize)]
struct Row {
    question_id: String,
    dataset: String,
    method: String,
    confidence: Option<f64>,
    slm_correct: Option<bool>,
    llm_correct: Option<bool>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("which file? fit_csv SCORES.csv")?;
    let table = read(&path)?;
    let targets = ["routing_ratio=0.3", "accuracy=0.8", "selective_error=0.2:0.1"];
    let spec = FitSpec {
        bins: 30,
        fraction: 1.0,
        targets: targets.iter().map(|target| target.parse()).collect::<Result<_, _>>()?,
        bootstrap: 200,
        seed: Seed::new(50),
    };
    let all = DatasetSelection::all(table.questions.datasets().len());
    let mut methods = Vec::new();
    for series in &table.series {
        let prepared = PreparedSeries::new(&table.questions, series);
        let identity = MethodIdentity::from_definition(series.method.as_str(), "as the CSV has it");
        let method = fit_method(&prepared, &all, &spec, &identity).method;
        for point in &method.operating_points {
            let threshold =
                point.threshold.map_or("none".to_owned(), |threshold| threshold.get().to_string());
            writeln!(stderr(), "{} {}: {threshold} ({})", method.id, point.target, point.status.name())?;
        }
        methods.push(method);
    }
    let pair: Vec<_> = table.series.iter().collect();
    let file = thresholds_file(&file_spec(&path, &spec), &table.questions, &pair, methods)?;
    write!(stdout(), "{}", file.to_json()?)?;
    Ok(())
}

/// One series per method, each row checked.
fn read(path: &str) -> Result<ScoreTable, Box<dyn Error>> {
    let mut table = ScoreTableBuilder::new();
    for row in csv::Reader::from_path(path)?.deserialize() {
        let row: Row = row?;
        table.push(&RawScore {
            question_id: &row.question_id,
            dataset: &row.dataset,
            llm: Some("llm"),
            method: &row.method,
            confidence: row.confidence,
            slm_correct: row.slm_correct,
            llm_correct: row.llm_correct,
            ..RawScore::default()
        })?;
    }
    Ok(table.finish())
}

/// What the file says of its origin.
fn file_spec(path: &str, spec: &FitSpec) -> ThresholdsFileSpec {
    ThresholdsFileSpec {
        pipeline: Pipeline::new(path, plimsoll_core::canonical::sha256_hex(path.as_bytes())),
        sources: Vec::new(),
        models: Vec::new(),
        bins: spec.bins,
        fraction: spec.fraction,
        seed: spec.seed.bits(),
        bootstrap: spec.bootstrap,
        labels: LabelSource::Imported,
        ungraded_excluded: false,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
