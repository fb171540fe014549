//! The three answers on rows worked by hand, and how often an answer is wrong.

use plimsoll_core::Seed;
use plimsoll_router::Route;
use plimsoll_router::thresholds::{Achieved, Status};
use proptest::prelude::*;

use super::*;
use Outcome::{Correct, Ungraded, Wrong};

const SPEC: CheckSpec = CheckSpec { delta: 0.05, tolerance: 0.05 };

fn point(target: Target, threshold: f64) -> OperatingPoint {
    let mut point = OperatingPoint::new("m", target, Status::Reached);
    point.threshold = Threshold::new(threshold).ok();
    point
}

fn row(confidence: f64, slm: Outcome, llm: Outcome) -> CheckedRow {
    CheckedRow {
        confidence: Confidence::new(confidence).ok(),
        slm: Some(slm),
        llm: Some(llm),
        costs_usd: None,
    }
}

/// `count` copies of a row.
fn times(count: usize, row: CheckedRow) -> Vec<CheckedRow> {
    vec![row; count]
}

fn checked(target: Target, rows: &[CheckedRow]) -> PointCheck {
    check(&point(target, 0.5), rows, SPEC).unwrap()
}

#[test]
fn a_risk_holds_fails_or_is_left_open() {
    let target = Target::SelectiveError { alpha: 0.1, delta: 0.1 };
    let kept = |right: usize, wrong: usize| {
        let rows = [
            times(right, row(0.9, Correct, Correct)),
            times(wrong, row(0.9, Wrong, Correct)),
            // Deferred rows are no trials of a selective error.
            times(right + wrong, row(0.1, Wrong, Correct)),
        ];
        checked(target, &rows.concat())
    };
    // None wrong of n: the upper limit at 0.025 is 1 - 0.025^(1/n), at most 0.1 from n = 36 on (0.9^35 = 0.02503).
    let (enough, few) = (kept(36, 0), kept(35, 0));
    assert_eq!((enough.status, enough.rows_tested, enough.rows_needed), (CheckStatus::Holds, 36, None));
    assert_eq!((few.status, few.rows_tested), (CheckStatus::TooFewRows, 35));
    // Thirty-six kept rows are twice as many rows.
    assert_eq!(few.rows_needed, Some(72));
    // All wrong: even the lower limit, 0.025^(1/n), is above 0.1 from n = 2 on (0.158).
    assert_eq!(kept(0, 2).status, CheckStatus::DoesNotHold);
    assert_eq!(kept(0, 1).status, CheckStatus::TooFewRows);
}

#[test]
fn figures_of_six_rows_by_hand() {
    let rows = [
        row(0.9, Correct, Wrong),
        row(0.8, Wrong, Correct),
        row(0.7, Ungraded, Ungraded),
        row(0.1, Correct, Correct),
        row(0.2, Wrong, Wrong),
        CheckedRow { confidence: None, ..row(0.0, Correct, Correct) },
    ];
    let found = checked(Target::LlmGap { value: 0.1 }, &rows);
    let value = |estimate: Option<Estimate>| estimate.unwrap().value;
    assert_eq!(value(found.routing_ratio), 0.5);
    // Five rows have a graded LLM: right, wrong, and of the deferred right, wrong, right.
    assert_eq!(value(found.accuracy), 3.0 / 5.0);
    assert_eq!(value(found.selective_error), 2.0 / 3.0);
    assert_eq!(value(found.joint_error), 2.0 / 6.0);
    assert_eq!(value(found.regret), 1.0 / 5.0);
    // The LLM alone is right on three of the five, too.
    assert_eq!((value(found.tested), found.rows_tested), (0.0, 5));
}

