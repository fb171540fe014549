//! Values of rows: what they mean, and what is refused with file, line and row.

use super::*;
use crate::problem::{ImportProblem, SHOWN_PROBLEMS};

/// Scores with one value of one column, everything else as it should be.
fn csv(column: &str, value: &str) -> String {
    let mut row = vec![
        ("question_id", "q1"),
        ("dataset", "d"),
        ("method", "m"),
        ("confidence", "0.5"),
        ("slm_correct", "1"),
    ];
    match row.iter_mut().find(|(name, _)| *name == column) {
        Some((_, cell)) => *cell = value,
        None => row.push((column, value)),
    }
    // A second row, so that the column has text in any case and lines are counted from something.
    let names: Vec<&str> = row.iter().map(|(name, _)| *name).collect();
    let cells: Vec<&str> = row.iter().map(|(_, cell)| *cell).collect();
    format!("{}\n\n{}\n", names.join(","), cells.join(","))
}

#[test]
fn values_that_are_refused() {
    let folder = Folder::new();
    for (column, value, expected) in [
        ("confidence", "1.7", "confidence 1.7 is not a finite number in [0, 1]"),
        ("confidence", "-0.1", "confidence -0.1 is not"),
        ("confidence", "NaN", "confidence NaN is not"),
        ("confidence", "inf", "confidence inf is not"),
        ("confidence", "1e999", "confidence inf is not"),
        ("confidence", "high", "confidence \"high\" is not a number; leave it empty"),
        ("confidence", "50%", "confidence \"50%\" is not a number"),
        ("confidence", "true", "column `confidence` is of type Boolean, but a number is needed"),
        ("slm_correct", "maybe", "slm_correct \"maybe\" is not true/false"),
        ("slm_correct", "2", "slm_correct \"2\" is not true/false"),
        ("slm_correct", "0.5", "slm_correct \"0.5\" is not true/false"),
        ("slm_correct", "NaN", "slm_correct \"NaN\" is not true/false"),
        ("llm_correct", "C", "llm_correct \"C\" is not true/false"),
        ("question_id", "", "question_id is missing"),
        ("question_id", "\" \"", "question_id is empty"),
        ("question_id", "\"a\nb\"", "question_id holds a control character"),
        ("dataset", "", "dataset is missing"),
        ("method", "", "method is missing"),
        ("slm_cost", "-1", "slm_cost -1 is not a finite amount"),
        ("llm_cost", "cheap", "llm_cost \"cheap\" is not a number"),
    ] {
        let result = folder.scores("a.csv", csv(column, value));
        assert!(result.is_err(), "{column} {value}");
        let location = if expected.starts_with("column") {
            ""
        } else {
            "1 row cannot be used:\n  `a.csv` line 3 (data row 1): "
        };
        assert_refused(&folder, result, &[expected, location]);
    }
}

#[test]
fn values_that_are_taken() {
    let folder = Folder::new();
    for (column, value, expected) in [
        ("confidence", "1", "d q1 slm - m 1 Correct Ungraded"),
        ("confidence", "0", "d q1 slm - m 0 Correct Ungraded"),
        ("confidence", "1e-3", "d q1 slm - m 0.001 Correct Ungraded"),
        ("confidence", "", "d q1 slm - m - Correct Ungraded"),
        ("confidence", "\" 0.25 \"", "d q1 slm - m 0.25 Correct Ungraded"),
        ("confidence", "+0.25", "d q1 slm - m 0.25 Correct Ungraded"),
        ("slm_correct", "TRUE", "d q1 slm - m 0.5 Correct Ungraded"),
        ("slm_correct", "Yes", "d q1 slm - m 0.5 Correct Ungraded"),
        ("slm_correct", "no", "d q1 slm - m 0.5 Wrong Ungraded"),
        ("slm_correct", "0.0", "d q1 slm - m 0.5 Wrong Ungraded"),
        ("slm_correct", "", "d q1 slm - m 0.5 Ungraded Ungraded"),
        ("question_id", "007", "d 007 slm - m 0.5 Correct Ungraded"),
        ("question_id", "1.10", "d 1.10 slm - m 0.5 Correct Ungraded"),
        ("dataset", "2024", "2024 q1 slm - m 0.5 Correct Ungraded"),
        ("slm", "tiny", "d q1 tiny - m 0.5 Correct Ungraded"),
        ("slm", "", "d q1 slm - m 0.5 Correct Ungraded"),
        ("llm", "big", "d q1 slm big m 0.5 Correct Ungraded"),
        ("llm_correct", "0", "d q1 slm llm m 0.5 Correct Wrong"),
        ("llm_correct", "", "d q1 slm llm m 0.5 Correct Ungraded"),
    ] {
        let imported = folder.scores("a.csv", csv(column, value)).unwrap();
        assert_eq!(listed(&imported.table), [expected], "{column} {value}");
    }
}

