//! A method's entry and the file of a pair, from rows to sealed JSON.

use plimsoll_core::{RawScore, ScoreTable, ScoreTableBuilder};
use plimsoll_router::drift::Monitor;
use plimsoll_router::thresholds::{LabelSource, Pipeline, Status};
use plimsoll_router::{Error, ModelIdentity, Router, Thresholds};
use rand::Rng as _;

use super::*;
use crate::file::{ThresholdsFileSpec, thresholds_file};
use crate::testing::{SyntheticScores, calibrated, table};

fn spec(targets: &[&str]) -> FitSpec {
    FitSpec {
        bins: 30,
        fraction: 0.5,
        targets: targets.iter().map(|target| target.parse().unwrap()).collect(),
        bootstrap: 100,
        seed: Seed::new(50),
    }
}

fn identity() -> MethodIdentity {
    MethodIdentity::from_definition("m", "a synthetic number")
}

fn file_spec() -> ThresholdsFileSpec {
    ThresholdsFileSpec {
        pipeline: Pipeline::new("synthetic", "0".repeat(64)),
        models: Vec::new(),
        sources: Vec::new(),
        bins: 30,
        fraction: 0.5,
        seed: 50,
        bootstrap: 100,
        labels: LabelSource::Imported,
        ungraded_excluded: false,
        program_version: "0.0.0".to_owned(),
    }
}

fn entry(rows: &[SyntheticScores], spec: &FitSpec) -> Method {
    let table = table(rows);
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let all = DatasetSelection::all(table.questions.datasets().len());
    fit_method(&prepared, &all, spec, &identity()).method
}

fn file(table: &ScoreTable, spec: &FitSpec) -> Thresholds {
    let all = DatasetSelection::all(table.questions.datasets().len());
    let pair: Vec<_> = table.series.iter().collect();
    let methods = pair
        .iter()
        .map(|series| {
            fit_method(&PreparedSeries::new(&table.questions, series), &all, spec, &identity()).method
        })
        .collect();
    thresholds_file(&file_spec(), &table.questions, &pair, methods).unwrap()
}

/// Two methods on the same questions of three datasets; `rows` gives the order of arrival.
fn two_methods(rows: &[(usize, SyntheticScores)]) -> ScoreTable {
    let mut builder = ScoreTableBuilder::new();
    for (index, row) in rows {
        for method in ["a", "b"] {
            let confidence = row.confidence.map(|c| if method == "a" { c } else { (c * 5.0).floor() / 5.0 });
            let raw = RawScore {
                question_id: &format!("q{index}"),
                dataset: &row.dataset,
                llm: Some("llm"),
                method,
                confidence,
                slm_correct: row.slm,
                llm_correct: row.llm,
                ..RawScore::default()
            };
            builder.push(&raw).unwrap();
        }
    }
    builder.finish()
}

fn numbered(rows: Vec<SyntheticScores>) -> Vec<(usize, SyntheticScores)> {
    rows.into_iter().enumerate().collect()
}

const MENU: [&str; 9] = [
    "routing_ratio=0.1",
    "routing_ratio=0.5",
    "accuracy=0.8",
    "accuracy=0.99",
    "cost=1",
    "selective_error=0.2:0.1",
    "selective_error=0.001:0.1",
    "joint_error=0.1:0.1",
    "regret=0.1:0.1",
];

