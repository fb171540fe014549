//! Imports as real pipelines do them.

use std::cell::RefCell;

use arrow::array::RecordBatch;
use plimsoll_store::{Provenance, TableWriter, read_batches, tables::scores};

use super::*;
use crate::{Format, ImportObserver};

fn table(name: &str, delimiter: u8, paths: Vec<PathBuf>) -> (String, FileSpec) {
    (name.to_owned(), FileSpec { format: Format::Csv, delimiter, ..FileSpec::new(paths).unwrap() })
}

#[test]
fn two_files_joined_by_row() {
    let folder = Folder::new();
    let scores = folder.write("scores.txt", "id conf\nq1 0.5\nq2 0.75\n\"q 3\" 1.0\n");
    let grades = folder.write("grades.txt", "slm llm\n1 1\n0 1\n1 0\n");
    let sql = "SELECT s.id AS question_id, 'd' AS dataset, 'm' AS method, s.conf AS confidence,
               g.slm AS slm_correct, g.llm AS llm_correct, s._file, s._row
               FROM scores s JOIN grades g ON s._row = g._row";
    let files = [table("scores", b' ', vec![scores]), table("grades", b' ', vec![grades])];
    let imported = import(&Import::new(files, sql), &(), None).unwrap();
    let expected = [
        "d q 3 slm llm m 1 Correct Wrong",
        "d q1 slm llm m 0.5 Correct Correct",
        "d q2 slm llm m 0.75 Wrong Correct",
    ];
    assert_eq!(listed(&imported.table), expected);
}

#[test]
fn several_confidence_columns_become_rows() {
    let folder = Folder::new();
    let t = ("t.csv", "id,set,p_true,ppl,ok\n1,a,0.5,0.25,1\n2,b,,0.75,0\n3,b,0.125,7,1\n");
    let part = |column: &str| {
        format!(
            "SELECT id AS question_id, set AS dataset, '{column}' AS method, {column} AS confidence,
             ok AS slm_correct, _file, _row FROM t"
        )
    };
    let sql = format!("{} UNION ALL {}", part("p_true"), part("ppl"));
    assert_refused(
        &folder,
        folder.query(&[t], &sql),
        &["1 row cannot be used:\n  `t.csv` line 4 (data row 3): confidence 7"],
    );
    let mapped = sql.replace("ppl AS confidence", "LEAST(ppl, 1.0) AS confidence");
    let imported = folder.query(&[t], &mapped).unwrap();
    let expected = [
        "a 1 slm - p_true 0.5 Correct Ungraded",
        "a 1 slm - ppl 0.25 Correct Ungraded",
        "b 2 slm - p_true - Wrong Ungraded",
        "b 2 slm - ppl 0.75 Wrong Ungraded",
        "b 3 slm - p_true 0.125 Correct Ungraded",
        "b 3 slm - ppl 1 Correct Ungraded",
    ];
    assert_eq!(listed(&imported.table), expected);
}

#[test]
fn the_parts_of_a_union_come_in_order() {
    let folder = Folder::new();
    let rows = |name: &str| lines((0..20_000).map(|row| format!("{name}{row}\n")));
    let (a, b) = (format!("id\n{}", rows("a")), format!("id\n{}", rows("b")));
    let part = |name: &str| {
        format!(
            "SELECT id AS question_id, 'd' AS dataset, 'm' AS method, 0.5 AS confidence, true AS slm_correct FROM {name}"
        )
    };
    let plain = format!("{} UNION ALL {}", part("a"), part("b"));
    // An operator above the union that needs its parts as one.
    let inner = format!("SELECT * FROM ({plain}) LIMIT 30000");
    for sql in [plain, inner] {
        let order = || {
            let ids = RefCell::new(Vec::new());
            let tables = [("a", &a), ("b", &b)].map(|(name, text)| {
                let path = folder.write(&format!("{name}.csv"), text);
                (name.to_owned(), FileSpec::new(vec![path]).unwrap())
            });
            let mut sink = |batch: &RecordBatch| {
                let column = arrow::array::AsArray::as_string::<i32>(batch.column(0));
                ids.borrow_mut().extend(column.iter().flatten().map(str::to_owned));
                Ok(())
            };
            import(&Import::new(tables, sql.as_str()), &(), Some(&mut sink)).unwrap();
            ids.into_inner()
        };
        let first = order();
        assert_eq!(first, order(), "{sql}");
        assert_eq!((first[0].as_str(), first[20_000].as_str()), ("a0", "b0"), "{sql}");
    }
}

/// Keeps the reported progress.
#[derive(Default)]
struct RecordedProgress(RefCell<Vec<u64>>);

impl ImportObserver for RecordedProgress {
    fn rows(&self, total: u64) {
        self.0.borrow_mut().push(total);
    }
}

