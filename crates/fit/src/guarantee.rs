//! Risk control: a threshold whose risk is at most alpha with probability at least 1 - delta.
//!
//! Thresholds are walked from strict to loose in an order fixed before any label is seen, each
//! tested with the exact binomial tail, until one fails; the last that passed is taken. Because the
//! walk stops at the first failure, the chance of ever passing a threshold whose risk exceeds alpha
//! is at most delta (fixed-sequence testing; Learn-then-Test, arXiv:2110.01052). Taking instead the
//! loosest threshold whose *observed* risk is at most alpha fails about half the time.

use plimsoll_core::Seed;
use plimsoll_router::thresholds::{Guarantee, GuaranteeTest, Infeasible};
use plimsoll_router::{Confidence, Risk, Threshold};

use crate::audit::AuditedQuestion;
use crate::draw::Draw;
use crate::prepared::PreparedSeries;
use crate::sample::Undrawn;
use crate::tail::{binomial_cdf, clopper_pearson_upper, min_rows, zero_error_rows};

mod rows;

use rows::FailedTest;

/// One cluster in so many is set aside for the sequence where every row was drawn.
pub(crate) const SET_ASIDE: u64 = 3;

/// One trial of a test.
#[derive(Debug, Clone, Copy)]
struct Trial {
    confidence: Option<Confidence>,
    slm_correct: bool,
    /// `None` = ungraded.
    llm_correct: Option<bool>,
}

/// What a guarantee is tested on: rows and, from other rows, the sequence of thresholds.
#[derive(Debug, Clone)]
pub struct TestSet {
    trials: Vec<Trial>,
    /// From strict to loose.
    sequence: Vec<Threshold>,
    /// Rows of the pool that one tested row stands for.
    pool_rows_per_trial: f64,
    /// Of the rows with a confidence that are tested or that the sequence comes from, the share that is tested.
    tested_share: f64,
}

/// The result of a test.
#[derive(Debug, Clone, PartialEq)]
pub enum TestOutcome {
    /// This threshold has the guarantee.
    Certified(Threshold, Guarantee),
    /// None has.
    Infeasible(Infeasible),
}

impl TestSet {
    /// The proportional part of a draw, one seeded row per cluster, and the sequence from the
    /// confidences of rows that were not drawn; if every row was drawn, a seeded third of the
    /// clusters is set aside for the sequence.
    pub fn new(prepared: &PreparedSeries<'_>, draw: &Draw, undrawn: &Undrawn, seed: &Seed) -> Self {
        let proportional = draw.rows.iter().filter(|drawn| drawn.proportional).map(|drawn| drawn.row);
        let mut rows: Vec<u32> = proportional.chain(draw.missing_tested.iter().copied()).collect();
        let drawn = rows.len() as f64;
        if !prepared.independent() {
            rows.sort_unstable_by_key(|row| {
                (prepared.cluster(*row), seed.hash_key(prepared.key(*row)), *row)
            });
            rows.dedup_by_key(|row| prepared.cluster(*row));
        }
        let rows_per_cluster = if rows.is_empty() { 1.0 } else { drawn / rows.len() as f64 };
        // Of a long pool: a short one may be drawn whole though a share was asked for.
        let tested_share = if draw.fraction < 1.0 { draw.fraction } else { 1.0 - 1.0 / SET_ASIDE as f64 };
        let pool_rows_per_trial = rows_per_cluster / tested_share;
        let mut sequence = undrawn.quantiles.clone();
        if sequence.is_empty() {
            let set_aside = |row: &u32| seed.hash_key(prepared.cluster(*row)).is_multiple_of(SET_ASIDE);
            let mut aside: Vec<Confidence> = rows
                .iter()
                .filter(|row| set_aside(row))
                .filter_map(|row| prepared.series.confidence(*row as usize))
                .collect();
            rows.retain(|row| !set_aside(row));
            aside.sort_unstable_by(|a, b| a.get().total_cmp(&b.get()));
            sequence = quantiles(&aside);
        }
        let trials: Vec<Trial> = rows.iter().map(|row| trial(prepared, *row)).collect();
        let sequence = sequence.iter().rev().filter_map(|c| Threshold::new(c.get()).ok()).collect();
        Self { trials, sequence, pool_rows_per_trial, tested_share }
    }

