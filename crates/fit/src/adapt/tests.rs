//! Points worked by hand, and traffic whose level is another than the pool's.

use plimsoll_core::Seed;

use super::*;
use crate::method::{FitSpec, MethodIdentity, fit_method};
use crate::prepared::{DatasetSelection, PreparedSeries};
use crate::testing::{SyntheticScores, table};

/// A number in [0, 1) for a row.
fn uniform(seed: u64, row: u64) -> f64 {
    (Seed::new(seed).hash_key(row) >> 11) as f64 / 9_007_199_254_740_992.0
}

/// A pool whose confidences are the probability that the SLM is right; the LLM is right on nine in ten.
fn method(targets: &[&str]) -> Method {
    let rows: Vec<SyntheticScores> = (0..4_000)
        .map(|row| {
            let confidence = uniform(1, row);
            let row = SyntheticScores::new(confidence, uniform(2, row) < confidence, uniform(3, row) < 0.9);
            SyntheticScores {
                dataset: if row.confidence < Some(0.5) { "low" } else { "high" }.to_owned(),
                ..row
            }
        })
        .collect();
    let table = table(&rows);
    let identity = MethodIdentity::from_definition("method", "synthetic");
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let spec = FitSpec {
        bins: 30,
        fraction: 1.0,
        targets: targets.iter().map(|target| target.parse().unwrap()).collect(),
        bootstrap: 0,
        seed: Seed::new(4),
    };
    fit_method(&prepared, &DatasetSelection::all(2), &spec, &identity).method
}

/// Traffic on which the model sounds surer than on the pool.
fn surer(rows: u64) -> Vec<TrafficRow> {
    (0..rows)
        .map(|row| TrafficRow {
            confidence: Confidence::new(uniform(5, row).powf(0.4)).ok(),
            u: uniform(6, row),
            graded: None,
        })
        .collect()
}

fn deferred(traffic: &[TrafficRow], threshold: Threshold) -> f64 {
    let deferred = traffic.iter().filter(|row| row.confidence.is_none_or(|c| !threshold.keeps(c))).count();
    deferred as f64 / traffic.len() as f64
}

#[test]
fn a_ratio_is_that_of_the_traffic() {
    let method = method(&["routing_ratio=0.3"]);
    let traffic = surer(5_000);
    let fixed = deferred(&traffic, method.operating_points[0].threshold.unwrap());
    let points = adapted_points(&method, &traffic[..500], Choice::Expected);
    let adapted = deferred(&traffic, points[0].threshold.unwrap());
    assert!((fixed - 0.3).abs() > 0.15, "{fixed}");
    assert!((adapted - 0.3).abs() < 0.05, "{adapted}");
    let stated = points[0].achieved.unwrap().routing_ratio.value;
    assert!((stated - adapted).abs() < 0.05, "{stated} {adapted}");
    assert_eq!(points[0].id, method.operating_points[0].id);
}

#[test]
fn without_traffic_the_pool_s_threshold_stays_but_for_the_grain_of_the_scale() {
    let method = method(&["routing_ratio=0.3"]);
    let before = method.operating_points[0].threshold.unwrap().get();
    let after = adapted_points(&method, &[], Choice::Expected)[0].threshold.unwrap().get();
    assert!((before - after).abs() < 0.03, "{before} {after}");
}

#[test]
fn an_accuracy_follows_the_maps_and_labels_outweigh_them() {
    let method = method(&["accuracy=0.85", "llm_gap=0.05"]);
    let traffic = surer(2_000);
    let points = adapted_points(&method, &traffic, Choice::Expected);
    let expected = |threshold: Threshold| {
        // The truth by which the pool was made: P(SLM correct | c) = c, P(LLM correct) = 0.9.
        let of =
            |row: &TrafficRow| row.confidence.filter(|c| threshold.keeps(*c)).map_or(0.9, Confidence::get);
        traffic.iter().map(of).sum::<f64>() / traffic.len() as f64
    };
    for point in &points {
        let reached = expected(point.threshold.unwrap());
        assert!((reached - 0.85).abs() < 0.03, "{}: {reached}", point.id);
        assert_eq!(point.status, Status::Reached);
    }
    // On this traffic the SLM is always right, which only labels tell.
    let labelled: Vec<TrafficRow> =
        traffic.iter().map(|row| TrafficRow { graded: Some((true, true)), ..*row }).collect();
    let points = adapted_points(&method, &labelled, Choice::Expected);
    assert_eq!(points[1].threshold, Some(Threshold::KEEP_ALL));
}

#[test]
fn what_cannot_be_adapted_stays_and_says_so() {
    let method = method(&["joint_error=0.2:0.1", "accuracy=0.99", "accuracy=0.85"]);
    let points = adapted_points(&method, &surer(200), Choice::Expected);
    assert_eq!(points[0].threshold, method.operating_points[0].threshold);
    assert_eq!(points[0].guarantee, method.operating_points[0].guarantee);
    assert!(points[0].note.as_deref().unwrap().contains("about the pool"));
    assert_eq!((points[1].status, points[1].threshold), (Status::NotReached, None));
    let mut mapless = method;
    mapless.llm_isotonic = None;
    let points = adapted_points(&mapless, &surer(200), Choice::Expected);
    assert!(points[2].note.as_deref().unwrap().contains("maps"));
    let missing = [TrafficRow { confidence: None, u: 0.5, graded: None }; 40];
    assert_eq!(
        adapted_points(&mapless, &missing, Choice::Expected)[2].threshold,
        mapless.operating_points[2].threshold
    );
}

