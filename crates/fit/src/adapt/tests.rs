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
    let points = adapted_points(&method, &traffic[..500]);
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
    let after = adapted_points(&method, &[])[0].threshold.unwrap().get();
    assert!((before - after).abs() < 0.03, "{before} {after}");
}

#[test]
fn an_accuracy_follows_the_maps_and_labels_outweigh_them() {
    let method = method(&["accuracy=0.85", "llm_gap=0.05"]);
    let traffic = surer(2_000);
    let points = adapted_points(&method, &traffic);
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
    let points = adapted_points(&method, &labelled);
    assert_eq!(points[1].threshold, Some(Threshold::KEEP_ALL));
}

#[test]
fn what_cannot_be_adapted_stays_and_says_so() {
    let method = method(&["joint_error=0.2:0.1", "accuracy=0.99", "accuracy=0.85"]);
    let points = adapted_points(&method, &surer(200));
    assert_eq!(points[0].threshold, method.operating_points[0].threshold);
    assert_eq!(points[0].guarantee, method.operating_points[0].guarantee);
    assert!(points[0].note.as_deref().unwrap().contains("about the pool"));
    assert_eq!((points[1].status, points[1].threshold), (Status::NotReached, None));
    let mut mapless = method;
    mapless.llm_isotonic = None;
    let points = adapted_points(&mapless, &surer(200));
    assert!(points[2].note.as_deref().unwrap().contains("maps"));
    let missing = [TrafficRow { confidence: None, u: 0.5, graded: None }; 40];
    assert_eq!(adapted_points(&mapless, &missing)[2].threshold, mapless.operating_points[2].threshold);
}
