//! Queries: what they may say, and what is refused.

use super::*;

const T: (&str, &str) = ("t.csv", "id,Category,Unnamed: 0,p,ok\nq1,Bio,7,0.5,yes\nq2,Law,8,0.25,no\n");
const GOOD: &str = "id AS question_id, 'd' AS dataset, 'm' AS method, p AS confidence, ok AS slm_correct";

#[test]
fn names_keep_their_case_and_functions_have_none() {
    let folder = Folder::new();
    let expected = ["bio q1-7 slm - m 0.5 Correct Ungraded", "law q2-8 slm - m 0.25 Wrong Ungraded"];
    for category in ["Category", "\"Category\"", "t.Category"] {
        let sql = format!(
            "select CONCAT(id, '-', \"Unnamed: 0\") AS question_id, Lower({category}) as dataset, 'm' as method,
             Coalesce(p, 0) AS confidence, ok AS slm_correct FROM t"
        );
        assert_eq!(listed(&folder.query(&[T], &sql).unwrap().table), expected, "{category}");
    }
    let lower = folder.query(&[T], "SELECT category FROM t");
    assert_refused(&folder, lower, &["the query failed; its tables are `t`", "category", "Category"]);
}

#[test]
fn null_is_missing_whatever_its_type() {
    let folder = Folder::new();
    let nulls = GOOD.replace("p AS", "NULL AS").replace("ok AS", "NULL AS");
    let sql = format!("SELECT {nulls}, NULL AS domain, NULL AS llm, NULL AS llm_cost FROM t WHERE _row = 1");
    let imported = folder.query(&[T], &sql).unwrap();
    assert_eq!(listed(&imported.table), ["d q1 slm - m - Ungraded Ungraded"]);
    let typed =
        "SELECT CAST(_row AS SMALLINT) AS question_id, arrow_cast('d', 'Dictionary(Int8, Utf8)') AS dataset,
                 arrow_cast('m', 'LargeUtf8') AS method, CAST(p AS DECIMAL(5, 3)) AS confidence,
                 arrow_cast(1, 'UInt8') AS slm_correct, arrow_cast('x', 'Utf8View') AS slm, '' AS cluster_id
                 FROM t ORDER BY _row DESC LIMIT 1";
    let imported = folder.query(&[T], typed).unwrap();
    assert_eq!(listed(&imported.table), ["d 2 x - m 0.25 Correct Ungraded"]);
}

#[test]
fn results_that_are_refused() {
    let folder = Folder::new();
    for (sql, expected) in [
        (
            format!("SELECT {GOOD}, 1 AS confidance FROM t"),
            "a column `confidance`, which means nothing here (is `confidence` meant?)",
        ),
        (
            format!("SELECT {GOOD}, 1 AS x FROM t"),
            "a column `x`, which means nothing here; known are `question_id`",
        ),
        (
            format!("SELECT {} FROM t", GOOD.replace("confidence", "Confidence")),
            "no column `confidence` (is `Confidence` meant?)",
        ),
        (format!("SELECT {GOOD} FROM t WHERE p > 1"), "no data rows in `t.csv`"),
        (
            format!("SELECT {} FROM t", GOOD.replace("id AS", "p AS")),
            "column `question_id` is of type Float64, but text or an integer is needed; use CAST",
        ),
    ] {
        let result = folder.query(&[T], &sql);
        assert!(result.is_err(), "{sql}");
        assert_refused(&folder, result, &[expected]);
    }
    // Two columns that differ in nothing but their table.
    let both = "SELECT a.question_id, b.question_id, 'd' AS dataset, 'm' AS method, 0.5 AS confidence,
                true AS slm_correct FROM a JOIN b ON a._row = b._row";
    let files = [("a.csv", "question_id\nq\n"), ("b.csv", "question_id\nq\n")];
    assert_refused(&folder, folder.query(&files, both), &["two columns named `question_id`"]);
}

#[test]
fn only_a_query_is_a_query() {
    let folder = Folder::new();
    let target = folder.path("out.csv");
    for sql in [
        "CREATE TABLE x AS SELECT * FROM t",
        "CREATE VIEW x AS SELECT * FROM t",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        &format!("COPY t TO '{}'", target.display()),
        &format!("COPY (SELECT * FROM t) TO '{}' STORED AS CSV", target.display()),
        "INSERT INTO t VALUES ('a', 'b', 1, 0.5, 'yes')",
        "DELETE FROM t",
        "UPDATE t SET p = 1",
        "DROP TABLE t",
        "SET datafusion.execution.batch_size = 1",
        "BEGIN",
        "PREPARE x AS SELECT * FROM t",
        "SHOW TABLES",
        "SELECT 1; SELECT 2",
        "EXPLAIN SELECT * FROM t",
        "DESCRIBE t",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM information_schema.tables",
        "",
        ";",
        "-- nothing",
    ] {
        let error = folder.query(&[T], sql).expect_err(sql);
        assert!(!chain(&error, &folder).is_empty());
        assert!(!target.exists(), "{sql} wrote a file");
    }
    for sql in ["CREATE TABLE x AS SELECT * FROM t", "COPY t TO 'x.csv'", "SET a.b = 1", "DELETE FROM t"] {
        let error = folder.query(&[T], sql).unwrap_err();
        assert!(
            matches!(error, ImportError::NotAQuery { .. } | ImportError::Query { .. }),
            "{sql}: {error:?}"
        );
    }
}

