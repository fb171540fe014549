//! Exact match and F1 against an independent implementation in Python (`goldens/coqa.py`).

use plimsoll_label::coqa::{best_f1, exact, score, tokens};
use serde::Deserialize;

/// Both sides add the same few f64 in the same order, but a mean may round once more.
const ROUNDING: f64 = 1e-12;

#[derive(Deserialize)]
struct Golden {
    golds: Vec<String>,
    answer: String,
    tokens: Vec<String>,
    exact: f64,
    f1: f64,
    best_exact: f64,
    best_f1: f64,
}

#[test]
fn coqa_scores_are_those_of_the_official_definition() {
    let goldens: Vec<Golden> = serde_json::from_str(include_str!("../goldens/coqa.json")).unwrap();
    assert_eq!(goldens.len(), 400);
    for golden in goldens {
        let Golden { golds, answer, .. } = &golden;
        assert_eq!(tokens(answer), golden.tokens, "{answer:?}");
        let ours = score(golds, answer);
        assert!((ours.exact - golden.exact).abs() < ROUNDING, "{golds:?} {answer:?}: {ours:?}");
        assert!((ours.f1 - golden.f1).abs() < ROUNDING, "{golds:?} {answer:?}: {ours:?}");
        assert!((best_f1(golds, answer) - golden.best_f1).abs() < ROUNDING, "{golds:?} {answer:?}");
        let any = golds.iter().any(|gold| exact(gold, answer));
        assert_eq!(any, golden.best_exact == 1.0, "{golds:?} {answer:?}");
    }
}
