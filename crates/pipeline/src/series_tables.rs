//! Tables that are computed of one series, as a file in a store, and their gathering over all series.

use plimsoll_core::SeriesKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::series_source::LoadedSeries;
use crate::series_work::{DatasetDomains, SeriesSink, SeriesTask, foreign};

/// The files of such a result.
pub(crate) const FILES: &[&str] = &["tables.json"];

/// Tables to which those of another series can be added.
pub(crate) trait Tables: Default + Send + Serialize + DeserializeOwned {
    /// Adds the rows of another series.
    fn extend(&mut self, other: Self);
}

/// What was computed of a series. Its keys are a format.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesTables<T> {
    /// Datasets and their domains.
    datasets: Vec<(String, String)>,
    tables: T,
}

impl<T: Serialize> SeriesTables<T> {
    pub(crate) fn new(loaded: &LoadedSeries<'_>, tables: T) -> Self {
        Self { datasets: loaded.datasets(), tables }
    }

    /// As [`FILES`].
    pub(crate) fn files(&self) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(vec![serde_json::to_vec(self).or_fail(FailureKind::Stage)?])
    }
}

/// Gathers the rows of all series.
#[derive(Debug, Default)]
pub(crate) struct TablesSink<T> {
    pub(crate) tables: T,
    pub(crate) domains: DatasetDomains,
}

impl<T: Tables> TablesSink<T> {
    fn add(&mut self, key: &SeriesKey, computed: SeriesTables<T>) -> Result<(), Failure> {
        self.domains.add(key, computed.datasets.iter().map(|(dataset, domain)| (&**dataset, &**domain)))?;
        self.tables.extend(computed.tables);
        Ok(())
    }
}

impl<T: Tables, K: SeriesTask<Computed = SeriesTables<T>>> SeriesSink<K> for TablesSink<T> {
    fn take(&mut self, loaded: &LoadedSeries<'_>, computed: SeriesTables<T>) -> Result<(), Failure> {
        self.add(&loaded.series().key(), computed)
    }

    fn take_files(&mut self, key: &SeriesKey, files: Vec<Vec<u8>>) -> Result<(), Failure> {
        let computed = serde_json::from_slice(&files.concat()).map_err(|error| foreign(key, error))?;
        self.add(key, computed)
    }
}
