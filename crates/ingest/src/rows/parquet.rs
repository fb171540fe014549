//! Parquet. Text is read as views into the file's pages, without copying it before a row is made.
//!
//! The `parquet` crate trusts lengths that stand in a file's pages: damaged ones make it panic, in a
//! slice or a decoder. Here such a panic is caught and is an error of the file; what panicked is dropped.
//! What a page would unpack to is checked before anything is unpacked (see `pages`).

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Float16Type, Float32Type, Float64Type, Int64Type, Schema};
use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::pages;
use super::raw::{self, RawRow, RowSink};
use crate::cell::Cell;
use crate::error::IngestError;
use crate::limits::{BATCH_ROWS, ROW_CELLS, SOURCE_ROWS};
use crate::reason::RejectReason;

/// Hands every row to `take`.
pub(super) fn each_row(path: &Path, take: &mut RowSink<'_>) -> Result<(), IngestError> {
    let mut reader = open(path)?;
    let mut rows = 0;
    while let Some(batch) = guarded(path, || reader.next())? {
        let batch = batch.map_err(|source| IngestError::Decode { path: path.to_owned(), rows, source })?;
        for row in 0..batch.num_rows() {
            take(RawRow { line: None, fields: guarded(path, || row_of(&batch, row))? })?;
        }
        rows += batch.num_rows() as u64;
    }
    if rows > 0 { Ok(()) } else { Err(IngestError::Empty { path: path.to_owned() }) }
}

/// Reads the footer, checks the pages, and opens the file for reading.
fn open(path: &Path) -> Result<ParquetRecordBatchReader, IngestError> {
    let file = raw::open(path)?;
    // The Arrow schema that some writers embed says how they held the data in memory; the Parquet
    // types say what it is.
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata =
        guarded(path, || ArrowReaderMetadata::load(&file, plain))?.map_err(|source| damaged(path, source))?;
    let rows = u64::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(u64::MAX);
    if rows > SOURCE_ROWS {
        return Err(IngestError::TooManyRows { path: path.to_owned(), limit: SOURCE_ROWS });
    }
    guarded(path, || pages::check(path, &file, metadata.metadata(), pages::LIMITS))??;
    let fields: Vec<FieldRef> = metadata.schema().fields().iter().map(viewed).collect();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
        .map_err(|source| damaged(path, source))?;
    let builder =
        ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_batch_size(BATCH_ROWS);
    guarded(path, || builder.build())?.map_err(|source| damaged(path, source))
}

/// The field with texts as views, also inside lists and structs.
fn viewed(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::List(entry) => DataType::List(viewed(entry)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(viewed).collect()),
        _ => return Arc::clone(field),
    };
    Arc::new(Field::clone(field).with_data_type(data_type))
}

fn damaged(path: &Path, source: ParquetError) -> IngestError {
    IngestError::Parquet { path: path.to_owned(), source }
}

/// Makes a panic of the reader an error of the file.
fn guarded<T>(path: &Path, read: impl FnOnce() -> T) -> Result<T, IngestError> {
    // What the reader left half done is not used again.
    panic::catch_unwind(AssertUnwindSafe(read))
        .map_err(|panic| IngestError::Damaged { path: path.to_owned(), message: message(&*panic) })
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// A row of a batch.
fn row_of(batch: &RecordBatch, row: usize) -> Result<Cell, RejectReason> {
    let mut budget = ROW_CELLS;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(batch.columns());
    let cells = fields.map(|(field, column)| Ok((field.name().clone(), cell(column, row, &mut budget)?)));
    cells.collect::<Result<_, _>>().map(Cell::Struct)
}

/// A value of an array, by the type that it has in memory.
fn cell(array: &ArrayRef, row: usize, budget: &mut usize) -> Result<Cell, RejectReason> {
    *budget = budget.checked_sub(1).ok_or(RejectReason::Unusable { what: "too many values in one row" })?;
    if array.is_null(row) {
        return Ok(Cell::Null);
    }
    Ok(match array.data_type() {
        DataType::Boolean => Cell::Boolean(array.as_boolean().value(row)),
        DataType::Utf8View => Cell::Text(array.as_string_view().value(row).to_owned()),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row).to_owned()),
        DataType::Float16 => Cell::Number(array.as_primitive::<Float16Type>().value(row).into()),
        DataType::Float32 => single(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Cell::Number(array.as_primitive::<Float64Type>().value(row)),
        data_type if data_type.is_integer() => integer(array, row),
        DataType::List(_) => list(&array.as_list::<i32>().value(row), budget)?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row), budget)?,
        DataType::FixedSizeList(_, _) => list(&array.as_fixed_size_list().value(row), budget)?,
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            let cells = columns.map(|(field, column)| Ok((field.name().clone(), cell(column, row, budget)?)));
            Cell::Struct(cells.collect::<Result<_, RejectReason>>()?)
        }
        _ => array_value_to_string(array, row).map_or(Cell::Null, Cell::Text),
    })
}

/// A 32-bit float as the shortest decimal says it, not as its binary value widened.
fn single(value: f32) -> Cell {
    Cell::Number(value.to_string().parse().unwrap_or_else(|_| f64::from(value)))
}

fn integer(array: &ArrayRef, row: usize) -> Cell {
    let wide = arrow::compute::cast(&array.slice(row, 1), &DataType::Int64);
    match wide {
        Ok(wide) if wide.is_valid(0) => Cell::Integer(wide.as_primitive::<Int64Type>().value(0)),
        // An unsigned integer beyond 63 bits.
        _ => array_value_to_string(array, row).map_or(Cell::Null, Cell::Text),
    }
}

fn list(entries: &ArrayRef, budget: &mut usize) -> Result<Cell, RejectReason> {
    (0..entries.len()).map(|entry| cell(entries, entry, budget)).collect::<Result<_, _>>().map(Cell::List)
}
