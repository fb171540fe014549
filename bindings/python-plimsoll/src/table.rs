//! A table of results: record batches that any reader of the Arrow C stream takes without a copy.

use std::fs::File;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchIterator};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::{ReaderBuilder, WriterBuilder, writer::JsonArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::arrow_stream;

/// A table.
#[pyclass(frozen, module = "plimsoll")]
#[derive(Debug)]
pub(crate) struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

fn refused(error: impl std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

impl Table {
    fn json(&self, rows: usize) -> Result<String, ArrowError> {
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
        let mut left = rows;
        for batch in &self.batches {
            let taken = left.min(batch.num_rows());
            writer.write(&batch.slice(0, taken))?;
            left -= taken;
        }
        writer.finish()?;
        let text = String::from_utf8(writer.into_inner());
        let text = text.map_err(|error| ArrowError::JsonError(error.to_string()))?;
        Ok(if text.is_empty() { "[]".to_owned() } else { text })
    }
}

#[pymethods]
impl Table {
    /// A Parquet file.
    #[staticmethod]
    fn read_parquet(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let during = |error: String| PyOSError::new_err(format!("cannot read `{}`: {error}", path.display()));
        py.detach(|| {
            let file = File::open(&path).map_err(|error| error.to_string())?;
            let builder =
                ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| error.to_string())?;
            let schema = Arc::clone(builder.schema());
            let reader = builder.build().map_err(|error| error.to_string())?;
            let batches = reader.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
            Ok(Self { schema, batches })
        })
        .map_err(during)
    }

    /// JSON lines, with the names and types of the columns: `text`, `float` or `bool`.
    #[staticmethod]
    fn from_json_lines(lines: &str, columns: Vec<(String, String)>) -> PyResult<Self> {
        let field = |(name, kind): (String, String)| -> PyResult<Field> {
            let data_type = match kind.as_str() {
                "text" => DataType::Utf8,
                "float" => DataType::Float64,
                "bool" => DataType::Boolean,
                other => return Err(refused(format!("`{other}` is no type of a column"))),
            };
            Ok(Field::new(name, data_type, true))
        };
        let fields: Vec<Field> = columns.into_iter().map(field).collect::<PyResult<_>>()?;
        let schema = Arc::new(Schema::new(fields));
        let reader = ReaderBuilder::new(Arc::clone(&schema)).with_strict_mode(true);
        let reader = reader.build(Cursor::new(lines.as_bytes())).map_err(refused)?;
        Ok(Self { schema, batches: reader.collect::<Result<_, _>>().map_err(refused)? })
    }

    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The first rows as a JSON array of objects; all without a number.
    #[pyo3(signature = (rows=None))]
    fn to_json(&self, rows: Option<usize>) -> PyResult<String> {
        self.json(rows.unwrap_or(usize::MAX)).map_err(refused)
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A producer may give the schema that it has.
        drop(requested_schema);
        let batches: Vec<Result<RecordBatch, ArrowError>> = self.batches.iter().cloned().map(Ok).collect();
        arrow_stream::write(py, Box::new(RecordBatchIterator::new(batches, Arc::clone(&self.schema))))
    }
}
