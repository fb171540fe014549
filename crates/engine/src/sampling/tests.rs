//! Against transformers' warpers, the definition in f64, and the frequencies that are due.

use plimsoll_core::Seed;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Absolute, of probabilities and log-probabilities computed in f64 on both sides.
const SAME: f64 = 1e-9;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../tests/goldens/text/sampling.json")).unwrap()
}

fn sampling(case: &Value) -> Sampling {
    let mut sampling = Sampling::at(case["temperature"].as_f64().unwrap()).unwrap();
    if let Some(top_k) = case["top_k"].as_u64() {
        sampling = sampling.with_top_k(usize::try_from(top_k).unwrap()).unwrap();
    }
    if let Some(top_p) = case["top_p"].as_f64() {
        sampling = sampling.with_top_p(top_p).unwrap();
    }
    if let Some(min_p) = case["min_p"].as_f64() {
        sampling = sampling.with_min_p(min_p).unwrap();
    }
    sampling
}

#[test]
fn truncation_keeps_what_transformers_keeps() {
    for set in golden().as_array().unwrap() {
        let logits: Vec<f32> = serde_json::from_value(set["logits"].clone()).unwrap();
        for case in set["cases"].as_array().unwrap() {
            let kept = sampling(case).candidates(&logits);
            let sum: f64 = kept.iter().map(|(_, weight)| weight).sum();
            let tokens: Vec<usize> = serde_json::from_value(case["kept"].clone()).unwrap();
            assert_eq!(kept.iter().map(|(token, _)| *token).collect::<Vec<_>>(), tokens, "{case}");
            let expected: Vec<f64> = serde_json::from_value(case["probabilities"].clone()).unwrap();
            for ((_, weight), expected) in kept.iter().zip(expected) {
                assert!((weight / sum - expected).abs() <= SAME, "{case}");
            }
        }
    }
}

#[test]
fn log_probabilities_are_the_models_own() {
    for set in golden().as_array().unwrap() {
        let logits: Vec<f32> = serde_json::from_value(set["logits"].clone()).unwrap();
        let expected: Vec<f64> = serde_json::from_value(set["logprobs"].clone()).unwrap();
        for case in set["cases"].as_array().unwrap() {
            for index in 0..20 {
                let chosen = sampling(case).choose(&logits, &Seed::new(3), index).unwrap();
                assert!((chosen.logprob - expected[chosen.token as usize]).abs() <= SAME);
            }
        }
    }
}

#[test]
fn greedy_takes_the_first_of_equals() {
    let chosen = Sampling::greedy().choose(&[0.0, 2.0, 2.0, 1.0], &Seed::new(1), 0).unwrap();
    assert_eq!(chosen.token, 1);
    assert_eq!(Sampling::at(0.0).unwrap(), Sampling::greedy());
    let only = Sampling::greedy().choose(&[7.0], &Seed::new(1), 0).unwrap();
    assert_eq!((only.token, only.logprob), (0, 0.0));
}

/// A chi-square statistic of 20,000 draws with 5 degrees of freedom; 20.5 is its 0.999 quantile.
#[test]
fn frequencies_are_those_of_the_distribution() {
    const LIMIT: f64 = 20.5;
    const DRAWS: u32 = 20_000;
    let logits: Vec<f32> = [0.05f32, 0.1, 0.15, 0.2, 0.2, 0.3].iter().map(|p| p.ln()).collect();
    for temperature in [1.0, 0.5] {
        let sampling = Sampling::at(temperature).unwrap();
        let mut counts = [0u32; 6];
        for index in 0..DRAWS {
            let chosen =
                sampling.choose(&logits, &Seed::new(50).derive("frequencies"), u64::from(index)).unwrap();
            counts[chosen.token as usize] += 1;
        }
        let weights: Vec<f64> = logits.iter().map(|logit| (f64::from(*logit) / temperature).exp()).collect();
        let sum: f64 = weights.iter().sum();
        let statistic: f64 = counts
            .iter()
            .zip(&weights)
            .map(|(count, weight)| {
                let expected = f64::from(DRAWS) * weight / sum;
                (f64::from(*count) - expected).powi(2) / expected
            })
            .sum();
        assert!(statistic < LIMIT, "{temperature}: {statistic} {counts:?}");
    }
}

#[test]
fn a_choice_is_pinned() {
    let logits: Vec<f32> = (0..50u8).map(|token| f32::from(token % 7)).collect();
    let tokens: Vec<u32> = (0..8)
        .map(|index| Sampling::at(1.0).unwrap().choose(&logits, &Seed::new(50), index).unwrap().token)
        .collect();
    // The generator and the order of tokens are part of what a seed means: a change is a new format.
    assert_eq!(tokens, PINNED);
}

/// By `tests/goldens/text/write_choices.py`, from the definitions.
const PINNED: [u32; 8] = [20, 20, 41, 47, 27, 34, 19, 6];

