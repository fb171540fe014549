//! Streamed confidences are the closed forms', and an early exit never contradicts the whole answer.

use proptest::prelude::*;

use super::*;
use crate::conformance::example_thresholds;
use crate::thresholds::{ModelIdentity, Thresholds};
use crate::{Error, Router, TrackerSettings};

fn grown(method: TokenMethod, logprobs: &[f64]) -> ConfidenceAccumulator {
    let mut growing = ConfidenceAccumulator::new(method);
    for logprob in logprobs {
        growing.push(logprob);
    }
    growing
}

fn closed_form(method: TokenMethod, logprobs: &[f64]) -> Option<Confidence> {
    match method {
        TokenMethod::AverageTokenProbability => Confidence::average_token_probability(logprobs),
        TokenMethod::Perplexity => Confidence::perplexity(logprobs),
        TokenMethod::MinTokenProbability => Confidence::min_token_probability(logprobs),
    }
}

fn bits(confidence: Option<Confidence>) -> Option<u64> {
    confidence.map(|confidence| confidence.get().to_bits())
}

/// Thresholds around a confidence: itself, which is a tie and kept, and its neighbours.
fn around(confidence: Confidence) -> impl Iterator<Item = Threshold> {
    let bits = confidence.get().to_bits();
    let near = [bits.saturating_sub(1), bits, bits + 1].map(f64::from_bits);
    near.into_iter()
        .chain([0.0, 1.0])
        .filter_map(|value| Threshold::new(value).ok())
        .chain([Threshold::DEFER_ALL])
}

#[test]
fn a_token_without_a_log_probability_ends_it() {
    for method in TokenMethod::ALL {
        for broken in [f64::NAN, 0.5, f64::INFINITY] {
            let growing = grown(method, &[-0.1, broken, -0.1]);
            assert_eq!((growing.confidence(), growing.tokens()), (None, 3));
            assert!(must_defer(Threshold::KEEP_ALL, &growing, 100), "missing defers");
        }
        let empty = ConfidenceAccumulator::new(method);
        assert_eq!(empty.confidence(), None);
        assert!(!must_defer(Threshold::new(1.0).unwrap(), &empty, 5), "five certain tokens are kept");
        assert!(must_defer(Threshold::DEFER_ALL, &empty, 5) && must_defer(Threshold::KEEP_ALL, &empty, 0));
        // A broken promise ends nothing early.
        assert!(!must_defer(Threshold::new(0.9).unwrap(), &grown(method, &[-9.0, -9.0]), 1));
        assert_eq!(TokenMethod::from_id(method.id()), Some(method));
    }
    assert_eq!(TokenMethod::from_id("p_true"), None);
    // A token of probability zero: nothing keeps the answer but the threshold that keeps all.
    for method in [TokenMethod::Perplexity, TokenMethod::MinTokenProbability] {
        let zero = grown(method, &[f64::NEG_INFINITY]);
        assert!(must_defer(Threshold::new(1e-300).unwrap(), &zero, u64::MAX));
        assert!(!must_defer(Threshold::KEEP_ALL, &zero, u64::MAX));
    }
}

#[test]
fn it_ends_when_the_formula_says_so() {
    // Ten tokens of probability 1/2 of at most twenty: 2^-(1/2), and (5 + 10) / 20.
    let logprobs = [0.5f64.ln(); 10];
    // Of the smallest probability nothing is left to hope for.
    for (method, formula) in [
        (TokenMethod::Perplexity, 0.5f64.sqrt()),
        (TokenMethod::AverageTokenProbability, 0.75),
        (TokenMethod::MinTokenProbability, 0.5),
    ] {
        let growing = grown(method, &logprobs);
        let bound = growing.upper_bound(20).unwrap().get();
        assert!(bound >= formula && bound <= formula * 1e-4f64.exp(), "{bound} {formula}");
        assert!(!must_defer(Threshold::new(formula).unwrap(), &growing, 20));
        assert!(must_defer(Threshold::new(formula * 1.000_2).unwrap(), &growing, 20));
    }
}

fn router(target: &str) -> Router {
    let thresholds: Thresholds = example_thresholds();
    Router::new(&thresholds, &ModelIdentity::named("small"), "perplexity", &target.parse().unwrap()).unwrap()
}

#[test]
fn a_router_ends_its_own_method_alone() {
    let router = router("routing_ratio=0.3");
    let mut growing = router.accumulator().unwrap();
    assert_eq!(growing.method(), TokenMethod::Perplexity);
    assert!(!router.must_defer(&growing, 10).unwrap());
    for _ in 0..5 {
        growing.push(-4.0f32);
    }
    assert!(router.must_defer(&growing, 10).unwrap());
    let other = ConfidenceAccumulator::new(TokenMethod::AverageTokenProbability);
    assert!(matches!(router.must_defer(&other, 10), Err(Error::OtherMethod { .. })));
    let tracker = router.tracker(TrackerSettings::DEFAULT).unwrap();
    assert!(matches!(router.tracker_must_defer(&tracker, &other, 10), Err(Error::OtherMethod { .. })));
}

fn methods() -> impl Strategy<Value = TokenMethod> {
    prop::sample::select(TokenMethod::ALL.to_vec())
}

