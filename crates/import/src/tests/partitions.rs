//! Columns out of the names of folders, through queries and without.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use super::*;
use crate::{SeriesFiles, expand_paths, find_series, read_series};

const QUERY: &str = "SELECT question_id, dataset, method, confidence, slm_correct, _file, _row FROM logs";

/// Three rows with these further columns.
fn parquet(more: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["q1", "q2", "q3"]));
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.25), None, Some(0.75)]));
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    let columns = [("question_id", ids), ("confidence", numbers), ("slm_correct", flags)];
    let batch = RecordBatch::try_from_iter(columns.into_iter().chain(more)).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn csv() -> String {
    "question_id,confidence,slm_correct\nq1,0.25,1\nq2,,0\nq3,0.75,1\n".to_owned()
}

fn json_lines() -> String {
    let row = |id: &str, confidence: &str, correct: &str| {
        format!("{{\"question_id\": \"{id}\", \"confidence\": {confidence}, \"slm_correct\": {correct}}}\n")
    };
    [row("q1", "0.25", "true"), row("q2", "null", "false"), row("q3", "0.75", "true")].concat()
}

fn texts(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value; 3]))
}

fn run(folder: &Folder, pattern: &str, sql: &str) -> Result<ImportSummary, ImportError> {
    let paths = expand_paths(folder.path(pattern).to_str().unwrap())?;
    let root = folder.0.path().to_owned();
    let spec = FileSpec { root, ..FileSpec::new(paths)? };
    import(&Import::new([("logs".to_owned(), spec)], sql), &(), None)
}

fn scores(folder: &Folder, patterns: &[&str]) -> Result<ImportSummary, ImportError> {
    let paths = patterns.iter().map(|pattern| expand_paths(folder.path(pattern).to_str().unwrap()));
    let paths: Vec<Vec<PathBuf>> = paths.collect::<Result<_, _>>()?;
    read_scores(&paths.concat(), &())
}

/// The rows of two datasets and methods, each with the three rows above.
fn expected(pairs: &[(&str, &str)]) -> Vec<String> {
    let rows = [("q1", "0.25", "Correct"), ("q2", "-", "Wrong"), ("q3", "0.75", "Correct")];
    let of = |(dataset, method): &(&str, &str)| {
        rows.map(|(id, confidence, grade)| {
            format!("{dataset} {id} slm - {method} {confidence} {grade} Ungraded")
        })
    };
    let mut all: Vec<String> = pairs.iter().flat_map(of).collect();
    all.sort();
    all
}

#[test]
fn every_format_has_the_columns_of_its_folders() {
    for (name, bytes) in [
        ("p.parquet", parquet(vec![])),
        ("p.csv", csv().into_bytes()),
        ("p.jsonl", json_lines().into_bytes()),
    ] {
        let folder = Folder::new();
        for pair in ["dataset=a/method=avg", "dataset=a/method=max", "method=avg/dataset=b%20c"] {
            folder.write(&format!("hive/{pair}/{name}"), &bytes);
        }
        let expected = expected(&[("a", "avg"), ("a", "max"), ("b c", "avg")]);
        let pattern = format!("hive/**/{name}");
        for given in ["hive", "hive/", &pattern] {
            assert_eq!(listed(&run(&folder, given, QUERY).unwrap().table), expected, "{given} {name}");
            assert_eq!(listed(&scores(&folder, &[given]).unwrap().table), expected, "{given} {name}");
        }
        // A query may use them like any column, and without the columns of the files.
        let sql = format!("{QUERY} WHERE dataset = 'a' AND upper(method) LIKE 'AV%'");
        let rows = listed(&run(&folder, "hive", &sql).unwrap().table);
        assert_eq!(rows, self::expected(&[("a", "avg")]), "{name}");
        let sql = "SELECT DISTINCT dataset || '/' || method AS question_id, dataset, 'm' AS method,
                   0.5 AS confidence, true AS slm_correct FROM logs";
        assert_eq!(run(&folder, "hive", sql).unwrap().rows, 3, "{name}");
    }
}