    /// Questions that both models answered, of which a seeded third is set aside for the sequence. A
    /// disagreement is tested as a regret: as if the SLM were wrong and the LLM right wherever they differ.
    pub(crate) fn from_disagreement(questions: &[AuditedQuestion], seed: &Seed) -> Self {
        let is_aside = |question: &&AuditedQuestion| seed.hash_key(question.key).is_multiple_of(SET_ASIDE);
        let (aside, tested): (Vec<&AuditedQuestion>, Vec<_>) = questions.iter().partition(is_aside);
        let mut confidences: Vec<Confidence> =
            aside.into_iter().filter_map(|question| question.confidence).collect();
        confidences.sort_unstable_by(|a, b| a.get().total_cmp(&b.get()));
        let sequence = quantiles(&confidences);
        let trial = |question: &AuditedQuestion| Trial {
            confidence: question.confidence,
            slm_correct: !question.differ,
            llm_correct: Some(true),
        };
        let tested_share = 1.0 - 1.0 / SET_ASIDE as f64;
        Self {
            trials: tested.into_iter().map(trial).collect(),
            sequence: sequence.iter().rev().filter_map(|c| Threshold::new(c.get()).ok()).collect(),
            pool_rows_per_trial: 1.0 / tested_share,
            tested_share,
        }
    }

    /// Tests a risk.
    ///
    /// # Formula
    /// p = P(Bin(n, alpha) <= k). For the selective error n is the number of kept trials and k the
    /// wrong ones among them; the walk starts at the first threshold with n >= the smallest n for
    /// which P(Bin(n, alpha) <= floor(n alpha / 2)) <= delta. For joint error and regret n is the
    /// number of all trials (a missing confidence is a trial without a loss) and the walk starts at
    /// deferring everything.
    pub fn test(&self, risk: Risk, alpha: f64, delta: f64) -> TestOutcome {
        let mut walk = Walk::new(self, risk, alpha, delta);
        let strictest = matches!(risk, Risk::JointError | Risk::Regret).then_some(Threshold::DEFER_ALL);
        let sequence: Vec<Threshold> = strictest.into_iter().chain(self.sequence.iter().copied()).collect();
        for threshold in &sequence {
            if !walk.step(*threshold) {
                break;
            }
        }
        walk.outcome(self, sequence.len())
    }

    /// Number of trials.
    pub fn trials(&self) -> u64 {
        self.trials.len() as u64
    }
}

/// The smallest number of trials that is worth a test, known before any label is seen.
pub(crate) fn min_trials(risk: Risk, alpha: f64, delta: f64) -> u64 {
    match risk {
        Risk::SelectiveError => min_rows(alpha, delta),
        Risk::JointError | Risk::Regret => zero_error_rows(alpha, delta),
    }
}

/// The exact binomial test of (risk, alpha, delta) at one threshold; `None` if it does not pass. Rows tested and the
/// counts of thresholds are left to be set.
pub(crate) fn exact_test(bound: (Risk, f64, f64), trials: u64, losses: u64) -> Option<Guarantee> {
    let (risk, alpha, delta) = bound;
    let p_value = binomial_cdf(losses, trials, alpha);
    if p_value > delta {
        return None;
    }
    let mut guarantee = Guarantee::new(risk, alpha, delta, GuaranteeTest::FixedSequenceExactBinomial);
    (guarantee.trials, guarantee.losses, guarantee.p_value) = (trials, losses, p_value);
    guarantee.upper_bound = clopper_pearson_upper(losses, trials, delta);
    Some(guarantee)
}

/// A walk along the sequence.
struct Walk {
    risk: Risk,
    alpha: f64,
    delta: f64,
    min_trials: u64,
    /// Scored trials of this risk, from the most confident: confidence, loss.
    scored: Vec<(Confidence, bool)>,
    all_trials: u64,
    thresholds: u32,
    best: Option<(Threshold, Guarantee)>,
    passed: u32,
}

impl Walk {
    fn new(set: &TestSet, risk: Risk, alpha: f64, delta: f64) -> Self {
        let counts_for_risk = |trial: &&Trial| risk != Risk::Regret || trial.llm_correct.is_some();
        let loss =
            |trial: &Trial| !trial.slm_correct && (risk != Risk::Regret || trial.llm_correct == Some(true));
        let mut scored: Vec<(Confidence, bool)> = set
            .trials
            .iter()
            .filter(counts_for_risk)
            .filter_map(|trial| trial.confidence.map(|confidence| (confidence, loss(trial))))
            .collect();
        scored.sort_unstable_by(|a, b| b.0.get().total_cmp(&a.0.get()));
        Self {
            risk,
            alpha,
            delta,
            min_trials: min_trials(risk, alpha, delta),
            scored,
            all_trials: set.trials.iter().filter(counts_for_risk).count() as u64,
            thresholds: 0,
            best: None,
            passed: 0,
        }
    }