#[test]
fn the_file_of_a_pair_is_sealed_and_reads_back() {
    let table = two_methods(&numbered(calibrated(1500, 3, 1)));
    let spec = spec(&MENU);
    let written = file(&table, &spec);
    let read = Thresholds::from_json(&written.to_json().unwrap()).unwrap();
    assert_eq!(read, written);
    assert_eq!(read.llm.as_ref().unwrap().id, "llm");
    let ids: Vec<&str> = read.methods.iter().map(|method| method.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    for method in &read.methods {
        let targets: Vec<String> =
            method.operating_points.iter().map(|point| point.target.to_string()).collect();
        assert_eq!(targets, MENU, "operating points in the order of the targets");
        assert!(
            method.operating_points.iter().all(|point| point.id == format!("{}/{}", method.id, point.target))
        );
        assert_eq!((method.rows.pool, method.rows.scored, method.rows.missing), (1500, 1500, 0));
        assert_eq!(method.reference.total(), 1500);
        assert!(method.maps.missing.is_empty() && method.drift.is_some());
    }
    // Nothing was lost between the fit and the file: the router finds the point and decides by it.
    let router = Router::new(&read, &ModelIdentity::named("slm"), "a", &"routing_ratio=0.5".parse().unwrap());
    assert!((router.unwrap().threshold().get() - 0.5).abs() < 0.1);
    let changed = written.to_json().unwrap().replacen("synthetic", "unsynthetic", 1);
    assert!(matches!(Thresholds::from_json(&changed), Err(Error::Hash { .. })));
}

#[test]
fn every_status_has_rows_that_give_it() {
    let calibrated = || calibrated(600, 1, 2);
    let few = vec![SyntheticScores::new(0.25, true, true), SyntheticScores::new(0.75, true, true)];
    let tied = |row: SyntheticScores| SyntheticScores {
        confidence: row.confidence.map(|c| (c * 2.0).round() / 2.0),
        ..row
    };
    let missing = SyntheticScores { confidence: None, ..SyntheticScores::new(0.5, true, true) };
    let without_llm: Vec<SyntheticScores> =
        calibrated().into_iter().map(|row| SyntheticScores { llm: None, ..row }).collect();
    let cases: [(Status, Vec<SyntheticScores>, &str); 8] = [
        (Status::Reached, calibrated(), "routing_ratio=0.4"),
        (Status::Tied, calibrated().into_iter().map(tied).collect(), "routing_ratio=0.4"),
        (Status::MissingShare, [vec![missing.clone(); 600], calibrated()].concat(), "routing_ratio=0.1"),
        (Status::NotReached, calibrated(), "accuracy=0.999"),
        (Status::Infeasible, few, "selective_error=0.1:0.1"),
        (Status::NeedsLlm, without_llm, "regret=0.1:0.1"),
        (Status::NeedsCosts, calibrated(), "cost=1"),
        (Status::NoRows, vec![missing; 5], "routing_ratio=0.5"),
    ];
    for (status, rows, target) in cases {
        let method = entry(&rows, &spec(&[target]));
        let point = &method.operating_points[0];
        assert_eq!(point.status, status, "{target} {:?}", point.note);
        assert_eq!(
            (point.threshold.is_some(), point.achieved.is_some()),
            (status.has_threshold(), status.has_threshold())
        );
        // The writer's own check accepts each.
        let table = table(&rows);
        thresholds_file(&file_spec(), &table.questions, &[&table.series[0]], vec![method]).unwrap();
    }
}

#[test]
fn the_cautious_twin_hands_over_at_least_as_much() {
    for seed in 0..5 {
        let method =
            entry(&calibrated(2000, 1, seed), &spec(&["accuracy=0.7", "accuracy=0.8", "accuracy=0.86"]));
        for point in &method.operating_points {
            let (Some(threshold), Some(twin)) = (point.threshold, point.conservative) else { continue };
            assert!(twin.threshold >= threshold, "{point:?}");
            assert!(twin.achieved.accuracy.unwrap().low.unwrap() >= point.target.value());
            assert!(point.achieved.unwrap().accuracy.unwrap().value >= point.target.value() - 1e-12);
        }
        assert!(method.operating_points[0].conservative.is_some());
    }
    let no_bootstrap = FitSpec { bootstrap: 0, ..spec(&["accuracy=0.7"]) };
    let point = &entry(&calibrated(500, 1, 1), &no_bootstrap).operating_points[0];
    assert!(point.conservative.is_none(), "no interval, no caution");
    assert!(point.achieved.unwrap().accuracy.unwrap().low.is_none());
}

#[test]
fn achieved_figures_come_with_intervals_around_them() {
    let method = entry(&calibrated(3000, 2, 4), &spec(&["routing_ratio=0.3", "joint_error=0.1:0.1"]));
    for point in &method.operating_points {
        let achieved = point.achieved.unwrap();
        let estimates = [
            Some(achieved.routing_ratio),
            achieved.accuracy,
            achieved.selective_error,
            Some(achieved.joint_error),
            achieved.regret,
        ];
        for estimate in estimates {
            let estimate = estimate.unwrap();
            let (low, high) = (estimate.low.unwrap(), estimate.high.unwrap());
            assert!(low <= estimate.value && estimate.value <= high && low < high, "{estimate:?}");
        }
        assert!(achieved.usd_per_1k_questions.is_none());
    }
}

#[test]
fn the_hash_of_the_data_sees_every_grade_and_no_order() {
    let rows = numbered(calibrated(300, 3, 1));
    let spec = spec(&["routing_ratio=0.5"]);
    let written = file(&two_methods(&rows), &spec);
    let mut turned = rows.clone();
    turned.reverse();
    assert_eq!(
        file(&two_methods(&turned), &spec).sha256,
        written.sha256,
        "the order of arrival leaves no trace"
    );
    let hashes = |file: &Thresholds| -> Vec<String> {
        file.calibration.datasets.iter().map(|dataset| dataset.sha256.clone()).collect()
    };
    assert_eq!(hashes(&written).len(), 3);
    assert_eq!(written.calibration.datasets.iter().map(|d| d.questions).sum::<u64>(), 300);
    for slm in [true, false] {
        let mut changed = rows.clone();
        let row = &mut changed[7].1;
        let grade = if slm { &mut row.slm } else { &mut row.llm };
        *grade = grade.map(|correct| !correct);
        let changed = file(&two_methods(&changed), &spec);
        let differ: Vec<bool> = hashes(&written).iter().zip(hashes(&changed)).map(|(a, b)| *a != b).collect();
        assert_eq!(differ, [false, true, false], "row 7 is of dataset d1");
        assert_ne!(changed.sha256, written.sha256);
    }
}

#[test]
fn one_thread_or_many_write_the_same_bytes() {
    let table = two_methods(&numbered(calibrated(1200, 3, 6)));
    let write = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| file(&table, &spec(&MENU)).to_json().unwrap())
    };
    assert_eq!(write(1), write(3));
}