#[test]
fn integers_are_numbers_and_nothing_is_null() {
    let folder = Folder::new();
    for year in ["2024", "2025", "__HIVE_DEFAULT_PARTITION__"] {
        folder.write(&format!("year={year}/v=1.10/p.csv"), csv());
    }
    let sql = "SELECT question_id, coalesce(CAST(year - 2000 AS VARCHAR), 'none') AS dataset,
               concat(arrow_typeof(year), ' ', arrow_typeof(v), ' ', v) AS method, confidence, slm_correct
               FROM logs";
    let found = run(&folder, "", sql).unwrap();
    assert_eq!(
        listed(&found.table),
        expected(&[
            ("24", "Int64 Utf8View 1.10"),
            ("25", "Int64 Utf8View 1.10"),
            ("none", "Int64 Utf8View 1.10")
        ])
    );
    // Plimsoll's own columns of ids are text, whatever they look like; one that is nothing is missing.
    let folder = Folder::new();
    for (dataset, method) in [("7", "1"), ("007", "1")] {
        folder.write(&format!("dataset={dataset}/method={method}/p.csv"), csv());
    }
    assert_eq!(listed(&scores(&folder, &[""]).unwrap().table), expected(&[("7", "1"), ("007", "1")]));
    folder.write("dataset=/method=1/p.csv", csv());
    let refused = scores(&folder, &[""]);
    assert_refused(
        &folder,
        refused,
        &["3 rows cannot be used", "`dataset=/method=1/p.csv` line 2 (data row 1): dataset is missing"],
    );
}

#[test]
fn a_column_of_the_files_must_say_the_same() {
    let same = vec![("dataset", texts("a")), ("method", texts("avg"))];
    let folder = Folder::new();
    folder.write("dataset=a/p.parquet", parquet(same.clone()));
    let rows = expected(&[("a", "avg")]);
    assert_eq!(listed(&run(&folder, "", QUERY).unwrap().table), rows);
    assert_eq!(listed(&scores(&folder, &[""]).unwrap().table), rows);
    let folder = Folder::new();
    folder.write("dataset=b/p.parquet", parquet(same));
    for refused in [run(&folder, "", QUERY), scores(&folder, &[""])] {
        let expected =
            "`dataset=b/p.parquet` data row 1: column `dataset` is `a`, but the folders of the path say `b`";
        assert_refused(&folder, refused, &[expected, "rename the column or the folder"]);
    }
    // What nobody reads is not held against anything.
    assert!(run(&folder, "", &QUERY.replace("dataset,", "'x' AS dataset,")).is_ok());
    // In the second of many rows, in a file of text, and as a number.
    let folder = Folder::new();
    folder.write("shard=7/dataset=d/method=m/p.csv", csv().replace('\n', ",7\n").replacen(",7", ",shard", 1));
    let sql = format!("{QUERY} WHERE shard = 7");
    assert_eq!(run(&folder, "", &sql).unwrap().rows, 3);
    folder.write(
        "shard=7/dataset=d/method=m/p.csv",
        csv().replace("q2,,0", "q2,,0,8").replace("1\n", "1,7\n").replace("correct\n", "correct,shard\n"),
    );
    assert_refused(&folder, run(&folder, "", &sql), &["data row 2: column `shard` is `8`", "say `7`"]);
    let folder = Folder::new();
    folder.write(
        "n=1/dataset=d/method=m/p.parquet",
        parquet(vec![("n", Arc::new(Int64Array::from(vec![1, 1, 1])))]),
    );
    assert_eq!(run(&folder, "", &format!("{QUERY} WHERE n = 1")).unwrap().rows, 3);
}

