//! Conformance vectors: inputs with the outputs that every runtime must give, so that a Kotlin,
//! Swift or C port can prove that it decides as this crate does. `plimsoll schema write` puts them
//! into `schemas/conformance/`.

mod streaming;

use serde_json::{json, Value};

use crate::canonical::canonical_json;
use crate::confidence::Confidence;
use crate::decision::{decide, Threshold};
use crate::drift::Monitor;
use crate::error_monitor::ErrorMonitor;
use crate::exploration::Exploration;
use crate::histogram::{bin_of, Histogram};
use crate::map::{Beta, Isotonic, Maps, Platt};
use crate::pool_cdf::PoolCdf;
use crate::router::Router;
use crate::target::{Risk, Target};
use crate::thresholds::{
    Achieved, Calibration, DatasetGuarantee, DatasetIdentity, DatasetSpread, DriftLevels, Estimate,
    Guarantee, GuaranteeTest, Infeasible, LabelSource, Method, MethodRows, MissingPolicy, ModelIdentity,
    OperatingPoint, Orientation, Pipeline, Program, Rule, Status, Thresholds, TieBreak, TieRule, FORMAT,
    VERSION,
};
use crate::tie::TieSeed;
use crate::tracker::{Tracker, TrackerSettings};

/// The vectors, as (file name, document).
pub fn vectors() -> Vec<(&'static str, Value)> {
    vec![
        ("confidence.json", confidence_vectors()),
        ("decide.json", decide_vectors()),
        ("map.json", map_vectors()),
        ("drift.json", drift_vectors()),
        ("canonical.json", canonical_vectors()),
        ("tracker.json", tracker_vectors()),
        ("error_monitor.json", error_monitor_vectors()),
        ("exploration.json", exploration_vectors()),
        ("streaming.json", streaming::vectors()),
    ]
}

/// A small synthetic thresholds file that uses every part of the format: the one that
/// `schemas/conformance/example.thresholds.json` holds.
pub fn example_thresholds() -> Thresholds {
    let document = Thresholds {
        format: FORMAT.to_owned(),
        format_version: VERSION,
        program: Program { name: "plimsoll".to_owned(), version: "0.1.0".to_owned() },
        pipeline: Pipeline { name: "example".to_owned(), sha256: "0".repeat(64) },
        slm: ModelIdentity::named("small"),
        llm: Some(ModelIdentity::named("large")),
        calibration: example_calibration(),
        methods: vec![example_method()],
        sha256: String::new(),
    };
    // The example is consistent by construction; a unit test seals it.
    document.clone().sealed().unwrap_or(document)
}

fn example_calibration() -> Calibration {
    Calibration {
        datasets: vec![DatasetIdentity {
            id: "made_up".to_owned(),
            domain: "made_up".to_owned(),
            split: Some("test".to_owned()),
            questions: 3010,
            sha256: "1".repeat(64),
        }],
        sources: Vec::new(),
        bins: 30,
        fraction: 0.1,
        seed: 50,
        labels: LabelSource::Graded,
        ungraded_excluded: false,
        bootstrap: 0,
    }
}

fn example_method() -> Method {
    let id = "perplexity";
    Method {
        id: id.to_owned(),
        definition: "exp(mean natural-log probability of the answer tokens)".to_owned(),
        variant_sha256: "2".repeat(64),
        probe_sha256: None,
        orientation: Orientation::HigherIsMoreConfident,
        rule: Rule::KeepIffAtOrAbove,
        missing: MissingPolicy::Defer,
        rows: MethodRows {
            pool: 3010,
            scored: 3000,
            missing: 10,
            ungraded_slm: 0,
            ungraded_llm: 0,
            drawn: 300,
            proportional: 300,
        },
        reference: Histogram { counts: vec![100; 30], missing: 10 },
        pool_cdf: example_pool_cdf(),
        tie_break: TieRule::new(TieSeed::new(0x9E37_79B9_7F4A_7C15)),
        tracker: TrackerSettings::DEFAULT,
        drift: Some(DriftLevels {
            window: 300,
            psi: 0.25,
            ks: 0.1,
            missing_share: 0.02,
            false_alarms_per_10k_decisions: 0.33,
            windows_drawn: 1000,
        }),
        maps: Maps {
            isotonic: Some(Isotonic { x: vec![0.05, 0.5, 0.95], y: vec![0.1, 0.4, 0.9] }),
            platt: Some(Platt { a: -3.0, b: 1.5 }),
            beta: Some(Beta { a: 0.9, b: 0.6, intercept: 0.2 }),
            missing: Vec::new(),
        },
        llm_isotonic: Some(Isotonic { x: vec![0.05, 0.95], y: vec![0.6, 0.95] }),
        datasets: DatasetSpread { k: 1, level_sd: None },
        adapted: None,
        operating_points: example_points(id),
    }
}

