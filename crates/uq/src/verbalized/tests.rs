//! Spellings of a confidence, and what they are read as.

use proptest::prelude::*;

use super::Turn::{AnswerAndConfidence, ConfidenceOnly};
use super::*;

/// Absolute: what decimal fractions and divisions round.
const AS_WRITTEN: f64 = 1e-12;

/// Replies to "Answer: ... Confidence: ...".
const ONE_TURN: &[(&str, Result<f64, Unread>)] = &[
    ("Answer: B\nConfidence: 0.85", Ok(0.85)),
    ("Answer: B\r\nConfidence: 0.85\r\n", Ok(0.85)),
    ("answer: b\nconfidence: .9", Ok(0.9)),
    ("**Answer:** B\n**Confidence:** 0.7", Ok(0.7)),
    ("**Answer**: B\n**Confidence**: **0.7**", Ok(0.7)),
    ("- Answer: B\n- Confidence: 70%", Ok(0.7)),
    ("## Answer: B\n## Confidence: 70 %", Ok(0.7)),
    ("Answer: B\nConfidence = 1", Ok(1.0)),
    ("Answer: B\nConfidence: 0", Ok(0.0)),
    ("Answer: B\nConfidence: 1.0.", Ok(1.0)),
    ("Answer: B\nConfidence: 0,85", Ok(0.85)),
    ("Answer: B\nConfidence: 0,850", Ok(0.85)),
    ("Answer: B\nConfidence: 8.5e-1", Ok(0.85)),
    ("Answer: B\nConfidence (0-1): 0.8", Ok(0.8)),
    ("Answer: B\nConfidence level: 0.8", Ok(0.8)),
    ("Answer: B\nConfidence Score: 95 percent", Ok(0.95)),
    ("Answer: B\nConfidence: 95pct", Ok(0.95)),
    ("Answer: B\nConfidence: \\boxed{0.8}", Ok(0.8)),
    ("Answer: B\nConfidence: $90\\%$", Ok(0.9)),
    ("Answer: B\nConfidence: 8/10", Ok(0.8)),
    ("Answer: B\nConfidence: 9 out of 10", Ok(0.9)),
    ("Answer: B\nConfidence: 0.9/1.0", Ok(0.9)),
    ("Answer: B\nConfidence: 85/100", Ok(0.85)),
    ("Answer: B\nConfidence: 0.85 (85%)", Ok(0.85)),
    ("Answer: B\nConfidence: about 0.6", Ok(0.6)),
    ("Answer: B\nConfidence: ~60%", Ok(0.6)),
    ("Answer: B\nConfidence: High (0.9)", Ok(0.9)),
    ("Answer: B\nConfidence:\n\n0.4", Ok(0.4)),
    ("Answer: 12\nConfidence: \u{FF10}.\u{FF18}", Ok(0.8)),
    ("Answer: 12\nConfidence: \u{0660}\u{066B}\u{0668}", Ok(0.8)),
    ("Answer: 12\nConfidence: \u{0969}\u{0966}%", Ok(0.3)),
    ("{\"answer\": \"B\"\n\"confidence\": 0.75}", Ok(0.75)),
    // The last line counts: a model that corrects itself means its correction.
    ("Confidence: 0.2\nWait, that is wrong.\nConfidence: 0.9", Ok(0.9)),
    ("Answer: 3\nProbability = 3/8\nConfidence: 0.5", Ok(0.5)),
    ("Answer: B", Err(Unread::NoLine)),
    ("Answer: 0.5", Err(Unread::NoLine)),
    ("The probability is 3/8.\nProbability = 0.375", Err(Unread::NoLine)),
    ("I have confidence: the answer is B", Err(Unread::NoLine)),
    ("My answer has a Confidence: 0.8", Err(Unread::NoLine)),
    ("", Err(Unread::Empty)),
    (" \n\t ", Err(Unread::Empty)),
    ("Answer: B\nConfidence:", Err(Unread::NoNumber)),
    ("Answer: B\nConfidence: high", Err(Unread::NoNumber)),
    ("Answer: B\nConfidence: N/A", Err(Unread::NoNumber)),
    ("Answer: B\nConfidence: NaN", Err(Unread::NoNumber)),
    ("Answer: B\nConfidence: GPT4", Err(Unread::NoNumber)),
    ("Answer: B\nConfidence: 0-1", Err(Unread::NoNumber)),
    ("Answer: B\nConfidence: 85", Err(Unread::OutOfRange)),
    ("Answer: B\nConfidence: 1.2", Err(Unread::OutOfRange)),
    ("Answer: B\nConfidence: 150%", Err(Unread::OutOfRange)),
    ("Answer: B\nConfidence: -0.5", Err(Unread::OutOfRange)),
    ("Answer: B\nConfidence: \u{2212}0.5", Err(Unread::OutOfRange)),
    ("Answer: B\nConfidence: 1,000", Err(Unread::OutOfRange)),
    ("Answer: B\nConfidence: 12/10", Err(Unread::OutOfRange)),
    ("Answer: B\nConfidence: 1e999", Err(Unread::OutOfRange)),
    ("Answer: B\nConfidence: 0.7-0.8", Err(Unread::SeveralNumbers)),
    ("Answer: B\nConfidence: 0.7 or 0.8", Err(Unread::SeveralNumbers)),
    ("Answer: B\nConfidence: between 50 and 60%", Err(Unread::SeveralNumbers)),
    ("Answer: B\nConfidence: v1.2.3", Err(Unread::NoNumber)),
    ("Answer: B\nConfidence: 1.2.3", Err(Unread::SeveralNumbers)),
    ("Answer: B\nConfidence: > 0.9", Err(Unread::Bound)),
    ("Answer: B\nConfidence: at least 90%", Err(Unread::Bound)),
    ("Answer: B\nConfidence: 0.9+", Err(Unread::Bound)),
    ("Answer: B\nConfidence: 90% or more", Err(Unread::Bound)),
];

