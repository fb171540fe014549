//! What a routing curve is compared with: each model alone, random routing, the oracle.

use plimsoll_core::records::CurveAreaRow;
use plimsoll_fit::WeightedSample;
use plimsoll_fit::sums::{RoutingSplit, Sums};
use plimsoll_router::Threshold;

/// Baselines of a sample. Accuracies are over rows with a graded LLM answer, ungraded SLM answers
/// counted as wrong; `None` without such rows.
#[derive(Debug, Clone, Copy)]
pub struct Baselines {
    /// Accuracy of the SLM alone.
    pub slm: Option<f64>,
    /// Accuracy of the LLM alone.
    pub llm: Option<f64>,
    /// Share of rows where only the LLM is right: the upper bound of what routing can repair.
    pub uplift: Option<f64>,
    /// Accuracy of the SLM alone over all rows, graded LLM answer or not; `None` if it is 0.
    pub slm_all_rows: Option<f64>,
    total: Sums,
}

impl Baselines {
    /// Baselines of a sample.
    pub fn from_sample(sample: &WeightedSample) -> Self {
        Self::from_split(&sample.split(Threshold::KEEP_ALL))
    }

    /// Baselines of the rows of a split, kept or not.
    pub fn from_split(split: &RoutingSplit) -> Self {
        let mut total = split.kept;
        total += split.deferred;
        let share = |part: f64, all: f64| (all > 0.0).then(|| part / all);
        Self {
            slm: share(total.paired_slm_correct, total.paired),
            llm: share(total.paired_llm_correct, total.paired),
            uplift: share(total.regret, total.paired),
            slm_all_rows: share(total.all - total.slm_wrong, total.all).filter(|accuracy| *accuracy > 0.0),
            total,
        }
    }

    /// How much better the LLM is; `None` unless it is better.
    pub fn gap(&self) -> Option<f64> {
        self.slm.zip(self.llm).map(|(slm, llm)| llm - slm).filter(|gap| *gap > 0.0)
    }

    /// Expected accuracy of deferring a random share of the questions.
    ///
    /// # Formula
    /// (1 - r) SLM + r LLM.
    pub fn random(&self, ratio: f64) -> Option<f64> {
        self.slm.zip(self.llm).map(|(slm, llm)| slm + ratio * (llm - slm))
    }

    /// Accuracy of an oracle that knows which answers are right and may defer at most a share
    /// of the questions.
    ///
    /// # Formula
    /// SLM + min(r, P(SLM wrong, LLM right)).
    pub fn oracle(&self, ratio: f64) -> Option<f64> {
        self.slm.zip(self.uplift).map(|(slm, uplift)| slm + uplift.min(ratio))
    }

    /// Area under [`Baselines::oracle`] over r in [0, 1].
    ///
    /// # Formula
    /// SLM + u - u^2 / 2, u = P(SLM wrong, LLM right).
    pub fn oracle_area(&self) -> Option<f64> {
        self.slm.zip(self.uplift).map(|(slm, uplift)| slm + uplift - uplift * uplift / 2.0)
    }

    /// Performance gap recovered: 0 at the SLM's accuracy, 1 at the LLM's (RouteLLM,
    /// arXiv:2406.18665). `None` unless the LLM is better.
    ///
    /// # Formula
    /// (accuracy - SLM) / (LLM - SLM).
    pub fn gap_recovered(&self, accuracy: f64) -> Option<f64> {
        self.slm.zip(self.gap()).map(|(slm, gap)| (accuracy - slm) / gap)
    }

    /// Mean US dollars per 1,000 questions of deferring a random share of the questions: the
    /// SLM is always paid.
    pub fn random_usd_per_1k_questions(&self, ratio: f64) -> Option<f64> {
        let total = &self.total;
        (total.all > 0.0).then(|| 1000.0 * (total.slm_cost_usd + ratio * total.llm_cost_usd) / total.all)
    }

    /// A row of `curve_areas` with the counts and shares; names and areas are still to come.
    pub(super) fn row(&self) -> CurveAreaRow {
        let total = &self.total;
        let both = total.paired_llm_correct - total.regret;
        let only_slm = total.paired_slm_correct - both;
        let share = |part: f64| (total.paired > 0.0).then(|| part / total.paired);
        CurveAreaRow {
            rows: whole(total.all),
            paired_rows: whole(total.paired),
            always_slm_accuracy: self.slm,
            always_llm_accuracy: self.llm,
            both_correct: share(both),
            only_slm_correct: share(only_slm),
            only_llm_correct: share(total.regret),
            neither_correct: share(total.paired - both - only_slm - total.regret),
            ..CurveAreaRow::default()
        }
    }
}

/// A count that was kept as a float.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of rows")]
fn whole(count: f64) -> u64 {
    count.round() as u64
}
