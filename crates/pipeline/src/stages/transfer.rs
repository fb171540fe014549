//! `transfer`: thresholds on datasets or domains that they were not fitted on.

use std::collections::BTreeSet;

use plimsoll_core::ScoreTable;
use plimsoll_core::records::{TransferCurveRow, TransferRow};
use plimsoll_evaluate::{
    CrossFittedScores, HoldOut, InDomainLabels, TransferScores, TransferSpec, transfer, transfer_steps,
};
use plimsoll_fit::PreparedSeries;
use plimsoll_store::{Provenance, tables};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cross_fit::CrossFittedConfidences;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::observer::{Observer, Progress};
use crate::run_folder::RunFolder;
use crate::series_name::series_name;
use crate::series_source::{LoadedSeries, SeriesSource};
use crate::series_tables::{self, SeriesTables, Tables, TablesSink};
use crate::series_work::{self, DatasetDomains, SeriesCounts, SeriesTask, SharedSeries};
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
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TransferTables {
    /// One row for each threshold, held-out data and repeat.
    pub rows: Vec<TransferRow>,
    /// Predicted and true routing curves.
    pub curves: Vec<TransferCurveRow>,
}

impl TransferTask<'_> {
    pub(super) fn steps_per_series(&self, table: &ScoreTable) -> u64 {
        transfer_steps(&table.questions, &self.spec)
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

/// Imported scores, whose transfer is evaluated series by series.
#[derive(Debug)]
pub struct SeriesTransferTask {
    spec: TransferSpec,
    /// What results depend on.
    parameters: Value,
}

impl SeriesTransferTask {
    /// A task with these parameters: all that its results depend on beside the scores.
    pub fn new(spec: TransferSpec, parameters: &Value) -> Self {
        Self { spec, parameters: parameters.clone() }
    }

    /// Evaluates every series, here or together with other processes.
    ///
    /// # Errors
    /// A usage or input failure for scores that cannot be read, a stage failure for a store that cannot be used.
    pub fn run(
        &self,
        source: &SeriesSource,
        shared: Option<&SharedSeries>,
        observer: &dyn Observer,
    ) -> Result<(TransferTables, SeriesCounts), Failure> {
        let mut sink = TablesSink::<TransferTables>::default();
        let counts = series_work::run(self, &mut sink, source, shared, observer)?;
        for by in self.spec.by.iter().filter(|by| groups(&sink.domains, **by) < 2) {
            observer.note(&format!(
                "there is but one {}: nothing is left to fit on when it is held out",
                by.name()
            ));
        }
        Ok((sink.tables, counts))
    }
}

/// How many there are of what is held out.
fn groups(domains: &DatasetDomains, by: HoldOut) -> usize {
    let names = domains.iter().map(|(dataset, domain)| match by {
        HoldOut::Dataset => dataset,
        HoldOut::Domain => domain,
    });
    names.collect::<BTreeSet<&str>>().len()
}

impl SeriesTask for SeriesTransferTask {
    type Computed = SeriesTables<TransferTables>;
    const STAGE: Stage = Stage::Transfer;
    const FILES: &'static [&'static str] = series_tables::FILES;
    const MAX_TOGETHER: usize = 1;

    fn parameters(&self) -> &Value {
        &self.parameters
    }

    fn compute(&self, loaded: &LoadedSeries<'_>, observer: &dyn Observer) -> Result<Self::Computed, Failure> {
        let task = TransferTask { spec: self.spec.clone(), cross_fitted: None };
        let progress = observer.steps(Stage::Transfer, task.steps_per_series(loaded.table()));
        progress.message(&series_name(loaded.series()));
        let prepared = PreparedSeries::new(&loaded.table().questions, loaded.series());
        let tables = task.evaluate(&prepared, loaded.table(), &*progress)?;
        Ok(SeriesTables::new(loaded, tables))
    }

    fn files(&self, _loaded: &LoadedSeries<'_>, computed: Self::Computed) -> Result<Vec<Vec<u8>>, Failure> {
        computed.files()
    }
}

impl Tables for TransferTables {
    fn extend(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.curves.extend(other.curves);
    }
}

impl TransferTables {
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