#[test]
fn a_grade_of_nobody_is_refused() {
    let folder = Folder::new();
    let text = "question_id,dataset,method,confidence,slm_correct,llm,llm_correct\nq1,d,m,0.5,1,big,1\nq2,d,m,0.5,1,,1\n";
    assert_refused(
        &folder,
        folder.scores("a.csv", text),
        &["line 3 (data row 2): llm_correct is given, but llm is missing"],
    );
}

#[test]
fn all_problems_come_together() {
    let folder = Folder::new();
    let rows: Vec<String> = (0..100)
        .map(|row| format!("\"q{row}\n\",d,m,0.5,1\ngood{row},d,m,0.5,1\ngood{},d,m,0.5,1\n", row % 7))
        .collect();
    let result = folder.scores("a.csv", format!("{HEADER}{}", rows.concat()));
    let Err(ImportError::Rows { problems, total }) = &result else { panic!("{result:?}") };
    // Every first row is no id; every third is the second row of its key, and from the eighth round on so
    // are the ones before.
    assert_eq!((problems.len(), *total), (50, 200));
    assert!(matches!(problems[0].problem, ImportProblem::Row(_)));
    assert_eq!((problems[0].row, problems[0].line), (1, Some(2)));
    assert_eq!((problems[1].row, problems[1].line), (3, Some(5)));
    assert_eq!((problems[2].row, problems[2].line), (4, Some(6)));
    let expected = format!("and {} more", 200 - SHOWN_PROBLEMS);
    assert_refused(
        &folder,
        result,
        &["200 rows cannot be used", "second row for question `good0`", &expected],
    );
}

#[test]
fn conflicting_rows_are_named() {
    let folder = Folder::new();
    let header = "question_id,dataset,method,confidence,slm_correct,domain,cluster_id\n";
    for (rows, expected) in [
        ("q,d,m,0.5,1,a,c\nq,d,m,0.5,1,a,c\n", "line 3 (data row 2): second row for question `q`"),
        ("q,d,m,0.5,1,a,c\nr,d,m,0.5,1,b,c\n", "dataset `d` has domain `b` here and `a`"),
        ("q,d,m,0.5,1,a,c\nq,d,n,0.5,1,a,e\n", "question `q` of dataset `d` has another cluster_id"),
    ] {
        assert_refused(&folder, folder.scores("a.csv", format!("{header}{rows}")), &[expected]);
    }
}

#[test]
fn costs_with_gaps_are_noted() {
    let folder = Folder::new();
    let header = "question_id,dataset,method,confidence,slm_correct,slm_cost,llm_cost\n";
    let imported =
        folder.scores("a.csv", format!("{header}q,d,m,0.5,1,1,1e-3\nr,d,m,0.5,1,,0.002\n")).unwrap();
    assert_eq!(imported.notes.len(), 1);
    assert!(imported.notes[0].starts_with("`slm_cost` is given in 1 of 2 rows"), "{:?}", imported.notes);
    assert_eq!(imported.table.series[0].llm_cost_usd.as_ref().unwrap().len(), 2);
}

#[test]
fn ignored_columns_are_noted_with_what_they_may_mean() {
    let folder = Folder::new();
    let text = "question_id,dataset,method,confidence,slm_correct,llm_corect,x\nq,d,m,0.5,1,1,1\n";
    let notes = folder.scores("a.csv", text).unwrap().notes.join("\n");
    assert!(
        notes.contains("column `llm_corect` of") && notes.contains("(is `llm_correct` meant?)"),
        "{notes}"
    );
    assert!(notes.contains("column `x` of"), "{notes}");
}
