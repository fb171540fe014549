//! The sums that every achieved figure is computed from, for a point estimate and a replicate alike.

use plimsoll_core::Outcome;
use std::ops::AddAssign;

/// Weighted sums over rows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// Weight of all rows.
    pub all: f64,
    /// Of these, rows whose SLM answer is not correct (wrong or ungraded).
    pub slm_wrong: f64,
    /// Weight of rows with a graded LLM answer.
    pub paired: f64,
    /// Of these, rows whose SLM answer is correct.
    pub paired_slm_correct: f64,
    /// Of the paired, rows whose LLM answer is correct.
    pub paired_llm_correct: f64,
    /// Of the paired, rows where the SLM is not correct and the LLM is.
    pub regret: f64,
    /// US dollars for SLM answers and their uncertainty.
    pub slm_cost_usd: f64,
    /// US dollars for LLM answers, were all rows deferred.
    pub llm_cost_usd: f64,
}

impl Sums {
    /// The sums of one row.
    pub fn from_row(weight: f64, outcomes: (Outcome, Outcome), costs_usd: (f64, f64)) -> Self {
        let flag = |condition: bool| if condition { weight } else { 0.0 };
        let (slm, llm) = outcomes;
        let paired = llm.is_graded();
        Self {
            all: weight,
            slm_wrong: flag(!slm.is_correct()),
            paired: flag(paired),
            paired_slm_correct: flag(paired && slm.is_correct()),
            paired_llm_correct: flag(llm.is_correct()),
            regret: flag(llm.is_correct() && !slm.is_correct()),
            slm_cost_usd: weight * costs_usd.0,
            llm_cost_usd: weight * costs_usd.1,
        }
    }

    /// The sums of every row `factor` times.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            all: self.all * factor,
            slm_wrong: self.slm_wrong * factor,
            paired: self.paired * factor,
            paired_slm_correct: self.paired_slm_correct * factor,
            paired_llm_correct: self.paired_llm_correct * factor,
            regret: self.regret * factor,
            slm_cost_usd: self.slm_cost_usd * factor,
            llm_cost_usd: self.llm_cost_usd * factor,
        }
    }

    /// The sums of the rows of `self` that are not in `part`.
    #[must_use]
    pub fn without(self, part: Self) -> Self {
        let mut rest = self;
        rest += part.scaled(-1.0);
        rest
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.all += other.all;
        self.slm_wrong += other.slm_wrong;
        self.paired += other.paired;
        self.paired_slm_correct += other.paired_slm_correct;
        self.paired_llm_correct += other.paired_llm_correct;
        self.regret += other.regret;
        self.slm_cost_usd += other.slm_cost_usd;
        self.llm_cost_usd += other.llm_cost_usd;
    }
}

/// The figures of a threshold: what is kept and what is deferred, missing confidences included
/// in the latter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoutingSplit {
    /// Rows kept.
    pub kept: Sums,
    /// Rows deferred.
    pub deferred: Sums,
}

impl RoutingSplit {
    /// Share of rows deferred.
    pub fn routing_ratio(&self) -> Option<f64> {
        share(self.deferred.all, self.kept.all + self.deferred.all)
    }

    /// Overall accuracy: the SLM's answers where kept, the LLM's where deferred, on rows with a
    /// graded LLM answer.
    pub fn accuracy(&self) -> Option<f64> {
        share(
            self.kept.paired_slm_correct + self.deferred.paired_llm_correct,
            self.kept.paired + self.deferred.paired,
        )
    }

    /// P(SLM wrong | kept); `None` if nothing is kept.
    pub fn selective_error(&self) -> Option<f64> {
        share(self.kept.slm_wrong, self.kept.all)
    }

    /// P(SLM wrong and kept).
    pub fn joint_error(&self) -> Option<f64> {
        share(self.kept.slm_wrong, self.kept.all + self.deferred.all)
    }

    /// P(SLM wrong, LLM right, kept), on rows with a graded LLM answer.
    pub fn regret(&self) -> Option<f64> {
        share(self.kept.regret, self.kept.paired + self.deferred.paired)
    }

    /// Mean US dollars per 1,000 questions: the SLM is always paid, the LLM when deferred.
    pub fn usd_per_1k_questions(&self) -> Option<f64> {
        let paid = self.kept.slm_cost_usd + self.deferred.slm_cost_usd + self.deferred.llm_cost_usd;
        share(paid, self.kept.all + self.deferred.all).map(|usd| usd * 1000.0)
    }
}

/// `part / whole`; `None` for an empty whole. A rounding error of a difference is not negative.
pub fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| (part / whole).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Correct, Ungraded, Wrong};

    #[test]
    fn figures_by_hand() {
        let mut kept = Sums::default();
        kept += Sums::from_row(1.0, (Correct, Wrong), (1.0, 10.0));
        kept += Sums::from_row(1.0, (Wrong, Correct), (1.0, 10.0));
        kept += Sums::from_row(2.0, (Ungraded, Ungraded), (1.0, 10.0));
        let mut deferred = Sums::default();
        deferred += Sums::from_row(1.0, (Wrong, Correct), (1.0, 10.0));
        let split = RoutingSplit { kept, deferred };
        assert_eq!(split.routing_ratio(), Some(0.2));
        // Three paired rows: the kept correct one, the kept wrong one, the deferred right one.
        assert_eq!(split.accuracy(), Some(2.0 / 3.0));
        assert_eq!(split.selective_error(), Some(0.75));
        assert_eq!(split.joint_error(), Some(0.6));
        assert_eq!(split.regret(), Some(1.0 / 3.0));
        assert_eq!(split.usd_per_1k_questions(), Some(1000.0 * 15.0 / 5.0));
        let nothing = RoutingSplit { kept: Sums::default(), deferred };
        assert_eq!(nothing.selective_error(), None);
    }
}