#[test]
fn queries_that_fail_say_why() {
    let folder = Folder::new();
    for (sql, expected) in [
        ("SELEC 1", "SELEC"),
        ("SELECT (1 FROM t", "Expected: )"),
        ("SELECT * FROM nope", "table 'nope' not found"),
        ("SELECT nope FROM t", "nope"),
        ("SELECT nope(id) FROM t", "Invalid function 'nope'"),
        ("SELECT random() AS confidence FROM t", "Invalid function 'random'"),
        ("SELECT uuid() AS question_id FROM t", "Invalid function 'uuid'"),
        ("SELECT now() AS question_id FROM t", "Invalid function 'now'"),
    ] {
        let result = folder.query(&[T], sql);
        assert!(result.is_err(), "{sql}");
        assert_refused(&folder, result, &["the query failed; its tables are `t`", expected]);
    }
    let cast = GOOD.replace("p AS", "CAST(ok AS DOUBLE) AS");
    assert_refused(
        &folder,
        folder.query(&[T], &format!("SELECT {cast} FROM t")),
        &["the query failed", "yes"],
    );
}

#[test]
fn a_deep_query_is_no_crash() {
    let folder = Folder::new();
    let sum = vec!["0"; 1_000].join("+");
    let sql = format!("SELECT {}, _file, _row FROM t", GOOD.replace("p AS", &format!("p + {sum} AS")));
    assert_eq!(folder.query(&[T], &sql).unwrap().rows, 2);
    let nested = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(folder.query(&[T], &nested).is_err());
    let long = format!("SELECT '{}'", "x".repeat(100_000));
    assert_refused(&folder, folder.query(&[T], &long), &["the query is longer than 32768 bytes"]);
}

#[test]
fn a_greedy_query_is_stopped() {
    let folder = Folder::new();
    let rows = lines((0..20_000).map(|row| format!("{row}\n")));
    let path = folder.write("t.csv", format!("id\n{rows}"));
    let sql = "SELECT id AS question_id, 'd' AS dataset, STRING_AGG(CAST(id AS VARCHAR), '') AS method,
               0.5 AS confidence, true AS slm_correct FROM t GROUP BY id";
    let mut query = Import::new([("t".to_owned(), FileSpec::new(vec![path]).unwrap())], sql);
    assert!(import(&query, &(), None).is_ok());
    query.memory_bytes = 100_000;
    assert_refused(&folder, import(&query, &(), None), &["needs more than 0 MiB of memory"]);
}

#[test]
fn places_with_and_without_columns() {
    let folder = Folder::new();
    let t = ("t.csv", "id,p\nq1,0.5\n\"q2\n\",1.5\nq3,2.5\n");
    let sql = "SELECT trim(id) AS question_id, 'd' AS dataset, 'm' AS method, p AS confidence,
               true AS slm_correct FROM t";
    assert_refused(
        &folder,
        folder.query(&[t], sql),
        &["row 3 of the result (question_id `q3`): confidence 2.5", "select `_file` and `_row`"],
    );
    let placed = sql.replace(" FROM", ", _file, _row FROM");
    let result = folder.query(&[t], &placed);
    assert_refused(
        &folder,
        result,
        &["`t.csv` line 3 (data row 2): ", "`t.csv` line 5 (data row 3): confidence 2.5"],
    );
    let filtered = format!("{placed} WHERE _row = 3 AND _file LIKE '%t.csv'");
    assert_refused(
        &folder,
        folder.query(&[t], &filtered),
        &["1 row cannot be used:\n  `t.csv` line 5 (data row 3)"],
    );
}

#[test]
fn bad_files_are_named_by_queries_too() {
    let folder = Folder::new();
    assert_refused(&folder, folder.query(&[("t.csv", "")], "SELECT 1"), &["`t.csv` is empty"]);
    assert_refused(&folder, folder.query(&[("t.jsonl", "\n")], "SELECT 1"), &["no data rows in `t.jsonl`"]);
    assert_refused(
        &folder,
        folder.query(&[("t.csv", "a,b\n1\n")], "SELECT 1"),
        &["`t.csv` line 2 (data row 1): 1 cells"],
    );
}