#[test]
fn layouts_that_do_not_fit_together_name_a_file() {
    let folder = Folder::new();
    folder.write("hive/dataset=a/method=avg/p.csv", csv());
    folder.write("hive/dataset=b/p.csv", csv());
    for refused in [run(&folder, "hive", QUERY), scores(&folder, &["hive"])] {
        let expected =
            "`hive/dataset=b/p.csv` lies in no folder `method=..`, as `hive/dataset=a/method=avg/p.csv` does";
        assert_refused(&folder, refused, &[expected]);
    }
    // For files with Plimsoll's columns only such columns count: the rest is ignored, as ever.
    let folder = Folder::new();
    let whole = format!("{HEADER}q,d,m,0.5,1\n");
    folder.write("run=1/a.csv", &whole);
    folder.write("b.csv", whole.replace("q,", "r,"));
    assert_eq!(scores(&folder, &["run=1/a.csv", "b.csv"]).unwrap().rows, 2);
    let folder = Folder::new();
    folder.write("date=2024-01-01/a.csv", &whole);
    let notes = scores(&folder, &[""]).unwrap().notes;
    assert!(notes[0].starts_with("column `date` of"), "{notes:?}");
    // A misspelt one is named as what it may have meant to be.
    let folder = Folder::new();
    folder.write("datset=a/method=m/p.csv", csv());
    assert_refused(&folder, scores(&folder, &[""]), &["no column `dataset` (is `datset` meant?)"]);
    let sql = QUERY.replace("dataset,", "'x' AS dataset, nothing,");
    assert_refused(&folder, run(&folder, "", &sql), &["nothing"]);
}

#[test]
fn folders_above_what_is_given_are_no_columns() {
    let folder = Folder::new();
    folder.write("dataset=x/hive/dataset=a/method=m/p.csv", csv());
    let paths = expand_paths(folder.path("dataset=x/hive").to_str().unwrap()).unwrap();
    let spec = FileSpec { root: folder.path("dataset=x"), ..FileSpec::new(paths.clone()).unwrap() };
    let found = import(&Import::new([("logs".to_owned(), spec)], QUERY), &(), None).unwrap();
    assert_eq!(listed(&found.table), expected(&[("a", "m")]));
    // Given with them, they would be two values of one column.
    assert_refused(&folder, read_scores(&paths, &()), &["lies in two folders `dataset=..`"]);
}

#[test]
fn hostile_names() {
    let folder = Folder::new();
    folder.write("dataset=a%0Ab/method=m/p.csv", csv());
    assert_refused(&folder, scores(&folder, &[""]), &["line 2 (data row 1)", "dataset", "control character"]);
    for (path, expected) in [
        ("_row=1/p.csv", "`_row`, a name that is kept"),
        ("dataset=%ff/p.csv", "the name of the folder `dataset=%ff`"),
    ] {
        let folder = Folder::new();
        folder.write(path, csv());
        assert_refused(&folder, run(&folder, "", QUERY), &[path, expected]);
    }
    let folder = Folder::new();
    let long = "x".repeat(200);
    folder.write(&format!("dataset={long}/method=a=b==/=/p.csv"), csv());
    assert_eq!(listed(&scores(&folder, &[""]).unwrap().table), expected(&[(&long, "a=b==")]));
}

#[test]
fn a_folder_of_several_formats_or_of_nothing_is_refused() {
    let folder = Folder::new();
    fs::create_dir(folder.path("none")).unwrap();
    assert_refused(&folder, scores(&folder, &["none"]), &["there is no file below `none`"]);
    folder.write("hive/dataset=a/method=m/p.csv", csv());
    folder.write("hive/dataset=a/method=m/_SUCCESS", "");
    folder.write("hive/dataset=a/method=m/.p.csv.crc", "x");
    assert_eq!(scores(&folder, &["hive"]).unwrap().rows, 3);
    folder.write("hive/dataset=b/method=m/p.jsonl", json_lines());
    let both = expected(&[("a", "m"), ("b", "m")]);
    assert_eq!(listed(&scores(&folder, &["hive"]).unwrap().table), both, "of any formats");
    assert_refused(&folder, run(&folder, "hive", QUERY), &["of different formats; one table takes one"]);
    folder.write("hive/dataset=c/method=m/p.csv.gz", b"\x1f\x8b");
    assert_refused(&folder, scores(&folder, &["hive"]), &["p.csv.gz` is compressed (gzip)"]);
}

