//! Log-probabilities as Python has them: sequences, buffers of floats, and the `logprobs` objects of OpenAI's interface, as
//! dictionaries or as objects with attributes.
//!
//! A token without a log-probability (None) is NaN here, which makes a confidence missing.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyMemoryView, PyString, PyTuple};

/// A number; NaN for None.
pub(crate) fn number(value: &Bound<'_, PyAny>) -> PyResult<f64> {
    if value.is_none() {
        return Ok(f64::NAN);
    }
    value.extract()
}

/// Those of the chosen tokens. None, for a server that gave none, has no tokens.
pub(crate) fn chosen(value: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    if let Ok(list) = value.cast::<PyList>() {
        return list.iter().map(|item| number(&item)).collect();
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return tuple.iter().map(|item| number(&item)).collect();
    }
    if value.is_none() {
        return Ok(Vec::new());
    }
    if let Some(content) = field(value, "content")? {
        return items(&content)?.iter().map(|token| logprob(token)).collect();
    }
    if let Some(logprobs) = field(value, "token_logprobs")? {
        return items(&logprobs)?.iter().map(number).collect();
    }
    match buffer(value)? {
        Some((shape, numbers)) if shape.len() == 1 => Ok(numbers),
        Some(_) => Err(PyTypeError::new_err("log-probabilities must have one dimension")),
        None => items(value)?.iter().map(number).collect(),
    }
}

/// Those of the likeliest tokens at each position. With `k` the k largest of each position, falling, and an empty list
/// where there are fewer.
pub(crate) fn likeliest(value: &Bound<'_, PyAny>, k: Option<usize>) -> PyResult<Vec<Vec<f64>>> {
    let mut positions = listed(value)?;
    let Some(k) = k else { return Ok(positions) };
    for position in &mut positions {
        // A token that has none stays in front, so that the confidence is missing.
        position.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(b.total_cmp(a)));
        position.truncate(if position.len() < k { 0 } else { k });
    }
    Ok(positions)
}

fn listed(value: &Bound<'_, PyAny>) -> PyResult<Vec<Vec<f64>>> {
    let is_plain = value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
    if !is_plain {
        if let Some(content) = field(value, "content")? {
            return items(&content)?.iter().map(top_logprobs).collect();
        }
        if let Some(positions) = field(value, "top_logprobs")? {
            return items(&positions)?.iter().map(values).collect();
        }
        if let Some((shape, numbers)) = buffer(value)? {
            let [_, k] = shape[..] else {
                return Err(PyTypeError::new_err("likeliest log-probabilities must have two dimensions"));
            };
            return Ok(numbers.chunks(k.max(1)).map(<[f64]>::to_vec).collect());
        }
    }
    items(value)?.iter().map(chosen).collect()
}

/// A key of a dictionary, or an attribute; None where there is none.
fn field<'py>(value: &Bound<'py, PyAny>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    match value.cast::<PyDict>() {
        Ok(dictionary) => dictionary.get_item(name),
        Err(_) => value.getattr_opt(name),
    }
}

/// The log-probability of a token of a chat completion; NaN where it has none.
fn logprob(token: &Bound<'_, PyAny>) -> PyResult<f64> {
    field(token, "logprob")?.map_or(Ok(f64::NAN), |value| number(&value))
}

/// Those of the likeliest tokens beside a token of a chat completion; empty where there are none.
fn top_logprobs(token: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let Some(top) = field(token, "top_logprobs")? else { return Ok(Vec::new()) };
    items(&top)?.iter().map(logprob).collect()
}

/// The values of a dictionary from tokens to log-probabilities, as completions have them.
fn values(position: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    if position.is_none() {
        return Ok(Vec::new());
    }
    position.cast::<PyDict>()?.values().iter().map(|value| number(&value)).collect()
}

/// What an iterable gives; nothing for None.
fn items<'py>(value: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    if value.is_none() {
        return Ok(Vec::new());
    }
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyDict>() {
        let name = value.get_type().name()?;
        return Err(PyTypeError::new_err(format!("a {name} holds no log-probabilities")));
    }
    value.try_iter()?.collect()
}

/// The shape and the numbers of an object with the buffer protocol whose items are 32-bit or 64-bit floats. The stable
/// interface of Python 3.10 has no buffers, so a `memoryview` reads them.
fn buffer(value: &Bound<'_, PyAny>) -> PyResult<Option<(Vec<usize>, Vec<f64>)>> {
    let Ok(view) = PyMemoryView::from(value) else { return Ok(None) };
    let format: String = view.getattr("format")?.extract()?;
    let is_native = |mark: char| {
        mark == '@' || mark == '=' || mark == if cfg!(target_endian = "big") { '>' } else { '<' }
    };
    let kind = format.strip_prefix(is_native).unwrap_or(&format);
    if matches!(kind, "B" | "b" | "c") {
        return Err(PyTypeError::new_err("bytes are no log-probabilities"));
    }
    if kind != "d" && kind != "f" {
        return Ok(None);
    }
    let shape: Vec<usize> = view.getattr("shape")?.extract()?;
    let bytes = view.call_method0("tobytes")?;
    let bytes = bytes.cast::<PyBytes>()?.as_bytes();
    let numbers = if kind == "d" {
        bytes.as_chunks().0.iter().map(|chunk| f64::from_ne_bytes(*chunk)).collect()
    } else {
        bytes.as_chunks().0.iter().map(|chunk| f64::from(f32::from_ne_bytes(*chunk))).collect()
    };
    Ok(Some((shape, numbers)))
}
