//! The bound over any order, with delay, missing confidences and certificates; sequences worked by hand.

use proptest::prelude::*;

use super::*;

fn tracker(ratio: f64, horizon: f64) -> Tracker {
    Tracker::new(ratio, ratio, TrackerSettings::DEFAULT.with_horizon(horizon)).unwrap()
}

/// Uniform numbers in [0, 1) from a counter.
fn uniform(index: u64) -> f64 {
    crate::TieSeed::new(7).uniform(&index.to_string())
}

/// Of sums of a few doubles.
const ROUNDING: f64 = 1e-12;

#[test]
fn three_steps_by_hand() {
    let mut tracker =
        Tracker::new(0.3, 0.3, TrackerSettings { m: 4.0, floor: 0.005, horizon: 10.0 }).unwrap();
    let first = tracker.decide(Some(0.2));
    assert_eq!((first.decision.route, first.decision.reason, first.t), (Route::Llm, Reason::Below, 0.3));
    // base: 0.3 + (1 / 5)(0.3 - 1) = 0.16; D: 0.3 - 1 = -0.7.
    let second = tracker.decide(Some(0.1));
    assert!((second.t - (0.16 - 0.07)).abs() < ROUNDING, "{}", second.t);
    assert_eq!(second.decision.route, Route::Slm);
    // base: 0.16 + (1 / 6)(0.3 - 1) = 0.0433..; D: -0.7 + 0.3 = -0.4.
    let third = tracker.decide(None);
    assert!((third.t - (0.16 - 0.7 / 6.0 - 0.04)).abs() < ROUNDING);
    assert_eq!((third.decision.route, third.decision.reason, third.z), (Route::Llm, Reason::Missing, None));
    // base: 0.0433.. + (1 / 7)(0.3 - 1), at least 0; D: -0.4 - 0.7 = -1.1.
    let state = tracker.state();
    assert_eq!((state.base, state.n, state.routed), (0.0, 3, 2));
    assert!((state.deficit + 1.1).abs() < ROUNDING);
}

/// What an adversary shows next: it sees the threshold.
#[derive(Debug, Clone, Copy)]
enum Move {
    JustAbove,
    JustBelow,
    Highest,
    Lowest,
    Somewhere(f64),
}

impl Move {
    fn z(self, t: f64) -> f64 {
        match self {
            Self::JustAbove => t.clamp(0.0, 1.0),
            Self::JustBelow => (t - 1e-9).clamp(0.0, 1.0),
            Self::Highest => 1.0,
            Self::Lowest => 0.0,
            Self::Somewhere(z) => z,
        }
    }
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        Just(Move::JustAbove),
        Just(Move::JustBelow),
        Just(Move::Highest),
        Just(Move::Lowest),
        (0.0f64..=1.0).prop_map(Move::Somewhere)
    ]
}

/// Blocks of one move each: a few hundred moves alike are what moves `base` to an end.
fn stream() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec((moves(), 1usize..300), 1..12)
        .prop_map(|blocks| blocks.into_iter().flat_map(|(next, count)| vec![next; count]).collect())
}

fn is_within_the_bound(tracker: &Tracker, delay: usize) -> bool {
    let TrackerState { ratio, n, routed, .. } = *tracker.state();
    let bound = tracker.settings().horizon + 1.0 + delay as f64;
    (routed as f64 - ratio * n as f64).abs() <= bound + ROUNDING * n as f64
}

proptest! {
    #[test]
    fn no_order_breaks_the_bound(ratio in 0.0f64..=1.0, horizon in 1.0f64..60.0, stream in stream()) {
        let mut tracker = tracker(ratio, horizon);
        for next in stream {
            let t = tracker.look(Some(0.0)).t;
            tracker.decide(Some(next.z(t)));
            prop_assert!(is_within_the_bound(&tracker, 0), "{:?}", tracker.state());
        }
    }

    #[test]
    fn decisions_under_way_widen_the_bound_by_their_number(
        ratio in 0.0f64..=1.0, horizon in 1.0f64..60.0, batch in 1usize..100, stream in stream(),
    ) {
        let mut tracker = tracker(ratio, horizon);
        for together in stream.chunks(batch) {
            let t = tracker.look(Some(0.0)).t;
            let decided: Vec<TrackedDecision> = together.iter().map(|next| tracker.look(Some(next.z(t)))).collect();
            for decision in decided.iter().rev() {
                tracker.count(decision);
                prop_assert!(is_within_the_bound(&tracker, batch), "{:?}", tracker.state());
            }
        }
    }

    #[test]
    fn any_state_is_refused_or_goes_on(
        ratio in prop::num::f64::ANY, base in prop::num::f64::ANY, deficit in prop::num::f64::ANY,
        n in any::<u64>(), routed in any::<u64>(), z in prop::option::of(prop::num::f64::ANY),
    ) {
        let state = TrackerState { ratio, base, deficit, n, routed };
        if let Ok(mut tracker) = Tracker::resume(state, TrackerSettings::DEFAULT) {
            let decided = tracker.decide(z);
            prop_assert!(decided.t.is_finite());
            prop_assert!(Tracker::resume(*tracker.state(), TrackerSettings::DEFAULT).is_ok());
        }
    }
}

