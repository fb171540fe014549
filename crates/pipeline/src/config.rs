//! The pipeline file: YAML, then `--set`, then a structure that knows its keys, then a configuration in which every
//! value has been checked. Nothing is checked again later.
//!
//! ```text
//! YAML ── yaml ── Value ── overrides ── Value ── raw ── RawPipeline ── validate ── PipelineConfig
//! ```

pub mod bounds;
pub mod inference;
pub mod models;
pub mod pipeline_config;

mod defaults;
pub(crate) mod environment;
mod notes;
mod overrides;
mod problems;
mod raw;
mod schema;
mod validate;
pub(crate) mod yaml;

use std::path::Path;

pub use pipeline_config::PipelineConfig;
pub use schema::json_schema;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, FailureKind};
use crate::small_file;

/// Reads a pipeline file; `assignments` are those of `--set` (`KEY=VALUE`), applied in order.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("mine.yaml");
/// std::fs::write(&path, "name: mine\nseed: 50\n")?;
/// let failure = plimsoll_pipeline::config::read(&path, &[]).unwrap_err();
/// assert!(failure.to_string().contains("calibration: is missing"), "{failure}");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// A usage failure that lists everything that is wrong with the file.
pub fn read(path: &Path, assignments: &[String]) -> Result<PipelineConfig, Failure> {
    let name = path.display();
    let text = small_file::read(path, yaml::MAX_BYTES, "pipeline", FailureKind::Usage)?;
    let mut document = yaml::parse(&text).map_err(|problem| {
        let separator = if problem.contains('\n') { ":\n" } else { ": " };
        Failure::usage(format!("`{name}` cannot be read as a pipeline{separator}{problem}"))
    })?;
    for assignment in assignments {
        overrides::apply(&mut document, assignment)
            .map_err(|problem| Failure::usage(format!("--set {assignment}: {problem}")))?;
    }
    let (raw, mut problems) = raw::read(document);
    let config = validate::validate(raw, &mut problems);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(Failure::usage(problems.text(&name.to_string()))),
    }
}

/// Reads the settings of another command, a `what`, from YAML: as strictly as a pipeline.
///
/// # Errors
/// A usage failure that names the file, and the key where there is one.
pub fn read_settings<T: DeserializeOwned>(path: &Path, what: &str) -> Result<T, Failure> {
    let text = small_file::read(path, yaml::MAX_BYTES, what, FailureKind::Usage)?;
    yaml::parse_as(&text).map_err(|problem| {
        Failure::usage(format!("`{}` cannot be read as {what}: {problem}", path.display()))
    })
}

/// A configuration as YAML, which is itself a pipeline file.
///
/// # Errors
/// A stage failure if the writer refuses a value.
pub fn to_yaml(config: &PipelineConfig) -> Result<String, Failure> {
    yaml::write(config).map_err(|error| Failure::from_error(FailureKind::Stage, error))
}
