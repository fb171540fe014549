//! Files as a SQL table: their columns, `_file` and `_row`.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};

use crate::error::CalibsetError;
use crate::files::{self, Chunk, Chunks, FILE_COLUMN, ROW_COLUMN};
use crate::spec::FileSpec;

/// Where a table leaves what went wrong with its files, so that it need not be dug out of the query
/// engine's own error.
#[derive(Debug, Clone, Default)]
pub(crate) struct Failure(Arc<Mutex<Option<CalibsetError>>>);

impl Failure {
    /// Keeps the first error.
    fn set(&self, error: CalibsetError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// What went wrong, if anything did.
    pub(crate) fn take(&self) -> Option<CalibsetError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The files of a table, with their types known.
#[derive(Debug, Clone)]
pub(crate) struct FileTable {
    inner: Arc<Inner>,
}

struct Inner {
    spec: FileSpec,
    schema: SchemaRef,
    /// Data rows of each file, as the first pass counted them.
    rows: Vec<u64>,
    /// The files' names, the values of `_file`.
    names: Arc<StringArray>,
    failure: Failure,
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileTable").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl FileTable {
    /// Finds the columns of the files. Those named in `text` are text, whatever their cells look like.
    pub(crate) fn open(spec: FileSpec, text: &[&str]) -> Result<Self, CalibsetError> {
        let layout = files::layout(&spec, text)?;
        let mut fields: Vec<Field> =
            layout.columns.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect();
        let names = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        fields.push(Field::new(FILE_COLUMN, names, true));
        fields.push(Field::new(ROW_COLUMN, DataType::Int64, true));
        let names: Vec<String> = spec.paths.iter().map(|path| path.display().to_string()).collect();
        let inner = Inner {
            spec,
            schema: Arc::new(Schema::new(fields)),
            rows: layout.rows,
            names: Arc::new(StringArray::from(names)),
            failure: Failure::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The names of the files' own columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let own = self.inner.schema.fields().len() - 2;
        self.inner.schema.fields().iter().take(own).map(|field| field.name().as_str())
    }

    /// The files and how many data rows each has.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&PathBuf, u64)> {
        self.inner.spec.paths.iter().zip(self.inner.rows.iter().copied())
    }

    /// The files, with format and delimiter.
    pub(crate) fn spec(&self) -> &FileSpec {
        &self.inner.spec
    }

    /// Where the table leaves what went wrong with its files.
    pub(crate) fn failure(&self) -> &Failure {
        &self.inner.failure
    }
}

#[async_trait]
impl TableProvider for FileTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.inner.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(columns) => Arc::new(self.inner.schema.project(columns)?),
            None => self.schema(),
        };
        let partition = Partition { inner: Arc::clone(&self.inner), schema: Arc::clone(&schema) };
        let plan = StreamingTableExec::try_new(schema, vec![Arc::new(partition)], None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// A reading of some columns of all files, one file after the other.
#[derive(Debug)]
struct Partition {
    inner: Arc<Inner>,
    schema: SchemaRef,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let is_own = |field: &&Arc<Field>| field.name() != FILE_COLUMN && field.name() != ROW_COLUMN;
        let own: Vec<Arc<Field>> = self.schema.fields().iter().filter(is_own).cloned().collect();
        let batches = Batches {
            inner: Arc::clone(&self.inner),
            schema: Arc::clone(&self.schema),
            own: Arc::new(Schema::new(own)),
            file: 0,
            row: 0,
            chunks: None,
            done: false,
        };
        let stream = futures::stream::iter(batches);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream))
    }
}

/// The record batches of a reading.
struct Batches {
    inner: Arc<Inner>,
    schema: SchemaRef,
    /// The columns that come from the files.
    own: SchemaRef,
    file: usize,
    /// Rows of the current file so far.
    row: u64,
    chunks: Option<Chunks>,
    done: bool,
}

impl Batches {
    fn read(&mut self) -> Result<Option<RecordBatch>, CalibsetError> {
        let inner = Arc::clone(&self.inner);
        while let Some(path) = inner.spec.paths.get(self.file) {
            let chunks = match &mut self.chunks {
                Some(chunks) => chunks,
                none => none.insert(files::scan(&inner.spec, path, &self.own)?),
            };
            if let Some(chunk) = chunks.next().transpose()? {
                let batch = self.batch(&chunk).map_err(CalibsetError::decode(path))?;
                self.row += chunk.rows as u64;
                return Ok(Some(batch));
            }
            if self.row != inner.rows[self.file] {
                return Err(CalibsetError::Changed { path: path.clone() });
            }
            (self.file, self.row, self.chunks) = (self.file + 1, 0, None);
        }
        Ok(None)
    }

    /// Adds `_file` and `_row` where they are asked for.
    fn batch(&self, chunk: &Chunk) -> Result<RecordBatch, arrow::error::ArrowError> {
        let mut own = chunk.columns.iter();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            match field.name().as_str() {
                FILE_COLUMN => {
                    let file = i32::try_from(self.file).unwrap_or(i32::MAX);
                    let keys = Int32Array::from_value(file, chunk.rows);
                    let names: ArrayRef = Arc::clone(&self.inner.names) as ArrayRef;
                    columns.push(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, names)?));
                }
                ROW_COLUMN => {
                    let first = i64::try_from(self.row).unwrap_or(i64::MAX).saturating_add(1);
                    columns.push(Arc::new(Int64Array::from_iter_values((first..).take(chunk.rows))));
                }
                _ => columns.extend(own.next().cloned()),
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(chunk.rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
    }
}

impl Iterator for Batches {
    type Item = DataFusionResult<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = self.read().map_err(|error| {
            let message = error.to_string();
            self.inner.failure.set(error);
            DataFusionError::Execution(message)
        });
        self.done = batch.is_err();
        batch.transpose()
    }
}
