//! Files that nobody meant to write: each ends in a clear error with file and row, and without a panic. What they cost in memory is measured in `tests/memory.rs`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::ArrayRef;
use plimsoll_ingest::{DATASETS, IngestError, Ingested, RejectReason, dataset, read_source};
use proptest::prelude::*;
use tempfile::TempDir;

use plimsoll_test_support::benchmark_files;

fn read(id: &str, path: &Path) -> Result<Ingested, IngestError> {
    read_source(dataset(id).unwrap(), path, Some("test"))
}

fn written(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The error and its causes, as the command line prints them.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").unwrap();
        cause = error.source();
    }
    text
}

fn error(id: &str, name: &str, bytes: &[u8]) -> String {
    let (_folder, path) = written(name, bytes);
    let error = chain(&read(id, &path).unwrap_err());
    assert!(error.contains(name), "{error}");
    error
}

const ROW: &str = r#"{"question": "How many?", "answer": "One.\n#### 1"}"#;

#[test]
fn wrong_paths() {
    let folder = tempfile::tempdir().unwrap();
    let missing = chain(&read("gsm8k", &folder.path().join("no-such.jsonl")).unwrap_err());
    assert!(missing.contains("no-such.jsonl") && missing.contains("No such file"), "{missing}");
    let none = read("gsm8k", folder.path()).unwrap_err().to_string();
    assert!(none.contains("no file of split `test`") && none.contains("found: nothing"), "{none}");
    assert!(error("gsm8k", "test.xlsx", b"x").contains("known are .json .jsonl"));
    #[cfg(unix)]
    assert!(matches!(read("gsm8k", Path::new("/dev/null")), Err(IngestError::NotAFile { .. })));
}

#[test]
fn empty_files() {
    for (id, name) in
        [("gsm8k", "test.jsonl"), ("mmlu", "test.csv"), ("gsm8k", "test.parquet"), ("hellaswag", "test.txt")]
    {
        assert!(error(id, name, b"").contains("is empty"));
    }
    assert!(error("gsm8k", "test.jsonl", b"\xef\xbb\xbf\n \r\n").contains("is empty"));
    assert!(error("gsm8k", "test.json", b"[]").contains("is empty"));
    assert!(
        error("truthfulqa", "test.csv", b"Question,Best Answer,Incorrect Answers\n").contains("is empty")
    );
}

#[test]
fn a_file_of_another_dataset_is_one_error() {
    let rows = format!("{ROW}\n").repeat(2000);
    let wrong = error("openbookqa", "test.jsonl", rows.as_bytes());
    for part in [
        "openbookqa",
        "question, answer",
        "native form needs id, question.stem, question.choices",
        "hub form needs id, question_stem",
    ] {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
    let commonsense =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/commonsense_qa/dev_rand_split.jsonl"))
            .unwrap();
    assert!(error("openbookqa", "test.jsonl", &commonsense).contains("5 choices, where 4 are due"));
    let open_book =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openbookqa/test.jsonl")).unwrap();
    assert!(error("commonsense_qa", "test.jsonl", &open_book).contains("question_concept"));
    assert!(error("mmlu", "test.csv", b"a,b\nc,d\n").contains("2 cells, where 6 are due"));
    assert!(error("gsm8k", "test.jsonl", b"hello\nworld\n").contains("not JSON"));
}

/// Each dataset's adapter on each other dataset's fixture: an error, or questions; no panic, and never a
/// file whose rows are all refused for their shape.
#[test]
fn every_adapter_on_every_fixture() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for one in DATASETS {
        for other in DATASETS.iter().filter(|other| other.id() != one.id()) {
            for file in fs::read_dir(fixtures.join(other.id())).unwrap() {
                let path = file.unwrap().path();
                if let Ok(found) = read_source(*one, &path, Some("test")) {
                    assert!(found.questions.is_empty(), "{} reads {}", one.id(), path.display());
                    assert_eq!(found.unlabelled(), found.rows, "{} reads {}", one.id(), path.display());
                }
            }
        }
    }
}

