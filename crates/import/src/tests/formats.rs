//! Files as they come: what is read, and what is refused with file, line and row.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use super::*;
use crate::Format;
use crate::collector::Collector;
use crate::file_table::FileTable;
use crate::session::Query;

#[test]
fn csv_of_every_writer() {
    let rows = "q1,d,m,0.5,true\nq2,d,m,,false\n";
    let plain = format!("{HEADER}{rows}");
    let folder = Folder::new();
    let expected = ["d q1 slm - m 0.5 Correct Ungraded", "d q2 slm - m - Wrong Ungraded"];
    for (what, text) in [
        ("plain", plain.clone()),
        ("byte order mark", format!("\u{feff}{plain}")),
        ("CR LF", plain.replace('\n', "\r\n")),
        ("CR", plain.replace('\n', "\r")),
        ("no last line break", plain.trim_end().to_owned()),
        ("CR LF, no last line break", plain.replace('\n', "\r\n").trim_end().to_owned()),
        ("empty lines", plain.replace('\n', "\n\n") + "\n\r\n"),
        ("quotes", plain.replace("q1", "\"q1\"").replace(",d,", ",\"d\",").replace("true", "\"true\"")),
        ("quotes at the end", format!("{}\"false\"", plain.trim_end().trim_end_matches("false"))),
    ] {
        let imported = folder.scores("a.csv", text).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(listed(&imported.table), expected, "{what}");
    }
    let tabs = folder.scores("a.tsv", plain.replace(',', "\t")).unwrap();
    assert_eq!(listed(&tabs.table), expected);
}

#[test]
fn csv_that_is_refused() {
    let folder = Folder::new();
    let cases: &[(&str, String, &[&str])] = &[
        ("empty", String::new(), &["`a.csv` is empty"]),
        ("line breaks only", "\n\n".into(), &["`a.csv` is empty"]),
        ("byte order mark only", "\u{feff}".into(), &["`a.csv` is empty"]),
        ("header only", HEADER.into(), &["no data rows in `a.csv`"]),
        (
            "short row",
            format!("{HEADER}q,d,m,0.5,1\nq,d,m\n"),
            &["`a.csv` line 3 (data row 2): 3 cells where the table has 5 columns"],
        ),
        ("long row", format!("{HEADER}q,d,m,0.5,1,\n"), &["line 2 (data row 1): 6 cells"]),
        (
            "short row after a quoted line break and CR LF",
            format!("{HEADER}\"q\n1\",d,m,0.5,1\n\nq2,d,m,0.5\n").replace('\n', "\r\n"),
            &["`a.csv` line 5 (data row 2): 4 cells"],
        ),
        (
            "open quote",
            format!("{HEADER}q1,d,m,0.5,1\nq2,d,m,0.5,\"1\nq3,d,m,0.5,1\n"),
            &["line 3 (data row 2): a quote is opened in this row and never closed"],
        ),
        ("open quote in the header", "a,\"b\n1,2\n".into(), &["line 1: a quote is opened"]),
        ("open quote at the end", format!("{HEADER}q1,d,m,0.5,\""), &["line 2 (data row 1): a quote"]),
        ("repeated name", "a,b,a\n1,2,3\n".into(), &["`a.csv` has two columns named `a`"]),
        ("name of a location", "a,_row\n1,2\n".into(), &["`a.csv` has a column `_row`"]),
        (
            "missing column",
            "question_id,dataset,method,confidance,slm_correct\nq,d,m,0.5,1\n".into(),
            &[
                "no column `confidence` (is `confidance` meant?)",
                "`question_id`, `dataset`, `method`, `confidance`, `slm_correct`",
            ],
        ),
    ];
    for (what, text, expected) in cases {
        let result = folder.scores("a.csv", text);
        assert!(result.is_err(), "{what}");
        assert_refused(&folder, result, expected);
    }
    let mut bytes = format!("{HEADER}q1,d,m,0.5,1\nq").into_bytes();
    bytes.extend(b"\xff,d,m,0.5,1\n");
    assert_refused(&folder, folder.scores("a.csv", &bytes), &["`a.csv` line 3 (data row 2): not UTF-8"]);
    assert_refused(&folder, folder.scores("a.csv", b"\xff\xfeq\0u\0"), &["`a.csv` line 1: not UTF-8"]);
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = Folder::new();
    let read = |name: &str| read_scores(&[folder.path(name)], &());
    assert_refused(&folder, read("nope.csv"), &["cannot read `nope.csv`: No such file"]);
    fs::create_dir(folder.path("folder.parquet")).unwrap();
    assert_refused(&folder, read("folder.parquet"), &["`folder.parquet` is not a regular file"]);
    assert_refused(&folder, read("a.xlsx"), &["`a.xlsx`: the format is not clear"]);
    assert_refused(&folder, read_scores(&[], &()), &["no file was given"]);
    assert_refused(&folder, read_scores(&["/dev/zero".into()], &()), &["the format is not clear"]);
}

