//! A series sorted once, for any number of draws, fits and held-out splits.

use plimsoll_core::scores::Questions;
use plimsoll_core::{Outcome, ScoreSeries};
use plimsoll_router::Confidence;
use rayon::slice::ParallelSliceMut as _;

/// Which datasets a fit may look at: one flag per dataset of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetSelection(Vec<bool>);

impl DatasetSelection {
    /// Every dataset.
    pub fn all(datasets: usize) -> Self {
        Self(vec![true; datasets])
    }

    /// The datasets for which `keep` is true.
    pub fn from_flags(flags: Vec<bool>) -> Self {
        Self(flags)
    }

    /// Every dataset that this selection leaves out.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self(self.0.iter().map(|flag| !flag).collect())
    }

    /// Whether a dataset is in.
    pub fn contains(&self, dataset: usize) -> bool {
        self.0.get(dataset).copied().unwrap_or(false)
    }
}

/// A row that has a confidence, with what a sample needs of it: 16 bytes side by side, so that a
/// pass over the sorted rows reads memory in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScoredRow {
    /// Its confidence.
    pub(crate) confidence: Confidence,
    /// The row in its series.
    pub(crate) row: u32,
    dataset: u16,
    /// Grades: SLM, LLM.
    pub(crate) outcomes: (Outcome, Outcome),
}

/// A series with its sort orders.
#[derive(Debug, Clone)]
pub struct PreparedSeries<'a> {
    /// The questions of the table.
    pub questions: &'a Questions,
    /// The scores as they are, by row.
    pub series: &'a ScoreSeries,
    /// The scored rows, ascending by confidence; equal confidences by row.
    by_confidence: Vec<ScoredRow>,
    /// Rows without a confidence, ascending.
    missing: Vec<u32>,
    /// Dataset of each row.
    dataset: Vec<u16>,
    /// Whether no two rows share a cluster.
    independent: bool,
}

impl<'a> PreparedSeries<'a> {
    /// Sorts a series.
    pub fn new(questions: &'a Questions, series: &'a ScoreSeries) -> Self {
        let dataset: Vec<u16> = series
            .question
            .iter()
            .map(|question| u16::try_from(questions.dataset_index(*question)).unwrap_or(u16::MAX))
            .collect();
        let mut by_confidence = Vec::with_capacity(series.len());
        let mut missing = Vec::new();
        for (row, dataset) in (0u32..).zip(&dataset) {
            match series.confidence(row as usize) {
                Some(confidence) => {
                    let outcomes = (series.slm_outcome[row as usize], series.llm_outcome[row as usize]);
                    by_confidence.push(ScoredRow { confidence, row, dataset: *dataset, outcomes });
                }
                None => missing.push(row),
            }
        }
        by_confidence.par_sort_unstable_by(|a, b| {
            a.confidence.get().total_cmp(&b.confidence.get()).then(a.row.cmp(&b.row))
        });
        let independent = all_differ(series.question.iter().map(|question| questions.cluster(*question)));
        Self { questions, series, by_confidence, missing, dataset, independent }
    }

    /// Scored rows of a selection, ascending by confidence.
    pub fn scored<'s>(
        &'s self,
        selection: &'s DatasetSelection,
    ) -> impl Iterator<Item = (Confidence, u32)> + 's {
        self.scored_rows(selection).map(|scored| (scored.confidence, scored.row))
    }

    /// Scored rows of a selection, from the most confident.
    pub fn scored_descending<'s>(
        &'s self,
        selection: &'s DatasetSelection,
    ) -> impl Iterator<Item = (Confidence, u32)> + 's {
        let selected = |scored: &&ScoredRow| selection.contains(usize::from(scored.dataset));
        self.by_confidence.iter().rev().filter(selected).map(|scored| (scored.confidence, scored.row))
    }

    /// Scored rows of a selection with their grades, ascending by confidence.
    pub(crate) fn scored_rows<'s>(
        &'s self,
        selection: &'s DatasetSelection,
    ) -> impl Iterator<Item = &'s ScoredRow> + 's {
        self.by_confidence.iter().filter(|scored| selection.contains(usize::from(scored.dataset)))
    }

    /// Rows of a selection without a confidence.
    pub fn missing<'s>(&'s self, selection: &'s DatasetSelection) -> impl Iterator<Item = u32> + 's {
        self.missing.iter().copied().filter(|row| self.selected(selection, *row))
    }

    /// Whether a row's dataset is selected.
    pub fn selected(&self, selection: &DatasetSelection, row: u32) -> bool {
        selection.contains(usize::from(self.dataset[row as usize]))
    }

    /// Index of the dataset of a row, as it is stored.
    pub(crate) fn dataset(&self, row: u32) -> u16 {
        self.dataset[row as usize]
    }

    /// The dataset of a row.
    pub fn dataset_index(&self, row: u32) -> usize {
        usize::from(self.dataset[row as usize])
    }

    /// Whether every row is a cluster of its own.
    pub const fn independent(&self) -> bool {
        self.independent
    }

    /// Key of a row's question.
    pub fn key(&self, row: u32) -> u64 {
        self.questions.key(self.series.question[row as usize])
    }

    /// Key of a row's cluster.
    pub fn cluster(&self, row: u32) -> u64 {
        self.questions.cluster(self.series.question[row as usize])
    }

    /// Grades of a row: SLM, LLM.
    pub fn outcomes(&self, row: u32) -> (Outcome, Outcome) {
        let row = row as usize;
        (self.series.slm_outcome[row], self.series.llm_outcome[row])
    }

    /// US dollars of a row, SLM and LLM; zero where the series has no costs.
    pub fn costs_usd(&self, row: u32) -> (f64, f64) {
        match (&self.series.slm_cost_usd, &self.series.llm_cost_usd) {
            (Some(slm), Some(llm)) => (slm[row as usize], llm[row as usize]),
            _ => (0.0, 0.0),
        }
    }
}

/// Whether no number occurs twice. Questions are in the order of their keys, so that without
/// clusters one pass says so.
fn all_differ(keys: impl Iterator<Item = u64> + Clone) -> bool {
    if keys.clone().is_sorted_by(|a, b| a < b) {
        return true;
    }
    let mut sorted: Vec<u64> = keys.collect();
    sorted.par_sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_numbers_are_found_in_any_order() {
        for (keys, differ) in [
            (vec![], true),
            (vec![1, 2, 9], true),
            (vec![9, 1, 2], true),
            (vec![1, 1], false),
            (vec![2, 1, 2], false),
        ] {
            assert_eq!(all_differ(keys.iter().copied()), differ, "{keys:?}");
        }
    }
}