#[test]
fn rows_that_cannot_be_read_are_refused_with_row_and_line() {
    let mut bytes = format!("\u{feff}{ROW}\r\n\n{{\"question\": \"a\n").into_bytes();
    bytes.extend_from_slice(b"{\"question\": \"\xff\", \"answer\": \"#### 2\"}\r[1]\n");
    bytes.extend_from_slice(
        b"{\"question\": \"b\", \"answer\": \"no number\"}\n{\"question\": \" \", \"answer\": \"#### 1\"}\n",
    );
    bytes.extend_from_slice(ROW.as_bytes());
    let (_folder, path) = written("test.jsonl", &bytes);
    let found = read("gsm8k", &path).unwrap();
    assert_eq!((found.rows, found.questions.len()), (7, 2));
    let rows_and_lines: Vec<_> = found.refused.iter().map(|row| (row.row, row.line.unwrap())).collect();
    assert_eq!(rows_and_lines, [(2, 3), (3, 4), (4, 5), (5, 6), (6, 7)]);
    let reasons: Vec<_> = found.refused.iter().map(|row| row.reason.to_string()).collect();
    for (reason, part) in reasons.iter().zip([
        "not JSON: EOF",
        "not UTF-8",
        "a list, not an object",
        "####",
        "`question` is blank",
    ]) {
        assert!(reason.contains(part), "{reason}");
    }
    assert_eq!(found.questions[1].question_id.as_str(), "gsm8k/test/6");
    assert!(found.refused[0].to_string().contains("test.jsonl` row 2 (line 3): not JSON"));
}

#[test]
fn truncated_and_malformed_documents() {
    let whole =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/coqa/coqa-dev-v1.0.json")).unwrap();
    let cut = error("coqa", "dev.json", &whole[..whole.len() / 2]);
    assert!(cut.contains("not JSON") && cut.contains("line"), "{cut}");
    let array = error("multiarith", "all.json", b"[{\"sQuestion\": \"a\", \"lSolutions\": [1.0]},");
    assert!(array.contains("not JSON") && array.contains("column"), "{array}");
    assert!(error("multiarith", "all.json", b"[\"\xff\"]").contains("not UTF-8 at byte 2"));
    let deep =
        format!("{{\"question\": {}1{}, \"answer\": \"#### 1\"}}\n", "[".repeat(5000), "]".repeat(5000));
    assert!(error("gsm8k", "test.jsonl", deep.as_bytes()).contains("recursion limit"));
    let deep = format!("[{}1{}]", "[".repeat(200_000), "]".repeat(200_000));
    assert!(error("multiarith", "all.json", deep.as_bytes()).contains("all.json"));
    let wide = format!("{{\"question\": [{}0], \"answer\": \"#### 1\"}}\n", "0,".repeat(3_000_000));
    assert!(error("gsm8k", "test.jsonl", wide.as_bytes()).contains("values in one row"));
}

#[test]
fn quotes_that_never_close_and_ragged_rows() {
    let head = "Question,Best Answer,Incorrect Answers\n";
    let open = error("truthfulqa", "all.csv", format!("{head}a,b,c\nd,\"e,f\ng,h,i\n").as_bytes());
    assert!(open.contains("line 3") && open.contains("never closed"), "{open}");
    let (_folder, path) =
        written("all.csv", format!("{head}a,b,c;d\nx,y\n\"e\r\nf\",g,h;i\r\nq,\u{fffd}r,s").as_bytes());
    let found = read("truthfulqa", &path).unwrap();
    assert_eq!((found.rows, found.questions.len()), (4, 3));
    assert_eq!(found.refused[0].line, Some(3));
    assert_eq!(found.refused[0].reason, RejectReason::Ragged { found: 2, expected: 3, what: "cells" });
    let mut bytes = format!("{head}a,b,c\n").into_bytes();
    bytes.extend_from_slice(b"d,\xff,e\nf,g,h");
    let (_folder, path) = written("all.csv", &bytes);
    assert_eq!(read("truthfulqa", &path).unwrap().refused[0].reason, RejectReason::NotUtf8);
}