/// What makes a guarantee on the regret one on the gap to the LLM.
#[test]
fn the_gap_to_the_llm_is_at_most_the_regret() {
    let outcomes = [Correct, Wrong];
    for seed in 0..64_u32 {
        let rows: Vec<CheckedRow> = (0..12_u32)
            .map(|index| {
                let bits = seed.wrapping_mul(0x9e37_79b9).rotate_left(5 * index) ^ index;
                let outcome = |bit: u32| outcomes[(bits >> bit & 1) as usize];
                row(f64::from(bits >> 8 & 7) / 8.0, outcome(0), outcome(1))
            })
            .collect();
        let found = checked(Target::LlmGap { value: 0.1 }, &rows);
        let gap = found.tested.unwrap().value;
        assert!(gap <= found.regret.unwrap().value, "{rows:?}");
    }
}

#[test]
fn a_ratio_is_held_to_what_was_achieved_and_an_accuracy_to_the_target() {
    let rows = |deferred: usize, kept: usize| {
        [times(deferred, row(0.1, Correct, Correct)), times(kept, row(0.9, Wrong, Correct))].concat()
    };
    let mut tied = point(Target::RoutingRatio { value: 0.9 }, 0.5);
    tied.achieved = Some(Achieved::new(Estimate::new(0.5), Estimate::new(0.0)));
    let status = |point: &OperatingPoint, rows: &[CheckedRow]| check(point, rows, SPEC).unwrap().status;
    assert_eq!(status(&tied, &rows(5000, 5000)), CheckStatus::Holds);
    assert_eq!(status(&tied, &rows(9000, 1000)), CheckStatus::DoesNotHold);
    // Ten of twenty: about [0.27, 0.73].
    let open = check(&tied, &rows(10, 10), SPEC).unwrap();
    assert_eq!(open.status, CheckStatus::TooFewRows);
    // A normal interval around 0.5 is narrower than 0.05 on either side from (1.96 / 0.1)^2 = 384 rows on.
    assert!((384..=420).contains(&open.rows_needed.unwrap()), "{open:?}");
    // Half of the answers are right.
    let accuracy = |value| point(Target::Accuracy { value }, 0.5);
    assert_eq!(status(&accuracy(0.52), &rows(5000, 5000)), CheckStatus::Holds);
    assert_eq!(status(&accuracy(0.6), &rows(5000, 5000)), CheckStatus::DoesNotHold);
    assert_eq!(status(&accuracy(0.55), &rows(5000, 5000)), CheckStatus::TooFewRows);
}

#[test]
fn labels_that_are_not_there_yet_are_told_and_not_guessed() {
    let mut rows = times(500, row(0.9, Correct, Correct));
    rows[0].slm = None;
    let open = checked(Target::JointError { alpha: 0.1, delta: 0.1 }, &rows);
    assert_eq!((open.status, open.unlabelled, open.rows_needed), (CheckStatus::TooFewRows, 1, None));
    assert_eq!((open.tested, open.joint_error), (None, None));
    // Of a deferred question no label is needed.
    rows[0].confidence = None;
    assert_eq!(checked(Target::JointError { alpha: 0.1, delta: 0.1 }, &rows).status, CheckStatus::Holds);
}

#[test]
fn what_keeps_nothing_and_what_has_no_threshold() {
    let target = Target::SelectiveError { alpha: 0.1, delta: 0.1 };
    let rows = times(3, row(1.0, Wrong, Correct));
    let defer_all = point(target, Threshold::DEFER_ALL.get());
    assert_eq!(check(&defer_all, &rows, SPEC).unwrap().status, CheckStatus::Holds);
    let nothing_kept = check(&point(target, 1.0), &times(3, row(0.5, Wrong, Correct)), SPEC).unwrap();
    assert_eq!((nothing_kept.status, nothing_kept.rows_needed), (CheckStatus::TooFewRows, None));
    assert!(check(&OperatingPoint::new("m", target, Status::Infeasible), &rows, SPEC).is_none());
    assert_eq!(check(&point(target, 0.5), &[], SPEC).unwrap().status, CheckStatus::TooFewRows);
}

