//! The tables of the evaluation, for people.

use plimsoll_core::records::{AlignmentRow, CurveAreaRow, POOL};
use plimsoll_pipeline::series_name::pair_name;
use plimsoll_pipeline::stages::evaluate::EvaluationTables;

use crate::text_table::{Side, TextTable, number};

/// The pool's alignment and areas for people.
pub(crate) fn alignment_text(tables: &EvaluationTables) -> String {
    let pool: Vec<&AlignmentRow> = tables.alignment.iter().filter(|row| row.dataset == POOL).collect();
    let mut text = String::new();
    for rows in pool.chunk_by(|a, b| (&a.slm, &a.llm) == (&b.slm, &b.llm)) {
        let Some(first) = rows.first() else { continue };
        text.push_str(&pair_name(&first.slm, first.llm.as_deref()));
        text.push('\n');
        text.push_str(&alignment_table(rows, &tables.curve_areas).text(2));
    }
    text
}

fn alignment_table(rows: &[&AlignmentRow], areas: &[CurveAreaRow]) -> TextTable {
    let mut table = TextTable::new(&[
        ("method", Side::Left),
        ("rows", Side::Right),
        ("missing", Side::Right),
        ("accuracy", Side::Right),
        ("ROC AUC", Side::Left),
        ("PRR", Side::Right),
        ("ECE", Side::Right),
        ("APGR", Side::Right),
    ]);
    for row in rows {
        let same = |area: &&CurveAreaRow| {
            (&area.slm, &area.llm, &area.method, area.dataset.as_str())
                == (&row.slm, &row.llm, &row.method, POOL)
        };
        let auc = match (row.roc_auc, row.roc_auc_low, row.roc_auc_high) {
            (Some(value), Some(low), Some(high)) => format!("{value:.4} [{low:.4}, {high:.4}]"),
            (value, ..) => number(value),
        };
        table.push([
            row.method.clone(),
            row.rows.to_string(),
            row.missing.to_string(),
            number(row.accuracy),
            auc,
            number(row.prr),
            number(row.ece),
            number(areas.iter().find(same).and_then(|area| area.apgr)),
        ]);
    }
    table
}