#[test]
fn labels_that_do_not_belong() {
    let (folder, path) = written("dev.jsonl", b"{\"goal\": \"g\", \"sol1\": \"a\", \"sol2\": \"b\"}\n{\"goal\": \"h\", \"sol1\": \"a\", \"sol2\": \"b\"}\n");
    let labels = folder.path().join("dev-labels.lst");
    fs::write(&labels, "0\n").unwrap();
    let error = read("piqa", &path).unwrap_err().to_string();
    assert!(error.contains("has 1 labels") && error.contains("2 rows"), "{error}");
    fs::write(&labels, "0\n7\n\n").unwrap();
    let found = read("piqa", &path).unwrap();
    assert_eq!((found.questions.len(), found.refused[0].row), (1, 2));
    assert!(found.refused[0].reason.to_string().contains("\"7\""));
    fs::write(&labels, "0".repeat(1 << 20)).unwrap();
    assert!(read("piqa", &path).unwrap_err().to_string().contains("dev-labels.lst"));
    fs::remove_file(&labels).unwrap();
    assert_eq!(read("piqa", &path).unwrap().unlabelled(), 2);
    let (folder, path) = written(
        "dev.jsonl",
        b"{\"sentence\": \"a _\", \"option1\": \"x\", \"option2\": \"y\", \"answer\": \"1\"}\n",
    );
    fs::write(folder.path().join("dev-labels.lst"), "2\n").unwrap();
    assert_eq!(
        read("winogrande", &path).unwrap().refused[0].reason.to_string(),
        "the row says \"1\", the label file \"2\""
    );
}

fn parquet_bytes(columns: &[(&str, ArrayRef)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    benchmark_files::write(&path, columns);
    fs::read(path).unwrap()
}

#[test]
fn truncated_parquet() {
    let whole = parquet_bytes(&[
        ("question", benchmark_files::text(&["q"; 50])),
        ("answer", benchmark_files::text(&["#### 1"; 50])),
    ]);
    for cut in [3, 12, whole.len() / 2, whole.len() - 1] {
        assert!(error("gsm8k", "test.parquet", &whole[..cut]).contains("Parquet"));
    }
    assert!(error("gsm8k", "test.parquet", b"PAR1 is not enough").contains("Parquet"));
    let missing = parquet_bytes(&[
        ("question", benchmark_files::text(&["q"])),
        ("reply", benchmark_files::text(&["x"])),
    ]);
    assert!(error("gsm8k", "test.parquet", &missing).contains("question, reply"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any bytes, under any name: an error or questions, every row accounted for.
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), name in 0usize..5, which in 0usize..14) {
        let name = ["test.jsonl", "test.json", "test.csv", "test.parquet", "test.txt"][name];
        let (_folder, path) = written(name, &bytes);
        if let Ok(found) = read_source(DATASETS[which], &path, None) {
            prop_assert_eq!(found.rows, (found.questions.len() + found.refused.len()) as u64);
        }
    }

    /// A damaged byte in a good Parquet file.
    #[test]
    fn a_damaged_byte_in_parquet(offset in 0usize..2000, value in any::<u8>()) {
        let mut bytes = parquet_bytes(&[("question", benchmark_files::text(&["how many", "how much"])), ("answer", benchmark_files::text(&["#### 1", "#### 2"]))]);
        let length = bytes.len();
        bytes[offset % length] = value;
        let (_folder, path) = written("test.parquet", &bytes);
        if let Ok(found) = read("gsm8k", &path) {
            prop_assert_eq!(found.rows, (found.questions.len() + found.refused.len()) as u64);
        }
    }
}
