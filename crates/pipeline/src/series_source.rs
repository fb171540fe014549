//! Series of score files: all in memory, or read one at a time where the folders of the files say which is where.

use plimsoll_core::canonical::canonical_sha256;
use plimsoll_core::{ScoreSeries, ScoreTable, SeriesKey};
use plimsoll_import::{SeriesFiles, read_series};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::observer::{ImportProgress, Observer};
use crate::result_store::VERSION;
use crate::score_files::{ScoresFrom, import_failure};
use crate::series_name::key_name;
use crate::stage_key::PROGRAM_VERSION;

/// Rows that are read at the same time if no series has so many.
const MIN_ROWS_TOGETHER: u64 = 1 << 20;

/// The series of some score files.
#[derive(Debug)]
pub struct SeriesSource {
    series: Vec<SourceSeries>,
    /// The table of all series; `None` if each is read by itself.
    whole: Option<ScoreTable>,
}

/// One series, before it is read.
#[derive(Debug)]
struct SourceSeries {
    key: SeriesKey,
    rows: u64,
    /// Its files; none of a table that is in memory.
    files: Option<SeriesFiles>,
    /// The files that its rows came from: name, hash and what the folders say.
    inputs: Value,
}

/// A series with its table.
#[derive(Debug)]
pub(crate) struct LoadedSeries<'a> {
    table: LoadedTable<'a>,
    index: usize,
}

#[derive(Debug)]
enum LoadedTable<'a> {
    Whole(&'a ScoreTable),
    Own(Box<ScoreTable>),
}

impl LoadedSeries<'_> {
    /// The table: that of all series, or one of this series alone.
    pub(crate) fn table(&self) -> &ScoreTable {
        match &self.table {
            LoadedTable::Whole(table) => table,
            LoadedTable::Own(table) => table,
        }
    }

    pub(crate) fn series(&self) -> &ScoreSeries {
        &self.table().series[self.index]
    }

    /// The datasets of the series, each with its domain.
    pub(crate) fn datasets(&self) -> Vec<(String, String)> {
        let questions = &self.table().questions;
        let mut present = vec![false; questions.datasets().len()];
        for question in &self.series().question {
            present[questions.dataset_index(*question)] = true;
        }
        let named = questions.datasets().iter().zip(present).filter(|(_, present)| *present);
        named.map(|(dataset, _)| (dataset.id.to_string(), dataset.domain.to_string())).collect()
    }
}

impl SeriesSource {
    /// The series of a table that is in memory, read from these files.
    pub(crate) fn from_table(table: ScoreTable, inputs: &Value) -> Self {
        let series = |series: &ScoreSeries| SourceSeries {
            key: series.key(),
            rows: series.len() as u64,
            files: None,
            inputs: inputs.clone(),
        };
        Self { series: table.series.iter().map(series).collect(), whole: Some(table) }
    }

    /// Series that are read one at a time, each with the files that its rows come from.
    pub(crate) fn from_files(series: Vec<(SeriesFiles, Value)>) -> Self {
        let series = series.into_iter().map(|(files, inputs)| SourceSeries {
            key: files.key.clone(),
            rows: files.rows,
            files: Some(files),
            inputs,
        });
        Self { series: series.collect(), whole: None }
    }

