//! Two SLMs on the same questions, by hand.

use super::*;
use plimsoll_core::{RawScore, ScoreTableBuilder};

/// Question, confidence, SLM correct, LLM correct.
type Row = (&'static str, Option<f64>, bool, Option<bool>);

fn table(one: &[Row], other: &[Row]) -> ScoreTable {
    let mut builder = ScoreTableBuilder::new();
    for (slm, rows) in [("one", one), ("other", other)] {
        for (question, confidence, slm_correct, llm_correct) in rows {
            let raw = RawScore {
                question_id: question,
                dataset: "d",
                slm: Some(slm),
                llm: Some("llm"),
                method: "m",
                confidence: *confidence,
                slm_correct: Some(*slm_correct),
                llm_correct: *llm_correct,
                ..RawScore::default()
            };
            assert!(builder.push(&raw).is_ok(), "{raw:?}");
        }
    }
    builder.finish()
}

fn thresholds(values: &[f64]) -> Vec<Threshold> {
    values.iter().map(|value| Threshold::new(*value).unwrap()).collect()
}

const ONE: [Row; 5] = [
    ("a", Some(0.9), true, Some(true)),
    ("b", Some(0.6), true, Some(true)),
    ("c", Some(0.4), false, Some(true)),
    ("d", None, false, None),
    ("only one has it", Some(0.1), false, Some(true)),
];
const OTHER: [Row; 5] = [
    ("a", Some(0.8), true, Some(true)),
    ("b", Some(0.3), false, Some(true)),
    ("c", Some(0.5), false, Some(true)),
    ("d", Some(0.7), false, None),
    ("only the other has it", Some(0.2), false, Some(true)),
];

#[test]
fn two_models_worked_by_hand() {
    let table = table(&ONE, &OTHER);
    let found = compared(&table.series[0], &table.series[1], &thresholds(&[0.45, 0.95])).unwrap();
    assert_eq!((found.slm.as_str(), found.other_slm.as_str(), found.questions), ("one", "other", 4));
    assert_eq!((found.one_missing, found.other_grade), (0.25, 0.25));
    // Of 0.1, 0.3 and 0.1.
    assert!((found.median_distance.unwrap() - 0.1).abs() < 1e-12);
    assert!((found.largest_distance.unwrap() - 0.3).abs() < 1e-12);
    // At 0.45 the one keeps a and b, the other a, c and d; at 0.95 neither keeps anything.
    assert_eq!(
        (found.points, found.mean_ratio_shift, found.largest_ratio_shift),
        (2, Some(0.125), Some(0.25))
    );
    assert_eq!(found.mean_rerouted, Some(3.0 / 4.0 / 2.0));
    // Of a, b and c, whose LLM is graded: all right, and c wrong where it is kept.
    assert!((found.mean_accuracy_shift.unwrap() - 1.0 / 6.0).abs() < 1e-12);
}

#[test]
fn a_model_beside_itself_changes_nothing() {
    let table = table(&ONE, &ONE);
    let found = compared(&table.series[0], &table.series[1], &thresholds(&[0.45, 0.0])).unwrap();
    let shifts =
        [found.mean_ratio_shift, found.largest_ratio_shift, found.mean_rerouted, found.mean_accuracy_shift];
    assert_eq!((shifts, found.points), ([Some(0.0); 4], 2));
    assert_eq!((found.median_distance, found.one_missing, found.other_grade), (Some(0.0), 0.0, 0.0));
}

#[test]
fn what_cannot_be_compared_is_left_out() {
    let apart = table(&ONE[..1], &OTHER[1..2]);
    assert_eq!(compared(&apart.series[0], &apart.series[1], &thresholds(&[0.5])), None);
    let missing = table(&[("a", None, true, None)], &[("a", Some(0.5), true, None)]);
    let found = compared(&missing.series[0], &missing.series[1], &thresholds(&[0.5])).unwrap();
    assert_eq!((found.median_distance, found.largest_distance), (None, None));
    assert_eq!((found.mean_accuracy_shift, found.mean_ratio_shift), (None, Some(1.0)));
    let without = compared(&missing.series[0], &missing.series[1], &[]).unwrap();
    assert_eq!((without.points, without.mean_ratio_shift, without.largest_ratio_shift), (0, None, None));
    assert!(other_slms(&missing, &[]).is_empty(), "no file, no thresholds");
}
