//! Rows or record batches to Parquet, whole or not at all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use serde::Serialize;

use crate::error::StoreError;
use crate::provenance::Provenance;
use crate::read::read_batches;
use crate::table::Table;
use plimsoll_files::AtomicFile;

/// Rows that are turned into one record batch.
const BATCH_ROWS: usize = 64 * 1024;
/// Rows of one row group; bounds the memory of a writer.
const ROW_GROUP_ROWS: usize = 256 * 1024;
const ZSTD_LEVEL: i32 = 3;

/// Writes a table batch by batch; its file appears when the writer is [finished](Self::finish), and
/// not at all if it is dropped before.
#[derive(Debug)]
pub struct TableWriter {
    table: &'static Table,
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<AtomicFile>,
}

impl TableWriter {
    /// Opens a writer. Nothing stands under `path` until [`TableWriter::finish`].
    ///
    /// # Errors
    /// [`StoreError::File`] if no file can be made beside `path`.
    pub fn create(table: &'static Table, path: &Path, provenance: &Provenance) -> Result<Self, StoreError> {
        let schema = table.schema();
        let file = AtomicFile::create(path)?;
        let failed = |source| StoreError::Write { table: table.name, path: path.to_owned(), source };
        let properties = properties(table, provenance).map_err(failed)?;
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(failed)?;
        Ok(Self { table, path: path.to_owned(), schema, writer })
    }

    /// Appends the rows of a batch.
    ///
    /// # Errors
    /// [`StoreError::BatchSchema`] for a batch of other columns, [`StoreError::Write`] if the disk
    /// refuses.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        if batch.schema_ref().fields() != self.schema.fields() {
            return Err(StoreError::BatchSchema { table: self.table.name, path: self.path.clone() });
        }
        self.writer.write(batch).map_err(|source| self.failed(source))
    }

    /// Appends rows whose serde fields are the table's columns. Numbers keep every bit.
    ///
    /// # Errors
    /// [`StoreError::Rows`] for rows that are not the table's, [`StoreError::Write`] if the disk
    /// refuses.
    pub fn write_rows<T: Serialize>(&mut self, rows: &[T]) -> Result<(), StoreError> {
        let (table, path) = (self.table.name, self.path.clone());
        let refused = |source| StoreError::Rows { table, path: path.clone(), source };
        let mut decoder = ReaderBuilder::new(Arc::clone(&self.schema))
            .with_batch_size(BATCH_ROWS)
            .with_strict_mode(true)
            .build_decoder()
            .map_err(refused)?;
        for chunk in rows.chunks(BATCH_ROWS) {
            decoder.serialize(chunk).map_err(refused)?;
            if let Some(batch) = decoder.flush().map_err(refused)? {
                self.write(&batch)?;
            }
        }
        Ok(())
    }

    /// Appends the rows of a file of the same table; gives their number. They are written in the batches in which
    /// [`TableWriter::write_rows`] writes rows, so that the bytes are the same.
    ///
    /// # Errors
    /// As [`read_batches`], [`StoreError::Write`] if the disk refuses.
    pub fn append(&mut self, path: &Path) -> Result<u64, StoreError> {
        let (mut waiting, mut rows, mut all) = (Vec::new(), 0, 0);
        let mut batches = read_batches(path, self.table)?.peekable();
        while let Some(batch) = batches.next() {
            let batch = batch?;
            rows += batch.num_rows();
            waiting.push(batch);
            if rows >= BATCH_ROWS || batches.peek().is_none() {
                let refused =
                    |source| StoreError::Rows { table: self.table.name, path: path.to_owned(), source };
                let joined = concat_batches(&self.schema, &waiting).map_err(refused)?;
                self.write(&joined)?;
                all += rows as u64;
                (waiting, rows) = (Vec::new(), 0);
            }
        }
        Ok(all)
    }

    /// Writes what is buffered, brings it to the disk, and gives the file its name.
    ///
    /// # Errors
    /// [`StoreError::Write`] or [`StoreError::File`]; what had the name is untouched.
    pub fn finish(self) -> Result<(), StoreError> {
        let (table, path) = (self.table.name, self.path);
        let file = self.writer.into_inner().map_err(|source| StoreError::Write { table, path, source })?;
        Ok(file.commit()?)
    }

    fn failed(&self, source: ParquetError) -> StoreError {
        StoreError::Write { table: self.table.name, path: self.path.clone(), source }
    }
}

/// Writes rows whose serde fields are the table's columns. Numbers keep every bit.
///
/// # Errors
/// [`StoreError::Rows`] for rows that are not the table's, [`StoreError::Write`] or
/// [`StoreError::File`] if the disk refuses; what had the name is untouched.
pub fn write_rows<T: Serialize>(
    table: &'static Table,
    rows: &[T],
    path: &Path,
    provenance: &Provenance,
) -> Result<(), StoreError> {
    let mut writer = TableWriter::create(table, path, provenance)?;
    writer.write_rows(rows)?;
    writer.finish()
}

