//! The score table: what calibration starts from, whoever made the scores.
//!
//! Rows arrive one at a time ([`ScoreTableBuilder::push`], which names what is wrong with a row)
//! and leave as columns: one [`Questions`] for all rows, and one [`ScoreSeries`] per (SLM, LLM, method).
//! The order of the finished table depends on the rows' keys alone, never on the order in which
//! they came, so that two exports of the same log give the same calibration set.

mod builder;
mod questions;

pub use builder::{DEFAULT_SLM, RawScore, RowProblem, ScoreTableBuilder};
pub use questions::{Questions, ScoreDataset};

use plimsoll_router::Confidence;
use serde::Serialize;

use crate::id::{MethodId, ModelId};
use crate::outcome::Outcome;

/// All scores of one import or run.
#[derive(Debug, Clone)]
pub struct ScoreTable {
    /// Every question that any series speaks of.
    pub questions: Questions,
    /// One per (SLM, LLM, method), in that order.
    pub series: Vec<ScoreSeries>,
    /// Rows that were left out because their SLM answer is ungraded and the plan excludes such.
    pub excluded_ungraded: u64,
}

/// The rows of one (SLM, LLM, method), ordered by question.
#[derive(Debug, Clone)]
pub struct ScoreSeries {
    /// The small model.
    pub slm: ModelId,
    /// The large model, where there is one.
    pub llm: Option<ModelId>,
    /// The method.
    pub method: MethodId,
    /// Index into [`Questions`], strictly increasing.
    pub question: Vec<u32>,
    confidence: Vec<f64>,
    /// Grade of the SLM's answer.
    pub slm_outcome: Vec<Outcome>,
    /// Grade of the LLM's answer.
    pub llm_outcome: Vec<Outcome>,
    /// US dollars per question for the SLM's answer and its uncertainty; NaN-free, where given for every row.
    pub slm_cost_usd: Option<Vec<f64>>,
    /// US dollars per question for the LLM's answer, where given for every row.
    pub llm_cost_usd: Option<Vec<f64>>,
}

/// Which series it is. Keys are ordered as the series of a table are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SeriesKey {
    /// The small model.
    pub slm: ModelId,
    /// The large model, where there is one.
    pub llm: Option<ModelId>,
    /// The method.
    pub method: MethodId,
}

/// Confidences that do not fit a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{confidences} confidences for a series of {rows} rows")]
pub struct OtherLength {
    /// Rows of the series.
    pub rows: usize,
    /// Confidences that were given.
    pub confidences: usize,
}

impl ScoreSeries {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.question.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.question.is_empty()
    }

    /// The confidence of a row; `None` = missing, also beyond the last row.
    pub fn confidence(&self, row: usize) -> Option<Confidence> {
        // A missing confidence is stored as NaN, which `Confidence` refuses; the sentinel does not
        // leave this type.
        self.confidence.get(row).and_then(|value| Confidence::new(*value).ok())
    }

    /// The same rows with other confidences, one per row: what another scorer makes of the same answers.
    ///
    /// # Errors
    /// [`OtherLength`] if there is not one confidence per row.
    pub fn with_confidences(
        &self,
        confidences: impl IntoIterator<Item = Option<Confidence>>,
    ) -> Result<Self, OtherLength> {
        let confidence: Vec<f64> =
            confidences.into_iter().map(|confidence| confidence.map_or(f64::NAN, Confidence::get)).collect();
        if confidence.len() == self.len() {
            Ok(Self { confidence, ..self.clone() })
        } else {
            Err(OtherLength { rows: self.len(), confidences: confidence.len() })
        }
    }

    /// Whether any LLM answer was graded.
    pub fn has_llm(&self) -> bool {
        self.llm_outcome.iter().any(|outcome| outcome.is_graded())
    }

    /// Whether both costs are known for every row.
    pub fn has_costs(&self) -> bool {
        self.slm_cost_usd.is_some() && self.llm_cost_usd.is_some()
    }

    /// Which series it is.
    pub fn key(&self) -> SeriesKey {
        SeriesKey { slm: self.slm.clone(), llm: self.llm.clone(), method: self.method.clone() }
    }

    /// `SLM--LLM`, or `SLM` without an LLM.
    pub fn pair(&self) -> (&ModelId, Option<&ModelId>) {
        (&self.slm, self.llm.as_ref())
    }

    /// Keeps the rows for which `keep` is true.
    fn retain(&mut self, keep: &[bool]) {
        fn filter<T: Copy>(column: &mut Vec<T>, keep: &[bool]) {
            let mut row = 0;
            column.retain(|_| {
                row += 1;
                keep[row - 1]
            });
        }
        filter(&mut self.question, keep);
        filter(&mut self.confidence, keep);
        filter(&mut self.slm_outcome, keep);
        filter(&mut self.llm_outcome, keep);
        for costs in [&mut self.slm_cost_usd, &mut self.llm_cost_usd].into_iter().flatten() {
            filter(costs, keep);
        }
    }
}

impl ScoreTable {
    /// Number of rows over all series.
    pub fn rows(&self) -> usize {
        self.series.iter().map(ScoreSeries::len).sum()
    }

    /// Which series there are, in their order.
    pub fn keys(&self) -> Vec<SeriesKey> {
        self.series.iter().map(ScoreSeries::key).collect()
    }

    /// Leaves out the rows whose SLM answer is ungraded (plan key `labels: {ungraded: exclude}`).
    pub fn exclude_ungraded(&mut self) {
        for series in &mut self.series {
            let keep: Vec<bool> = series.slm_outcome.iter().map(|outcome| outcome.is_graded()).collect();
            self.excluded_ungraded += keep.iter().filter(|kept| !**kept).count() as u64;
            series.retain(&keep);
        }
        self.series.retain(|series| !series.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_confidences_leave_the_rest_of_a_series_as_it_is() {
        let mut builder = ScoreTableBuilder::new();
        for (question_id, confidence) in [("a", Some(0.25)), ("b", None), ("c", Some(0.0))] {
            let row = RawScore { question_id, dataset: "d", method: "m", confidence, ..RawScore::default() };
            builder.push(&row).unwrap();
        }
        let table = builder.finish();
        let series = &table.series[0];
        let turned = [Confidence::new(0.75).ok(), None, None];
        let other = series.with_confidences(turned).unwrap();
        assert_eq!([0, 1, 2, 3].map(|row| other.confidence(row)), [turned[0], None, None, None]);
        assert_eq!((&other.question, &other.slm_outcome), (&series.question, &series.slm_outcome));
        assert_eq!(series.with_confidences([None; 2]).unwrap_err(), OtherLength { rows: 3, confidences: 2 });
    }
}