    /// Trials and losses at a threshold.
    fn counts(&self, threshold: Threshold) -> (u64, u64) {
        let kept = self.scored.partition_point(|(confidence, _)| threshold.keeps(*confidence));
        let losses = self.scored[..kept].iter().filter(|(_, loss)| *loss).count() as u64;
        match self.risk {
            Risk::SelectiveError => (kept as u64, losses),
            Risk::JointError | Risk::Regret => (self.all_trials, losses),
        }
    }

    /// Tests the next threshold; false once the walk is over.
    fn step(&mut self, threshold: Threshold) -> bool {
        let (trials, losses) = self.counts(threshold);
        if trials < self.min_trials {
            // Too few rows are kept to be tested; known from confidences alone, so no test is spent.
            return true;
        }
        self.thresholds += 1;
        let bound = (self.risk, self.alpha, self.delta);
        let Some(mut guarantee) = exact_test(bound, trials, losses) else { return false };
        self.passed += 1;
        guarantee.rows_tested = self.all_trials;
        guarantee.thresholds_passed = self.passed;
        guarantee.min_trials = self.min_trials;
        self.best = Some((threshold, guarantee));
        true
    }

    /// `thresholds`: how many the sequence had.
    fn outcome(self, set: &TestSet, thresholds: usize) -> TestOutcome {
        let thresholds_in_sequence = u32::try_from(thresholds).unwrap_or(u32::MAX);
        match self.best {
            Some((threshold, mut guarantee)) => {
                guarantee.thresholds_in_sequence = thresholds_in_sequence;
                TestOutcome::Certified(threshold, guarantee)
            }
            None => TestOutcome::Infeasible(self.infeasible(set)),
        }
    }

    /// What would be needed.
    fn infeasible(&self, set: &TestSet) -> Infeasible {
        let tested = self.all_trials;
        let counts = || set.sequence.iter().map(|threshold| self.counts(*threshold));
        let testable = || counts().filter(|(trials, _)| *trials >= self.min_trials);
        let best_observed_risk =
            testable().map(|(trials, losses)| losses as f64 / trials as f64).reduce(f64::min);
        let needed = match self.risk {
            Risk::SelectiveError => FailedTest {
                scored: &self.scored,
                tested,
                first: testable().next().map(|(trials, _)| trials),
                alpha: self.alpha,
                delta: self.delta,
                tested_share: set.tested_share,
            }
            .sufficient_rows(),
            // Deferring everything has no loss, so it only ever fails for want of rows.
            Risk::JointError | Risk::Regret => Some(self.min_trials),
        };
        // Rows without a graded LLM answer are no trials of a regret.
        let per_trial = set.pool_rows_per_trial * set.trials.len().max(1) as f64 / tested.max(1) as f64;
        let mut infeasible = Infeasible::new(tested);
        infeasible.best_observed_risk = best_observed_risk;
        infeasible.rows_tested_needed = needed;
        infeasible.rows_pool_needed = needed.map(|rows| scale_up(rows, per_trial));
        infeasible
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a row count, rounded up; saturates"
)]
fn scale_up(rows: u64, factor: f64) -> u64 {
    (rows as f64 * factor).ceil() as u64
}

fn trial(prepared: &PreparedSeries<'_>, row: u32) -> Trial {
    let (slm, llm) = prepared.outcomes(row);
    Trial {
        confidence: prepared.series.confidence(row as usize),
        slm_correct: slm.is_correct(),
        llm_correct: llm.as_bool(),
    }
}

/// 100 quantiles (type 1) of sorted confidences, distinct, ascending.
pub(crate) fn quantiles(sorted: &[Confidence]) -> Vec<Confidence> {
    let count = sorted.len() as u64;
    let mut picked: Vec<Confidence> = (0..crate::sample::GRID)
        .filter_map(|step| {
            let rank = (step * count).div_ceil(crate::sample::GRID).max(1);
            usize::try_from(rank - 1).ok().and_then(|index| sorted.get(index).copied())
        })
        .collect();
    picked.dedup();
    picked
}

#[cfg(test)]
mod tests;
