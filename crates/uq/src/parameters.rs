//! Parameters of a method, as a plan gives them.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// What is wrong with a method's parameters.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// Parameters for a method that has none.
    #[error("method `{method}` takes no parameters")]
    NoneTaken {
        /// Id of the method.
        method: &'static str,
    },
    /// A missing, unknown or ill-typed parameter.
    #[error("method `{method}`: {problem}")]
    Malformed {
        /// Id of the method.
        method: &'static str,
        /// What is wrong, naming the parameter.
        problem: String,
    },
    /// A number outside its range.
    #[error("method `{method}`: {parameter} is {found}; it must be {wanted}")]
    Range {
        /// Id of the method.
        method: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        wanted: &'static str,
    },
}

/// No parameters, for a method that has none.
pub(super) fn none(method: &'static str, parameters: &Value) -> Result<Value, ParameterError> {
    let empty = parameters.is_null() || parameters.as_object().is_some_and(serde_json::Map::is_empty);
    if empty { Ok(Value::Null) } else { Err(ParameterError::NoneTaken { method }) }
}

/// The parameters of a method that has some.
pub(super) fn read<T: DeserializeOwned>(
    method: &'static str,
    parameters: &Value,
) -> Result<T, ParameterError> {
    let given = if parameters.is_null() { &Value::Object(serde_json::Map::new()) } else { parameters };
    T::deserialize(given).map_err(|error| ParameterError::Malformed { method, problem: error.to_string() })
}

/// A number that must lie in a range.
pub(super) fn within<T: PartialOrd + std::fmt::Display>(
    (method, parameter): (&'static str, &'static str),
    value: T,
    range: impl std::ops::RangeBounds<T>,
    wanted: &'static str,
) -> Result<T, ParameterError> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(ParameterError::Range { method, parameter, found: value.to_string(), wanted })
    }
}
