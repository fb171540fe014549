//! # plimsoll-pipeline
//!
//! Runs a pipeline: from questions and models, or from scores of another program, to calibration data, thresholds, an
//! evaluation and a report. The command line is a thin program over this crate.
//!
//! A pipeline file is read once into a [`PipelineConfig`], in which every value is checked ([`config`]). [`run()`] runs
//! its stages into a run folder; each is skipped if nothing that it depends on changed. An [`Observer`] sees notes and
//! progress; a [`Failure`] says whose fault it is.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use plimsoll_pipeline::{RunOptions, config, run};
//!
//! # fn main() -> Result<(), plimsoll_pipeline::Failure> {
//! let config = config::read(Path::new("pipelines/synthetic.yaml"), &[])?;
//! let summary = run(&config, &RunOptions::new("pipelines", "out"), &())?;
//! for file in &summary.thresholds {
//!     println!("{}: {} methods", file.slm.id, file.methods.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | the pipeline file: YAML to a checked configuration, and its JSON Schema |
//! | [`mod@run`], [`estimate`] | a whole run, and what it will take |
//! | [`stages`] | what a run does, one file a stage |
//! | [`run_folder`], [`stage`], [`stage_key`] | the run folder with its lock and manifest, and when a stage is current |
//! | [`series_source`], [`series_work`] | scores that are read, and worked on, series by series; shared through a store |
//! | [`release`] | what a finished run gives to others |
//! | [`models`], [`cache`] | models as backends, and the cache of their answers |
//! | [`foreign_scores`] | results of other programs, written as a table of scores |
//! | [`questions`], [`score_files`], [`traffic_file`], [`answers_file`], [`decision_log`], [`small_file`] | files that are read |
//! | [`observer`], [`failure`] | what a caller sees of a run |

pub mod answers_file;
pub mod broken_limits;
pub mod cache;
pub mod calibration;
pub mod compute;
pub mod config;
pub mod cross_fit;
pub mod decision_log;
pub mod estimate;
pub mod failure;
pub mod fit_parameters;
pub mod foreign_scores;
pub mod method_identity;
pub mod model_estimate;
pub mod models;
pub mod observer;
pub mod overview;
pub mod questions;
pub mod release;
pub mod run;
pub mod run_folder;
pub mod score_files;
pub mod series_name;
pub mod series_source;
mod series_tables;
pub mod series_work;
pub mod small_file;
pub mod stage;
pub mod stage_key;
pub mod stages;
pub mod threshold_files;
pub mod traffic_file;

mod chance;
mod chunk_store;
mod costs;
mod file_name;
mod hub;
mod locations;
mod observations;
mod pull;
mod result_store;
mod score_objects;
mod served;
mod shards;
mod shared_chunks;
mod store_url;
mod table_files;
mod usual_answers;
mod workload;

pub use config::PipelineConfig;
pub use failure::{Failure, FailureKind, OrFail};
pub use observer::Observer;
pub use run::{RunOptions, RunSummary, run};
pub use stage::Stage;
