//! The plan file: YAML, then `--set`, then a structure that knows its keys, then a plan whose every
//! number has been checked.
//!
//! ```text
//! YAML ── yaml ── Value ── overrides ── Value ── raw ── RawPlan ── resolution ── Plan
//! ```

pub(crate) mod asking;
pub(crate) mod limits;
pub(crate) mod plan;

mod overrides;
mod problems;
mod raw;
pub(crate) mod resolution;
pub(crate) mod variables;
pub(crate) mod yaml;

use std::path::Path;

pub(crate) use plan::Plan;

use crate::failure::{Failure, Kind};
use crate::small_file;

/// Reads a plan; `assignments` are those of `--set`, applied in order.
///
/// # Errors
/// A usage failure that lists everything that is wrong with the file.
pub(crate) fn read(path: &Path, assignments: &[String]) -> Result<Plan, Failure> {
    let name = path.display();
    let text = small_file::read(path, yaml::MAX_BYTES, "plan", Kind::Usage)?;
    let mut document = yaml::parse(&text).map_err(|problem| {
        let separator = if problem.contains('\n') { ":\n" } else { ": " };
        Failure::usage(format!("`{name}` cannot be read as a plan{separator}{problem}"))
    })?;
    for assignment in assignments {
        overrides::apply(&mut document, assignment)
            .map_err(|problem| Failure::usage(format!("--set {assignment}: {problem}")))?;
    }
    let (raw, mut problems) = raw::read(document);
    let plan = resolution::resolve(raw, &mut problems);
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => Err(Failure::usage(problems.text(&name.to_string()))),
    }
}

/// A plan as YAML.
///
/// # Errors
/// Why the writer failed.
pub(crate) fn to_yaml(plan: &Plan) -> Result<String, serde_saphyr::ser::Error> {
    yaml::write(plan)
}
