//! `transfer`: thresholds on datasets or domains that they were not fitted on.

use plimsoll_core::ScoreTable;
use plimsoll_core::records::{TransferCurveRow, TransferRow};
use plimsoll_evaluate::{CrossFittedScores, InDomainLabels, TransferScores, TransferSpec, splits, transfer};
use plimsoll_fit::PreparedSeries;
use plimsoll_store::{Provenance, tables};

use crate::cross_fit::CrossFittedConfidences;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::observer::{Observer, Progress};
use crate::run_folder::RunFolder;
use crate::series_name::series_name;
use crate::stage::Stage;
use crate::table_files::write_table;

/// How transfer is evaluated.
#[derive(Debug)]
pub struct TransferTask<'a> {
    /// What is held out, and how often each fit is repeated.
    pub spec: TransferSpec,
    /// The confidences that the run computed for transfer tests; `None` for imported scores.
    pub cross_fitted: Option<&'a CrossFittedConfidences<'a>>,
}

/// The tables of transfer.
#[derive(Debug, Clone, Default)]
pub struct TransferTables {
    /// One row for each threshold, held-out data and repeat.
    pub rows: Vec<TransferRow>,
    /// Predicted and true routing curves.
    pub curves: Vec<TransferCurveRow>,
}

impl TransferTask<'_> {
    /// Evaluates every series of a table.
    ///
    /// # Errors
    /// A stage failure for scores that transfer cannot be evaluated on.
    pub fn run(&self, table: &ScoreTable, observer: &dyn Observer) -> Result<TransferTables, Failure> {
        let steps = table.series.len() as u64 * self.steps_per_series(table);
        let progress = observer.steps(Stage::Transfer, steps);
        let mut tables = TransferTables::default();
        for series in &table.series {
            progress.message(&series_name(series));
            let prepared = PreparedSeries::new(&table.questions, series);
            tables.extend(self.evaluate(&prepared, table, &*progress)?);
        }
        Ok(tables)
    }

    pub(super) fn steps_per_series(&self, table: &ScoreTable) -> u64 {
        let splits: usize = self.spec.by.iter().map(|by| splits(&table.questions, *by)).sum();
        splits as u64 * u64::from(self.spec.repeats)
    }

    pub(super) fn evaluate(
        &self,
        prepared: &PreparedSeries<'_>,
        table: &ScoreTable,
        progress: &dyn Progress,
    ) -> Result<TransferTables, Failure> {
        let series = prepared.series;
        // Nothing is known of how imported scores came about.
        let in_domain_labels =
            self.cross_fitted.map_or(InDomainLabels::Unknown, |scores| scores.in_domain_labels(series));
        let cross_fitted =
            self.cross_fitted.map(|scores| scores.cross_fitted(series, &table.questions, &self.spec.by));
        let cross_fitted = cross_fitted.transpose()?.flatten();
        let scores = cross_fitted.as_ref().map_or(CrossFittedScores::Same, CrossFittedScores::PerSplit);
        let scored = TransferScores { prepared, cross_fitted: scores, in_domain_labels };
        let result = transfer(&scored, &self.spec, &|| progress.step()).or_fail(FailureKind::Stage)?;
        Ok(TransferTables { rows: result.rows, curves: result.curves })
    }
}

impl TransferTables {
    pub(super) fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.curves.extend(other.curves);
    }

    /// Writes the tables; gives their paths in the folder.
    ///
    /// # Errors
    /// A stage failure for a file that cannot be written.
    pub fn write(&self, folder: &RunFolder, provenance: &Provenance) -> Result<Vec<String>, Failure> {
        Ok(vec![
            write_table(&tables::transfer::TABLE, &self.rows, folder, provenance)?,
            write_table(&tables::transfer_curves::TABLE, &self.curves, folder, provenance)?,
        ])
    }
}
