//! Files as a SQL table: their columns, those of their folders, `_file` and `_row`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};

use crate::error::ImportError;
use crate::files::{self, FILE_COLUMN, FileChunk, FileChunks, ROW_COLUMN};
use crate::partitions::Partitions;
use crate::spec::FileSpec;

/// Where a table leaves what went wrong with its files, so that it need not be dug out of the query
/// engine's own error.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScanFailure(Arc<Mutex<Option<ImportError>>>);

impl ScanFailure {
    /// Keeps the first error.
    fn set(&self, error: ImportError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// What went wrong, if anything did.
    pub(crate) fn take(&self) -> Option<ImportError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The files of a table, with their types known.
#[derive(Debug, Clone)]
pub(crate) struct FileTable {
    inner: Arc<FileTableState>,
}

struct FileTableState {
    spec: FileSpec,
    /// The files' own columns first.
    schema: SchemaRef,
    /// How many columns are the files' own.
    own: usize,
    /// The columns of their folders, those among them that the files have, too.
    partitions: Partitions,
    /// Data rows of each file, as the first pass counted them.
    rows: Vec<u64>,
    /// The files' names, the values of `_file`.
    names: Arc<StringArray>,
    failure: ScanFailure,
}

impl fmt::Debug for FileTableState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileTable").field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl FileTableState {
    /// Whether a column is one of the files' own.
    fn is_own(&self, name: &str) -> bool {
        self.schema.fields().iter().take(self.own).any(|field| field.name() == name)
    }
}

impl FileTable {
    /// Finds the columns of the files. Those named in `text` are text, whatever their cells look like. A column
    /// of folders in which only some of the files lie is an error if it `matters`, and none otherwise.
    pub(crate) fn open(
        spec: FileSpec,
        text: &[&str],
        matters: &dyn Fn(&str) -> bool,
    ) -> Result<Self, ImportError> {
        let partitions = Partitions::find(&spec, text, matters)?;
        let layout = files::layout(&spec, text)?;
        let mut fields: Vec<Field> =
            layout.columns.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect();
        let own = fields.len();
        for (name, data_type) in partitions.columns() {
            if !fields.iter().any(|field| field.name() == name) {
                fields.push(Field::new(name, data_type.clone(), true));
            }
        }
        let names = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        fields.push(Field::new(FILE_COLUMN, names, true));
        fields.push(Field::new(ROW_COLUMN, DataType::Int64, true));
        let names: Vec<String> = spec.paths.iter().map(|path| path.display().to_string()).collect();
        let inner = FileTableState {
            spec,
            schema: Arc::new(Schema::new(fields)),
            own,
            partitions,
            rows: layout.rows,
            names: Arc::new(StringArray::from(names)),
            failure: ScanFailure::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The names of the columns of the files and of their folders.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        let source_columns = [FILE_COLUMN, ROW_COLUMN];
        let names = self.inner.schema.fields().iter().map(|field| field.name().as_str());
        names.filter(move |name| !source_columns.contains(name))
    }

    /// Whether the files have a column of their own.
    pub(crate) fn has_columns(&self) -> bool {
        self.inner.own > 0
    }

    /// The files and how many data rows each has.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&PathBuf, u64)> {
        self.inner.spec.paths.iter().zip(self.inner.rows.iter().copied())
    }

    /// Whether the folders of the files have a column.
    pub(crate) fn has_folder_column(&self, name: &str) -> bool {
        self.inner.partitions.columns().any(|(known, _)| known == name)
    }

    /// What the folders of a file say of a column; `None` is null, or that there is no such column.
    pub(crate) fn folder_value(&self, name: &str, file: usize) -> Option<&str> {
        self.inner.partitions.value(name, file)
    }

    /// The files, with format and delimiter.
    pub(crate) fn spec(&self) -> &FileSpec {
        &self.inner.spec
    }

    /// Where the table leaves what went wrong with its files.
    pub(crate) fn failure(&self) -> &ScanFailure {
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
        let partition = FileTableScan { inner: Arc::clone(&self.inner), schema: Arc::clone(&schema) };
        let plan = StreamingTableExec::try_new(schema, vec![Arc::new(partition)], None, [], false, limit)?;
        Ok(Arc::new(plan))
    }
}

/// A reading of some columns of all files, one file after the other.
#[derive(Debug)]
struct FileTableScan {
    inner: Arc<FileTableState>,
    schema: SchemaRef,
}

impl PartitionStream for FileTableScan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let own: Vec<Arc<Field>> =
            self.schema.fields().iter().filter(|field| self.inner.is_own(field.name())).cloned().collect();
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
    inner: Arc<FileTableState>,
    schema: SchemaRef,
    /// The columns that come from the files.
    own: SchemaRef,
    file: usize,
    /// Rows of the current file so far.
    row: u64,
    chunks: Option<FileChunks>,
    done: bool,
}

impl Batches {
    fn read(&mut self) -> Result<Option<RecordBatch>, ImportError> {
        let inner = Arc::clone(&self.inner);
        while let Some(path) = inner.spec.paths.get(self.file) {
            let chunks = match &mut self.chunks {
                Some(chunks) => chunks,
                none => none.insert(files::scan(&inner.spec, path, &self.own)?),
            };
            if let Some(chunk) = chunks.next().transpose()? {
                let batch = self.batch(&chunk, path)?;
                self.row += chunk.rows as u64;
                return Ok(Some(batch));
            }
            if self.row != inner.rows[self.file] {
                return Err(ImportError::Changed { path: path.clone() });
            }
            (self.file, self.row, self.chunks) = (self.file + 1, 0, None);
        }
        Ok(None)
    }

    /// Adds `_file`, `_row` and the columns of folders where they are asked for.
    fn batch(&self, chunk: &FileChunk, path: &Path) -> Result<RecordBatch, ImportError> {
        let mut own = chunk.columns.iter();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            let name = field.name();
            if self.inner.is_own(name) {
                let Some(column) = own.next() else { break };
                self.check_partition(name, column, path)?;
                columns.push(Arc::clone(column));
            } else {
                columns.push(self.added(name, chunk.rows).map_err(ImportError::decode(path))?);
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(chunk.rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(ImportError::decode(path))
    }

    /// A column that the files do not have.
    fn added(&self, name: &str, rows: usize) -> Result<ArrayRef, ArrowError> {
        match name {
            FILE_COLUMN => {
                let file = i32::try_from(self.file).unwrap_or(i32::MAX);
                let names: ArrayRef = Arc::clone(&self.inner.names) as ArrayRef;
                let keys = Int32Array::from_value(file, rows);
                Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, names)?))
            }
            ROW_COLUMN => {
                let first = i64::try_from(self.row).unwrap_or(i64::MAX).saturating_add(1);
                Ok(Arc::new(Int64Array::from_iter_values((first..).take(rows))))
            }
            _ => self
                .inner
                .partitions
                .rows(name, self.file, rows)
                .unwrap_or_else(|| Err(ArrowError::SchemaError(format!("there is no column `{name}`")))),
        }
    }

    /// Whether a column of the file says the same as its path, where both say something.
    fn check_partition(&self, name: &str, column: &ArrayRef, path: &Path) -> Result<(), ImportError> {
        let differs = self.inner.partitions.contradiction(name, self.file, column);
        match differs.map_err(ImportError::decode(path))? {
            None => Ok(()),
            Some((row, found, partition)) => Err(ImportError::PartitionDiffers {
                path: path.to_owned(),
                row: self.row + row as u64 + 1,
                column: name.to_owned(),
                found,
                partition,
            }),
        }
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
