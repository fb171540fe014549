//! `fit`: thresholds of every series. A few series at a time, so that all cores have work while few sorted copies are
//! alive.

use std::fs;

use plimsoll_core::{ScoreSeries, ScoreTable, SeriesKey};
use plimsoll_fit::{DatasetGrades, DatasetSelection, FitSpec, FittedMethod, PreparedSeries, fit_method};
use plimsoll_router::thresholds::{Method, Pipeline};
use plimsoll_store::Provenance;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::calibration::CalibrationWriter;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::fit_parameters::FitParameters;
use crate::method_identity::MethodIdentities;
use crate::observer::Observer;
use crate::series_name::series_name;
use crate::series_source::{LoadedSeries, SeriesSource};
use crate::series_work::{self, DatasetDomains, SeriesCounts, SeriesSink, SeriesTask, SharedSeries, foreign};
use crate::stage::Stage;
use crate::threshold_files::FittedPairs;

/// Series that are fitted at the same time: each holds a sorted copy of its rows.
const MAX_TOGETHER: usize = 4;

/// What is fitted.
#[derive(Debug, Clone, Copy)]
pub struct Fitting<'a> {
    /// The scores.
    pub table: &'a ScoreTable,
    /// How each series is drawn and fitted.
    pub spec: &'a FitSpec,
    /// What the methods of the series are.
    pub identities: MethodIdentities<'a>,
}

impl Fitting<'_> {
    /// Fits every series: one entry each, in the order of the table. `writer` takes their draws.
    ///
    /// # Errors
    /// A stage failure for a calibration table that cannot be written.
    pub fn run(
        &self,
        mut writer: Option<&mut CalibrationWriter>,
        observer: &dyn Observer,
    ) -> Result<Vec<Method>, Failure> {
        let progress = observer.steps(Stage::Fit, self.table.series.len() as u64);
        let mut methods = Vec::with_capacity(self.table.series.len());
        let together = rayon::current_num_threads().clamp(1, MAX_TOGETHER);
        for group in self.table.series.chunks(together) {
            let fitted: Vec<FittedMethod> = group
                .par_iter()
                .map(|series| {
                    progress.message(&series_name(series));
                    let fitted = fit_series(self.table, series, self.spec, self.identities);
                    progress.step();
                    fitted
                })
                .collect();
            for (series, fitted) in group.iter().zip(fitted) {
                if let Some(writer) = &mut writer {
                    writer.write(self.table, series, &fitted.draw)?;
                }
                methods.push(fitted.method);
            }
        }
        Ok(methods)
    }
}

fn fit_series(
    table: &ScoreTable,
    series: &ScoreSeries,
    spec: &FitSpec,
    identities: MethodIdentities<'_>,
) -> FittedMethod {
    let prepared = PreparedSeries::new(&table.questions, series);
    let all = DatasetSelection::all(table.questions.datasets().len());
    fit_method(&prepared, &all, spec, &identities.get(series))
}

/// Imported scores, fitted series by series.
#[derive(Debug)]
pub struct SeriesFit {
    spec: FitSpec,
    /// What results depend on.
    parameters: Value,
}

impl SeriesFit {
    /// A fit with these parameters.
    pub fn new(parameters: &FitParameters, pipeline: &Pipeline) -> Self {
        Self { spec: parameters.fit_spec(), parameters: parameters.fit_key(pipeline) }
    }

    /// Fits every series, here or together with other processes. `calibration` takes the draws.
    ///
    /// # Errors
    /// A usage or input failure for scores that cannot be read, a stage failure for a file or a store that cannot be used.
    pub fn run(
        &self,
        source: &SeriesSource,
        calibration: &mut CalibrationWriter,
        shared: Option<&SharedSeries>,
        observer: &dyn Observer,
    ) -> Result<(FittedPairs, SeriesCounts), Failure> {
        let mut sink =
            FitSink { calibration, fitted: FittedPairs::default(), domains: DatasetDomains::default() };
        let counts = series_work::run(self, &mut sink, source, shared, observer)?;
        Ok((sink.fitted, counts))
    }
}

/// Gathers entries and draws.
struct FitSink<'a> {
    calibration: &'a mut CalibrationWriter,
    fitted: FittedPairs,
    domains: DatasetDomains,
}

