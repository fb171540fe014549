//! The router on the example file, on untrusted files, and between threads.

use proptest::prelude::*;

use super::*;
use crate::conformance::example_thresholds;
use crate::decision::{Reason, Route};

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

fn open(json: &str) -> Result<Router, Error> {
    Router::open(json, &ModelIdentity::named("small"), "perplexity", &target("routing_ratio=0.3"))
}

fn example() -> Router {
    open(&example_thresholds().to_json().unwrap()).unwrap()
}

#[test]
fn decides_records_and_tells_where_from() {
    let (thresholds, router) = (example_thresholds(), example());
    let tie = Confidence::new(router.threshold().get()).unwrap();
    let below = Confidence::new(f64::from_bits(tie.get().to_bits() - 1)).unwrap();
    assert_eq!(router.decide(Some(tie)), Decision { route: Route::Slm, reason: Reason::AtOrAbove });
    assert_eq!(router.decide(Some(below)), Decision { route: Route::Llm, reason: Reason::Below });
    assert_eq!(router.decide(None), Decision { route: Route::Llm, reason: Reason::Missing });
    let record = router.record(None);
    assert_eq!((record.route, record.reason), (Route::Llm, Reason::Missing));
    assert_eq!((record.confidence, record.probability), (None, None));
    let record = router.record(Some(tie));
    assert_eq!((record.route, record.confidence), (Route::Slm, Some(tie.get())));
    assert_eq!(record.probability, thresholds.methods[0].maps.isotonic.as_ref().unwrap().apply(tie));
    assert_eq!(record.thresholds_sha256, thresholds.sha256);
    assert_eq!(record.threshold_id, "perplexity/routing_ratio=0.3");
    assert_eq!(router.thresholds_sha256(), thresholds.sha256);
    assert_eq!(
        (router.point(), router.method()),
        (&thresholds.methods[0].operating_points[0], &thresholds.methods[0])
    );
}

#[test]
fn a_point_is_described_as_the_file_has_it() {
    let thresholds = example_thresholds();
    let router =
        Router::without_device_check(&thresholds, "perplexity", &target("routing_ratio=0.3")).unwrap();
    let described = serde_json::to_value(router.describe()).unwrap();
    assert_eq!(described["point"], serde_json::to_value(&thresholds.methods[0].operating_points[0]).unwrap());
    assert_eq!(described["thresholds_sha256"], thresholds.sha256);
    assert_eq!((&described["method"], &described["unverified"][0]), (&"perplexity".into(), &"id".into()));
}

#[test]
fn opens_for_the_same_model_only() {
    let mut thresholds = example_thresholds();
    thresholds.slm.weights_sha256 = Some("aa".to_owned());
    thresholds.slm.quantisation = Some("Q4_K_M".to_owned());
    let open =
        |device: &ModelIdentity| Router::new(&thresholds, device, "perplexity", &target("routing_ratio=0.3"));
    let device = thresholds.slm.clone();
    assert_eq!(
        open(&device).unwrap().unverified(),
        ["revision", "tokenizer_sha256", "chat_template_sha256", "decoding"]
    );
    // What the file does not record is not asked for.
    assert!(open(&device.clone().with_decoding("{}")).is_ok());
    let unknown = ModelIdentity { quantisation: None, ..device.clone() };
    for (change, field) in [
        (ModelIdentity { id: "other".to_owned(), ..device.clone() }, "id"),
        (device.clone().with_weights_sha256("bb"), "weights_sha256"),
        (device.with_quantisation("Q8_0"), "quantisation"),
        (unknown, "quantisation"),
    ] {
        match open(&change) {
            Err(Error::Mismatch { differs, not_stated }) => {
                let found: Vec<&str> = differs.iter().map(|other| other.field).chain(not_stated).collect();
                assert_eq!(found, [field]);
            }
            other => panic!("{other:?}"),
        }
    }
    let router = Router::without_device_check(&thresholds, "perplexity", &target("routing_ratio=0.3"));
    assert_eq!(router.unwrap().unverified(), ModelIdentity::FIELDS);
}

#[test]
fn what_is_not_there_is_named() {
    let thresholds = example_thresholds();
    let error = |method: &str, wanted: &str| {
        Router::without_device_check(&thresholds, method, &target(wanted)).unwrap_err()
    };
    let text = error("p_true", "routing_ratio=0.3").to_string();
    assert!(text.contains("no method `p_true`; it has: perplexity"), "{text}");
    let text = error("perplexity", "accuracy=0.5").to_string();
    assert!(text.contains("no operating point `accuracy=0.5`"), "{text}");
    assert!(text.contains("routing_ratio=0.3, routing_ratio=0.7, selective_error=0.2:0.1"), "{text}");
    assert!(matches!(
        error("perplexity", "selective_error=0.01:0.1"),
        Error::NoThreshold { status: "infeasible", .. }
    ));
}