#[test]
fn compressed_text_is_refused_as_what_it_is() {
    let folder = Folder::new();
    for (name, bytes, format) in [
        ("a.csv", &b"\x1f\x8b\x08\0\0\0\0\0\0\0"[..], "gzip"),
        ("a.jsonl", b"\x28\xb5\x2f\xfd\0\0", "Zstandard"),
        ("a.tsv", b"BZh91AY&SY", "bzip2"),
        ("a.json", b"PK\x03\x04\0\0", "zip"),
        ("a.txt", b"\x1f\x8b", "gzip"),
        ("a.csv.zst", b"", "Zstandard"),
        ("a.jsonl.xz", b"any", "xz"),
    ] {
        let expected = format!("`{name}` is compressed ({format}); unpack it first");
        assert_refused(&folder, folder.scores(name, bytes), &[&expected]);
    }
    // Whatever format the plan gives.
    let spec = FileSpec {
        paths: vec![folder.write("b.csv.gz", b"\x1f\x8b\x08")],
        ..FileSpec::new(vec!["b.csv".into()]).unwrap()
    };
    let refused = import(&Import::new([("logs".to_owned(), spec)], QUERY), &(), None);
    assert_refused(&folder, refused, &["`b.csv.gz` is compressed (gzip)"]);
}

#[test]
fn series_are_found_by_their_folders() {
    let folder = Folder::new();
    let graded = || {
        parquet(vec![("dataset", texts("a")), ("llm_correct", Arc::new(BooleanArray::from(vec![true; 3])))])
    };
    for path in ["slm=b/method=m%20x/1", "slm=b/method=m%20x/2", "slm=a/method=n/1", "slm=/method=n/1"] {
        folder.write(&format!("{path}.parquet"), graded());
    }
    let paths = expand_paths(folder.0.path().to_str().unwrap()).unwrap();
    let found = find_series(&paths).unwrap().unwrap();
    let shown = |series: &SeriesFiles| {
        let SeriesFiles { key, paths, rows } = series;
        format!("{} {} {} {} {rows}", key.slm, key.llm.as_ref().unwrap(), key.method, paths.len())
    };
    let shown: Vec<String> = found.series.iter().map(shown).collect();
    assert_eq!(shown, ["a llm n 1 3", "b llm m x 2 6", "slm llm n 1 3"]);
    // What is read of a series is that series; two files of it repeat their rows here.
    let one = read_series(&found.series[0], &()).unwrap();
    assert_eq!((one.table.keys(), one.rows), (vec![found.series[0].key.clone()], 3));
    assert!(matches!(read_series(&found.series[1], &()), Err(ImportError::Rows { total: 3, .. })));
}

#[test]
fn files_that_may_hold_several_series_are_not_taken_apart() {
    let named = |more: Vec<(&'static str, ArrayRef)>| parquet([vec![("dataset", texts("a"))], more].concat());
    for (name, bytes) in [
        ("method=m/p.csv", csv().into_bytes()),
        // The SLMs, or the method, stand in the files alone.
        ("method=m/p.parquet", named(vec![("slm", texts("x"))])),
        ("slm=s/p.parquet", named(vec![("method", texts("m"))])),
        // What is no id is an error of its rows.
        ("slm=a%0Ab/method=m/p.parquet", named(vec![])),
        ("method=/p.parquet", named(vec![])),
    ] {
        let folder = Folder::new();
        folder.write(name, &bytes);
        let paths = expand_paths(folder.0.path().to_str().unwrap()).unwrap();
        assert!(find_series(&paths).unwrap().is_none(), "{name}");
    }
    let folder = Folder::new();
    folder.write("slm=a/method=m/p.parquet", parquet(vec![]));
    let paths = expand_paths(folder.0.path().to_str().unwrap()).unwrap();
    assert!(matches!(find_series(&paths), Err(ImportError::MissingColumn { column: "dataset", .. })));
    assert!(find_series(&[]).unwrap().is_none());
}