impl FitSink<'_> {
    fn add(&mut self, key: &SeriesKey, method: Method, grades: &[DatasetGrades]) -> Result<(), Failure> {
        let domains = grades.iter().map(|grades| (grades.dataset.as_str(), grades.domain.as_str()));
        self.domains.add(key, domains)?;
        self.fitted.add(key, method, grades);
        Ok(())
    }
}

/// The entry of a series in a store. Its keys are a format.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEntry {
    method: Method,
    datasets: Vec<StoredDataset>,
}

/// A dataset of a series, with the rows that it has in the file of grades.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredDataset {
    dataset: String,
    domain: String,
    rows: usize,
}

impl StoredEntry {
    /// The grades of each dataset, from the file of all.
    fn grades(&self, mut bytes: &[u8]) -> Option<Vec<DatasetGrades>> {
        let mut grades = Vec::new();
        for StoredDataset { dataset, domain, rows } in &self.datasets {
            let (own, rest) = bytes.split_at_checked(rows.checked_mul(DatasetGrades::ROW_BYTES)?)?;
            grades.push(DatasetGrades::from_rows(dataset.clone(), domain.clone(), own.to_vec())?);
            bytes = rest;
        }
        bytes.is_empty().then_some(grades)
    }
}

impl SeriesTask for SeriesFit {
    type Computed = FittedMethod;
    const STAGE: Stage = Stage::Fit;
    const FILES: &'static [&'static str] = &["entry.json", "grades", "calibration.parquet"];
    const MAX_TOGETHER: usize = MAX_TOGETHER;

    fn parameters(&self) -> &Value {
        &self.parameters
    }

    fn compute(&self, loaded: &LoadedSeries<'_>, _observer: &dyn Observer) -> Result<FittedMethod, Failure> {
        Ok(fit_series(loaded.table(), loaded.series(), &self.spec, MethodIdentities::imported()))
    }

    fn files(&self, loaded: &LoadedSeries<'_>, computed: FittedMethod) -> Result<Vec<Vec<u8>>, Failure> {
        let (table, series) = (loaded.table(), loaded.series());
        let FittedMethod { draw, method } = computed;
        let grades = DatasetGrades::all(&table.questions, series);
        let stored = |grades: &DatasetGrades| StoredDataset {
            dataset: grades.dataset.clone(),
            domain: grades.domain.clone(),
            rows: grades.rows().len() / DatasetGrades::ROW_BYTES,
        };
        let entry = StoredEntry { method, datasets: grades.iter().map(stored).collect() };
        let entry = serde_json::to_vec(&entry).or_fail(FailureKind::Stage)?;
        let grades: Vec<u8> = grades.iter().flat_map(DatasetGrades::rows).copied().collect();
        let folder = tempfile::tempdir().or_fail(FailureKind::Stage)?;
        let path = folder.path().join("calibration.parquet");
        let mut writer = CalibrationWriter::at(&path, &Provenance::default())?;
        writer.write(table, series, &draw)?;
        writer.finish()?;
        Ok(vec![entry, grades, fs::read(&path).or_fail(FailureKind::Stage)?])
    }
}

impl SeriesSink<SeriesFit> for FitSink<'_> {
    fn take(&mut self, loaded: &LoadedSeries<'_>, computed: FittedMethod) -> Result<(), Failure> {
        let (table, series) = (loaded.table(), loaded.series());
        self.calibration.write(table, series, &computed.draw)?;
        self.add(&series.key(), computed.method, &DatasetGrades::all(&table.questions, series))
    }

    fn take_files(&mut self, key: &SeriesKey, files: Vec<Vec<u8>>) -> Result<(), Failure> {
        let [entry, grades, calibration] = &files[..] else {
            return Err(foreign(key, format!("it has {} files", files.len())));
        };
        let entry: StoredEntry = serde_json::from_slice(entry).map_err(|error| foreign(key, error))?;
        let Some(grades) = entry.grades(grades) else {
            return Err(foreign(key, "its grades are not those of its datasets"));
        };
        let folder = tempfile::tempdir().or_fail(FailureKind::Stage)?;
        let path = folder.path().join("calibration.parquet");
        fs::write(&path, calibration).or_fail(FailureKind::Stage)?;
        self.calibration.append(&path).map_err(|failure| foreign(key, failure))?;
        self.add(key, entry.method, &grades)
    }
}
