//! What is a stated confidence in a text, and what is none.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const NUMBER: ReplyTask<'static> = ReplyTask { answer: Some(AnswerKind::Number), question: "How many jars?" };
const SPAN: ReplyTask<'static> = ReplyTask { answer: Some(AnswerKind::Span), question: "Which city?" };
const CHANCE: ReplyTask<'static> =
    ReplyTask { answer: Some(AnswerKind::Number), question: "What is the chance of two heads?" };

/// The statements of a text, each with its value after a bar.
fn shown(text: &str, asked: ReplyTask<'_>) -> Vec<String> {
    let view = View::new(text, 0..text.len());
    let show =
        |one: &Stated| format!("{}|{}", view.string(one.range.clone()), view.string(one.value.clone()));
    stated(&view, asked).iter().map(show).collect()
}

#[test]
fn statements_and_their_values() {
    for (text, found) in [
        ("Answer: 18\nConfidence: 0.9", "Confidence: 0.9|0.9"),
        ("Answer: 18 | Confidence: 0.9 | x", "Confidence: 0.9 |0.9 "),
        ("Answer: 18, confidence=90%.", "confidence=90%|90%."),
        ("18 (confidence: 0.9, 3 checks) jars", "confidence: 0.9, 3 checks|0.9, 3 checks"),
        ("18 (confidence 0.9)", "confidence 0.9|0.9"),
        ("Confidence: 0.9, since 9 + 9 = 18", "Confidence: 0.9|0.9, since 9 + 9 = 18"),
        ("Confidence: 0.9; Reason: 0.5", "Confidence: 0.9|0.9; "),
        ("Confidence (0-1): 0.9", "Confidence (0-1): 0.9|0.9"),
        ("Confidence level: high", "Confidence level: high|high"),
        ("Confidence:\n\n0.9", "Confidence:\n\n0.9|0.9"),
        ("Confidence:\nAnswer: 18", "Confidence:|"),
        ("1. Confidence: 0.9", "Confidence: 0.9|0.9"),
        ("My overall confidence is about 0.9.", "confidence is about 0.9|about 0.9."),
        ("with a confidence of 90 %", "confidence of 90 %|90 %"),
        ("{\"answer\": 18, \"confidence\": 0.9, \"steps\": 1}", "confidence\": 0.9|0.9, \""),
        ("<confidence>0.9</confidence>", "<confidence>0.9</confidence>|0.9"),
        ("Confidence: <b>0.9</b>", "Confidence: <b>0.9|0.9"),
        ("I am at least 90% sure", "90% sure| at least 90% "),
        ("I'd be 0.9 confident", "0.9 confident|I'd be 0.9 "),
        ("90 % certainty", "90 % certainty|90 % "),
        ("Guess: 18\nProbability: 0.9", "Probability: 0.9|0.9"),
        ("18\n0.9", "0.9|0.9"),
        ("18 jars\n90%", "90%|90%"),
    ] {
        assert_eq!(shown(text, NUMBER), [found], "{text}");
    }
    assert_eq!(shown("Paris, 0.9", SPAN), [", 0.9|0.9"]);
    assert_eq!(shown("the likelihood is 0.9", ReplyTask::CONFIDENCE), ["likelihood is 0.9|0.9"]);
}

#[test]
fn what_states_no_confidence() {
    for text in [
        "",
        "18",
        "I have confidence: the answer is 18",
        "A confidence interval has two ends",
        "confident people win 12 games",
        "The probability is 3/8.\nProbability = 0.375",
        "Probability: 0.9",
        "I am sure of 9 + 9",
        "9 sure bets",
        "the first is 18\n0.9",
        "18\n19",
        "18\n0.9\n0.8",
    ] {
        assert!(shown(text, NUMBER).is_empty(), "{text}: {:?}", shown(text, NUMBER));
    }
    for text in ["Answer: 0.25\nProbability: 0.25", "It is 25% certain", "a 95% confidence interval"] {
        assert!(shown(text, CHANCE).is_empty(), "{text}: {:?}", shown(text, CHANCE));
    }
    assert!(shown("The distance is 0.9", SPAN).is_empty());
}

#[test]
fn hostile_texts_take_time_in_proportion() {
    for piece in [
        "confidence: ",
        "confidence ",
        "Confidence:\n",
        "certainty is 1 ",
        "90% sure ",
        "0.5 sure ",
        "probability: 1 ",
        "(",
        "confidence (",
        "<confidence>",
        "<confidence>1</confidence>",
        "sure",
        "\n",
        "9",
        " ",
        "c",
    ] {
        let text = piece.repeat(500_000 / piece.len());
        let view = View::new(&text, 0..text.len());
        let start = Instant::now();
        for asked in [NUMBER, SPAN, ReplyTask::CONFIDENCE] {
            let _ = stated(&view, asked);
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{piece:?} took {:?}", start.elapsed());
    }
}

proptest! {
    #[test]
    fn statements_lie_in_the_text_and_do_not_overlap(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::sample::select(vec![
                    "Confidence", ": ", "0.9", "90%", " sure", "\n", "probability", " is ", "(", ")", "<confidence>",
                    "certainty", "18", " ", ", ", "|", "\"", "Answer: 18",
                ])
                .prop_map(str::to_owned),
                "\\PC{0,3}",
            ],
            0..14,
        ),
    ) {
        let text = pieces.concat();
        let view = View::new(&text, 0..text.len());
        for asked in [NUMBER, SPAN, CHANCE, ReplyTask::CONFIDENCE] {
            let mut end = 0;
            for one in stated(&view, asked) {
                prop_assert!(one.range.start < one.range.end && one.range.end <= view.len(), "{:?}", one);
                prop_assert!(one.value.start <= one.value.end && one.value.end <= view.len(), "{:?}", one);
                // A bare one comes last, wherever it stands.
                prop_assert!(one.range.start >= end || one.form == StatedForm::Bare, "{:?}", one);
                end = one.range.end;
            }
        }
    }
}