    /// Which series there are, in the order of a table.
    pub fn keys(&self) -> impl Iterator<Item = &SeriesKey> {
        self.series.iter().map(|series| &series.key)
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    pub(crate) fn key(&self, index: usize) -> &SeriesKey {
        &self.series[index].key
    }

    /// Hash of all that a result about a series depends on: what is done, with which parameters, by which version, to
    /// which rows.
    pub(crate) fn address(&self, index: usize, task: &str, parameters: &Value) -> String {
        let SourceSeries { key, inputs, .. } = &self.series[index];
        canonical_sha256(&json!({
            "task": task, "version": VERSION, "program_version": PROGRAM_VERSION, "parameters": parameters,
            "series": key, "inputs": inputs,
        }))
    }

    /// The series, `max` together at most, in groups that have no more rows than the largest series. So the memory that
    /// a group takes is that of the largest series.
    pub(crate) fn groups(&self, max: usize) -> Vec<std::ops::Range<usize>> {
        let largest = self.series.iter().map(|series| series.rows).max().unwrap_or_default();
        let limit = if self.whole.is_some() { u64::MAX } else { largest.max(MIN_ROWS_TOGETHER) };
        let (mut groups, mut start, mut rows) = (Vec::new(), 0, 0u64);
        for (index, series) in self.series.iter().enumerate() {
            let is_full = index - start == max || rows.saturating_add(series.rows) > limit;
            if index > start && is_full {
                groups.push(start..index);
                (start, rows) = (index, 0);
            }
            rows = rows.saturating_add(series.rows);
        }
        if start < self.series.len() {
            groups.push(start..self.series.len());
        }
        groups
    }

    /// Reads a series, unless it is in memory.
    ///
    /// # Errors
    /// A usage or input failure for files that hold no scores of this series.
    pub(crate) fn load(&self, index: usize, observer: &dyn Observer) -> Result<LoadedSeries<'_>, Failure> {
        let SourceSeries { key, files, .. } = &self.series[index];
        let Some(files) = files else {
            let Some(table) = &self.whole else {
                return Err(Failure::input(format!("{} has no files", key_name(key))));
            };
            return Ok(LoadedSeries { table: LoadedTable::Whole(table), index });
        };
        let progress = ImportProgress(observer.rows("scores"));
        let summary =
            read_series(files, &progress).map_err(|error| import_failure(error, ScoresFrom::Tables))?;
        tracing::info!("{} rows of {} read", summary.rows, key_name(key));
        for note in &summary.notes {
            observer.note(&format!("{}: {note}", key_name(key)));
        }
        let found = summary.table.keys();
        if found != [key.clone()] {
            let found: Vec<String> = found.iter().map(key_name).collect();
            return Err(Failure::input(format!(
                "the files in the folders of {} hold {}; write them anew, each series in its own folders",
                key_name(key),
                found.join(", ")
            )));
        }
        Ok(LoadedSeries { table: LoadedTable::Own(Box::new(summary.table)), index: 0 })
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::{MethodId, ModelId};

    use super::*;

    fn source(rows: &[u64]) -> SeriesSource {
        let files = |(index, rows): (usize, &u64)| {
            let key = SeriesKey {
                slm: ModelId::new("s").unwrap(),
                llm: None,
                method: MethodId::new(format!("m{index:03}")).unwrap(),
            };
            (SeriesFiles { key, paths: Vec::new(), rows: *rows }, json!([index]))
        };
        SeriesSource::from_files(rows.iter().enumerate().map(files).collect())
    }

    #[test]
    fn a_group_has_no_more_rows_than_the_largest_series() {
        let million = MIN_ROWS_TOGETHER;
        for (rows, max, expected) in [
            (vec![], 4, vec![]),
            (vec![10; 6], 4, vec![0..4, 4..6]),
            (vec![million; 3], 4, vec![0..1, 1..2, 2..3]),
            (vec![10 * million, 5 * million, 5 * million, 1, 10 * million], 4, vec![0..1, 1..3, 3..4, 4..5]),
            (vec![5, 5], 1, vec![0..1, 1..2]),
        ] {
            assert_eq!(source(&rows).groups(max), expected, "{rows:?}");
        }
    }

    #[test]
    fn addresses_differ_by_all_that_a_result_depends_on() {
        let source = source(&[1, 1]);
        let one = source.address(0, "fit", &json!({"seed": 1}));
        assert_eq!(one, source.address(0, "fit", &json!({"seed": 1})));
        for other in [
            source.address(1, "fit", &json!({"seed": 1})),
            source.address(0, "transfer", &json!({"seed": 1})),
            source.address(0, "fit", &json!({"seed": 2})),
        ] {
            assert_ne!(one, other);
        }
    }
}
