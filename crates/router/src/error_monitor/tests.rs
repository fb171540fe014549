//! e by its definition; false alarms by counting every path and by repeated sampling, beside a test of a fixed sample.

use proptest::prelude::*;

use super::*;

/// Relative, of logarithms of products.
const SAME: f64 = 1e-9;

/// The definition: the mean over bets of the products.
fn slow_e(alpha: f64, wrong: &[bool]) -> f64 {
    let product = |bet: i32| -> f64 {
        let lambda = 0.5f64.powi(bet) / alpha;
        wrong.iter().map(|x| 1.0 + lambda * (f64::from(u8::from(*x)) - alpha)).product()
    };
    (1..=10).map(product).sum::<f64>() / 10.0
}

proptest! {
    #[test]
    fn e_is_its_definition_and_a_state_goes_on(
        alpha in 0.01f64..0.9,
        wrong in prop::collection::vec(any::<bool>(), 0..60),
        cut in 0usize..60,
    ) {
        let mut monitor = ErrorMonitor::new(alpha, 0.05).unwrap();
        let mut largest = 1.0f64;
        for (index, x) in wrong.iter().enumerate() {
            if index == cut {
                let text = serde_json::to_string(monitor.state()).unwrap();
                monitor = ErrorMonitor::resume(serde_json::from_str(&text).unwrap()).unwrap();
            }
            let alarm = monitor.observe(!x);
            let slow = slow_e(alpha, &wrong[..=index]);
            prop_assert!((monitor.log_e() - slow.ln()).abs() <= SAME * (1.0 + slow.ln().abs()));
            largest = largest.max(slow);
            prop_assert!((monitor.p_value() * largest - 1.0).abs() <= SAME);
            if (largest * 0.05 - 1.0).abs() > SAME {
                prop_assert_eq!(alarm, largest >= 20.0);
            }
        }
    }
}

/// Probability of an alarm within `labels` labels at an error rate of exactly `rate`, and the expectation of e there,
/// over all paths: paths with equal counts are one.
fn exact(alpha: f64, delta: f64, rate: f64, labels: u64) -> (f64, f64) {
    let fresh = ErrorMonitor::new(alpha, delta).unwrap();
    let (mut quiet, mut all) = (vec![1.0], vec![1.0]);
    let mut alarmed = 0.0;
    for kept in 1..=labels {
        let step = |of: &[f64]| {
            let mut next = vec![0.0; of.len() + 1];
            for (wrong, mass) in of.iter().enumerate() {
                next[wrong] += mass * (1.0 - rate);
                next[wrong + 1] += mass * rate;
            }
            next
        };
        (quiet, all) = (step(&quiet), step(&all));
        for (wrong, mass) in (0..).zip(&mut quiet) {
            if fresh.log_e_at(kept - wrong, wrong) >= -delta.ln() {
                alarmed += std::mem::take(mass);
            }
        }
    }
    // In logarithms: e overflows where a path is next to impossible.
    let share = |(wrong, mass): (u64, &f64)| (mass.ln() + fresh.log_e_at(labels - wrong, wrong)).exp();
    (alarmed, (0..).zip(&all).map(share).sum())
}

#[test]
fn over_all_paths_e_is_fair_and_false_alarms_are_as_rare_as_promised() {
    for (alpha, delta) in [(0.1, 0.1), (0.02, 0.05), (0.5, 0.3)] {
        let (alarmed, expectation) = exact(alpha, delta, alpha, 300);
        assert!((expectation - 1.0).abs() < SAME, "{alpha}: {expectation}");
        assert!(alarmed <= delta && alarmed > delta / 10.0, "{alpha}: {alarmed}");
        // Fewer errors than alpha: fewer alarms. Three times as many: an alarm.
        assert!(exact(alpha, delta, alpha * 0.8, 300).0 < alarmed);
    }
    assert!(exact(0.1, 0.1, 0.3, 300).0 > 0.99);
}

/// Uniform numbers in [0, 1): `SplitMix64`.
struct Uniform(u64);

impl Uniform {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / 9_007_199_254_740_992.0
    }
}

