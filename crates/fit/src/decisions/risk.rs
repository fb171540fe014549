//! Bounds on a risk from a log of decisions.
//!
//! An exact test needs a plain sample, and the labels of a log are none: answers below the threshold that was in force
//! were shown rarely. Rejection sampling makes a part of it one. At a threshold t, let p be the smallest probability
//! with which any answer at or above t was kept. A kept row that had the probability `p_i` is accepted with
//! probability p / `p_i`: every question at or above t then had the same chance p of being shown and accepted, so the
//! accepted rows are a plain sample of those questions (rejection sampling for logs: arXiv:1003.5956). The exact
//! binomial test, and the walk along a sequence fixed before any label is seen, stay as they are.
//!
//! Thresholds at which no answer needed a coin to be kept lose almost no row; looser ones keep the share p.
//!
//! | risk | a trial | a loss |
//! |---|---|---|
//! | selective error | an accepted, labelled row at or above t | its answer was wrong |
//! | joint error | an accepted row; one below t is accepted with probability p | at or above t and wrong, or not labelled |

use plimsoll_core::Seed;
use plimsoll_router::thresholds::{Guarantee, Infeasible};
use plimsoll_router::{Confidence, Risk, Route, Threshold};

use super::LoggedRow;
use crate::guarantee::{SET_ASIDE, TestOutcome, exact_test, min_trials, quantiles};

/// A row that is tested, with its own number in [0, 1) for being accepted.
#[derive(Debug, Clone, Copy)]
struct TestedRow {
    row: LoggedRow,
    u: f64,
}

/// What risks are tested on: rows, and from other rows the sequence of thresholds.
#[derive(Debug, Clone)]
pub struct RiskTests {
    rows: Vec<TestedRow>,
    /// From strict to loose.
    sequence: Vec<Threshold>,
}

impl RiskTests {
    /// A seeded third of the rows gives the sequence, the others are tested.
    pub fn new(rows: &[LoggedRow], seed: &Seed) -> Self {
        let (aside, accept) = (seed.derive("aside"), seed.derive("accept"));
        let mut confidences: Vec<Confidence> = Vec::new();
        let mut tested = Vec::with_capacity(rows.len());
        for (row, number) in rows.iter().zip(0u64..) {
            if aside.hash_key(number).is_multiple_of(SET_ASIDE) {
                confidences.extend(row.confidence);
            } else {
                tested.push(TestedRow { row: *row, u: accept.uniform_key(number) });
            }
        }
        confidences.sort_unstable_by(|a, b| a.get().total_cmp(&b.get()));
        let sequence = quantiles(&confidences);
        let sequence = sequence.iter().rev().filter_map(|c| Threshold::new(c.get()).ok()).collect();
        Self { rows: tested, sequence }
    }

    /// Tests a selective or a joint error; a regret is never certified.
    pub fn test(&self, risk: Risk, alpha: f64, delta: f64) -> TestOutcome {
        let bound = (risk, alpha, delta);
        let needed = min_trials(risk, alpha, delta);
        let strictest = (risk == Risk::JointError).then_some(Threshold::DEFER_ALL);
        let sequence: Vec<Threshold> = strictest.into_iter().chain(self.sequence.iter().copied()).collect();
        let mut best: Option<(Threshold, Guarantee)> = None;
        let (mut passed, mut best_risk) = (0, None::<f64>);
        for threshold in &sequence {
            let Some((trials, losses)) = self.counts(risk, *threshold) else { break };
            // Known without a label's value, so no test is spent.
            if trials < needed {
                continue;
            }
            let observed = losses as f64 / trials as f64;
            best_risk = Some(best_risk.map_or(observed, |best| best.min(observed)));
            let Some(mut guarantee) = exact_test(bound, trials, losses) else { break };
            passed += 1;
            guarantee.rows_tested = self.rows.len() as u64;
            guarantee.thresholds_in_sequence = u32::try_from(sequence.len()).unwrap_or(u32::MAX);
            (guarantee.thresholds_passed, guarantee.min_trials) = (passed, needed);
            best = Some((*threshold, guarantee));
        }
        best.map_or_else(
            || {
                let mut infeasible = Infeasible::new(self.rows.len() as u64);
                infeasible.best_observed_risk = best_risk;
                TestOutcome::Infeasible(infeasible)
            },
            |(threshold, guarantee)| TestOutcome::Certified(threshold, guarantee),
        )
    }

    /// Trials and losses at a threshold; `None` for a risk that a log does not show.
    fn counts(&self, risk: Risk, threshold: Threshold) -> Option<(u64, u64)> {
        let keeps = |row: &LoggedRow| row.confidence.is_some_and(|confidence| threshold.keeps(confidence));
        let at_or_above = self.rows.iter().filter(|tested| keeps(&tested.row));
        let smallest = at_or_above.map(|tested| tested.row.kept_propensity()).fold(1.0, f64::min);
        let (mut trials, mut losses) = (0, 0);
        for TestedRow { row, u } in &self.rows {
            if !keeps(row) {
                trials += u64::from(risk == Risk::JointError && *u < smallest);
            } else if row.route == Route::Slm && *u < smallest / row.propensity {
                match (risk, row.correct) {
                    (Risk::SelectiveError, None) => {}
                    (Risk::SelectiveError | Risk::JointError, label) => {
                        trials += 1;
                        losses += u64::from(label != Some(true));
                    }
                    (Risk::Regret, _) => return None,
                }
            }
        }
        (risk != Risk::Regret).then_some((trials, losses))
    }
}