#[test]
fn a_row_without_an_end_is_refused_in_bounded_memory() {
    // A quote that is opened in the first row of a file of 200 MiB; and a line of that length.
    let folder = Folder::new();
    for (name, start, location) in [
        ("a.csv", format!("{HEADER}\"q1,d,m,0.5,1\n"), "line 2 (data row 1)"),
        ("a.jsonl", "{\"question_id\": \"".to_owned(), "line 1 (data row 1)"),
    ] {
        let path = folder.write(name, start);
        // A sparse file: the zeros take no space.
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(200 << 20).unwrap();
        assert_refused(&folder, read_scores(&[path], &()), &[name, location, "a row longer than 64 MiB"]);
    }
}

#[test]
fn json_lines() {
    let folder = Folder::new();
    let line = |id: &str, rest: &str| {
        format!("{{\"question_id\": {id}, \"dataset\": \"d\", \"method\": \"m\"{rest}}}\n")
    };
    let text = [
        "\u{feff}".to_owned(),
        line("\"q1\"", ", \"confidence\": 0.5, \"slm_correct\": true"),
        "\r\n  \n".to_owned(),
        line("\"q\\u0032\\\"\"", ", \"confidence\": 1, \"slm_correct\": false, \"more\": {\"a\": [1, 2]}"),
        line("18446744073709551616", ", \"confidence\": null"),
        line("1.10", "").trim_end().to_owned(),
    ]
    .concat();
    let imported = folder.scores("a.jsonl", text).unwrap();
    let expected = [
        "d 1.10 slm - m - Ungraded Ungraded",
        "d 18446744073709551616 slm - m - Ungraded Ungraded",
        "d q1 slm - m 0.5 Correct Ungraded",
        "d q2\" slm - m 1 Wrong Ungraded",
    ];
    assert_eq!(listed(&imported.table), expected);
    assert_eq!(
        imported.notes,
        [format!("column `more` of `{}` is ignored", folder.path("a.jsonl").display())]
    );
}

