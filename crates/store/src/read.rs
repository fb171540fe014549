//! Parquet to record batches; what this program cannot read is refused by name.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde::de::DeserializeOwned;

use plimsoll_files::FileError;

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
/// [`StoreError::File`] or [`StoreError::Read`] for a missing or damaged file;
/// [`StoreError::OtherTable`], [`StoreError::OtherVersion`] or [`StoreError::OtherColumns`] for a
/// file that is not this table as this program knows it.
pub fn read_batches(path: &Path, table: &'static Table) -> Result<TableReader, StoreError> {
    open(path, table, None)
}

/// Opens a file for these columns alone, or for all.
fn open(path: &Path, table: &'static Table, columns: Option<&[&str]>) -> Result<TableReader, StoreError> {
    let file = File::open(path).map_err(FileError::new("open", path))?;
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
    let mask = match columns {
        None => ProjectionMask::all(),
        Some(columns) => {
            let wanted = |index: &usize| columns.contains(&table.columns[*index].name);
            ProjectionMask::roots(builder.parquet_schema(), (0..table.columns.len()).filter(wanted))
        }
    };
    let builder = builder.with_projection(mask).with_batch_size(BATCH_ROWS);
    let batches = builder.build().map_err(damaged)?;
    Ok(TableReader { table, path: path.to_owned(), provenance, batches })
}

/// Reads a table whose columns are the serde fields of its rows. Numbers keep every bit. For tables that fit in
/// memory.
///
/// # Errors
/// As [`read_batches`]; [`StoreError::Decode`] if a row is not of this type.
pub fn read_rows<T: DeserializeOwned>(path: &Path, table: &'static Table) -> Result<Vec<T>, StoreError> {
    rows(open(path, table, None)?, path)
}

/// [`read_rows`], of some columns alone: `T` has fields of these names, and no others are decoded.
///
/// # Errors
/// As [`read_rows`].
pub fn read_columns<T: DeserializeOwned>(
    path: &Path,
    table: &'static Table,
    columns: &[&str],
) -> Result<Vec<T>, StoreError> {
    rows(open(path, table, Some(columns))?, path)
}

fn rows<T: DeserializeOwned>(batches: TableReader, path: &Path) -> Result<Vec<T>, StoreError> {
    let table = batches.table;
    let decode = |source| StoreError::Decode { table: table.name, path: path.to_owned(), source };
    let mut rows = Vec::new();
    let mut text = Vec::new();
    for batch in batches {
        text.clear();
        let mut writer = LineDelimitedWriter::new(&mut text);
        writer.write(&batch?).and_then(|()| writer.finish()).map_err(decode)?;
        for row in serde_json::Deserializer::from_slice(&text).into_iter() {
            rows.push(row.map_err(|error| decode(ArrowError::JsonError(error.to_string())))?);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::table::{Column, Kind};
    use crate::write::write_rows;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    fn rows_come_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows");
        let mut rows: Vec<Row> = (0..20_000u32).map(|n| Row { a: f64::from(n).sqrt() / 7.0 }).collect();
        rows.extend([0.0, -0.0, f64::MIN_POSITIVE, f64::MAX, 1.0_f64.next_up(), 1e-300].map(|a| Row { a }));
        write_rows(&FIRST, &rows, &path, &Provenance::default()).unwrap();
        let read: Vec<Row> = read_rows(&path, &FIRST).unwrap();
        assert_eq!(read.len(), rows.len());
        assert!(read.iter().zip(&rows).all(|(a, b)| a.a.to_bits() == b.a.to_bits()));
    }

    #[test]
    fn some_columns_alone() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Wide {
            a: String,
            b: Option<f64>,
            c: u64,
        }
        #[derive(Debug, PartialEq, Deserialize)]
        struct Narrow {
            c: u64,
            b: Option<f64>,
        }
        static WIDE: Table = Table {
            name: "wide",
            version: 1,
            columns: &[
                Column::new("a", Kind::Text, "A."),
                Column::nullable("b", Kind::Number, "B."),
                Column::new("c", Kind::Count, "C."),
            ],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide");
        let wide = |c: u64| Wide { a: "x".repeat(100), b: (c > 0).then_some(0.5), c };
        write_rows(&WIDE, &[wide(0), wide(1)], &path, &Provenance::default()).unwrap();
        let narrow: Vec<Narrow> = read_columns(&path, &WIDE, &["b", "c"]).unwrap();
        assert_eq!(narrow, [Narrow { c: 0, b: None }, Narrow { c: 1, b: Some(0.5) }]);
        // What was not asked for is not there, and the file is held to its schema all the same.
        assert!(read_columns::<Wide>(&path, &WIDE, &["b", "c"]).is_err());
        assert!(read_columns::<Narrow>(&path, &FIRST, &["a"]).is_err());
    }

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