fn example_pool_cdf() -> Option<PoolCdf> {
    // An atom of a fifth of the rows at 0.75.
    PoolCdf::new(
        vec![0.0, 0.25, 0.5, 0.75, 1.0],
        vec![0.0, 0.2, 0.45, 0.6, 1.0],
        vec![0.0, 0.2, 0.45, 0.8, 1.0],
        10.0 / 3010.0,
    )
    .ok()
}

fn example_points(method: &str) -> Vec<OperatingPoint> {
    let estimate = |value| Estimate { value, low: None, high: None };
    let achieved = |ratio: f64| Achieved {
        routing_ratio: estimate(ratio),
        accuracy: Some(estimate(0.81)),
        selective_error: Some(estimate(0.125)),
        joint_error: estimate(0.0875),
        regret: Some(estimate(0.0625)),
        usd_per_1k_questions: None,
    };
    let point = |target: Target, status: Status| OperatingPoint {
        id: format!("{method}/{target}"),
        target,
        status,
        threshold: None,
        z: None,
        achieved: None,
        tie_break: None,
        conservative: None,
        dataset_t_bound: None,
        guarantee: None,
        dataset_guarantee: None,
        infeasible: None,
        note: None,
    };
    let threshold = |value| Threshold::new(value).ok();
    let (alpha, delta) = (0.2, 0.1);
    vec![
        OperatingPoint {
            threshold: threshold(0.300_000_000_000_000_04),
            z: Some(0.3),
            achieved: Some(achieved(0.3)),
            ..point(Target::RoutingRatio { value: 0.3 }, Status::Reached)
        },
        OperatingPoint {
            threshold: threshold(0.7),
            achieved: Some(achieved(0.68)),
            tie_break: threshold(0.7).map(|threshold| TieBreak {
                threshold,
                tied_confidence: 0.75,
                probability: 0.25,
            }),
            ..point(Target::RoutingRatio { value: 0.7 }, Status::Tied)
        },
        OperatingPoint {
            threshold: Some(Threshold::KEEP_ALL),
            z: Some(0.0),
            dataset_guarantee: Some(DatasetGuarantee {
                datasets_needed: 9,
                z: Some(0.6),
                routing_ratio: 0.601,
                ..DatasetGuarantee::new(4, 1, alpha, Threshold::DEFER_ALL, "made_up")
            }),
            achieved: Some(achieved(10.0 / 3010.0)),
            guarantee: Some(Guarantee {
                risk: Risk::SelectiveError,
                alpha,
                delta,
                test: GuaranteeTest::FixedSequenceExactBinomial,
                rows_tested: 300,
                trials: 300,
                losses: 45,
                p_value: 0.015,
                upper_bound: 0.19,
                thresholds_in_sequence: 100,
                thresholds_passed: 80,
                min_trials: 11,
            }),
            ..point(Target::SelectiveError { alpha, delta }, Status::Reached)
        },
        OperatingPoint {
            infeasible: Some(Infeasible {
                rows_tested: 300,
                best_observed_risk: Some(0.008),
                rows_tested_needed: Some(2400),
                rows_pool_needed: Some(24000),
            }),
            ..point(Target::SelectiveError { alpha: 0.01, delta: 0.1 }, Status::Infeasible)
        },
    ]
}

fn confidence_vectors() -> Value {
    let number = |confidence: Option<Confidence>| confidence.map(Confidence::get);
    let logprobs: [&[f64]; 5] = [&[-0.25], &[-0.1, -2.0, -0.5], &[0.0, 0.0], &[], &[-745.2, -0.5]];
    let likeliest: [&[[f64; 3]]; 4] = [
        &[[-0.5, -1.5, -3.0]],
        &[[-0.1, -2.5, -6.0], [-0.01, -5.0, -9.0], [0.0, -40.0, -745.2]],
        &[[-1.4, -1.4, -1.4]],
        &[],
    ];
    let masses = [(0.3, 0.1), (0.0, 0.2), (0.0, 0.0), (1e-12, 3e-12)];
    let answers: [&[&str]; 5] =
        [&["Paris", "paris", "Lyon"], &["", ""], &["a b c", "b c d", "c d e", "x", ""], &["only"], &[]];
    json!({
        "tolerance": 1e-15,
        "average_token_probability": logprobs.map(|l| json!({
            "logprobs_nats": l, "confidence": number(Confidence::average_token_probability(l))})),
        "perplexity": logprobs.map(|l| json!({
            "logprobs_nats": l, "confidence": number(Confidence::perplexity(l))})),
        "min_token_probability": logprobs.map(|l| json!({
            "logprobs_nats": l, "confidence": number(Confidence::min_token_probability(l))})),
        "token_margin": likeliest.map(|l| json!({
            "likeliest_nats": l,
            "confidence": number(Confidence::token_margin(l.iter().map(|[first, second, _]| [*first, *second])))})),
        "token_entropy": likeliest.map(|l| json!({
            "likeliest_nats": l, "confidence": number(Confidence::token_entropy(l))})),
        "p_true": masses.map(|(t, f)| json!({
            "true_mass": t, "false_mass": f, "confidence": number(Confidence::p_true(t, f))})),
        "jaccard_degree": answers.map(|a| json!({
            "answers": a, "confidence": number(Confidence::jaccard_degree(a))})),
    })
}

