//! The stages: each takes what the stage before gave and leaves files in the output folder.
//!
//! | stage | takes | leaves |
//! |---|---|---|
//! | `ingest` ([`asked`], [`ingest`]) | benchmark files | `tables/questions.parquet`, `tables/datasets.parquet` |
//! | `infer` ([`inference`]) | questions, models | `tables/generations/`, `tables/hidden_states/` |
//! | `label` ([`labelling`], [`judging`]) | answers | `tables/labels.parquet` |
//! | `score` ([`import`]) | foreign files | `tables/scores.parquet` |
//! | `score` ([`scoring`], [`probes`], [`costs`]) | answers, labels | `tables/scores.parquet`, `tables/confidences.parquet`, `probes/` |
//! | `draw` ([`fitting`]) | scores | `tables/calibration.parquet` |
//! | `fit` ([`fitting`], [`threshold_files`]) | scores | `SLM--LLM.thresholds.json` |
//! | `evaluate` ([`evaluation`]) | scores | the tables of the evaluation |
//! | `report` ([`report`]) | all of it | `report.html`, `figures/*.svg`, `README.md` |
//!
//! Stages do not call each other; the commands join them.

pub(crate) mod answers;
pub(crate) mod asked;
pub(crate) mod costs;
pub(crate) mod definitions;
pub(crate) mod evaluation;
pub(crate) mod fitting;
pub(crate) mod import;
pub(crate) mod inference;
pub(crate) mod ingest;
pub(crate) mod judging;
pub(crate) mod key;
pub(crate) mod labelling;
pub(crate) mod limits;
pub(crate) mod made;
pub(crate) mod operating_points;
pub(crate) mod outlook;
pub(crate) mod parameters;
pub(crate) mod probes;
pub(crate) mod report;
pub(crate) mod scoring;
pub(crate) mod served;
pub(crate) mod summary;
pub(crate) mod threshold_files;

/// Gathering questions.
pub(crate) const INGEST: &str = "ingest";
/// Asking models.
pub(crate) const INFER: &str = "infer";
/// Grading answers.
pub(crate) const LABEL: &str = "label";
/// Importing or making scores.
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
pub(crate) const STAGES: [&str; 9] = [INGEST, INFER, LABEL, SCORE, DRAW, FIT, EVALUATE, TRANSFER, REPORT];