/// P(Bin(n, p) >= k), by adding up.
fn upper_tail(k: u64, n: u64, p: f64) -> f64 {
    let mut mass = (1.0 - p).powf(n as f64);
    let mut below = 0.0;
    for count in 0..k {
        below += mass;
        mass *= (n - count) as f64 / (count + 1) as f64 * p / (1.0 - p);
    }
    1.0 - below
}

const ALPHA: f64 = 0.1;
const DELTA: f64 = 0.1;
const STREAMS: u64 = 1_000;
const LABELS: u64 = 1_000;

/// Share of streams in which each rule, looked at after every label, ever raises an alarm; `rate` knows what came before.
fn ever_alarmed(rate: impl Fn(&[bool]) -> f64) -> (f64, f64) {
    let (mut anytime, mut fixed_sample) = (0u64, 0u64);
    for stream in 0..STREAMS {
        let mut uniform = Uniform(stream << 32);
        let mut monitor = ErrorMonitor::new(ALPHA, DELTA).unwrap();
        let (mut past, mut count, mut rejected) = (Vec::new(), 0, false);
        for kept in 1..=LABELS {
            let wrong = uniform.next() < rate(&past);
            past.push(wrong);
            count += u64::from(wrong);
            monitor.observe(!wrong);
            rejected = rejected || upper_tail(count, kept, ALPHA) <= DELTA;
        }
        anytime += u64::from(monitor.alarm());
        fixed_sample += u64::from(rejected);
    }
    (anytime as f64 / STREAMS as f64, fixed_sample as f64 / STREAMS as f64)
}

#[test]
fn stopping_at_any_label_keeps_the_promise_and_a_fixed_sample_test_at_each_look_breaks_it() {
    // Five standard deviations of a share of 0.1 over a thousand streams.
    const NOISE: f64 = 0.05;
    let (anytime, fixed_sample) = ever_alarmed(|_| ALPHA);
    assert!(anytime <= DELTA + NOISE, "{anytime}");
    assert!(fixed_sample > DELTA + NOISE, "{fixed_sample}");
    // Errors may depend on what came before, as long as none is likelier than alpha.
    let (anytime, _) = ever_alarmed(|past| if past.last() == Some(&true) { ALPHA } else { ALPHA / 2.0 });
    assert!(anytime <= DELTA + NOISE, "{anytime}");
    // One wrong answer in five, where one in ten is allowed, is found.
    let (anytime, _) = ever_alarmed(|_| 2.0 * ALPHA);
    assert!(anytime > 0.95, "{anytime}");
}

#[test]
fn states_that_no_monitor_has_are_refused() {
    let good = ErrorMonitorState { alpha: 0.1, delta: 0.1, kept: 10, wrong: 1, max_log_e: 0.5 };
    assert!(ErrorMonitor::resume(good).is_ok());
    for (bad, expected) in [
        (ErrorMonitorState { alpha: 0.0, ..good }, "alpha"),
        (ErrorMonitorState { alpha: f64::NAN, ..good }, "alpha"),
        (ErrorMonitorState { delta: 1.0, ..good }, "delta"),
        (ErrorMonitorState { wrong: 11, ..good }, "wrong must be at most kept"),
        (ErrorMonitorState { max_log_e: f64::NAN, ..good }, "max_log_e"),
        (ErrorMonitorState { max_log_e: -0.1, ..good }, "max_log_e"),
        // One wrong answer gives a factor of 1 + (1/2) 9 = 5.5 at most.
        (ErrorMonitorState { max_log_e: 1.71, ..good }, "max_log_e"),
        (ErrorMonitorState { wrong: 10, ..good }, "max_log_e"),
    ] {
        let error = ErrorMonitor::resume(bad).unwrap_err().to_string();
        assert!(error.contains(expected), "{bad:?}: {error}");
    }
    // The largest counts there are still give a number.
    let full = ErrorMonitorState { kept: u64::MAX, wrong: 0, max_log_e: 0.0, ..good };
    let mut monitor = ErrorMonitor::resume(full).unwrap();
    assert!(!monitor.observe(true) && monitor.log_e().is_finite());
}
