//! A guarantee on the deployer's own traffic without a label, by the disagreement of the two models.
//!
//! Whatever the traffic,
//!
//! ```text
//! regret = P(kept, SLM wrong, LLM right) <= P(kept, the answers differ)
//! accuracy(LLM alone) - accuracy(system) <= regret
//! ```
//!
//! since where both answers are equal, both are right or both are wrong. So both models answer some questions of
//! the traffic, and P(kept, the answers differ) <= alpha is tested like any other risk: by the exact binomial tail,
//! from strict to loose. What passes holds for traffic like the audited, with probability at least 1 - delta over
//! which questions were audited; no dataset need look like another.

use plimsoll_core::Seed;
use plimsoll_router::{Confidence, Risk};

use crate::guarantee::{TestOutcome, TestSet};
use crate::tail::rows_needed;

/// A question that both models answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AuditedQuestion {
    /// What names it, so that the test does not depend on the order of the questions.
    pub key: u64,
    /// The SLM's confidence; `None` = missing, which is always deferred.
    pub confidence: Option<Confidence>,
    /// Whether the two answers differ.
    pub differ: bool,
}

/// Audits: the loosest threshold at which P(kept, the answers differ) <= alpha with probability at least 1 - delta.
/// A third of the questions, chosen by key and seed, gives the thresholds that are tested on the others.
///
/// The outcome's risk is the regret, which the disagreement bounds.
pub fn audit(questions: &[AuditedQuestion], alpha: f64, delta: f64, seed: &Seed) -> TestOutcome {
    TestSet::from_disagreement(questions, seed).test(Risk::Regret, alpha, delta)
}

/// About how many questions an audit needs, where the answers differ on the share `differing` of the questions and
/// are kept. `None` if no number would do.
///
/// # Formula
/// ceil(3 n / 2) with n = [`rows_needed`]: the tested questions, besides the third that gives the thresholds.
///
/// ```
/// use plimsoll_fit::audit::questions_needed;
/// // 22 tested questions without a difference bound it by 0.1: 0.9^22 < 0.1.
/// assert_eq!(questions_needed(0.0, 0.1, 0.1), Some(33));
/// assert_eq!(questions_needed(0.1, 0.1, 0.1), None);
/// ```
pub fn questions_needed(differing: f64, alpha: f64, delta: f64) -> Option<u64> {
    rows_needed(differing, alpha, delta).map(|tested| tested.saturating_mul(3).div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Traffic on which the models differ more where the SLM is unsure, and are wrong where they differ.
    fn traffic(seed: &Seed, rows: u64) -> Vec<AuditedQuestion> {
        let uniform = |key: u64| (seed.hash_key(key) >> 11) as f64 / 9_007_199_254_740_992.0;
        let question = |row: u64| {
            let confidence = uniform(2 * row);
            let differ = uniform(2 * row + 1) > 0.5 + 0.5 * confidence;
            AuditedQuestion { key: row, confidence: Confidence::new(confidence).ok(), differ }
        };
        (0..rows).map(question).collect()
    }

    /// P(kept, differ) at a threshold t: the integral of (1 - c) / 2 from t to 1.
    fn true_risk(threshold: f64) -> f64 {
        (1.0 - threshold.min(1.0)).powi(2) / 4.0
    }

    /// Audits, and five standard deviations of a share of 0.1 of them.
    const AUDITS: u64 = 400;
    const NOISE: f64 = 0.075;

    #[test]
    fn the_bound_holds_as_often_as_it_says_and_the_observed_share_does_not() {
        let (alpha, delta, rows) = (0.05, 0.1, 300);
        let (mut broken, mut plain_broken) = (0u64, 0u64);
        for index in 0..AUDITS {
            let seed = Seed::new(5).derive_index(index);
            let questions = traffic(&seed, rows);
            if let TestOutcome::Certified(threshold, guarantee) = audit(&questions, alpha, delta, &seed) {
                assert!(guarantee.losses <= guarantee.trials && guarantee.trials < rows);
                broken += u64::from(true_risk(threshold.get()) > alpha);
            }
            // The loosest threshold whose observed share is at most alpha.
            let mut sorted = questions.clone();
            sorted.sort_by(|left, right| {
                let value = |question: &AuditedQuestion| question.confidence.map_or(0.0, Confidence::get);
                value(right).total_cmp(&value(left))
            });
            let mut differing = 0.0;
            let loosest = sorted.iter().take_while(|question| {
                differing += f64::from(u8::from(question.differ));
                differing <= alpha * rows as f64
            });
            let threshold =
                loosest.last().and_then(|question| question.confidence).map_or(1.0, Confidence::get);
            plain_broken += u64::from(true_risk(threshold) > alpha);
        }
        let share = |count: u64| count as f64 / AUDITS as f64;
        assert!(share(broken) <= delta + NOISE, "{}", share(broken));
        assert!(share(plain_broken) > delta + NOISE, "{}", share(plain_broken));
    }

    #[test]
    fn neither_the_order_nor_missing_confidences_are_in_the_way() {
        let seed = Seed::new(9);
        let mut questions = traffic(&seed, 400);
        let first = audit(&questions, 0.1, 0.1, &seed);
        questions.reverse();
        assert_eq!(audit(&questions, 0.1, 0.1, &seed), first);
        // A question without a confidence is deferred: it is a trial without a loss, however the answers differ.
        let missing = (400..800).map(|key| AuditedQuestion { key, confidence: None, differ: true });
        let with_missing: Vec<AuditedQuestion> = questions.into_iter().chain(missing).collect();
        let (TestOutcome::Certified(alone, _), TestOutcome::Certified(beside, _)) =
            (first, audit(&with_missing, 0.1, 0.1, &seed))
        else {
            panic!("both audits pass")
        };
        assert!(beside.get() < alone.get());
    }

    #[test]
    fn too_few_questions_are_told_with_how_many_would_do() {
        let seed = Seed::new(9);
        let TestOutcome::Infeasible(infeasible) = audit(&traffic(&seed, 30), 0.05, 0.1, &seed) else {
            panic!("thirty questions bound nothing at 0.05")
        };
        assert!(infeasible.rows_tested < 30);
        assert!(infeasible.rows_tested_needed.is_some_and(|needed| needed >= 45), "{infeasible:?}");
        assert!(matches!(audit(&[], 0.05, 0.1, &seed), TestOutcome::Infeasible(_)));
    }
}