/// Every setting that could change the bytes, spelled out.
fn properties(table: &Table, provenance: &Provenance) -> Result<WriterProperties, ParquetError> {
    Ok(WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(concat!("plimsoll version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_dictionary_enabled(true)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_write_batch_size(8 * 1024)
        .set_data_page_row_count_limit(32 * 1024)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_key_value_metadata(Some(provenance.metadata(table)))
        .build())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use arrow::array::{AsArray as _, RecordBatch};
    use arrow::datatypes::{Float64Type, UInt64Type};
    use serde::Serialize;

    use super::*;
    use crate::read::read_batches;

    plimsoll_core::table_row! {
        /// A row.
        #[derive(Debug, Serialize)]
        struct Row {
            /// Name.
            name: String,
            /// Value.
            value: f64,
            /// Value or none.
            maybe: Option<f64>,
            /// Count.
            count: u64,
            /// Index.
            index: u32,
            /// Flag.
            flag: Option<bool>,
        }
    }

    static TABLE: Table = Table::new::<Row>("sample", 1);

    const ODD: [f64; 10] = [
        0.1,
        -0.0,
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        1.0 + f64::EPSILON,
        0.1 + 0.2,
    ];

    fn row(index: usize) -> Row {
        let value = ODD[index % ODD.len()];
        let count = [u64::MAX, 1 << 63, i64::MAX as u64, 1 << 53 | 1, 0][index % 5];
        Row {
            name: format!("ä\n\"{index}"),
            value,
            maybe: (!index.is_multiple_of(3)).then_some(value),
            count,
            index: u32::MAX - u32::try_from(index).unwrap(),
            flag: [None, Some(true), Some(false)][index % 3],
        }
    }

    fn provenance() -> Provenance {
        Provenance {
            stage: "draw".into(),
            config_sha256: "ab".into(),
            input_sha256: vec!["cd".into(), "ef".into()],
            seed: u64::MAX,
            program_version: "0.1.0".into(),
        }
    }

    fn all(path: &Path) -> Vec<RecordBatch> {
        read_batches(path, &TABLE).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn every_bit_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/sample.parquet");
        let rows: Vec<Row> = (0..BATCH_ROWS + 3).map(row).collect();
        write_rows(&TABLE, &rows, &path, &provenance()).unwrap();
        assert_eq!(read_batches(&path, &TABLE).unwrap().provenance(), &provenance());
        let mut rows = rows.iter();
        for batch in all(&path) {
            let column = |name| batch.column_by_name(name).unwrap();
            for at in 0..batch.num_rows() {
                let row = rows.next().unwrap();
                assert_eq!(column("name").as_string::<i32>().value(at), row.name);
                let value = column("value").as_primitive::<Float64Type>().value(at);
                assert_eq!(value.to_bits(), row.value.to_bits());
                let maybe = column("maybe").as_primitive::<Float64Type>().iter().nth(at).unwrap();
                assert_eq!(maybe.map(f64::to_bits), row.maybe.map(f64::to_bits));
                assert_eq!(column("count").as_primitive::<UInt64Type>().value(at), row.count);
                assert_eq!(column("flag").as_boolean().iter().nth(at).unwrap(), row.flag);
            }
        }
        assert!(rows.next().is_none());
    }

    #[test]
    fn two_runs_write_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let rows: Vec<Row> = (0..1000).map(row).collect();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        write_rows(&TABLE, &rows, &a, &provenance()).unwrap();
        write_rows(&TABLE, &rows, &b, &provenance()).unwrap();
        assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());
        // Streamed batches give the same file as the rows at once.
        let mut writer = TableWriter::create(&TABLE, &b, &provenance()).unwrap();
        for batch in all(&a) {
            writer.write(&batch).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(fs::read(&a).unwrap(), fs::read(&b).unwrap());
    }

    /// Where a row group ends in the middle of a batch.
    #[test]
    fn appended_files_give_the_bytes_of_their_rows() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let rows: Vec<Row> = (0..ROW_GROUP_ROWS + 3 * BATCH_ROWS).map(row).collect();
        let ends = [0, BATCH_ROWS + 5000, ROW_GROUP_ROWS + 77, rows.len()];
        let mut writer = TableWriter::create(&TABLE, &at("rows"), &provenance()).unwrap();
        let mut appended = TableWriter::create(&TABLE, &at("appended"), &provenance()).unwrap();
        for (index, part) in ends.windows(2).map(|ends| &rows[ends[0]..ends[1]]).enumerate() {
            writer.write_rows(part).unwrap();
            let path = at(&format!("part{index}"));
            write_rows(&TABLE, part, &path, &Provenance::default()).unwrap();
            assert_eq!(appended.append(&path).unwrap(), part.len() as u64);
        }
        writer.finish().unwrap();
        appended.finish().unwrap();
        assert!(fs::read(at("rows")).unwrap() == fs::read(at("appended")).unwrap());
    }

    #[test]
    fn a_table_without_rows_is_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty.parquet");
        write_rows::<Row>(&TABLE, &[], &path, &provenance()).unwrap();
        assert_eq!(all(&path).iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
    }

    #[test]
    fn what_is_not_finished_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sample.parquet");
        let rows: Vec<Row> = (0..10).map(row).collect();
        write_rows(&TABLE, &rows, &path, &provenance()).unwrap();
        let before = fs::read(&path).unwrap();
        let mut writer = TableWriter::create(&TABLE, &path, &provenance()).unwrap();
        writer.write(&all(&path)[0]).unwrap();
        drop(writer);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn rows_of_another_table_are_refused() {
        #[derive(Serialize)]
        struct Other {
            name: String,
            extra: u32,
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sample.parquet");
        let rows = [Other { name: "a".into(), extra: 1 }];
        let error = write_rows(&TABLE, &rows, &path, &provenance()).unwrap_err();
        assert!(matches!(error, StoreError::Rows { table: "sample", .. }), "{error}");
        let mut writer = TableWriter::create(&TABLE, &path, &provenance()).unwrap();
        let batch = RecordBatch::new_empty(crate::tables::scores::TABLE.schema());
        assert!(matches!(writer.write(&batch), Err(StoreError::BatchSchema { .. })));
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
