//! The stages: each takes what earlier stages wrote and writes files in the run folder.
//!
//! | stage | takes | writes |
//! |---|---|---|
//! | `ingest` | benchmark files | `tables/questions.parquet`, `tables/datasets.parquet` |
//! | `infer` | questions, models | `tables/generations/`, `tables/hidden_states/` |
//! | `label` | answers | `tables/labels.parquet` |
//! | `score` | answers and labels, or files of another program | `tables/scores.parquet`, `tables/confidences.parquet`, `probes/` |
//! | `draw` | scores | `tables/calibration.parquet` |
//! | [`fit`] | scores | `SLM--LLM.thresholds.json` |
//! | [`evaluate`] | scores | the tables of the evaluation |
//! | [`transfer`] | scores | the tables of transfer |
//! | `report` | all of it | `report.html`, `figures/*.svg`, `README.md` |
//!
//! Only `evaluate` calls another stage, `transfer`: both in one pass over the sorted scores.

pub(crate) mod draw;
pub mod evaluate;
pub mod fit;
pub mod infer;
pub(crate) mod ingest;
pub(crate) mod label;
pub(crate) mod report;
pub(crate) mod score;
pub mod transfer;
