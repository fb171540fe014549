//! A series sorted once, for any number of draws, fits and held-out splits.

use plimsoll_core::scores::Questions;
use plimsoll_core::{Outcome, Series};
use plimsoll_router::Confidence;

/// Which datasets a fit may look at: one flag per dataset of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection(Vec<bool>);

impl Selection {
    /// Every dataset.
    pub fn all(datasets: usize) -> Self {
        Self(vec![true; datasets])
    }

    /// The datasets for which `keep` is true.
    pub fn of(flags: Vec<bool>) -> Self {
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

/// A series with its sort orders.
#[derive(Debug, Clone)]
pub struct Prepared<'a> {
    /// The questions of the table.
    pub questions: &'a Questions,
    /// The series.
    pub series: &'a Series,
    /// Confidence, row and dataset of every scored row, ascending; equal confidences by row. The
    /// dataset stands here too, so that a pass over a selection reads memory in order.
    by_confidence: Vec<(Confidence, u32, u16)>,
    /// Rows without a confidence, ascending.
    missing: Vec<u32>,
    /// Dataset of each row.
    dataset: Vec<u16>,
    /// Whether no two rows share a cluster.
    independent: bool,
}

impl<'a> Prepared<'a> {
    /// Sorts a series.
    pub fn new(questions: &'a Questions, series: &'a Series) -> Self {
        let dataset: Vec<u16> = series
            .question
            .iter()
            .map(|question| u16::try_from(questions.dataset_index(*question)).unwrap_or(u16::MAX))
            .collect();
        let mut by_confidence = Vec::with_capacity(series.len());
        let mut missing = Vec::new();
        for (row, dataset) in (0u32..).zip(&dataset) {
            match series.confidence(row as usize) {
                Some(confidence) => by_confidence.push((confidence, row, *dataset)),
                None => missing.push(row),
            }
        }
        by_confidence.sort_unstable_by(|a, b| a.0.get().total_cmp(&b.0.get()).then(a.1.cmp(&b.1)));
        let mut clusters: Vec<u64> =
            series.question.iter().map(|question| questions.cluster(*question)).collect();
        clusters.sort_unstable();
        let independent = clusters.windows(2).all(|pair| pair[0] != pair[1]);
        Self { questions, series, by_confidence, missing, dataset, independent }
    }

    /// Scored rows of a selection, ascending by confidence.
    pub fn scored<'s>(&'s self, selection: &'s Selection) -> impl Iterator<Item = (Confidence, u32)> + 's {
        let selected = |(_, _, dataset): &&(Confidence, u32, u16)| selection.contains(usize::from(*dataset));
        self.by_confidence.iter().filter(selected).map(|(confidence, row, _)| (*confidence, *row))
    }

    /// Rows of a selection without a confidence.
    pub fn missing<'s>(&'s self, selection: &'s Selection) -> impl Iterator<Item = u32> + 's {
        self.missing.iter().copied().filter(|row| self.selected(selection, *row))
    }

    /// Whether a row's dataset is selected.
    pub fn selected(&self, selection: &Selection, row: u32) -> bool {
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
