//! Any bytes at all: an error or a table, never a panic.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use super::*;
use crate::Format;
use crate::file_table::FileTable;
use crate::files;

/// Reads a file as a table of its own columns, without a query; the query engine is not at stake here.
fn read(path: &Path, format: Format, delimiter: u8, header: bool) -> Result<u64, ImportError> {
    let spec = FileSpec { paths: vec![path.to_owned()], format, delimiter, header, root: PathBuf::new() };
    let table = FileTable::open(spec.clone(), &[], &|_| true)?;
    let rows = table.rows().next().unwrap().1;
    let layout = files::layout(&spec, &[])?;
    let fields: Vec<_> = layout
        .columns
        .iter()
        .map(|(name, data_type)| arrow::datatypes::Field::new(name, data_type.clone(), true))
        .collect();
    let schema = Arc::new(arrow::datatypes::Schema::new(fields));
    let mut read = 0;
    for chunk in files::scan(&spec, path, &schema)? {
        let chunk = chunk?;
        assert!(chunk.columns.iter().all(|column| column.len() == chunk.rows));
        read += chunk.rows as u64;
    }
    // Damaged Parquet may promise other counts than it holds; the text formats count themselves.
    assert!(format == Format::Parquet || read == rows);
    Ok(read)
}

/// Text that often is almost right.
fn almost(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

const CSV: &[&str] = &[
    ",", ",", "\n", "\n", "\r\n", "\r", "\"", "\"\"", "a", "1", "-1", "0.5", "true", "nan", " ", "\u{feff}",
    "é", "\t", "\0",
];
const JSON: &[&str] = &[
    "{",
    "}",
    "\n",
    "\n",
    "\r\n",
    "\"a\"",
    "\"b\"",
    ":",
    ":",
    ",",
    "1",
    "-0",
    "1e9",
    "1e999",
    "0.5",
    "true",
    "null",
    "[",
    "]",
    "\"",
    "\\",
    "\\ud800",
    "\\u0061",
    "NaN",
    "-Infinity",
    " ",
    "{\"a\":1}\n",
    "{\"a\":\"x\"}\n",
    "{\"b\":[{\"c\":{}}]}\n",
    "\u{feff}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn csv_never_panics(bytes in prop_oneof![almost(CSV), prop::collection::vec(any::<u8>(), 0..300)], header: bool, delimiter in prop::sample::select(vec![b',', b'\t', b' ', b';', 4u8, b'a', 0u8])) {
        let folder = Folder::new();
        let _ = read(&folder.write("a.csv", bytes), Format::Csv, delimiter, header);
    }

    #[test]
    fn json_lines_never_panic(bytes in prop_oneof![almost(JSON), prop::collection::vec(any::<u8>(), 0..300)]) {
        let folder = Folder::new();
        let _ = read(&folder.write("a.jsonl", bytes), Format::JsonLines, b',', true);
    }

    #[test]
    fn every_cell_that_csv_quotes_comes_back(cells in prop::collection::vec("[a-z\",\r\n é]{1,8}", 1..30)) {
        let folder = Folder::new();
        let quoted = lines(cells.iter().map(|cell| format!("\"{}\",x\n", cell.replace('"', "\"\""))));
        let path = folder.write("a.csv", format!("a,b\n{quoted}"));
        let spec = FileSpec::new(vec![path.clone()]).unwrap();
        let schema = Arc::new(arrow::datatypes::Schema::new(vec![arrow::datatypes::Field::new("a", arrow::datatypes::DataType::Utf8, true)]));
        let chunks: Vec<_> = files::scan(&spec, &path, &schema).unwrap().collect::<Result<_, _>>().unwrap();
        let column = arrow::array::AsArray::as_string::<i32>(&chunks[0].columns[0]);
        prop_assert_eq!(column.iter().flatten().collect::<Vec<_>>(), cells);
    }
}

fn parquet(compression: Compression) -> Vec<u8> {
    let texts: ArrayRef = Arc::new(
        (0..200).map(|row| (row % 7 > 0).then(|| format!("text {}", row % 50))).collect::<StringArray>(),
    );
    let ids: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..200).map(|row| format!("a longer id {row}"))));
    let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values((0..200).map(f64::from)));
    let batch = RecordBatch::try_from_iter([("texts", texts), ("ids", ids), ("numbers", numbers)]).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(128))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn damaged_parquet_never_panics() {
    let folder = Folder::new();
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1).unwrap());
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, zstd] {
        let good = parquet(compression);
        assert_eq!(read(&folder.write("a.parquet", &good), Format::Parquet, b',', true).unwrap(), 200);
        for end in (0..good.len()).step_by(29) {
            assert!(read(&folder.write("a.parquet", &good[..end]), Format::Parquet, b',', true).is_err());
        }
        // A sample: every byte with every flip takes minutes, and has been done.
        for (at, flip) in (0..good.len()).zip([0x01u8, 0x80, 0xff].into_iter().cycle()).step_by(10) {
            let mut bytes = good.clone();
            bytes[at] ^= flip;
            let _ = read(&folder.write("a.parquet", &bytes), Format::Parquet, b',', true);
        }
    }
}
