//! What hostile files cost in memory. One test in a process of its own, so that the peak is its own.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, also in what they share")]

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use plimsoll_ingest::{dataset, read_source};

/// What reading a hostile file may add to the memory held.
const MAX_BYTES: u64 = 200 << 20;

/// A figure of the process, in bytes.
fn held(figure: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(figure))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// Reads a file, which must fail, and measures what that takes.
fn refused(id: &str, path: &Path) -> Option<String> {
    // Makes the peak what is held now (Linux).
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = held("VmHWM:");
    let error = read_source(dataset(id)?, path, Some("test")).err()?.to_string();
    if let (Some(before), Some(after)) = (before, held("VmHWM:")) {
        assert!(after - before < MAX_BYTES, "{}: {} bytes more", path.display(), after - before);
    }
    Some(error)
}

#[test]
fn hostile_files_cost_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let line = "line 1: longer than 67108864 bytes";
    for (name, start, id, due) in [
        ("test.jsonl", &b"{\"question\": \""[..], "gsm8k", line),
        ("test.csv", b"\"", "truthfulqa", line),
        ("plain.csv", b"a", "truthfulqa", line),
        ("test.txt", b"x", "hellaswag", line),
        ("test.json", b"[\"", "gsm8k", "one JSON document of more than 268435456 bytes"),
    ] {
        // A gigabyte on one line: a hole in the file takes no room on disk and reads as zeros.
        let path = folder.path().join(name);
        let mut file = File::create(&path).unwrap();
        file.write_all(start).unwrap();
        file.seek(SeekFrom::Start(1 << 30)).unwrap();
        file.write_all(b"\n").unwrap();
        let error = refused(id, &path).unwrap();
        assert!(error.contains(due), "{error}");
    }
    let path = folder.path().join("test.parquet");
    bomb(&path);
    assert!(fs::metadata(&path).unwrap().len() < 32 << 20);
    let error = refused("gsm8k", &path).unwrap();
    assert!(error.contains("bytes of an unpacked page"), "{error}");
}

/// Three hundred megabytes of one letter in one page.
fn bomb(path: &Path) {
    let text = "a".repeat(300 << 20);
    let column: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
    let batch = RecordBatch::try_from_iter([("question", Arc::clone(&column)), ("answer", column)]).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}