/// Replies to "Reply with a number from 0 to 1 only."
const SECOND_TURN: &[(&str, Result<f64, Unread>)] = &[
    ("0.85", Ok(0.85)),
    ("0.85.", Ok(0.85)),
    ("\"0.85\"", Ok(0.85)),
    ("85%", Ok(0.85)),
    ("I am 85% confident in my answer.", Ok(0.85)),
    ("On a scale from 0 to 1, I would say 0.9.", Ok(0.9)),
    ("Probability: 0.3", Ok(0.3)),
    ("Answer: 0.3", Ok(0.3)),
    ("Confidence: 0.3\n\nThe answer 42 follows from 6 * 7.", Ok(0.3)),
    ("1", Ok(1.0)),
    ("0", Ok(0.0)),
    ("Llama3 would say 0.2", Ok(0.2)),
    ("85", Err(Unread::OutOfRange)),
    ("The answer is 42 with 90% confidence", Err(Unread::SeveralNumbers)),
    ("I am sure.", Err(Unread::NoNumber)),
    ("A number from 0 to 1", Err(Unread::NoNumber)),
    ("over 90%", Err(Unread::Bound)),
    ("0.5 + 0.4", Err(Unread::SeveralNumbers)),
    ("", Err(Unread::Empty)),
];

#[track_caller]
fn assert_read(reply: &str, turn: Turn, expected: Result<f64, Unread>) {
    match (read(reply, turn), expected) {
        (Ok(found), Ok(value)) => assert!((found.get() - value).abs() <= AS_WRITTEN, "{reply:?}: {found:?}"),
        (Err(found), Err(reason)) => assert_eq!(found, reason, "{reply:?}"),
        (found, expected) => panic!("{reply:?}: {found:?} instead of {expected:?}"),
    }
}

#[test]
fn spellings_of_one_turn() {
    for (reply, expected) in ONE_TURN {
        assert_read(reply, AnswerAndConfidence, *expected);
    }
}

#[test]
fn spellings_of_a_second_turn() {
    for (reply, expected) in SECOND_TURN {
        assert_read(reply, ConfidenceOnly, *expected);
    }
    assert!(ONE_TURN.len() + SECOND_TURN.len() >= 60);
}

#[test]
fn huge_replies_take_no_time() {
    for filler in ["9", "Confidence: ", "0.5 ", "\n", "e", "-", "\u{FDFA}"] {
        let reply = filler.repeat(1_000_000);
        let _ = read(&reply, ConfidenceOnly);
    }
    let end = format!("{}\nConfidence: 0.5", "word ".repeat(1_000_000));
    assert_read(&end, AnswerAndConfidence, Ok(0.5));
}

proptest! {
    #[test]
    fn whatever_is_written_the_result_is_a_confidence_or_a_reason(reply in "\\PC{0,80}|[-0-9.,%/eE \n:a-zA-Z]{0,60}") {
        for turn in [AnswerAndConfidence, ConfidenceOnly] {
            if let Ok(confidence) = read(&reply, turn) {
                prop_assert!((0.0..=1.0).contains(&confidence.get()));
            }
        }
    }

    #[test]
    fn every_number_in_the_range_is_read_as_itself(value in 0.0f64..=1.0) {
        let read = read(&format!("Answer: x\nConfidence: {value}"), AnswerAndConfidence).unwrap();
        prop_assert_eq!(read.get(), value);
    }

    #[test]
    fn percentages_are_hundredths(percent in 0u32..=1000) {
        let percent = f64::from(percent) / 10.0;
        let read = read(&format!("{percent}%"), ConfidenceOnly).unwrap();
        prop_assert!((read.get() - percent / 100.0).abs() <= AS_WRITTEN);
    }
}