#[test]
fn costs_by_hand() {
    let paid =
        |confidence| CheckedRow { costs_usd: Some((0.001, 0.009)), ..row(confidence, Correct, Correct) };
    let budget = |usd_per_1k_questions| Target::Cost { usd_per_1k_questions };
    let rows = [times(100, paid(0.9)), times(100, paid(0.1))].concat();
    // Kept for one dollar per 1,000, deferred for ten: 5.5 with a standard error of 4.5 / sqrt(200) = 0.32.
    let holds = checked(budget(6.5), &rows);
    assert!((holds.tested.unwrap().value - 5.5).abs() < 1e-12);
    assert_eq!(holds.status, CheckStatus::Holds);
    assert_eq!(checked(budget(4.0), &rows).status, CheckStatus::DoesNotHold);
    assert_eq!(checked(budget(5.5), &rows).status, CheckStatus::TooFewRows);
    assert_eq!(checked(budget(100.0), &rows[..99]).status, CheckStatus::TooFewRows);
}

/// Checks of fresh rows whose true risk is `risk`: how often each answer is given.
fn answers(risk: f64, rows: u64, alpha: f64) -> [f64; 3] {
    const CHECKS: u64 = 2_000;
    let point = point(Target::SelectiveError { alpha, delta: 0.1 }, 0.5);
    let claim = Claim::new(&point, SPEC.tolerance).unwrap();
    let mut counts = [0.0; 3];
    for index in 0..CHECKS {
        let seed = Seed::new(11).derive_index(index);
        let uniform = |key: u64| (seed.hash_key(key) >> 11) as f64 / 9_007_199_254_740_992.0;
        let rows: Vec<CheckedRow> = (0..rows)
            .map(|key| row(0.9, if uniform(key) < risk { Wrong } else { Correct }, Correct))
            .collect();
        let measured = measure(claim.figure, &rows, point.threshold.unwrap());
        counts[claim.status(measured.interval(SPEC.delta).unwrap()) as usize] += 1.0;
    }
    counts.map(|count| count / CHECKS as f64)
}

#[test]
fn a_wrong_answer_is_as_rare_as_promised() {
    // Five standard deviations of a share of 0.05 over 2,000 checks.
    const NOISE: f64 = 0.025;
    // Just above alpha it must rarely hold, just below rarely fail, and far away it must be answered.
    let [holds, ..] = answers(0.1001, 400, 0.1);
    assert!(holds <= SPEC.delta + NOISE, "{holds}");
    let [.., fails] = answers(0.0999, 400, 0.1);
    assert!(fails <= SPEC.delta + NOISE, "{fails}");
    assert!(answers(0.03, 400, 0.1)[0] > 0.9 && answers(0.2, 400, 0.1)[2] > 0.9);
}

proptest! {
    #[test]
    fn figures_are_the_routers_decisions(
        rows in prop::collection::vec((prop::option::of(0.0f64..=1.0), 0u8..3, 0u8..3), 1..40),
        threshold in 0.0f64..=1.0,
    ) {
        let grade = |code: u8| [Wrong, Correct, Ungraded][usize::from(code)];
        let rows: Vec<CheckedRow> = rows
            .into_iter()
            .map(|(confidence, slm, llm)| CheckedRow {
                confidence: confidence.and_then(|value| Confidence::new(value).ok()),
                ..row(0.0, grade(slm), grade(llm))
            })
            .collect();
        let found = check(&point(Target::RoutingRatio { value: 0.5 }, threshold), &rows, SPEC).unwrap();
        let kept: Vec<&CheckedRow> = rows
            .iter()
            .filter(|row| {
                plimsoll_router::decide(Threshold::new(threshold).unwrap(), row.confidence).route == Route::Slm
            })
            .collect();
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let wrong = kept.iter().filter(|row| row.slm != Some(Correct)).count();
        let value = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.value);
        prop_assert_eq!(value(found.routing_ratio), share(rows.len() - kept.len(), rows.len()));
        prop_assert_eq!(value(found.selective_error), share(wrong, kept.len()));
        prop_assert_eq!(value(found.joint_error), share(wrong, rows.len()));
        for estimate in [found.routing_ratio, found.selective_error, found.accuracy].into_iter().flatten() {
            prop_assert!(estimate.low.unwrap() <= estimate.value && estimate.value <= estimate.high.unwrap());
        }
    }
}
