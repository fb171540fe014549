//! Logs of a known population: estimates and certificates over repeated sampling, beside rules that must fail.

use plimsoll_core::Seed;
use plimsoll_router::thresholds::{Method, Status};
use plimsoll_router::{Risk, Target};
use rand::Rng as _;

use super::risk::RiskTests;
use super::*;

/// The threshold in force where logs are made.
const IN_FORCE: f64 = 0.6;
const SHARE: f64 = 0.2;

fn slm_accuracy(c: f64) -> f64 {
    0.2 + 0.7 * c
}

fn llm_accuracy(c: f64) -> f64 {
    0.7 + 0.2 * c
}

/// A log with exploration: confidences uniform in [0, 1], one in twenty missing, nine labels in ten.
fn log(rows: usize, seed: &Seed) -> Vec<LoggedRow> {
    let mut rng = seed.rng();
    (0..rows)
        .map(|_| {
            let c: f64 = rng.random();
            let (slm, llm) = (rng.random_bool(slm_accuracy(c)), rng.random_bool(llm_accuracy(c)));
            let (missing, explored) = (rng.random_bool(0.05), rng.random_bool(SHARE / 2.0));
            let labelled = rng.random_bool(0.9);
            let kept = (c >= IN_FORCE) != explored && !missing;
            let propensity = match (missing, explored) {
                (true, _) => 1.0,
                (false, true) => SHARE / 2.0,
                (false, false) => 1.0 - SHARE / 2.0,
            };
            LoggedRow {
                confidence: (!missing).then(|| Confidence::new(c).unwrap()),
                route: if kept { Route::Slm } else { Route::Llm },
                propensity,
                correct: labelled.then_some(if kept { slm } else { llm }),
            }
        })
        .collect()
}

/// P(SLM wrong | c >= t), and the accuracy of the system, by integrals.
fn truth(t: f64) -> (f64, f64) {
    let mean = |line: fn(f64) -> f64, low: f64, high: f64| line(low.midpoint(high));
    let kept = mean(slm_accuracy, t, 1.0);
    let deferred = mean(llm_accuracy, 0.0, t);
    let missing = mean(llm_accuracy, 0.0, 1.0);
    (1.0 - kept, 0.95 * ((1.0 - t) * kept + t * deferred) + 0.05 * missing)
}

fn at(curve: &LoggedCurve, t: f64) -> LoggedPoint {
    let index = curve.points().partition_point(|point| point.threshold.get() < t);
    curve.points()[index.min(curve.points().len() - 1)]
}

/// Weighted estimates are right on average at every threshold; the same labels without weights are not.
#[test]
fn estimates_are_right_on_average_and_unweighted_ones_are_not() {
    const LOGS: u64 = 60;
    const ROWS: usize = 2000;
    /// Four standard errors of a mean over the logs: a threshold far from that in force rests on a tenth of the labels.
    const MONTE_CARLO: f64 = 0.02;
    let seed = Seed::new(7);
    let mut worst_unweighted: f64 = 0.0;
    for t in [0.1, 0.3, 0.6, 0.9] {
        let (mut error, mut accuracy, mut unweighted) = (0.0, 0.0, 0.0);
        for number in 0..LOGS {
            let rows = log(ROWS, &seed.derive_index(number));
            let point = at(&LoggedCurve::new(&rows), t);
            error += point.selective_error.unwrap() / LOGS as f64;
            accuracy += point.accuracy.unwrap() / LOGS as f64;
            let plain: Vec<LoggedRow> =
                rows.iter().map(|row| LoggedRow { propensity: 1.0, ..*row }).collect();
            unweighted += at(&LoggedCurve::new(&plain), t).selective_error.unwrap() / LOGS as f64;
        }
        let (true_error, true_accuracy) = truth(t);
        assert!((error - true_error).abs() < MONTE_CARLO, "{t}: {error} for {true_error}");
        assert!((accuracy - true_accuracy).abs() < MONTE_CARLO, "{t}: {accuracy} for {true_accuracy}");
        worst_unweighted = worst_unweighted.max((unweighted - true_error).abs());
    }
    assert!(worst_unweighted > 3.0 * MONTE_CARLO, "{worst_unweighted}");
}

