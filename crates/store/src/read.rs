//! Parquet to record batches; what this program cannot read is refused by name.

use std::fs::File;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::provenance::{self, Provenance};
use crate::table::Table;

const BATCH_ROWS: usize = 8 * 1024;

/// The record batches of a table's file.
#[derive(Debug)]
pub struct TableReader {
    table: &'static Table,
    path: PathBuf,
    provenance: Provenance,
    batches: ParquetRecordBatchReader,
}

impl TableReader {
    /// Where the table comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }
}

impl Iterator for TableReader {
    type Item = Result<RecordBatch, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?;
        Some(batch.map_err(|source| StoreError::Decode {
            table: self.table.name,
            path: self.path.clone(),
            source,
        }))
    }
}

/// Opens a file that [`crate::TableWriter`] wrote.
///
/// # Errors
/// [`StoreError::Io`] or [`StoreError::Read`] for a missing or damaged file;
/// [`StoreError::OtherTable`], [`StoreError::OtherVersion`] or [`StoreError::OtherColumns`] for a
/// file that is not this table as this program knows it.
pub fn read_batches(path: &Path, table: &'static Table) -> Result<TableReader, StoreError> {
    let file = File::open(path).map_err(StoreError::io("open", path))?;
    let damaged = |source| StoreError::Read { path: path.to_owned(), source };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let metadata = metadata.map(Vec::as_slice).unwrap_or_default();
    let found = provenance::find(metadata, provenance::TABLE_KEY);
    if found != Some(table.name) {
        let found = found.map(str::to_owned);
        return Err(StoreError::OtherTable { path: path.to_owned(), expected: table.name, found });
    }
    let version = provenance::find(metadata, provenance::SCHEMA_VERSION_KEY).unwrap_or_default();
    if version != table.version.to_string() {
        return Err(StoreError::OtherVersion {
            path: path.to_owned(),
            table: table.name,
            expected: table.version,
            found: version.to_owned(),
        });
    }
    if builder.schema().fields() != table.schema().fields() {
        return Err(StoreError::OtherColumns { path: path.to_owned(), table: table.name });
    }
    let provenance = Provenance::from_metadata(metadata);
    let batches = builder.with_batch_size(BATCH_ROWS).build().map_err(damaged)?;
    Ok(TableReader { table, path: path.to_owned(), provenance, batches })
}

/// The rows of a table's file, a batch at a time in memory.
#[derive(Debug)]
pub struct RowReader<T> {
    batches: TableReader,
    rows: std::vec::IntoIter<Vec<u8>>,
    row: u64,
    kind: PhantomData<T>,
}

/// Opens a file whose rows are read back as what [`crate::write_rows`] took. Numbers keep every bit.
///
/// # Errors
/// As [`read_batches`]; while reading, [`StoreError::Decode`] and [`StoreError::Row`].
pub fn read_rows<T: DeserializeOwned>(
    path: &Path,
    table: &'static Table,
) -> Result<RowReader<T>, StoreError> {
    let batches = read_batches(path, table)?;
    Ok(RowReader { batches, rows: Vec::new().into_iter(), row: 0, kind: PhantomData })
}

impl<T> RowReader<T> {
    /// The rows of the next batch, each as JSON text.
    fn fill(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
        let written = writer.write(batch).and_then(|()| writer.finish());
        written.map_err(|source| StoreError::Decode {
            table: self.batches.table.name,
            path: self.batches.path.clone(),
            source,
        })?;
        let text = writer.into_inner();
        // Line breaks inside values are escaped.
        let lines: Vec<Vec<u8>> =
            text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
        self.rows = lines.into_iter();
        Ok(())
    }
}

impl<T: DeserializeOwned> Iterator for RowReader<T> {
    type Item = Result<T, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.rows.next() {
                let row = self.row;
                self.row += 1;
                return Some(serde_json::from_slice(&line).map_err(|source| StoreError::Row {
                    table: self.batches.table.name,
                    path: self.batches.path.clone(),
                    row,
                    source,
                }));
            }
            match self.batches.next()? {
                Ok(batch) => {
                    if let Err(error) = self.fill(&batch) {
                        return Some(Err(error));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde::Serialize;

    use super::*;
    use crate::table::{Column, Kind};
    use crate::write::write_rows;

    #[derive(Serialize)]
    struct Row {
        a: f64,
    }

    const fn version(version: u32) -> Table {
        const COLUMNS: &[Column] = &[Column::new("a", Kind::Number, "A.")];
        Table { name: "sample", version, columns: COLUMNS }
    }
    static FIRST: Table = version(1);
    static SECOND: Table = version(2);
    static OTHER: Table = Table { name: "other", ..version(1) };
    static CHANGED: Table = Table { columns: &[Column::nullable("a", Kind::Number, "A.")], ..version(1) };

    #[test]
    fn what_cannot_be_read_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, table| {
            let path = folder.path().join(name);
            write_rows(table, &[Row { a: 1.0 }], &path, &Provenance::default()).unwrap();
            path
        };
        let (first, second) = (file("first", &FIRST), file("second", &SECOND));
        let garbage = folder.path().join("garbage");
        fs::write(&garbage, "PAR1 but no more").unwrap();
        let empty = folder.path().join("empty");
        fs::write(&empty, "").unwrap();
        let truncated = folder.path().join("truncated");
        let bytes = fs::read(&first).unwrap();
        fs::write(&truncated, &bytes[..bytes.len() / 2]).unwrap();
        let cases: [(&Path, &'static Table, &str); 8] = [
            (&first, &SECOND, "run the stage that writes it again"),
            (&second, &FIRST, "update plimsoll"),
            (&first, &OTHER, "does not hold table `other` but table `sample`"),
            (&first, &CHANGED, "its columns are not those"),
            (&garbage, &FIRST, "garbage"),
            (&empty, &FIRST, "empty"),
            (&truncated, &FIRST, "truncated"),
            (Path::new("/no/such/file"), &FIRST, "cannot open"),
        ];
        for (path, table, expected) in cases {
            let error = read_batches(path, table).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}: {expected}");
        }
    }
}