/// Answers of many kinds: certain ones, at the upper edge of what is accepted too, hopeless ones, with holes.
fn answers() -> impl Strategy<Value = Vec<f64>> {
    let usual = prop_oneof![-8.0f64..=0.0, -0.2f64..=0.0];
    let edge = prop_oneof![Just(0.0), Just(-0.0), Just(MAX_LOG_PROB), -1e-12f64..=1e-4];
    let odd = prop_oneof![-800.0f64..=0.0, Just(f64::NEG_INFINITY), Just(-1e300), Just(f64::NAN), Just(0.7)];
    let many = |token: BoxedStrategy<f64>| prop::collection::vec(token, 1..80);
    prop_oneof![
        4 => many(usual.clone().boxed()),
        2 => many(edge.clone().boxed()),
        2 => many(prop_oneof![usual.clone(), edge.clone()].boxed()),
        1 => many(prop_oneof![8 => usual.clone(), 2 => edge, 1 => odd].boxed()),
        // Doubtful first, then as certain as is accepted: what the bound is of.
        4 => (many(usual.boxed()), 1..400usize).prop_map(|(begun, n)| [begun, vec![MAX_LOG_PROB; n]].concat()),
        // One value again and again, so that sums round alike.
        2 => (prop_oneof![-1.0f64..=0.0, Just(MAX_LOG_PROB)], 1..400usize).prop_map(|(token, n)| vec![token; n]),
    ]
}

proptest! {
    #[test]
    fn growing_gives_the_bits_of_the_closed_form(method in methods(), logprobs in answers()) {
        let mut growing = ConfidenceAccumulator::new(method);
        for (index, logprob) in logprobs.iter().enumerate() {
            growing.push(logprob);
            let expected = closed_form(method, &logprobs[..=index]);
            prop_assert_eq!(bits(growing.confidence()), bits(expected));
        }
    }

    #[test]
    fn an_early_exit_never_contradicts_the_whole_answer(
        method in methods(), logprobs in answers(), spare in prop_oneof![Just(0u64), 0u64..50, Just(1u64 << 40)],
        threshold in 0.0f64..=1.0,
    ) {
        let max_tokens = logprobs.len() as u64 + spare;
        let whole = closed_form(method, &logprobs);
        let mut thresholds = vec![Threshold::new(threshold).unwrap()];
        // Where the answer ties with the threshold, and one bit beside.
        thresholds.extend(whole.into_iter().flat_map(around));
        for threshold in thresholds {
            let is_kept = decide(threshold, whole).route == Route::Slm;
            let mut growing = ConfidenceAccumulator::new(method);
            prop_assert!(!(must_defer(threshold, &growing, max_tokens) && is_kept), "before the first token");
            for logprob in &logprobs {
                growing.push(logprob);
                let is_over = must_defer(threshold, &growing, max_tokens);
                prop_assert!(!(is_over && is_kept), "{growing:?} at {threshold:?}");
            }
        }
    }

    /// Every prefix of the most confident continuation: the bound is reached but for its slack.
    #[test]
    fn the_bound_is_no_larger_than_its_slack(method in methods(), token in -3.0f64..=0.0, n in 1usize..60, rest in 0usize..60) {
        let growing = grown(method, &vec![token; n]);
        let best: Vec<f64> = std::iter::repeat_n(token, n).chain(std::iter::repeat_n(0.0, rest)).collect();
        let bound = growing.upper_bound((n + rest) as u64).unwrap().get();
        let best = closed_form(method, &best).unwrap().get();
        prop_assert!(bound >= best && bound <= (best * 1.000_101).min(1.0), "{bound} {best}");
    }

    /// The smallest probability is known to be below a threshold with the token that is: no later token is waited for.
    #[test]
    fn the_smallest_probability_ends_with_the_token_that_is_below(
        logprobs in prop::collection::vec(-8.0f64..=0.0, 1..80), threshold in 0.001f64..=1.0, max_tokens in 80u64..,
    ) {
        /// The bound's slack for two exponentials.
        const SLACK: f64 = 1e-14;
        let mut growing = ConfidenceAccumulator::new(TokenMethod::MinTokenProbability);
        let mut is_below = false;
        for logprob in logprobs {
            growing.push(logprob);
            is_below |= logprob.exp() < threshold * (1.0 - SLACK);
            let is_over = must_defer(Threshold::new(threshold).unwrap(), &growing, max_tokens);
            prop_assert!(is_over || !is_below);
        }
    }

    /// With ties broken by the request's id: an answer whose confidence is that of an atom, whatever its u.
    #[test]
    fn a_tracker_exits_as_it_would_decide_and_counts_alike(
        answers in prop::collection::vec((answers(), any::<bool>()), 1..40), spare in 0u64..6,
        certificate in prop::option::of(0.0f64..=1.0), id in "[a-z]{0,4}",
    ) {
        let router = router("routing_ratio=0.7");
        let mut tracker = router.tracker(TrackerSettings::DEFAULT.with_horizon(3.0)).unwrap();
        if let Some(z) = certificate {
            tracker = tracker.with_certificate(z).unwrap();
        }
        // The example's atom is at 0.75; half of the answers have exactly this confidence.
        let atom = Confidence::new(0.75).unwrap();
        for (index, (logprobs, is_tied)) in answers.into_iter().enumerate() {
            let logprobs = if is_tied { vec![atom.get().ln()] } else { logprobs };
            let max_tokens = logprobs.len() as u64 + spare;
            let mut growing = router.accumulator().unwrap();
            let whole = closed_form(TokenMethod::Perplexity, &logprobs);
            let decided = router.look(&tracker, &format!("{id}{index}"), whole).unwrap();
            let mut counted = tracker;
            counted.count(&decided);
            for logprob in &logprobs {
                growing.push(logprob);
                if let Some(early) = router.tracker_must_defer(&tracker, &growing, max_tokens).unwrap() {
                    prop_assert_eq!(decided.decision.route, Route::Llm);
                    let mut alike = tracker;
                    alike.count(&early);
                    prop_assert!(whole.is_none() || alike.state() == counted.state());
                }
            }
            tracker = counted;
        }
    }
}
