//! Synthetic scores and pipelines.

use std::fmt::Write as _;

use plimsoll_test_support::numbers::Numbers;

use crate::harness::Sandbox;

/// The columns of `--scores`.
pub(crate) const HEADER: &str =
    "question_id,dataset,domain,slm,llm,method,confidence,slm_correct,llm_correct\n";

/// Scores of one SLM and LLM by two methods on these datasets: `good` ranks right answers first, `noise`
/// does not; one confidence in 50 is missing.
pub(crate) fn scores(datasets: &[&str], rows: usize) -> String {
    let mut numbers = Numbers::new(7);
    let mut text = HEADER.to_owned();
    for (index, dataset) in datasets.iter().enumerate() {
        let domain = if index % 2 == 0 { "even" } else { "odd" };
        for row in 0..rows {
            let confidence = numbers.unit();
            let slm = numbers.unit() < confidence;
            let llm = numbers.unit() < 0.85;
            for (method, value) in [("good", confidence), ("noise", numbers.unit())] {
                let value = if row % 50 == 7 { String::new() } else { format!("{value:.4}") };
                writeln!(text, "q{row},{dataset},{domain},small,large,{method},{value},{slm},{llm}").unwrap();
            }
        }
    }
    text
}

/// Four datasets with 200 questions each.
pub(crate) fn pool() -> String {
    scores(&["alpha", "beta", "gamma", "delta"], 200)
}

/// A pipeline over `scores.csv`; `more` is put at its end.
pub(crate) fn pipeline(more: &str) -> String {
    format!(
        "name: synthetic
seed: 50
import:
  files:
    log: {{path: scores.csv}}
  sql: |
    SELECT question_id, dataset, domain, slm, llm, method, confidence, slm_correct, llm_correct, _file, _row
    FROM log
calibration: {{bins: 10, fraction: 0.5}}
thresholds:
  routing_ratio: [0.2, 0.5]
  accuracy: [0.7]
{more}"
    )
}

/// An evaluation that takes little time.
pub(crate) const EVALUATION: &str =
    "evaluation: {transfer: [leave_one_dataset_out, leave_one_domain_out], repeats: 1, bootstrap: 20}\n";

/// A folder with the pool and a pipeline.
pub(crate) fn sandbox(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", pool());
    sandbox.write("pipeline.yaml", pipeline(more));
    sandbox
}

/// A folder in which `scores.csv` was fitted into `out`.
pub(crate) fn fitted(options: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", pool());
    sandbox.sh(&format!("fit --scores scores.csv --bootstrap 20 --out out {options}")).exits(0);
    sandbox
}

/// The thresholds file of [`fitted`].
pub(crate) const FITTED: &str = "out/small--large.thresholds.json";