#[test]
fn logits_that_are_none() {
    let choose = |logits: &[f32]| Sampling::greedy().choose(logits, &Seed::new(1), 0);
    assert!(matches!(choose(&[0.0, f32::NAN]), Err(SamplingError::NotFinite { token: 1, .. })));
    assert!(matches!(choose(&[f32::INFINITY]), Err(SamplingError::NotFinite { token: 0, .. })));
    assert!(matches!(choose(&[f32::NEG_INFINITY; 2]), Err(SamplingError::NotFinite { .. })));
    assert_eq!(choose(&[]), Err(SamplingError::Empty));
    // A token of probability zero is no fault.
    assert_eq!(choose(&[f32::NEG_INFINITY, 0.0]).unwrap().token, 1);
}

#[test]
fn parameters_outside_their_ranges() {
    for temperature in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(Sampling::at(temperature).is_err());
    }
    for top_p in [0.0, -1.0, 1.1, f64::NAN] {
        assert!(Sampling::greedy().with_top_p(top_p).is_err());
    }
    for min_p in [-0.1, 1.1, f64::NAN] {
        assert!(Sampling::greedy().with_min_p(min_p).is_err());
    }
    assert!(Sampling::greedy().with_top_k(0).is_err());
}

#[test]
fn a_log_probability_by_hand() {
    assert!((token_logprob(&[0.0, 0.0], 1).unwrap() - 0.5f64.ln()).abs() < SAME);
    assert!((token_logprob(&[0.0, (3.0f32).ln()], 1).unwrap() - 0.75f64.ln()).abs() < 1e-7);
    assert_eq!(token_logprob(&[0.0], 5), Err(SamplingError::Empty));
}

proptest! {
    /// The slow definition: sort, cut, walk.
    #[test]
    fn top_p_is_the_smallest_set_that_reaches_it(logits in prop::collection::vec(-8i16..8, 1..40), top_p in 0.01f64..1.0) {
        let logits: Vec<f32> = logits.into_iter().map(f32::from).collect();
        let sum: f64 = logits.iter().map(|logit| f64::from(*logit).exp()).sum();
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
        let (mut reached, mut expected) = (0.0, Vec::new());
        for token in order {
            expected.push(token);
            reached += f64::from(logits[token]).exp() / sum;
            if reached >= top_p + SAME { break; }
        }
        let kept: Vec<usize> = Sampling::at(1.0).unwrap().with_top_p(top_p).unwrap().candidates(&logits).into_iter().map(|(token, _)| token).collect();
        expected.sort_unstable();
        // Where a sum meets the share to the last digit, either side of it is right.
        prop_assert!(kept == expected || kept.len() + 1 == expected.len());
    }

    #[test]
    fn a_choice_is_among_the_kept(logits in prop::collection::vec(-30.0f32..30.0, 1..60), index in 0u64..50, top_k in 1usize..10) {
        let sampling = Sampling::at(0.9).unwrap().with_top_k(top_k).unwrap().with_min_p(0.02).unwrap();
        let chosen = sampling.choose(&logits, &Seed::new(2), index).unwrap();
        prop_assert!(sampling.candidates(&logits).iter().any(|(token, _)| *token == chosen.token as usize));
        prop_assert!(chosen.logprob <= 0.0 && chosen.logprob.is_finite());
    }
}

#[test]
fn the_likeliest_tokens_are_listed_whatever_is_chosen() {
    use proptest::prelude::*;
    proptest!(|(logits in prop::collection::vec(-30.0f32..30.0, 1..60), count in 0usize..20, hot in any::<bool>())| {
        /// Of a log-probability in f32 at most 60 below 0.
        const ROUNDING: f64 = 1e-5;
        let sampling = if hot { Sampling::at(1.5).unwrap().with_top_k(3).unwrap() } else { Sampling::greedy() };
        let (chosen, listed) = sampling.choose_and_list(&logits, &Seed::new(1), 0, count).unwrap();
        prop_assert_eq!(chosen, sampling.choose(&logits, &Seed::new(1), 0).unwrap());
        let normaliser = logits.iter().map(|logit| f64::from(*logit).exp()).sum::<f64>().ln();
        let mut all: Vec<f64> = logits.iter().map(|logit| f64::from(*logit) - normaliser).collect();
        all.sort_by(|a, b| b.total_cmp(a));
        prop_assert_eq!(listed.len(), count.min(logits.len()));
        for (found, expected) in listed.iter().zip(all) {
            prop_assert!((f64::from(*found) - expected).abs() < ROUNDING);
        }
    });
}

#[test]
fn a_token_of_no_probability_is_listed_as_a_finite_number() {
    let logits = [0.0, f32::NEG_INFINITY, f32::NEG_INFINITY];
    let (_, listed) = Sampling::greedy().choose_and_list(&logits, &Seed::new(1), 0, 2).unwrap();
    assert_eq!(listed, [0.0, f32::MIN]);
}