#[test]
fn rows_survive_a_round_trip_through_the_scores_table() {
    let folder = Folder::new();
    let header = "question_id,dataset,domain,slm,llm,method,confidence,slm_correct,llm_correct,cluster_id,slm_cost,llm_cost\n";
    let rows = lines((0..10_000).map(|row| {
        let confidence = if row % 10 == 0 { String::new() } else { format!("{}", f64::from(row) / 9999.0) };
        let (cluster, slm, llm) = (if row % 2 == 0 { "" } else { "c" }, row % 2, (row + 1) % 2);
        format!("{row},d{},x,s,l,m,{confidence},{slm},{llm},{cluster},0.001,\n", row % 3)
    }));
    let foreign = folder.write("a.csv", format!("{header}{rows}"));
    let path = folder.path("tables/scores.parquet");
    let mut writer = TableWriter::create(&scores::TABLE, &path, &Provenance::default()).unwrap();
    let progress = RecordedProgress::default();
    let query =
        Import::new([table("t", b',', vec![foreign.clone()])], "SELECT * EXCEPT (_file, _row) FROM t");
    let imported = import(&query, &progress, Some(&mut |batch| writer.write(batch))).unwrap();
    writer.finish().unwrap();
    assert_eq!(imported.rows, 10_000);
    assert_eq!(progress.0.borrow().last(), Some(&10_000));
    assert!(progress.0.borrow().is_sorted());
    let stored: usize =
        read_batches(&path, &scores::TABLE).unwrap().map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(stored, 10_000);
    let direct = read_scores(&[foreign], &()).unwrap();
    let again = read_scores(&[path], &()).unwrap();
    for other in [&direct, &again] {
        assert_eq!(listed(&imported.table), listed(&other.table));
        let (a, b) = (&imported.table, &other.table);
        for question in 0..u32::try_from(a.questions.len()).unwrap() {
            assert_eq!(a.questions.cluster(question), b.questions.cluster(question));
            assert_eq!(a.questions.dataset(question), b.questions.dataset(question));
        }
        assert_eq!(a.series[0].slm_cost_usd, b.series[0].slm_cost_usd);
    }
}

#[test]
fn a_sink_that_fails_stops_the_import_and_sees_no_bad_rows() {
    let folder = Folder::new();
    let rows = lines((0..100_000).map(|row| format!("q{row},d,m,0.5,1\n")));
    let path = folder.write("a.csv", format!("{HEADER}{rows}bad,d,m,5,1\n"));
    let query = Import::new([table("t", b',', vec![path])], "SELECT * FROM t");
    let full = |_: &RecordBatch| {
        let path = PathBuf::from("full");
        Err(plimsoll_store::StoreError::BatchSchema { table: "scores", path })
    };
    let error = import(&query, &(), Some(&mut { full })).unwrap_err();
    assert!(matches!(error, ImportError::Sink { .. }), "{error}");
    let mut seen = 0;
    let mut count = |batch: &RecordBatch| {
        seen += batch.num_rows();
        Ok(())
    };
    let error = import(&query, &(), Some(&mut count)).unwrap_err();
    assert!(matches!(error, ImportError::Rows { total: 1, .. }), "{error}");
    assert!(seen < 100_000);
}

#[test]
fn a_narrow_query_reads_narrow_columns() {
    // The wide column of this Parquet file is damaged; a query that does not name it does not notice.
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
    let wide: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..100).map(|row| format!("text {row} {}", "x".repeat(100))),
    ));
    let batch = RecordBatch::try_from_iter([("id", ids), ("wide", wide)]).unwrap();
    let properties =
        parquet::file::properties::WriterProperties::builder().set_dictionary_enabled(false).build();
    let mut bytes = Vec::new();
    let mut writer =
        parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    let metadata = writer.close().unwrap();
    let (start, length) = metadata.row_group(0).column(1).byte_range();
    let range = usize::try_from(start).unwrap()..usize::try_from(start + length).unwrap();
    bytes[range].fill(0xff);
    let folder = Folder::new();
    let path = folder.write("t.parquet", bytes);
    let query = |select: &str| {
        let sql = format!(
            "SELECT {select}, 'd' AS dataset, 'm' AS method, 0.5 AS confidence, true AS slm_correct FROM t"
        );
        import(&Import::new([("t".to_owned(), FileSpec::new(vec![path.clone()]).unwrap())], sql), &(), None)
    };
    assert_eq!(query("id AS question_id").unwrap().rows, 100);
    assert_refused(&folder, query("wide AS question_id"), &["cannot decode `t.parquet`"]);
    let counted = "SELECT CAST(COUNT(*) AS VARCHAR) AS question_id, 'd' AS dataset, 'm' AS method, 0.5 AS confidence, true AS slm_correct FROM t";
    let spec = FileSpec::new(vec![path.clone()]).unwrap();
    let counted = import(&Import::new([("t".to_owned(), spec)], counted), &(), None).unwrap();
    assert_eq!(counted.table.questions.id(0), "100");
}
