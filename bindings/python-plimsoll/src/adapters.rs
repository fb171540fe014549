//! Values of other programs as confidences.

use plimsoll_pipeline::foreign_scores::{ConfidenceMap, ForeignTool};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The maps: name, formula, domain.
#[pyfunction]
pub(crate) fn confidence_maps() -> String {
    ConfidenceMap::list()
}

/// The id of a method of a tool, and its confidences; without a map they are what the tool gives.
#[pyfunction]
pub(crate) fn mapped(
    tool: &str,
    name: &str,
    map: Option<&str>,
    values: Vec<Option<f64>>,
) -> PyResult<(String, Vec<Option<f64>>)> {
    let refused = |message: String| PyValueError::new_err(message);
    let tool = ForeignTool::from_name(tool).ok_or_else(|| refused(format!("`{tool}` is no known tool")))?;
    let map = match map {
        None => None,
        Some(map) => Some(ConfidenceMap::from_name(map).ok_or_else(|| {
            refused(format!(
                "`{map}` is no map from an uncertainty to a confidence; there are: {}",
                ConfidenceMap::list()
            ))
        })?),
    };
    let confidence = |(row, value): (usize, Option<f64>)| -> PyResult<Option<f64>> {
        let Some(value) = value else { return Ok(None) };
        match map {
            Some(map) => map.confidence(value).map(Some).ok_or_else(|| {
                refused(format!(
                    "`{name}` of row {row} is {value}, and the map {} is for {}; there are: {}",
                    map.name(),
                    map.domain(),
                    ConfidenceMap::list()
                ))
            }),
            None if (0.0..=1.0).contains(&value) => Ok(Some(value)),
            None => Err(refused(format!("`{name}` of row {row} is {value}, no confidence in [0, 1]"))),
        }
    };
    let confidences = values.into_iter().enumerate().map(confidence).collect::<PyResult<_>>()?;
    Ok((tool.method_id(name, map), confidences))
}