#[test]
fn json_lines_that_are_refused() {
    let good = "{\"question_id\": \"q1\", \"dataset\": \"d\", \"method\": \"m\", \"confidence\": 0.5, \"slm_correct\": 1}\n";
    let folder = Folder::new();
    for (what, line, expected) in [
        ("array", "[1]", "a.jsonl` line 3 (data row 2): a JSON array; write JSON lines instead"),
        (
            "number",
            "1",
            "line 3 (data row 2): not a JSON object: invalid type: integer `1`, expected an object",
        ),
        ("text", "q1,d,m", "line 3 (data row 2): not a JSON object: expected value, at column 1"),
        ("cut off", "{\"a\": 1", "line 3 (data row 2): not a JSON object: EOF while parsing an object"),
        ("two objects", "{} {}", "not a JSON object: trailing characters, at column 4"),
        ("duplicate key", "{\"a\": 1, \"b\": 2, \"a\": 1}", "not a JSON object: key `a` stands twice"),
        ("escaped duplicate key", "{\"a\": 1, \"\\u0061\": 1}", "key `a` stands twice"),
        (
            "None",
            "{\"confidence\": None}",
            "expected value (write null where a value is missing), at column 16",
        ),
        ("pandas' missing", "{\"confidence\": <NA>}", "write null where a value is missing"),
        ("NaN alone", "NaN", "line 3 (data row 2): not a JSON object: expected value"),
        ("NaN for a key", "{NaN: 1}", "key must be a string"),
        ("lone surrogate", "{\"method\": \"\\ud800\"}", "line 3 (data row 2): not a JSON object"),
        ("name of a location", "{\"_file\": 1}", "a column `_file`"),
    ] {
        let result = folder.scores("a.jsonl", format!("{good}\n{line}\n"));
        assert!(result.is_err(), "{what}");
        assert_refused(&folder, result, &[expected]);
    }
    let mut bytes = good.as_bytes().to_vec();
    bytes.extend(b"{\"a\": \"\xff\"}");
    assert_refused(&folder, folder.scores("a.jsonl", &bytes), &["line 2 (data row 2): not UTF-8"]);
    assert_refused(&folder, folder.scores("a.jsonl", ""), &["is empty"]);
    assert_refused(&folder, folder.scores("a.jsonl", "\n\n"), &["no data rows in `a.jsonl`"]);
    assert_refused(&folder, folder.scores("a.json", "[\n{}]"), &["`a.json` line 1", "one object a line"]);
    let keys: Vec<String> = (0..10_001).map(|key| format!("\"k{key}\": 1")).collect();
    let wide = format!("{{{}}}", keys.join(","));
    assert_refused(&folder, folder.scores("a.jsonl", wide), &["more than 10000 keys"]);
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn scores_with(confidence: ArrayRef) -> Vec<u8> {
    let text = |values: [&str; 2]| -> ArrayRef { Arc::new(StringArray::from_iter_values(values)) };
    parquet(vec![
        ("question_id", text(["q1", "q2"])),
        ("dataset", text(["d"; 2])),
        ("method", text(["m"; 2])),
        ("confidence", confidence),
        ("slm_correct", Arc::new(Int64Array::from_iter_values([0, 1]))),
    ])
}

#[test]
fn parquet_files() {
    let folder = Folder::new();
    let good = scores_with(Arc::new(Float64Array::from(vec![Some(0.25), None])));
    let expected = ["d q1 slm - m 0.25 Wrong Ungraded", "d q2 slm - m - Correct Ungraded"];
    assert_eq!(listed(&folder.scores("a.parquet", &good).unwrap().table), expected);
    for (what, bytes, expected) in [
        ("empty", &good[..0], "`a.parquet` is empty"),
        ("cut in half", &good[..good.len() / 2], "cannot read `a.parquet` as Parquet"),
        ("without its last byte", &good[..good.len() - 1], "cannot read `a.parquet` as Parquet"),
        ("only the magic", b"PAR1".as_slice(), "cannot read `a.parquet` as Parquet"),
        ("text", HEADER.as_bytes(), "cannot read `a.parquet` as Parquet"),
    ] {
        let result = folder.scores("a.parquet", bytes);
        assert!(result.is_err(), "{what}");
        assert_refused(&folder, result, &[expected]);
    }
    let nan = scores_with(Arc::new(Float64Array::from(vec![0.5, f64::NAN])));
    assert_refused(&folder, folder.scores("a.parquet", nan), &["`a.parquet` data row 2: confidence NaN"]);
}

#[test]
fn parquet_files_of_one_table() {
    let folder = Folder::new();
    let file = |name: &str, columns| folder.write(name, parquet(columns));
    let numbers = |array: ArrayRef| vec![("a", array)];
    let narrow = file("1.parquet", numbers(Arc::new(Int32Array::from(vec![1]))));
    let wide = file("2.parquet", numbers(Arc::new(Int64Array::from(vec![2]))));
    let float = file("3.parquet", numbers(Arc::new(Float64Array::from(vec![0.5]))));
    let text = file("4.parquet", numbers(Arc::new(StringArray::from(vec!["x"]))));
    let other = file("5.parquet", vec![("b", Arc::new(Int64Array::from(vec![2])) as ArrayRef)]);
    let run = |paths: Vec<PathBuf>| {
        let sql = "SELECT arrow_typeof(a) AS question_id, 'd' AS dataset, CAST(_row AS VARCHAR) AS method,
                   a / 10.0 AS confidence, true AS slm_correct, _file AS slm FROM t";
        import(&Import::new([("t".to_owned(), FileSpec::new(paths).unwrap())], sql), &(), None)
    };
    let types = |imported: ImportSummary| imported.table.questions.id(0).to_owned();
    assert_eq!(types(run(vec![narrow.clone(), wide]).unwrap()), "Int64");
    assert_eq!(types(run(vec![narrow.clone(), float]).unwrap()), "Float64");
    assert_refused(
        &folder,
        run(vec![narrow.clone(), text]),
        &["column `a` is Utf8View in `4.parquet` and Int32"],
    );
    assert_refused(
        &folder,
        run(vec![narrow, other]),
        &["`5.parquet` has no column `a`, which `1.parquet` has"],
    );
}

#[test]
fn text_files_of_one_table() {
    let folder = Folder::new();
    let write = |name: &str, header: &str, row: &str| folder.write(name, format!("{header}\n{row}\n"));
    let first = write("a.csv", HEADER.trim(), "1,d,m,1,1");
    let reordered = write("b.csv", "dataset,question_id,slm_correct,confidence,method", "d,2,true,0.5,m");
    let lacking = write("c.csv", "question_id,dataset,method,confidence", "3,d,m,0.5");
    let header = folder.write("e.csv", HEADER);
    let json = folder.write("j.jsonl", "{\"question_id\": 7, \"dataset\": \"d\", \"method\": \"m\", \"confidence\": 0.5, \"slm_correct\": \"no\", \"note\": 1}");
    let imported = read_scores(&[first.clone(), reordered.clone(), header, json], &()).unwrap();
    let expected = [
        "d 1 slm - m 1 Correct Ungraded",
        "d 2 slm - m 0.5 Correct Ungraded",
        "d 7 slm - m 0.5 Wrong Ungraded",
    ];
    assert_eq!(listed(&imported.table), expected);
    assert_eq!(imported.notes.len(), 2, "{:?}", imported.notes);
    assert!(imported.notes[0].ends_with("e.csv` has no data rows"), "{:?}", imported.notes);
    assert_refused(
        &folder,
        read_scores(&[first, reordered, lacking], &()),
        &["`c.csv` has no column `slm_correct`, which `a.csv` has"],
    );
}

#[test]
fn a_file_that_changes_between_the_passes_is_refused() {
    let folder = Folder::new();
    for (name, before, after) in [
        ("a.csv", "a,b\n1,2\n", "a,b\nx,2\n"),
        ("b.csv", "a,b\n1,2\n", "b,c\n1,2\n"),
        ("c.csv", "a,b\n1,2\n", "a,b\n1,2\n1,2\n"),
        ("d.jsonl", "{\"a\": 1}\n", "{\"a\": 1}\n{\"a\": 1}\n"),
    ] {
        let path = folder.write(name, before);
        let table = FileTable::open(FileSpec::new(vec![path]).unwrap(), &[], &|_| true).unwrap();
        folder.write(name, after);
        let sql = "SELECT a AS question_id, 'd' AS dataset, a AS method, 0.5 AS confidence, true AS slm_correct FROM t";
        let tables = vec![("t".to_owned(), table)];
        let query = Query { tables, sql: sql.to_owned(), memory_bytes: 1 << 30 };
        let mut collector = Collector::new(&(), None);
        let error = query.run(&mut collector).unwrap_err();
        assert!(matches!(error, ImportError::Changed { .. }), "{name}: {error}");
    }
}

#[test]
fn files_without_header() {
    let folder = Folder::new();
    let path = folder.write("a.txt", "q1 0.5 1\nq2 0.25 0\n");
    let spec = FileSpec {
        format: Format::Csv,
        delimiter: b' ',
        header: false,
        ..FileSpec::new(vec![path]).unwrap()
    };
    let sql = "SELECT column_1 AS question_id, 'd' AS dataset, 'm' AS method, column_2 AS confidence,
               column_3 AS slm_correct FROM t";
    let imported = import(&Import::new([("t".to_owned(), spec)], sql), &(), None).unwrap();
    let expected = ["d q1 slm - m 0.5 Correct Ungraded", "d q2 slm - m 0.25 Wrong Ungraded"];
    assert_eq!(listed(&imported.table), expected);
}
