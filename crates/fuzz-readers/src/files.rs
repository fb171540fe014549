//! Readers of data files. The first byte chooses the format.

use plimsoll_import::read_scores;
use plimsoll_ingest::{dataset, read_source};

use crate::temporary::with_file;

/// A file of scores: CSV, JSON lines or Parquet.
pub fn score_file(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let name = ["scores.csv", "scores.jsonl", "scores.parquet"][usize::from(*first) % 3];
    with_file(name, body, |path| {
        let _ = read_scores(&[path.to_owned()], &());
    });
}

/// A file of a benchmark: JSON lines, CSV, Parquet, or the one JSON document of a benchmark of stories.
pub fn benchmark_file(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let (id, name) = [
        ("gsm8k", "test.jsonl"),
        ("truthfulqa", "test.csv"),
        ("openbookqa", "test.parquet"),
        ("coqa", "coqa-dev-v1.0.json"),
    ][usize::from(*first) % 4];
    let Some(dataset) = dataset(id) else { panic!("no benchmark {id}") };
    with_file(name, body, |path| {
        let Ok(read) = read_source(dataset, path, Some("test")) else { return };
        for question in &read.questions {
            assert!(!question.gold.is_empty(), "a question without a gold answer");
        }
    });
}