#[test]
fn the_curve_by_hand() {
    // Maps: P(SLM correct) = c, P(LLM correct) = 0.9 everywhere.
    let slm = plimsoll_router::map::Isotonic::new(vec![0.0, 1.0], vec![0.0, 1.0]);
    let llm = plimsoll_router::map::Isotonic::new(vec![0.0, 1.0], vec![0.9, 0.9]);
    let row =
        |confidence, graded| TrafficRow { confidence: Confidence::new(confidence).ok(), u: 0.5, graded };
    let maps = PoolMaps { slm: &slm, llm: &llm };
    let curve = ExpectedCurve::new(maps, &[row(0.4, None), row(0.8, None)]).unwrap();
    // Keep all 0.6, defer one (0.9 + 0.8) / 2, defer all 0.9.
    let at = |accuracy| curve.first_reaching(accuracy, 0.0).unwrap();
    assert_eq!((at(0.6).threshold, at(0.6).ratio), (Threshold::KEEP_ALL, 0.0));
    assert_eq!((at(0.85).threshold.get(), at(0.85).ratio), (0.8, 0.5));
    assert_eq!(at(0.9).threshold, Threshold::DEFER_ALL);
    // One standard deviation of 20 questions at 0.85 is 0.0798.
    let sd = (0.85f64 * 0.15 / 20.0).sqrt();
    assert!((at(0.85).accuracy_sd - sd).abs() < 1e-12);
    assert_eq!(curve.first_reaching(0.85 - sd, 1.0).unwrap().ratio, 0.5);
    assert_eq!(curve.first_reaching(0.86 - sd, 1.0).unwrap().ratio, 1.0);
    // Kept is c = 0.8 alone: gap 0.05, one of both right with probability (0.8 * 0.1 + 0.9 * 0.2) / 2 = 0.13.
    let gap = curve.first_within(0.05, 0.0).unwrap();
    assert_eq!(gap.ratio, 0.5);
    assert!((gap.gap_sd - ((0.13f64 - 0.0025) / 20.0).sqrt()).abs() < 1e-12);
    assert_eq!(curve.first_within(0.05, 1.0).unwrap().threshold, Threshold::DEFER_ALL);
    // Twenty labels weigh as much as the maps: (0.6 + 1) / 2 where the SLM is always right.
    let labelled: Vec<TrafficRow> =
        (0..20).map(|index| row(if index % 2 == 0 { 0.4 } else { 0.8 }, Some((true, true)))).collect();
    let curve = ExpectedCurve::new(maps, &labelled).unwrap();
    let kept = curve.first_reaching(0.8, 0.0).unwrap();
    assert_eq!(kept.threshold, Threshold::KEEP_ALL);
    assert!((kept.accuracy - 0.8).abs() < 1e-12 && (kept.accuracy_sd - 0.4 / 40f64.sqrt()).abs() < 1e-12);
}

#[test]
fn caution_reaches_more_often_and_costs_less_with_labels() {
    // Datasets whose SLM is better or worse than the pool's map says by about the spread that 20 questions have.
    let slm = plimsoll_router::map::Isotonic::new(vec![0.0, 1.0], vec![0.0, 1.0]);
    let llm = plimsoll_router::map::Isotonic::new(vec![0.0, 1.0], vec![0.9, 0.9]);
    let maps = PoolMaps { slm: &slm, llm: &llm };
    let (draws, accuracy) = (300u64, 0.8);
    let outcome = |labels: u64, deviations: f64| {
        let (mut reached, mut ratios) = (0u32, 0.0);
        for draw in 0..draws {
            let shift = 0.35 * (uniform(100 + draw, 0) - 0.5);
            let truth = |c: f64| (c + shift).clamp(0.0, 1.0);
            let row = |index: u64| {
                let c = uniform(200 + draw, 2 * index);
                let slm = uniform(300 + draw, index) < truth(c);
                let graded = (index < labels).then_some((slm, uniform(400 + draw, index) < 0.9));
                TrafficRow { confidence: Confidence::new(c).ok(), u: 0.5, graded }
            };
            let traffic: Vec<TrafficRow> = (0..400 + labels).map(row).collect();
            let curve = ExpectedCurve::new(maps, &traffic).unwrap();
            let found = curve.first_reaching(accuracy, deviations).map(|point| point.threshold);
            let threshold = found.unwrap_or(Threshold::DEFER_ALL);
            let worth = |row: &TrafficRow| {
                row.confidence.filter(|c| threshold.keeps(*c)).map_or(0.9, |c| truth(c.get()))
            };
            let reality = traffic.iter().map(worth).sum::<f64>() / traffic.len() as f64;
            reached += u32::from(reality >= accuracy - 0.005);
            ratios += deferred(&traffic, threshold);
        }
        (f64::from(reached) / draws as f64, ratios / draws as f64)
    };
    let (plain, _) = outcome(50, 0.0);
    let (none, none_ratio) = outcome(0, 1.0);
    let (cautious, ratio) = outcome(50, 1.0);
    let (more, more_ratio) = outcome(200, 1.0);
    assert!(plain < 0.75, "without caution it is a coin toss: {plain}");
    assert!(none > 0.8 && cautious > 0.8 && more > 0.8, "{none} {cautious} {more}");
    assert!(none_ratio > ratio && ratio > more_ratio, "{none_ratio} {ratio} {more_ratio}");
}