/// Over repeated logs a certified risk exceeds alpha at most as often as delta says, beside a walk over the labels as
/// they are, which must fail the same test.
#[test]
fn a_certified_error_is_kept_and_a_naive_one_is_not() {
    const LOGS: u64 = 300;
    const ROWS: usize = 1500;
    const DELTA: f64 = 0.1;
    /// Three standard errors of a share of 0.1 over 300 logs.
    const MONTE_CARLO: f64 = 0.052;
    let seed = Seed::new(11);
    // At the threshold in force, 0.6, the error is 0.24; 0.4 is that of 0.14, where answers are kept by a coin.
    for (risk, alpha) in [(Risk::SelectiveError, 0.4), (Risk::JointError, 0.2)] {
        let exceeds = |outcome: TestOutcome| match outcome {
            TestOutcome::Certified(threshold, _) => {
                let t = threshold.get().min(1.0);
                let (error, _) = truth(t);
                let kept = 0.95 * (1.0 - t);
                let value = if risk == Risk::JointError { kept * error } else { error };
                (u64::from(value > alpha), u64::from(t < IN_FORCE))
            }
            TestOutcome::Infeasible(_) => (0, 0),
        };
        let (mut broken, mut looser, mut naive_broken) = (0, 0, 0);
        for number in 0..LOGS {
            let rows = log(ROWS, &seed.derive_index(number));
            let own = exceeds(RiskTests::new(&rows, &seed).test(risk, alpha, DELTA));
            (broken, looser) = (broken + own.0, looser + own.1);
            // Every label counts once, and what was deferred is taken for what would be: no row is thinned out.
            let as_shown = |row: &LoggedRow| match row.route {
                Route::Slm => LoggedRow { propensity: 1.0, ..*row },
                Route::Llm => LoggedRow { confidence: None, propensity: 1.0, ..*row },
            };
            let plain: Vec<LoggedRow> = rows.iter().map(as_shown).collect();
            naive_broken += exceeds(RiskTests::new(&plain, &seed).test(risk, alpha, DELTA)).0;
        }
        let share = |count: u64| count as f64 / LOGS as f64;
        assert!(share(broken) <= DELTA + MONTE_CARLO, "{risk:?}: {}", share(broken));
        assert!(share(naive_broken) > DELTA + MONTE_CARLO, "{risk:?}: naive {}", share(naive_broken));
        if risk == Risk::SelectiveError {
            assert!(
                share(looser) > 0.5,
                "exploration certifies beyond the threshold in force: {}",
                share(looser)
            );
        }
    }
}

fn base(targets: &[&str]) -> Method {
    let mut method = Method::new("m", "made up", "0".repeat(64), MethodRows::default(), Histogram::new(30));
    let point = |target: &&str| OperatingPoint::new("m", target.parse().unwrap(), Status::NotReached);
    method.operating_points = targets.iter().map(point).collect();
    method
}

fn spec() -> RefitSpec {
    RefitSpec { bins: 30, bootstrap: 200, seed: Seed::new(3) }
}

#[test]
fn every_kind_of_target_is_fitted_or_says_why_not() {
    let targets = [
        "routing_ratio=0.3",
        "accuracy=0.76",
        "llm_gap=0.05",
        "selective_error=0.3:0.1",
        "joint_error=0.2:0.1",
    ];
    let rows = log(4000, &Seed::new(5));
    let method = refitted(&base(&targets), &rows, spec()).unwrap();
    for point in &method.operating_points {
        assert_eq!(point.status, Status::Reached, "{}: {:?}", point.id, point.note);
        let achieved = point.achieved.unwrap();
        let (error, accuracy) = truth(point.threshold.unwrap().get().min(1.0));
        for (estimate, true_value) in
            [(achieved.accuracy.unwrap(), accuracy), (achieved.selective_error.unwrap(), error)]
        {
            // Wider than a 95 % interval: this one log is looked at ten times.
            let half = (estimate.high.unwrap() - estimate.low.unwrap()).max(0.02);
            assert!(
                (estimate.value - true_value).abs() <= half,
                "{}: {estimate:?} for {true_value}",
                point.id
            );
        }
        assert!(point.z.is_some() && achieved.regret.is_none());
    }
    assert!(method.operating_points[1].conservative.is_some());
    assert_eq!(method.rows.pool, 4000);
    assert_eq!(method.reference.total(), 4000);
    assert!(method.maps.isotonic.is_some() && method.llm_isotonic.is_some());
    let unknown = refitted(&base(&["regret=0.1:0.1", "cost=1.5", "accuracy=1"]), &rows, spec()).unwrap();
    for point in &unknown.operating_points {
        assert_eq!(point.status, Status::NotReached);
        assert!(point.note.is_some(), "{}", point.id);
    }
}

#[test]
fn the_same_log_gives_the_same_bits() {
    let rows = log(500, &Seed::new(6));
    let targets = ["routing_ratio=0.5", "selective_error=0.3:0.1"];
    assert_eq!(refitted(&base(&targets), &rows, spec()), refitted(&base(&targets), &rows, spec()));
}