#[test]
fn the_same_rows_are_drawn_for_every_llm() {
    let rows = calibrated(500, 1, 3);
    let drawn = |rows: &[SyntheticScores]| {
        let table = table(rows);
        let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
        fit_method(&prepared, &DatasetSelection::all(1), &spec(&["routing_ratio=0.5"]), &identity()).draw.rows
    };
    let without: Vec<SyntheticScores> =
        rows.iter().map(|row| SyntheticScores { llm: None, ..row.clone() }).collect();
    assert_eq!(drawn(&rows), drawn(&without));
}

#[test]
fn the_monitor_rings_as_rarely_as_the_file_says() {
    // A confidence with ties and a tail, and 4 % missing: what the monitor compares is what was written.
    let mut rng = Seed::new(9).rng();
    let rows: Vec<SyntheticScores> = (0..4000)
        .map(|_| {
            let c: f64 = rng.random();
            let confidence = if c < 0.04 {
                None
            } else if c < 0.5 {
                Some(0.8)
            } else {
                Some(c * c)
            };
            SyntheticScores { confidence, ..SyntheticScores::new(0.5, rng.random(), true) }
        })
        .collect();
    let made = table(&rows);
    let prepared = PreparedSeries::new(&made.questions, &made.series[0]);
    let method =
        fit_method(&prepared, &DatasetSelection::all(1), &spec(&["routing_ratio=0.5"]), &identity()).method;
    let levels = method.drift.unwrap();
    const WINDOWS: u32 = 6000;
    let mut monitor = Monitor::new(&method).unwrap();
    let mut alarms = 0u32;
    for _ in 0..WINDOWS * levels.window {
        let row = rng.random_range(0..rows.len());
        alarms +=
            u32::from(monitor.observe(prepared.series.confidence(row)).is_some_and(|report| report.alarm()));
    }
    let rate = f64::from(alarms) / f64::from(WINDOWS);
    let stated = levels.false_alarms_per_10k_decisions * f64::from(levels.window) / 10_000.0;
    /// Three standard errors of a share of about 1 % in 6,000 windows, and in the 2,000 of the file.
    const MONTE_CARLO: f64 = 0.0078;
    assert!((rate - stated).abs() <= MONTE_CARLO, "{rate} instead of {stated}");
    /// At most 1 % of the windows; the levels are quantiles of 2,000 windows, which adds to the error.
    const AT_MOST: f64 = 0.01 + MONTE_CARLO;
    assert!(rate <= AT_MOST, "{rate}");
    // Drift is seen.
    let mut monitor = Monitor::new(&method).unwrap();
    let reports: Vec<_> = (0..levels.window)
        .filter_map(|row| {
            let c = f64::from(row) / f64::from(levels.window);
            monitor.observe(Confidence::new(c).ok())
        })
        .collect();
    assert!(reports.len() == 1 && reports[0].alarm());
}

#[test]
fn ungraded_and_missing_rows_are_counted() {
    let mut rows = calibrated(100, 1, 1);
    rows[0].slm = None;
    rows[1].llm = None;
    rows[2].confidence = None;
    rows[2].llm = None;
    let method = entry(&rows, &spec(&["routing_ratio=0.5"]));
    let counts = (method.rows.ungraded_slm, method.rows.ungraded_llm, method.rows.missing);
    assert_eq!(counts, (1, 2, 1));
    assert!(method.drift.is_none(), "100 rows are no reference for windows of 500");
}
