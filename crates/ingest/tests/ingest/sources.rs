//! Which files of a folder are a split.

use std::fs;
use std::path::Path;

use plimsoll_ingest::{IngestError, Ingested, dataset, read_source};

use plimsoll_test_support::benchmark_files;

fn gsm8k(path: &Path, rows: &[&str]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let answers: Vec<&str> = rows.iter().map(|_| "#### 1").collect();
    benchmark_files::write(
        path,
        &[("question", benchmark_files::text(rows)), ("answer", benchmark_files::text(&answers))],
    );
}

fn read(folder: &Path, split: Option<&str>) -> Result<Ingested, IngestError> {
    read_source(dataset("gsm8k").unwrap(), folder, split)
}

fn asked(found: &Ingested) -> Vec<(&str, &str)> {
    found
        .questions
        .iter()
        .map(|question| (question.question_id.as_str(), question.question.as_str()))
        .collect()
}

#[test]
fn the_hub_s_layouts() {
    for layout in [
        "data/test-00000-of-00001.parquet",
        "main/test-00000-of-00001.parquet",
        "main/test/0000.parquet",
        "test.parquet",
        "test/0000.parquet",
    ] {
        let folder = tempfile::tempdir().unwrap();
        gsm8k(&folder.path().join(layout), &["a", "b"]);
        gsm8k(&folder.path().join(layout.replace("test", "train")), &["c"]);
        let found = read(folder.path(), Some("test")).unwrap_or_else(|error| panic!("{layout}: {error}"));
        assert_eq!(asked(&found), [("gsm8k/test/0", "a"), ("gsm8k/test/1", "b")], "{layout}");
        let unsaid = read(folder.path(), None).unwrap_err();
        assert!(unsaid.to_string().contains("several splits of gsm8k (test, train); say which"), "{unsaid}");
    }
}

#[test]
fn the_dataset_s_own_configuration_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    gsm8k(&folder.path().join("socratic/test-00000-of-00001.parquet"), &["socratic"]);
    gsm8k(&folder.path().join("main/test-00000-of-00001.parquet"), &["main"]);
    assert_eq!(asked(&read(folder.path(), None).unwrap()), [("gsm8k/test/0", "main")]);
    let other = read(&folder.path().join("socratic"), Some("test")).unwrap();
    assert_eq!(other.questions[0].question, "socratic");
    gsm8k(&folder.path().join("x/test.parquet"), &["x"]);
    fs::remove_dir_all(folder.path().join("main")).unwrap();
    let two = read(folder.path(), Some("test")).unwrap_err();
    assert!(matches!(two, IngestError::Ambiguous { .. }), "{two}");
}

#[test]
fn parts_are_read_in_order_and_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let part = |number: usize| folder.path().join(format!("data/test-{number:05}-of-00011.parquet"));
    for number in (0..11).rev() {
        gsm8k(&part(number), &[&format!("q{number}"), &format!("r{number}")]);
    }
    let found = read(folder.path(), Some("test")).unwrap();
    assert_eq!((found.rows, found.files.len()), (22, 11));
    assert_eq!(asked(&found)[21], ("gsm8k/test/21", "r10"));
    assert_eq!(
        (found.questions[21].source_row, found.questions[21].source_file.as_str()),
        (1, "test-00010-of-00011.parquet")
    );
    assert!(matches!(read(&part(3), None), Err(IngestError::OnePart { parts: 11, .. })));
    fs::remove_file(part(4)).unwrap();
    let missing = read(folder.path(), Some("test")).unwrap_err();
    assert!(missing.to_string().contains("10 of the 11 parts"), "{missing}");
}

#[test]
fn spellings_of_the_validation_split_are_one() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("valid.jsonl"), "{\"goal\": \"g\", \"sol1\": \"a\", \"sol2\": \"b\"}\n")
        .unwrap();
    fs::write(folder.path().join("valid-labels.lst"), "1").unwrap();
    for split in ["dev", "val", "valid", "validation", "Validation"] {
        let found = read_source(dataset("piqa").unwrap(), folder.path(), Some(split)).unwrap();
        assert_eq!(found.questions[0].question_id.as_str(), "piqa/validation/0");
        assert_eq!(found.files.len(), 2, "the label file is one of the files");
    }
    let none = read_source(dataset("piqa").unwrap(), folder.path(), Some("test")).unwrap_err();
    assert!(none.to_string().contains("found: validation"), "{none}");
}

#[test]
fn a_split_that_is_asked_for_names_a_file_s_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.jsonl");
    fs::write(&path, "{\"question\": \"q\", \"answer\": \"#### 1\"}").unwrap();
    for (split, id) in
        [(None, "gsm8k/all/0"), (Some("dev"), "gsm8k/validation/0"), (Some("hard"), "gsm8k/hard/0")]
    {
        assert_eq!(read(&path, split).unwrap().questions[0].question_id.as_str(), id);
    }
    assert!(matches!(read(&path, Some("a/b")), Err(IngestError::SplitName { .. })));
}

#[test]
fn of_two_spellings_in_one_folder_the_one_asked_for_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["dev", "validation", "test"] {
        gsm8k(&folder.path().join(format!("main/{name}-00000-of-00001.parquet")), &[name]);
    }
    for (split, text) in
        [("dev", "dev"), ("validation", "validation"), ("val", "validation"), ("test", "test")]
    {
        assert_eq!(read(folder.path(), Some(split)).unwrap().questions[0].question, text);
    }
    let mmlu = tempfile::tempdir().unwrap();
    for name in ["dev", "val"] {
        fs::create_dir(mmlu.path().join(name)).unwrap();
        fs::write(mmlu.path().join(format!("{name}/law_{name}.csv")), format!("{name},a,b,c,d,A\n")).unwrap();
    }
    for (split, text) in [("dev", "dev"), ("val", "val"), ("validation", "val")] {
        let found = read_source(dataset("mmlu").unwrap(), mmlu.path(), Some(split)).unwrap();
        assert_eq!(found.questions[0].question, text, "{split}");
    }
}
