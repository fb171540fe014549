//! The stages: each takes what the stage before gave and leaves files in the output folder.
//!
//! | stage | takes | leaves |
//! |---|---|---|
//! | `score` ([`import`]) | foreign files | `tables/scores.parquet` |
//! | `draw` ([`fitting`]) | scores | `tables/calibration.parquet` |
//! | `fit` ([`fitting`], [`threshold_files`]) | scores | `SLM--LLM.thresholds.json` |
//! | `evaluate` ([`evaluation`]) | scores | the tables of the evaluation |
//! | `report` ([`report`]) | all of it | `report.html`, `figures/*.svg`, `README.md` |
//!
//! Stages do not call each other; the commands join them.

pub(crate) mod evaluation;
pub(crate) mod fitting;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod limits;
pub(crate) mod operating_points;
pub(crate) mod parameters;
pub(crate) mod report;
pub(crate) mod threshold_files;

/// Importing scores.
pub(crate) const SCORE: &str = "score";
/// Drawing the calibration set.
pub(crate) const DRAW: &str = "draw";
/// Fitting thresholds.
pub(crate) const FIT: &str = "fit";
/// Judging alignment, curves and, in a run, transfer.
pub(crate) const EVALUATE: &str = "evaluate";
/// The stage of the command `transfer`.
pub(crate) const TRANSFER: &str = "transfer";

/// The page, its figures and the dataset card.
pub(crate) const REPORT: &str = "report";

/// The stages that leave a record, in the order in which they run.
pub(crate) const STAGES: [&str; 6] = [SCORE, DRAW, FIT, EVALUATE, TRANSFER, REPORT];