#[test]
fn observing_counts_and_deciding_does_not() {
    let router = example();
    let window = router.method().drift.unwrap().window;
    let spread = |row: u32| Confidence::new(f64::from(row % 30) / 30.0).ok();
    for row in 0..10 * window {
        router.decide(spread(row));
        router.record(None);
    }
    assert_eq!(router.drift_state(), DriftState::Collecting);
    for row in 1..window {
        assert_eq!(router.observe(spread(row)), Drift { state: DriftState::Collecting, report: None });
    }
    let full = router.observe(spread(0));
    assert_eq!((full.state, full.report.unwrap().window), (DriftState::Normal, 0));
    let reports: Vec<Drift> = (0..window).map(|_| router.observe(None)).collect();
    assert!(reports[..reports.len() - 1].iter().all(|drift| drift.state == DriftState::Normal));
    let last = reports.last().unwrap();
    assert!(last.state == DriftState::Alarm && last.report.unwrap().missing_alarm);
    assert_eq!(router.drift_state(), DriftState::Alarm);
}

#[test]
fn a_file_without_alarm_levels_is_unmonitored() {
    let mut thresholds = example_thresholds();
    thresholds.methods[0].drift = None;
    let router =
        Router::without_device_check(&thresholds, "perplexity", &target("routing_ratio=0.3")).unwrap();
    assert!((0..1000).all(|_| router.observe(None) == Drift { state: DriftState::Unmonitored, report: None }));
    assert_eq!(router.drift_state(), DriftState::Unmonitored);
}