fn decide_vectors() -> Value {
    let thresholds = example_thresholds();
    let mut cases = Vec::new();
    for point in thresholds.methods.iter().flat_map(|method| &method.operating_points) {
        let Some(threshold) = point.threshold else { continue };
        let t = threshold.get();
        let below = f64::from_bits(t.to_bits().saturating_sub(1));
        for value in [None, Some(0.0), Some(below), Some(t), Some(1.0)] {
            let confidence = value.and_then(|value| Confidence::new(value).ok());
            let decision = decide(threshold, confidence);
            cases.push(json!({
                "threshold_id": point.id, "threshold": t, "confidence": confidence.map(Confidence::get),
                "route": decision.route, "reason": decision.reason,
            }));
        }
    }
    json!({ "thresholds": "example.thresholds.json", "sha256": thresholds.sha256, "cases": cases })
}

fn exploration_vectors() -> Value {
    let thresholds = example_thresholds();
    let target = Target::RoutingRatio { value: 0.3 };
    let router = Router::without_device_check(&thresholds, "perplexity", &target);
    let mut cases = Vec::new();
    for share in [0.0, 0.1, 1.0] {
        for (value, u) in
            [(None, 0.0), (Some(0.1), 0.04), (Some(0.1), 0.05), (Some(0.9), 0.04), (Some(0.9), 0.999)]
        {
            let confidence = value.and_then(|value| Confidence::new(value).ok());
            let Some((router, exploration)) = router.as_ref().ok().zip(Exploration::new(share).ok()) else {
                continue;
            };
            let record = exploration.explore(router.record(confidence), u);
            cases.push(json!({
                "share": share, "u": u, "confidence": confidence.map(Confidence::get),
                "route": record.route, "reason": record.reason, "propensity": record.propensity,
            }));
        }
    }
    json!({
        "thresholds": "example.thresholds.json", "method": "perplexity", "target": target.to_string(), "cases": cases,
    })
}

fn map_vectors() -> Value {
    let maps = example_method().maps;
    let cases: Vec<Value> = [0.0, 0.01, 0.05, 0.3, 0.5, 0.8, 0.95, 1.0]
        .into_iter()
        .filter_map(|value| Confidence::new(value).ok())
        .map(|c| {
            json!({
                "confidence": c.get(),
                "isotonic": maps.isotonic.as_ref().and_then(|map| map.apply(c)),
                "platt": maps.platt.map(|map| map.apply(c)),
                "beta": maps.beta.map(|map| map.apply(c)),
            })
        })
        .collect();
    json!({ "tolerance": 1e-12, "maps": maps, "cases": cases })
}

fn drift_vectors() -> Value {
    let method = example_method();
    let bins: Vec<Value> = [0.0, 0.1, 0.2, 1.0 / 3.0, 0.5, 0.7, 0.9, 29.0 / 30.0, 1.0]
        .into_iter()
        .filter_map(|value| Confidence::new(value).ok())
        .map(|c| json!({"confidence": c.get(), "bin": bin_of(c, 30)}))
        .collect();
    let mut reports = Vec::new();
    let observed: Vec<Option<f64>> = (0u32..600)
        .map(|i| {
            (i % 50 != 7 || i >= 300)
                .then(|| f64::from((i * 37) % 101) / 100.0 * if i < 300 { 1.0 } else { 0.5 })
        })
        .collect();
    if let Some(mut monitor) = Monitor::new(&method) {
        for value in &observed {
            reports.extend(monitor.observe(value.and_then(|value| Confidence::new(value).ok())));
        }
    }
    json!({
        "tolerance": 1e-12, "bins_of_30": bins, "reference": method.reference, "levels": method.drift,
        "observed": observed, "reports": reports,
    })
}

