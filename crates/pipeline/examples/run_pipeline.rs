//! Runs a pipeline from Rust: `cargo run -p plimsoll-pipeline --example run_pipeline [PIPELINE [FOLDER]]`.
//!
//! Without arguments it runs `pipelines/synthetic.yaml`, which needs nothing but this repository, in a few seconds. Run
//! it twice with a folder: the second time every stage is skipped.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it finds")]

use std::path::{Path, PathBuf};

use plimsoll_pipeline::stage::StageReport;
use plimsoll_pipeline::{Failure, Observer, RunOptions, config, run};

/// Prints notes and stages.
#[derive(Debug)]
struct Printer;

impl Observer for Printer {
    fn note(&self, text: &str) {
        eprintln!("note: {text}");
    }

    fn stage(&self, report: &StageReport) -> Result<(), Failure> {
        println!("{}: {}", report.stage.name(), report.reason.as_deref().unwrap_or("skipped, unchanged"));
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let pipeline = arguments.next().map_or_else(synthetic, PathBuf::from);
    let scratch = tempfile::tempdir()?;
    let out = arguments.next().map_or_else(|| scratch.path().to_owned(), PathBuf::from);

    // Every value of the file is checked here; the assignments are those of `--set`.
    let config = config::read(&pipeline, &["evaluation.bootstrap=100".to_owned()])?;
    let base = pipeline.parent().unwrap_or(Path::new(""));
    let summary = run(&config, &RunOptions::new(base, out), &Printer)?;

    for file in &summary.thresholds {
        for method in &file.methods {
            for point in &method.operating_points {
                let threshold =
                    point.threshold.map_or("none".to_owned(), |threshold| threshold.get().to_string());
                println!("{}: threshold {threshold} ({})", point.id, point.status.name());
            }
        }
    }
    Ok(())
}

fn synthetic() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/synthetic.yaml")
}