#[test]
fn threads_share_a_router_and_lose_no_observation() {
    let router = std::sync::Arc::new(example());
    let window = u64::from(router.method().drift.unwrap().window);
    const THREADS: u64 = 4;
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let router = router.clone();
            std::thread::spawn(move || {
                let observe = |_| router.observe(Confidence::new(0.5).ok()).report;
                (0..3 * window).filter_map(observe).map(|report| report.window).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut windows: Vec<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    windows.sort_unstable();
    assert_eq!(windows, (0..3 * THREADS).collect::<Vec<_>>());
}

#[test]
fn truncated_corrupt_empty_and_foreign_files_are_errors() {
    let json = example_thresholds().to_json().unwrap();
    for bad in ["", " ", "null", "[]", "{}", "{\"format\":", "\u{feff}", "\0", "routing_ratio=0.3"] {
        assert!(open(bad).is_err(), "{bad:?}");
    }
    for length in (0..json.len() - 1).step_by(37).filter(|length| json.is_char_boundary(*length)) {
        assert!(open(&json[..length]).is_err(), "{length} bytes");
    }
    assert!(open(&format!("\u{feff}{json}")).is_ok());
    assert!(open(&format!("{json}{json}")).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_byte_is_an_error_or_no_change(position in 0usize..7000, byte in 0u8..128) {
        let json = example_thresholds().to_json().unwrap();
        let mut bytes = json.into_bytes();
        let position = position % bytes.len();
        bytes[position] = byte;
        let changed = String::from_utf8(bytes).unwrap();
        // White space and the spelling of numbers are no content; all else is under the hash.
        if let Ok(router) = open(&changed) {
            prop_assert_eq!(router.point().clone(), example().point().clone());
        }
    }

    #[test]
    fn decide_and_record_agree_with_the_rule(value in proptest::option::of(0.0f64..=1.0)) {
        let router = example();
        let confidence = value.map(|value| Confidence::new(value).unwrap());
        let kept = value.is_some_and(|value| value >= router.threshold().get());
        let decision = router.decide(confidence);
        prop_assert_eq!(decision.route, if kept { Route::Slm } else { Route::Llm });
        let record = router.record(confidence);
        prop_assert_eq!((record.route, record.reason), (decision.route, decision.reason));
    }
}

#[test]
fn a_tracker_starts_where_the_ratio_lies_on_the_pool_and_decides_as_its_parts_do() {
    let router = example();
    let cdf = router.method().pool_cdf.clone().unwrap();
    let mut tracker = router.tracker(TrackerSettings::DEFAULT).unwrap();
    assert_eq!(tracker.state().base, cdf.level(0.3));
    let mut by_parts = tracker;
    for index in 0..200u32 {
        let id = format!("request-{index}");
        let confidence = (index % 9 != 0).then(|| Confidence::new(f64::from(index % 5) / 4.0).unwrap());
        let decided = router.track(&mut tracker, &id, confidence).unwrap();
        let u = router.method().tie_break.seed.uniform(&id);
        let expected = by_parts.decide(confidence.map(|c| cdf.z(c, u)));
        assert_eq!(decided, TrackedDecision { u: Some(u), ..expected });
        let record = router.tracked_record(confidence, &decided);
        assert_eq!((record.z, record.u, record.t), (decided.z, Some(u), Some(decided.t)));
        assert_eq!((record.route, record.reason), (decided.decision.route, decided.decision.reason));
    }
    assert_eq!(tracker, by_parts);
}

#[test]
fn a_target_other_than_a_ratio_is_tracked_at_the_ratio_that_it_achieved() {
    let thresholds = example_thresholds();
    let router =
        Router::without_device_check(&thresholds, "perplexity", &target("selective_error=0.2:0.1")).unwrap();
    let achieved = router.point().achieved.unwrap().routing_ratio.value;
    assert_eq!(router.tracker(TrackerSettings::DEFAULT).unwrap().state().ratio, achieved);
    let guarantee = router.point().dataset_guarantee.as_ref().unwrap();
    let certified =
        router.tracker(TrackerSettings::DEFAULT).unwrap().with_certificate(guarantee.z.unwrap()).unwrap();
    assert!(certified.look(Some(0.5)).decision.reason == Reason::Certificate);
}

#[test]
fn a_snapshot_goes_on_where_it_stopped_and_only_at_its_own_point() {
    let router = example();
    let mut whole = router.tracker(TrackerSettings::DEFAULT).unwrap();
    let mut stopped = whole;
    for index in 0..100u32 {
        let (id, confidence) = (index.to_string(), Confidence::new(f64::from(index) / 100.0).ok());
        router.track(&mut whole, &id, confidence).unwrap();
        router.track(&mut stopped, &id, confidence).unwrap();
        let text = serde_json::to_string(&router.snapshot(&stopped)).unwrap();
        let snapshot: TrackerSnapshot = serde_json::from_str(&text).unwrap();
        stopped = router.resume(&snapshot, TrackerSettings::DEFAULT).unwrap();
    }
    assert_eq!(whole, stopped);
    let snapshot = router.snapshot(&whole);
    let refused = |change: fn(&mut TrackerSnapshot)| {
        let mut other = snapshot.clone();
        change(&mut other);
        router.resume(&other, TrackerSettings::DEFAULT).unwrap_err().to_string()
    };
    assert!(refused(|other| other.thresholds_sha256 = "0".repeat(64)).contains("thresholds_sha256"));
    assert!(refused(|other| other.threshold_id = "perplexity/routing_ratio=0.7".to_owned())
        .contains("threshold_id"));
    assert!(refused(|other| other.state.base = f64::NAN).contains("base"));
    assert!(refused(|other| other.state.n = 3).contains("must be"));
    for bad in ["", "{}", "null", r#"{"thresholds_sha256":"","threshold_id":"","state":{},"more":1}"#] {
        assert!(serde_json::from_str::<TrackerSnapshot>(bad).is_err(), "{bad}");
    }
}

#[test]
fn without_a_scale_there_is_no_tracker() {
    let mut thresholds = example_thresholds();
    thresholds.methods[0].pool_cdf = None;
    let router =
        Router::without_device_check(&thresholds, "perplexity", &target("routing_ratio=0.3")).unwrap();
    assert!(matches!(router.tracker(TrackerSettings::DEFAULT), Err(Error::NoScale { .. })));
}

#[test]
fn an_error_monitor_goes_on_at_its_own_file_and_point_alone() {
    let thresholds = example_thresholds();
    let open = |target: &str| {
        Router::without_device_check(&thresholds, "perplexity", &target.parse().unwrap()).unwrap()
    };
    let router = open("selective_error=0.2:0.1");
    let mut monitor = router.error_monitor().unwrap();
    assert_eq!((monitor.state().alpha, monitor.state().delta), (0.2, 0.1));
    assert!((0..20).any(|_| monitor.observe(false)));
    let text = serde_json::to_string(&router.error_snapshot(&monitor)).unwrap();
    let snapshot = serde_json::from_str(&text).unwrap();
    assert_eq!(router.resume_error_monitor(&snapshot).unwrap(), monitor);
    let other = open("routing_ratio=0.3");
    assert!(matches!(other.error_monitor(), Err(Error::NoBound { .. })));
    let refused = other.resume_error_monitor(&snapshot).unwrap_err().to_string();
    assert!(
        refused.contains("a snapshot has threshold_id `perplexity/selective_error=0.2:0.1`"),
        "{refused}"
    );
    let mut foreign = snapshot;
    foreign.thresholds_sha256 = "0".repeat(64);
    assert!(matches!(
        router.resume_error_monitor(&foreign),
        Err(Error::OtherSnapshot { field: "thresholds_sha256", .. })
    ));
}