/// Places on the scale, tie-breaks, and decisions in a row by a tracker, with its state after each hundred.
fn tracker_vectors() -> Value {
    let method = example_method();
    let Some(cdf) = method.pool_cdf else { return Value::Null };
    let seed = method.tie_break.seed;
    let ids = ["0", "req-00000000", "", "\u{e9}", "a/b"];
    let ties: Vec<Value> = ids.iter().map(|id| json!({"id": id, "u": seed.uniform(id)})).collect();
    let confidence = |value: f64| Confidence::new(value).ok();
    let places: Vec<Value> = [0.0, 0.1, 0.25, 0.6, 0.75, 0.9, 1.0]
        .into_iter()
        .filter_map(confidence)
        .flat_map(|c| [0.0, 0.5].map(|u| json!({"confidence": c.get(), "u": u, "z": cdf.z(c, u)})))
        .collect();
    let ratio = 0.3;
    let sequences: Vec<Value> = [None, Some(0.25)]
        .into_iter()
        .filter_map(|certificate| {
            let tracker = Tracker::new(ratio, cdf.level(ratio), method.tracker).ok()?;
            let tracker = certificate.map_or(Ok(tracker), |z| tracker.with_certificate(z)).ok()?;
            Some(json!({"certificate_z": certificate, "ratio": ratio, "steps": tracked_steps(tracker, &cdf, seed)}))
        })
        .collect();
    json!({
        "tolerance": 0.0, "pool_cdf": cdf, "tie_break": method.tie_break, "settings": method.tracker,
        "ties": ties, "places": places, "sequences": sequences,
    })
}

fn tracked_steps(mut tracker: Tracker, cdf: &PoolCdf, seed: TieSeed) -> Vec<Value> {
    (0u32..300)
        .map(|i| {
            let id = format!("req-{i:08}");
            let value = f64::from((i * 37) % 101) / 100.0 * if i < 150 { 1.0 } else { 0.5 };
            let confidence = if i % 50 == 7 { None } else { Confidence::new(value).ok() };
            let u = seed.uniform(&id);
            let decided = tracker.decide(confidence.map(|c| cdf.z(c, u)));
            let state = (i % 100 == 99).then(|| *tracker.state());
            json!({
                "id": id, "confidence": confidence.map(Confidence::get), "route": decided.decision.route,
                "reason": decided.decision.reason, "z": decided.z, "u": u, "t": decided.t, "state": state,
            })
        })
        .collect()
}

/// Monitors over streams of labels: evidence and alarm after each, and the state after every forty.
fn error_monitor_vectors() -> Value {
    let streams: [(f64, f64, u32); 3] = [(0.1, 0.1, 4), (0.02, 0.05, 60), (0.5, 0.3, 3)];
    let steps = |mut monitor: ErrorMonitor, period: u32| -> Vec<Value> {
        (0..120u32)
            .map(|i| {
                let correct = i < 30 || (i * 7) % period != 0;
                let alarm = monitor.observe(correct);
                let state = (i % 40 == 39).then(|| *monitor.state());
                json!({"correct": correct, "log_e": monitor.log_e(), "alarm": alarm, "state": state})
            })
            .collect()
    };
    let sequences: Vec<Value> = streams
        .into_iter()
        .filter_map(|(alpha, delta, period)| {
            let monitor = ErrorMonitor::new(alpha, delta).ok()?;
            Some(json!({"alpha": alpha, "delta": delta, "steps": steps(monitor, period)}))
        })
        .collect();
    json!({ "tolerance": 1e-9, "sequences": sequences })
}

fn canonical_vectors() -> Value {
    let values = [
        json!({"b": 1, "a": [0.1, 1e21, 1e-7, 5e-324, -0.0, 123_456_789.0]}),
        json!({"é": "\u{1}\n\"", "z": null, "": true}),
        json!([1.000_000_000_000_000_2, 0.300_000_000_000_000_04, 9_007_199_254_740_992u64]),
    ];
    let cases: Vec<Value> = values
        .iter()
        .map(|value| {
            let canonical = canonical_json(value);
            let sha256 = crate::canonical::sha256_hex(canonical.as_bytes());
            json!({"value": value, "canonical": canonical, "sha256": sha256})
        })
        .collect();
    json!({ "cases": cases })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_sealed() {
        assert_eq!(example_thresholds().sha256.len(), 64);
        assert!(example_thresholds().sealed().is_ok());
    }
}
