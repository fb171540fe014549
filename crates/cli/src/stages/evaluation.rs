//! `evaluate` and `transfer`: the tables of the evaluation.

use plimsoll_core::records::{
    AlignmentRow, CurveAreaRow, CurveRow, MapMetricRow, POOL, TransferCurveRow, TransferRow,
};
use plimsoll_core::{ScoreSeries, ScoreTable};
use plimsoll_evaluate::{
    CrossFittedScores, EvaluationSettings, InDomainLabels, TransferScores, TransferSpec, TransferSummary,
    alignment, curves, splits, transfer,
};
use plimsoll_fit::PreparedSeries;
use plimsoll_router::thresholds::Method;
use plimsoll_store::{Provenance, Table, tables, write_rows};
use serde::Serialize;

use super::fitting::{pair_name, series_name};
use super::made::Made;
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::{OutputFolder, table_path};
use crate::progress::Progress;
use crate::text_table::{Side, TextTable, number};

/// The tables; an absent transfer was not asked for.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Tables {
    /// How well confidences rank right answers first.
    pub(crate) alignment: Vec<AlignmentRow>,
    /// Calibration maps, judged.
    pub(crate) map_metrics: Vec<MapMetricRow>,
    /// Routing curves.
    pub(crate) curves: Vec<CurveRow>,
    /// Routing curves in a few numbers.
    pub(crate) curve_areas: Vec<CurveAreaRow>,
    /// Thresholds on data that they were not fitted on.
    #[serde(skip)]
    pub(crate) transfer: Option<Vec<TransferRow>>,
    /// Predicted and true curves, with the transfers.
    #[serde(skip)]
    pub(crate) transfer_curves: Vec<TransferCurveRow>,
}

/// What is to be judged.
pub(crate) struct Work<'a> {
    /// The scores.
    pub(crate) table: &'a ScoreTable,
    /// How alignment and curves are judged; `None` = they are not.
    pub(crate) judging: Option<EvaluationSettings>,
    /// How transfer is judged; `None` = it is not.
    pub(crate) transfer: Option<TransferSpec>,
    /// How the scores were made; `None` = others made them.
    pub(crate) made: Option<&'a Made<'a>>,
    /// The entry of a thresholds file whose maps a series is judged with.
    pub(crate) method_of: &'a dyn Fn(&ScoreSeries) -> Option<&'a Method>,
}

/// Judges series after series, so that one sorted copy is alive at a time.
pub(crate) fn judge(work: &Work<'_>, stage: &'static str, console: &Console) -> Result<Tables, Failure> {
    let mut tables = Tables { transfer: work.transfer.as_ref().map(|_| Vec::new()), ..Tables::default() };
    let progress = Progress::steps(console, stage, steps(work));
    for series in &work.table.series {
        progress.doing(series_name(series));
        let prepared = PreparedSeries::new(&work.table.questions, series);
        if let Some(judging) = &work.judging {
            let aligned = alignment(&prepared, (work.method_of)(series), judging);
            tables.alignment.extend(aligned.alignment);
            tables.map_metrics.extend(aligned.map_metrics);
            progress.step();
            let curved = curves(&prepared, judging);
            tables.curves.extend(curved.curves);
            tables.curve_areas.extend(curved.areas);
            progress.step();
        }
        if let (Some(spec), Some(rows)) = (&work.transfer, &mut tables.transfer) {
            // How imported scores were made, nobody can know.
            let in_domain_labels =
                work.made.map_or(InDomainLabels::Unknown, |made| made.in_domain_labels(series));
            let nested = work.made.map(|made| made.nested(series, &work.table.questions, &spec.by));
            let nested = nested.transpose()?.flatten();
            let nested = nested.as_ref().map_or(CrossFittedScores::Same, CrossFittedScores::PerSplit);
            let scored = TransferScores { prepared: &prepared, cross_fitted: nested, in_domain_labels };
            let transferred = transfer(&scored, spec, &|| progress.step()).or_fail(Kind::Stage)?;
            rows.extend(transferred.rows);
            tables.transfer_curves.extend(transferred.curves);
        }
    }
    Ok(tables)
}