/// On traffic whose level is another than the pool's: the ratio after 500 questions.
const TRACKED_ERROR: f64 = 0.02;

#[test]
fn a_shift_of_the_level_is_tracked_and_a_fixed_threshold_is_not() {
    for ratio in [0.1, 0.3, 0.5, 0.7, 0.9] {
        for power in [0.4f64, 2.5] {
            let mut tracker = tracker(ratio, 200.0);
            let mut fixed = 0u32;
            for index in 0..500 {
                let z = uniform(index).powf(power);
                tracker.decide(Some(z));
                fixed += u32::from(z < ratio);
            }
            let error = (tracker.state().routed as f64 / 500.0 - ratio).abs();
            assert!(error < TRACKED_ERROR, "ratio {ratio}, power {power}: {error}");
            let fixed_error = (f64::from(fixed) / 500.0 - ratio).abs();
            assert!(fixed_error > TRACKED_ERROR, "ratio {ratio}, power {power}: {fixed_error}");
        }
    }
}

/// A stream's position at each moment.
type Stream = fn(u64) -> f64;

/// Streams of 2,000 questions whose level is not that of the pool, or does not stay: a position by number.
const STREAMS: [(&str, Stream); 4] = [
    ("switches", |index| uniform(index).powf(if index < 1_000 { 0.4 } else { 2.5 })),
    ("bursts", |index| if index % 100 < 40 { 0.05 * uniform(index) } else { 0.2 + 0.8 * uniform(index) }),
    ("drifts", |index| uniform(index).powf(3.0 - index as f64 / 800.0)),
    ("comes in blocks", |index| {
        uniform(index).powf(match index / 500 {
            0 => 0.3,
            1 => 1.5,
            2 => 3.0,
            _ => 0.7,
        })
    }),
];

#[test]
fn streams_that_switch_burst_and_drift_are_tracked_and_no_fixed_threshold_follows() {
    // The bound for all of a stream, and twice the horizon's share for any 500 of it.
    let (horizon, ratio) = (50.0, 0.3);
    for (name, place) in STREAMS {
        let mut tracker = tracker(ratio, horizon);
        let (mut windows, mut fixed_windows) = (Vec::new(), Vec::new());
        for start in [0u64, 500, 1_000, 1_500] {
            let (before, mut fixed) = (tracker.state().routed, 0u32);
            for index in start..start + 500 {
                tracker.decide(Some(place(index)));
                fixed += u32::from(place(index) < ratio);
            }
            windows.push(((tracker.state().routed - before) as f64 / 500.0 - ratio).abs());
            fixed_windows.push((f64::from(fixed) / 500.0 - ratio).abs());
        }
        let error = (tracker.state().routed as f64 / 2_000.0 - ratio).abs();
        assert!(error <= (horizon + 1.0) / 2_000.0, "{name}: {error}");
        let worst = |errors: &[f64]| errors.iter().copied().fold(0.0, f64::max);
        // Between two moments the deficit moves by no more than 2 (H + 1).
        assert!(worst(&windows) <= 2.0 * (horizon + 1.0) / 500.0, "{name}: {windows:?}");
        assert!(worst(&windows) < worst(&fixed_windows) / 2.0, "{name}: {windows:?} {fixed_windows:?}");
        assert!(worst(&fixed_windows) > 0.05, "{name}: {fixed_windows:?}");
    }
}

#[test]
fn an_id_that_repeats_is_decided_and_counted_twice() {
    let mut moving = tracker(0.5, 200.0);
    let first = moving.decide(Some(0.499));
    assert_eq!(first.decision.route, Route::Llm);
    // The same question at a threshold that has moved on.
    let second = moving.decide(Some(0.499));
    assert_eq!(second.decision.route, Route::Slm);
    assert_eq!((moving.state().n, moving.state().routed), (2, 1));
    let mut flooded = tracker(0.5, 200.0);
    for _ in 0..10_000 {
        flooded.decide(Some(0.7));
    }
    assert!((flooded.state().routed as f64 / 10_000.0 - 0.5).abs() <= 201.0 / 10_000.0);
}

