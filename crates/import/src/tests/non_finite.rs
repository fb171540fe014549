//! `NaN` and `Infinity` in JSON lines: nothing where nobody reads them, an error of the row where somebody does.

use super::*;

const SPELLINGS: [&str; 7] = ["NaN", "Infinity", "-Infinity", "nan", "-inf", "+Infinity", "-NaN"];

/// Two good rows, the first of which has this, too.
fn with(more: &str) -> String {
    let row = |id: u32, more: &str| {
        format!(
            "{{\"question_id\": \"q{id}\", {more}\"dataset\": \"d\", \"method\": \"m\", \"confidence\": 0.5, \"slm_correct\": {}}}\n",
            id % 2
        )
    };
    [row(1, more), row(2, "")].concat()
}

const TWO: [&str; 2] = ["d q1 slm - m 0.5 Correct Ungraded", "d q2 slm - m 0.5 Wrong Ungraded"];

#[test]
fn in_a_field_that_nobody_reads_they_cost_nothing() {
    let folder = Folder::new();
    for word in SPELLINGS {
        for more in [
            format!("\"loss\": {word}, "),
            format!("\"loss\":{word},"),
            format!("\"resps\": [[[-0.5, false]], [[{word}, false]]], "),
            format!("\"metrics\": {{\"a\": {{\"b\": {word}}}, \"c\": [{word}]}}, "),
            format!("\"a\": {word}, \"b\": {word}, \"c\": \"say \\\"{word}\\\", {word}\", "),
        ] {
            let imported = folder.scores("a.jsonl", with(&more)).unwrap();
            assert_eq!(listed(&imported.table), TWO, "{more}");
            assert!(!imported.notes.is_empty(), "the fields are ignored with a note");
            let sql = "SELECT question_id, dataset, method, confidence, slm_correct, _file, _row FROM t";
            let imported = folder.query(&[("t.jsonl", &with(&more))], sql).unwrap();
            assert_eq!(listed(&imported.table), TWO, "{more}");
        }
    }
}

#[test]
fn in_a_field_that_is_read_they_are_what_is_wrong_with_the_row() {
    let folder = Folder::new();
    for (from, to, expected) in [
        (
            "\"confidence\": 0.5",
            "\"confidence\": NaN",
            "line 1 (data row 1): confidence NaN is not a finite number",
        ),
        (
            "\"confidence\": 0.5",
            "\"confidence\": -Infinity",
            "data row 1): confidence -inf is not a finite number",
        ),
        ("\"slm_correct\": 1", "\"slm_correct\": NaN", "data row 1): slm_correct \"NaN\" is not true/false"),
        (
            "\"dataset\": \"d\"",
            "\"dataset\": NaN",
            "line 1 (data row 1): not a JSON object: the value of `dataset` is NaN",
        ),
        (
            "\"question_id\": \"q1\"",
            "\"question_id\": -Infinity",
            "`question_id` is -Infinity, which is no text; write null",
        ),
    ] {
        let text = with("").replacen(from, to, 1);
        assert!(text.contains(to));
        assert_refused(&folder, folder.scores("a.jsonl", &text), &["a.jsonl` line 1", expected]);
    }
    let text = with("").replace("\"confidence\": 0.5", "\"confidence\": NaN");
    assert_refused(
        &folder,
        folder.scores("a.jsonl", text),
        &["2 rows cannot be used", "line 2 (data row 2)"],
    );
}

#[test]
fn a_query_may_map_them() {
    let folder = Folder::new();
    let text = "{\"id\": 1, \"logprob\": -0.5, \"kind\": \"a\", \"more\": [NaN, \"x\"]}\n\
                {\"id\": 2, \"logprob\": NaN, \"kind\": NaN, \"more\": 7}\n\
                {\"id\": 3, \"logprob\": -Infinity, \"kind\": \"c\", \"more\": Infinity}\n";
    let sql = "SELECT id AS question_id, coalesce(nullif(kind, 'NaN'), 'none') AS dataset, more AS method,
               nanvl(exp(logprob), 0.25) AS confidence, true AS slm_correct, _file, _row FROM t";
    let imported = folder.query(&[("t.jsonl", text)], sql).unwrap();
    let expected = [
        "a 1 slm - [NaN, \"x\"] 0.6065306597126334 Correct Ungraded",
        "c 3 slm - Infinity 0 Correct Ungraded",
        "none 2 slm - 7 0.25 Correct Ungraded",
    ];
    // A value is shown as it is written, also where it is nested.
    assert_eq!(listed(&imported.table), expected);
}

#[test]
fn a_line_of_nothing_else_is_read_once() {
    let folder = Folder::new();
    let many = format!("\"many\": [{}0], ", "NaN, ".repeat(2_000_000));
    let imported = folder.scores("a.jsonl", with(&many)).unwrap();
    assert_eq!(listed(&imported.table), TWO);
    // Cut off in the middle of the word, or of the string around it.
    for cut in ["{\"a\": Na", "{\"a\": -Infinit", "{\"a\": \"NaN", "{\"a\": NaN"] {
        let result = folder.scores("a.jsonl", format!("{}{cut}", with("")));
        assert_refused(&folder, result, &["a.jsonl` line 3 (data row 3): not a JSON object"]);
    }
}