/// Steps that [`judge`] takes.
fn steps(work: &Work<'_>) -> u64 {
    let judged = if work.judging.is_some() { 2 } else { 0 };
    let transferred: usize = work
        .transfer
        .iter()
        .map(|spec| {
            let splits: usize = spec.by.iter().map(|by| splits(&work.table.questions, *by)).sum();
            splits * spec.repeats as usize
        })
        .sum();
    (work.table.series.len() * (judged + transferred)) as u64
}

impl Tables {
    /// Writes the tables of alignment and curves.
    pub(crate) fn write_judged(
        &self,
        folder: &OutputFolder,
        provenance: &Provenance,
    ) -> Result<Vec<String>, Failure> {
        Ok(vec![
            write(&tables::alignment::TABLE, &self.alignment, folder, provenance)?,
            write(&tables::map_metrics::TABLE, &self.map_metrics, folder, provenance)?,
            write(&tables::curves::TABLE, &self.curves, folder, provenance)?,
            write(&tables::curve_areas::TABLE, &self.curve_areas, folder, provenance)?,
        ])
    }

    /// Writes the tables of transfers, if there are any.
    pub(crate) fn write_transfer(
        &self,
        folder: &OutputFolder,
        provenance: &Provenance,
    ) -> Result<Vec<String>, Failure> {
        let Some(rows) = &self.transfer else { return Ok(Vec::new()) };
        Ok(vec![
            write(&tables::transfer::TABLE, rows, folder, provenance)?,
            write(&tables::transfer_curves::TABLE, &self.transfer_curves, folder, provenance)?,
        ])
    }
}

fn write<T: Serialize>(
    table: &'static Table,
    rows: &[T],
    folder: &OutputFolder,
    provenance: &Provenance,
) -> Result<String, Failure> {
    let output = table_path(table.name);
    write_rows(table, rows, &folder.path(&output), provenance).or_fail(Kind::Stage)?;
    Ok(output)
}

/// The pool's alignment and areas for people.
pub(crate) fn judged_text(tables: &Tables) -> String {
    let pool: Vec<&AlignmentRow> = tables.alignment.iter().filter(|row| row.dataset == POOL).collect();
    let mut text = String::new();
    for rows in pool.chunk_by(|a, b| (&a.slm, &a.llm) == (&b.slm, &b.llm)) {
        let Some(first) = rows.first() else { continue };
        text.push_str(&pair_name(&first.slm, first.llm.as_deref()));
        text.push('\n');
        text.push_str(&judged_table(rows, &tables.curve_areas).text(2));
    }
    text
}

fn judged_table(rows: &[&AlignmentRow], areas: &[CurveAreaRow]) -> TextTable {
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

/// A transfer in a few numbers, for people.
pub(crate) fn transfer_text(summary: &[TransferSummary]) -> String {
    let mut text = String::new();
    for rows in summary.chunk_by(|a, b| (&a.slm, &a.llm) == (&b.slm, &b.llm)) {
        let Some(first) = rows.first() else { continue };
        text.push_str(&pair_name(&first.slm, first.llm.as_deref()));
        text.push('\n');
        text.push_str(&transfer_table(rows).text(2));
    }
    text
}

fn transfer_table(rows: &[TransferSummary]) -> TextTable {
    let mut table = TextTable::new(&[
        ("method", Side::Left),
        ("held out", Side::Left),
        ("target", Side::Left),
        ("fits", Side::Right),
        ("|achieved-target|", Side::Right),
        ("over random", Side::Right),
        ("curve rmse", Side::Right),
        ("random rmse", Side::Right),
        ("KS", Side::Right),
        ("violated", Side::Right),
    ]);
    for row in rows {
        table.push([
            row.method.clone(),
            row.by.clone(),
            row.target_kind.clone(),
            format!("{}/{}", row.with_threshold, row.rows),
            number(row.ratio_error),
            number(row.accuracy_over_random),
            number(row.curve_rmse),
            number(row.random_curve_rmse),
            number(row.ks),
            number(row.violation_rate),
        ]);
    }
    table
}
