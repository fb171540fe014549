//! The Arrow C stream, in and out: the one file with `unsafe`.

use std::ffi::CStr;

use arrow::array::RecordBatchReader;
use arrow::ffi_stream::{ArrowArrayStreamReader, FFI_ArrowArrayStream};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

const STREAM: &CStr = c"arrow_array_stream";
const METHOD: &str = "__arrow_c_stream__";

/// The record batches of an object that has `__arrow_c_stream__`.
pub(crate) fn read(object: &Bound<'_, PyAny>) -> PyResult<ArrowArrayStreamReader> {
    if !object.hasattr(METHOD)? {
        let name = object.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "scores is a {name}, which has no {METHOD}: give a data frame or table of polars, pandas 2.2, pyarrow or \
             duckdb, or paths of files"
        )));
    }
    let capsule = object.call_method0(METHOD)?.cast_into::<PyCapsule>()?;
    let stream = capsule.pointer_checked(Some(STREAM))?.cast::<FFI_ArrowArrayStream>();
    // SAFETY: a capsule of this name holds an Arrow C stream, and it is moved out: what is left in the capsule is a
    // released stream, as the interface asks for.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(stream.as_ptr()) };
    ArrowArrayStreamReader::try_new(stream)
        .map_err(|error| PyValueError::new_err(format!("the table's schema cannot be read: {error}")))
}

/// A capsule with a stream of these batches.
pub(crate) fn write(
    py: Python<'_>,
    reader: Box<dyn RecordBatchReader + Send>,
) -> PyResult<Bound<'_, PyCapsule>> {
    PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), STREAM)
}
