//! Parquet. Text columns are read as views into the file's pages, without copying the text.
//!
//! The `parquet` crate trusts lengths that stand in a file's pages: damaged ones make it panic, in a
//! slice or a decoder. Here such a panic is caught and is an error of the file; what panicked is dropped.

use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::chunk::{CHUNK_ROWS, FileChunk, FileChunks, FileLayout};
use crate::error::{ImportError, panic_message};
use crate::spec::FileSpec;

/// Names and types over all files.
pub(super) fn layout(spec: &FileSpec) -> Result<FileLayout, ImportError> {
    let (mut columns, mut rows) = (Vec::<(String, DataType)>::new(), Vec::new());
    for path in &spec.paths {
        let (_, metadata) = open(path)?;
        let fields = metadata.schema().fields();
        let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        super::names::check_names(path, &names)?;
        if columns.is_empty() {
            columns = fields.iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
        } else {
            let first: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
            super::names::check_same_columns((&spec.paths[0], &first), (path, &names))?;
            join_types(path, &mut columns, metadata.schema())?;
        }
        let count = metadata.metadata().file_metadata().num_rows();
        rows.push(u64::try_from(count).unwrap_or(0));
    }
    Ok(FileLayout { columns, rows })
}

/// Columns of one file. Only their pages are read.
pub(super) fn scan(path: &Path, schema: &SchemaRef) -> Result<FileChunks, ImportError> {
    let (file, metadata) = open(path)?;
    let changed = || ImportError::Changed { path: path.to_owned() };
    let mut roots = Vec::new();
    for field in schema.fields() {
        roots.push(metadata.schema().index_of(field.name()).map_err(|_| changed())?);
    }
    let mask = ProjectionMask::roots(metadata.parquet_schema(), roots);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
        .with_projection(mask)
        .with_batch_size(CHUNK_ROWS);
    let reader = guarded(path, || builder.build())?.map_err(|source| damaged(path, source))?;
    let (path, schema) = (path.to_owned(), Arc::clone(schema));
    Ok(Box::new(ParquetChunks { path, schema, reader, done: false }))
}

/// Opens a file and reads its footer; text columns become views.
fn open(path: &Path) -> Result<(File, ArrowReaderMetadata), ImportError> {
    let file = super::open::open(path)?;
    // The Arrow schema that some writers embed says how they held the data in memory; the Parquet
    // types say what it is.
    let plain = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata =
        guarded(path, || ArrowReaderMetadata::load(&file, plain))?.map_err(|source| damaged(path, source))?;
    let view = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 => {
            Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View))
        }
        _ => Arc::clone(field),
    };
    let fields: Vec<Arc<Field>> = metadata.schema().fields().iter().map(view).collect();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)
        .map_err(|source| damaged(path, source))?;
    Ok((file, metadata))
}

fn damaged(path: &Path, source: ParquetError) -> ImportError {
    ImportError::Parquet { path: path.to_owned(), source }
}

/// Makes a panic of the reader an error of the file.
fn guarded<T>(path: &Path, read: impl FnOnce() -> T) -> Result<T, ImportError> {
    // What the reader left half done is not used again.
    panic::catch_unwind(AssertUnwindSafe(read))
        .map_err(|panic| ImportError::Damaged { path: path.to_owned(), message: panic_message(&*panic) })
}

/// Widens the types of the columns to those of one more file.
fn join_types(path: &Path, columns: &mut [(String, DataType)], schema: &Schema) -> Result<(), ImportError> {
    for (column, before) in columns {
        let Ok(field) = schema.field_with_name(column) else { continue };
        let found = field.data_type();
        *before = join(before, found).ok_or_else(|| ImportError::OtherType {
            path: path.to_owned(),
            column: column.clone(),
            found: found.clone(),
            before: before.clone(),
        })?;
    }
    Ok(())
}

/// The type that holds both.
fn join(a: &DataType, b: &DataType) -> Option<DataType> {
    match (a, b) {
        (a, b) if a == b => Some(a.clone()),
        (other, DataType::Null) | (DataType::Null, other) => Some(other.clone()),
        (a, b) if !a.is_numeric() || !b.is_numeric() => None,
        (a, b) if a.is_floating() || b.is_floating() => Some(DataType::Float64),
        (DataType::UInt64, _) | (_, DataType::UInt64) => None,
        (a, b) if a.is_integer() && b.is_integer() => Some(DataType::Int64),
        _ => None,
    }
}

/// The chunks of a file's rows.
struct ParquetChunks {
    path: PathBuf,
    schema: SchemaRef,
    reader: ParquetRecordBatchReader,
    done: bool,
}

impl ParquetChunks {
    /// The columns in the order and of the types that were asked for.
    fn chunk(&self, batch: &RecordBatch) -> Result<FileChunk, ImportError> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let column = |field: &Arc<Field>| -> Result<ArrayRef, ImportError> {
            let column = batch
                .column_by_name(field.name())
                .ok_or_else(|| ImportError::Changed { path: self.path.clone() })?;
            if column.data_type() == field.data_type() {
                Ok(Arc::clone(column))
            } else {
                cast_with_options(column, field.data_type(), &options)
                    .map_err(ImportError::decode(&self.path))
            }
        };
        let columns = self.schema.fields().iter().map(column).collect::<Result<_, _>>()?;
        Ok(FileChunk { columns, rows: batch.num_rows() })
    }
}

impl Iterator for ParquetChunks {
    type Item = Result<FileChunk, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = guarded(&self.path, || self.reader.next()).transpose()?;
        let chunk = batch
            .and_then(|batch| batch.map_err(ImportError::decode(&self.path)))
            .and_then(|batch| self.chunk(&batch));
        self.done = chunk.is_err();
        Some(chunk)
    }
}