/// Ratios, errors and accuracies by counting all rows for each threshold, as slowly as they read.
#[test]
fn the_curve_is_what_a_slow_count_gives() {
    const ROUNDING: f64 = 1e-12;
    let rows = log(120, &Seed::new(8));
    for point in LoggedCurve::new(&rows).points() {
        let keeps = |row: &LoggedRow| row.confidence.is_some_and(|c| point.threshold.keeps(c));
        let mean = |route: Route, kept: bool| {
            let own = rows.iter().filter(|row| row.route == route && keeps(row) == kept);
            let labels: Vec<(f64, f64)> = own
                .filter_map(|row| Some((1.0 / row.propensity, f64::from(u8::from(row.correct?)))))
                .collect();
            let all: f64 = labels.iter().map(|(weight, _)| weight).sum();
            (all > 0.0).then(|| labels.iter().map(|(weight, right)| weight * right).sum::<f64>() / all)
        };
        let kept = rows.iter().filter(|row| keeps(row)).count() as f64 / rows.len() as f64;
        assert!((point.routing_ratio - (1.0 - kept)).abs() < ROUNDING);
        let error = mean(Route::Slm, true).map(|right| 1.0 - right);
        assert!(error.zip(point.selective_error).is_none_or(|(a, b)| (a - b).abs() < ROUNDING));
        assert_eq!(error.is_some(), point.selective_error.is_some());
        let deferred = mean(Route::Llm, false);
        if let (Some(error), Some(deferred), Some(accuracy)) = (error, deferred, point.accuracy) {
            let expected = kept * (1.0 - error) + (1.0 - kept) * deferred;
            assert!((accuracy - expected).abs() < ROUNDING);
        }
    }
}

#[test]
fn a_log_without_exploration_is_refused() {
    let good = log(50, &Seed::new(9));
    let with = |index: usize, change: fn(&mut LoggedRow)| {
        let mut rows = good.clone();
        change(&mut rows[index]);
        check_log(&rows)
    };
    let scored = good.iter().position(|row| row.confidence.is_some()).unwrap();
    let missing = good.iter().position(|row| row.confidence.is_none()).unwrap();
    assert_eq!(check_log(&good), Ok(()));
    for propensity in [1.0, 0.0, -1.0, f64::NAN] {
        let mut rows = good.clone();
        rows[scored].propensity = propensity;
        let problem = check_log(&rows).unwrap_err();
        assert!(matches!(problem, LogProblem::NoExploration { index, .. } if index == scored), "{problem}");
    }
    let kept = with(missing, |row| row.route = Route::Slm);
    assert_eq!(kept, Err(LogProblem::Missing { index: missing }));
    let unlabelled: Vec<LoggedRow> = good.iter().map(|row| LoggedRow { correct: None, ..*row }).collect();
    assert_eq!(check_log(&unlabelled), Err(LogProblem::NoLabels { route: "SLM" }));
    assert_eq!(check_log(&[]), Err(LogProblem::NoLabels { route: "SLM" }));
}

/// A certificate of a point that stays is a threshold: its position is that on the scale of the log, by which a tracker works.
#[test]
fn certificates_of_points_that_stay_move_to_the_scale_of_the_log() {
    let threshold = Threshold::new(0.7).unwrap();
    let mut base = base(&["regret=0.1:0.1"]);
    let mut guarantee = plimsoll_router::thresholds::DatasetGuarantee::new(3, 1, 0.1, threshold, "d");
    guarantee.z = Some(0.1);
    base.operating_points[0].dataset_guarantee = Some(guarantee);
    let method = refitted(&base, &log(2000, &Seed::new(12)), spec()).unwrap();
    let found = method.operating_points[0].dataset_guarantee.as_ref().unwrap();
    assert_eq!(found.threshold, threshold);
    let expected = position(method.pool_cdf.as_ref().unwrap(), threshold);
    assert_eq!(found.z, Some(expected));
    // Confidences of the log are uniform.
    assert!((expected - 0.7).abs() < 0.05, "{expected}");
}

#[test]
fn a_target_beyond_the_share_of_missing_confidences_says_so() {
    let rows = log(2000, &Seed::new(10));
    let method = refitted(&base(&["routing_ratio=0.01"]), &rows, spec()).unwrap();
    let point = &method.operating_points[0];
    assert_eq!(point.status, Status::MissingShare);
    assert_eq!(point.target, Target::RoutingRatio { value: 0.01 });
}