#[test]
fn places_that_are_no_numbers_defer_like_missing_ones() {
    let mut tracker = tracker(0.3, 50.0);
    for z in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5, 1.5] {
        let decided = tracker.decide(Some(z));
        assert!(decided.t.is_finite(), "{z}");
        assert!(tracker.state().base.is_finite() && tracker.state().deficit.is_finite(), "{z}");
    }
    assert_eq!(tracker.state().n, 5);
}

#[test]
fn a_million_missing_confidences_are_deferred_and_forgiven() {
    let (ratio, horizon) = (0.3, 200.0);
    let mut tracker = tracker(ratio, horizon);
    for _ in 0..1_000_000 {
        assert_eq!(tracker.decide(None).decision.reason, Reason::Missing);
    }
    assert!(tracker.state().deficit >= -(horizon + 1.0));
    let before = *tracker.state();
    let mut kept = 0;
    while tracker.decide(Some(uniform(tracker.state().n))).decision.route == Route::Slm {
        kept += 1;
    }
    assert!(f64::from(kept) <= (horizon + 1.0) / ratio, "{kept}");
    let start = *tracker.state();
    for _ in 0..2_000 {
        tracker.decide(Some(uniform(tracker.state().n)));
    }
    let routed = tracker.state().routed - start.routed;
    assert!((routed as f64 / 2_000.0 - ratio).abs() < 0.15, "{routed} of 2,000 after {before:?}");
}

#[test]
fn a_certificate_is_never_undercut_and_costs_no_payback() {
    let mut tracker = tracker(0.2, 50.0).with_certificate(0.6).unwrap();
    for index in 0..2_000 {
        let z = uniform(index);
        let decided = tracker.decide(Some(z));
        assert!(decided.t >= 0.6);
        assert_eq!(decided.decision.route == Route::Llm, z < decided.t);
        if decided.decision.reason == Reason::Certificate {
            assert!((0.0..0.6).contains(&z));
        }
    }
    let TrackerState { n, routed, deficit, .. } = *tracker.state();
    assert!((routed as f64 / n as f64 - 0.6).abs() < 0.05, "{routed} of {n}");
    assert!(deficit.abs() <= 51.0, "{deficit}");
    assert!(tracker.with_certificate(1.5).is_err());
}

#[test]
fn another_ratio_is_taken_up_without_old_debts() {
    let mut tracker = tracker(0.2, 50.0);
    for index in 0..1_000 {
        tracker.decide(Some(uniform(index)));
    }
    let base = tracker.state().base;
    tracker.set_ratio(0.5).unwrap();
    assert!((tracker.state().base - (base + 0.3)).abs() < ROUNDING);
    assert_eq!(tracker.state().deficit, 0.0);
    let before = tracker.state().routed;
    for index in 1_000..2_000 {
        tracker.decide(Some(uniform(index)));
    }
    let error = ((tracker.state().routed - before) as f64 / 1_000.0 - 0.5).abs();
    assert!(error <= 51.0 / 1_000.0 + ROUNDING, "{error}");
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(tracker.set_ratio(bad).is_err(), "{bad}");
    }
}

#[test]
fn settings_and_states_out_of_range_are_refused() {
    let settings = |m, floor, horizon| TrackerSettings { m, floor, horizon };
    for bad in [
        settings(-1.0, 0.005, 200.0),
        settings(f64::NAN, 0.005, 200.0),
        settings(5.0, 0.0, 200.0),
        settings(5.0, 1.5, 200.0),
        settings(5.0, 0.005, 0.0),
        settings(5.0, 0.005, f64::INFINITY),
    ] {
        assert!(Tracker::new(0.3, 0.3, bad).is_err(), "{bad:?}");
    }
    let good = TrackerState { ratio: 0.3, base: 0.3, deficit: -2.0, n: 10, routed: 4 };
    assert!(Tracker::resume(good, TrackerSettings::DEFAULT).is_ok());
    for (bad, key) in [
        (TrackerState { ratio: f64::NAN, ..good }, "ratio"),
        (TrackerState { base: -0.1, ..good }, "base"),
        (TrackerState { deficit: 11.0, ..good }, "deficit"),
        (TrackerState { deficit: f64::NAN, ..good }, "deficit"),
        (TrackerState { routed: 11, ..good }, "routed"),
    ] {
        let message = Tracker::resume(bad, TrackerSettings::DEFAULT).unwrap_err().to_string();
        assert!(message.contains(key), "{message}");
    }
}

#[test]
fn the_state_is_small() {
    assert!(size_of::<TrackerState>() <= 64, "{}", size_of::<TrackerState>());
}
