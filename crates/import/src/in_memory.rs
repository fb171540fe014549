//! Scores that another program holds in memory, as Arrow record batches: the same columns, types and checks as those
//! of a file, without a file and without a query.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, RecordBatchReader, StringArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use plimsoll_store::tables::scores;

use crate::collector::Collector;
use crate::error::ImportError;
use crate::files::{FILE_COLUMN, ROW_COLUMN};
use crate::rows::{check_required, ignored_note};
use crate::session::BatchSink as _;
use crate::sink::{ImportObserver, ImportSummary};

/// A table of scores in memory.
pub struct InMemoryScores {
    name: String,
    reader: Box<dyn RecordBatchReader + Send>,
}

impl fmt::Debug for InMemoryScores {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("InMemoryScores").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a table in memory held: its scores, and what a file has a hash for.
#[derive(Debug)]
pub struct InMemorySummary {
    /// The scores.
    pub summary: ImportSummary,
    /// SHA-256 over the values of the known columns, row by row. Where the values are the same it is the same, however
    /// they are cut into batches and whichever type of text holds them.
    pub sha256: String,
    /// How many bytes these values are.
    pub bytes: u64,
}

impl InMemoryScores {
    /// A table; `name` stands in messages and in the thresholds file where a file's name would.
    pub fn new(name: impl Into<String>, reader: Box<dyn RecordBatchReader + Send>) -> Self {
        Self { name: name.into(), reader }
    }

    /// What stands where a file's name would.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the table. Columns that are not Plimsoll's are ignored, with a note.
    ///
    /// # Errors
    /// As [`crate::read_scores`]. Rows count from 1.
    pub fn read(mut self, progress: &dyn ImportObserver) -> Result<InMemorySummary, ImportError> {
        let schema = self.reader.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        self.check_names(&names)?;
        let is_known = |name: &&&str| scores::TABLE.column(name).is_some();
        let unknown = names.iter().filter(|name| !is_known(name));
        let notes: Vec<String> = unknown.map(|name| ignored_note(name, &names, &self.name)).collect();
        let known: Vec<usize> = (0..names.len()).filter(|index| is_known(&&names[*index])).collect();
        let layout = Layout::new(&schema, known, &self.name);

        let mut collector = Collector::new(progress, None).with_content_hash();
        collector.schema(&layout.schema)?;
        let mut rows = 0;
        for batch in &mut self.reader {
            let batch = batch.and_then(|batch| layout.batch(&batch, rows));
            let batch = batch.map_err(ImportError::in_memory(&self.name))?;
            rows += batch.num_rows();
            collector.batch(&batch)?;
        }
        if rows == 0 {
            return Err(ImportError::NoDataRows { paths: vec![PathBuf::from(self.name)] });
        }
        let hash = collector.take_content_hash();
        let mut summary = collector.finish(&[])?;
        summary.notes.splice(0..0, notes);
        Ok(InMemorySummary { summary, bytes: hash.bytes(), sha256: hash.finish() })
    }

    fn check_names(&self, names: &[&str]) -> Result<(), ImportError> {
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|before| before == name) {
                let path = Path::new(&self.name).to_owned();
                return Err(ImportError::RepeatedColumn { path, column: (*name).to_owned() });
            }
        }
        check_required(names.to_vec())
    }
}

/// Which columns of a batch are taken, and the two that every table has.
struct Layout {
    known: Vec<usize>,
    schema: SchemaRef,
    names: ArrayRef,
}

impl Layout {
    fn new(source: &Schema, known: Vec<usize>, name: &str) -> Self {
        let nullable = |index: &usize| source.field(*index).clone().with_nullable(true);
        let mut fields: Vec<Field> = known.iter().map(nullable).collect();
        let names = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        fields.push(Field::new(FILE_COLUMN, names, true));
        fields.push(Field::new(ROW_COLUMN, DataType::Int64, true));
        Self { known, schema: Arc::new(Schema::new(fields)), names: Arc::new(StringArray::from(vec![name])) }
    }

    /// The known columns of a batch that follows so many rows.
    fn batch(&self, batch: &RecordBatch, before: usize) -> Result<RecordBatch, ArrowError> {
        let rows = batch.num_rows();
        let mut columns: Vec<ArrayRef> =
            self.known.iter().map(|index| Arc::clone(batch.column(*index))).collect();
        let keys = Int32Array::from(vec![0; rows]);
        columns.push(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(&self.names))?));
        let first = i64::try_from(before).unwrap_or(i64::MAX).saturating_add(1);
        columns.push(Arc::new(Int64Array::from_iter_values((first..).take(rows))));
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}
