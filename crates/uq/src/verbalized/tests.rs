//! Spellings of a confidence, and what they are read as.

use proptest::prelude::*;

use plimsoll_core::AnswerKind;

use super::*;

/// What a reply in one turn was asked for.
const BOTH: ReplyTask<'static> =
    ReplyTask { answer: Some(AnswerKind::Number), question: "How many jars stand on the shelf?" };

/// Absolute: what decimal fractions and divisions round.
const AS_WRITTEN: f64 = 1e-12;

/// Replies to "Answer: ... Confidence: ...".
const ONE_TURN: &[(&str, Result<f64, VerbalizedProblem>)] = &[
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
    ("Answer: B", Err(VerbalizedProblem::NoLine)),
    ("Answer: 0.5", Err(VerbalizedProblem::NoLine)),
    ("The probability is 3/8.\nProbability = 0.375", Err(VerbalizedProblem::NoLine)),
    ("I have confidence: the answer is B", Err(VerbalizedProblem::NoLine)),
    // After the answer, on its line.
    ("My answer has a Confidence: 0.8", Ok(0.8)),
    ("Answer: 18 | Confidence: 0.9", Ok(0.9)),
    ("| Answer: 18 | Confidence: 0.9 |", Ok(0.9)),
    ("Answer: 18, Confidence: 0.9", Ok(0.9)),
    ("Answer: 18; confidence 0.9", Ok(0.9)),
    ("Answer: 18 Confidence: 0.9", Ok(0.9)),
    ("Answer: 18 (confidence: 0.9)", Ok(0.9)),
    ("Answer: 18 (confidence 0.9, 2 checks)", Ok(0.9)),
    ("Answer: 18. Confidence - none. Confidence: 0.9", Ok(0.9)),
    ("Answer: 18 [Confidence = 90 %]", Ok(0.9)),
    ("The answer is 18, with a confidence of 0.9.", Ok(0.9)),
    ("Answer: 18. I am 90% sure.", Ok(0.9)),
    ("Answer: 18. I am 0.9 confident of that.", Ok(0.9)),
    ("{\"answer\": 18, \"confidence\": 0.9}", Ok(0.9)),
    ("{\"confidence\": 0.9, \"answer\": 18, \"steps\": 1}", Ok(0.9)),
    ("{'answer': 18, 'confidence_note': 3, 'confidence': 0.9}", Ok(0.9)),
    ("<answer>18</answer>\n<confidence>0.9</confidence>", Ok(0.9)),
    ("<answer>18</answer><confidence>90%</confidence>", Ok(0.9)),
    ("Answer: 18\n1. Confidence: 0.9", Ok(0.9)),
    ("1) Answer: 18\n2) Confidence: 0.9", Ok(0.9)),
    ("Answer: 18\nMy confidence in this answer is 0.9.", Ok(0.9)),
    ("Confidence: 0.9 | Answer: 0.5", Ok(0.9)),
    ("18\n0.9", Ok(0.9)),
    ("18 jars\n90 %", Ok(0.9)),
    ("Guess: 18\nProbability: 0.9", Ok(0.9)),
    ("Guess: 18\nLikelihood: 90%", Ok(0.9)),
    // With remarks.
    ("Answer: 18\nConfidence: 0.9 (based on 3 checks)", Ok(0.9)),
    ("Answer: 18\nConfidence: 0.9, since 9 + 9 = 18", Ok(0.9)),
    ("Answer: 18\nConfidence: 0.9 - I am sure of all 4 steps.", Ok(0.9)),
    ("Answer: 18\nConfidence: 0.95 (very high)", Ok(0.95)),
    ("Answer: 18\nConfidence: after 2 checks I would say 0.9", Ok(0.9)),
    ("Answer: 18\nConfidence: 0.9 (1 step)", Ok(0.9)),
    ("Answer: 18\nConfidence: 0.9 (0.8 before the second check)", Err(VerbalizedProblem::SeveralNumbers)),
    ("Answer: 18\nConfidence: 0.9, maybe 0.8", Err(VerbalizedProblem::SeveralNumbers)),
    ("Answer: 18\nConfidence: 0.9 or 9", Err(VerbalizedProblem::SeveralNumbers)),
    ("Answer: 18\nConfidence: 85 (0.85)", Err(VerbalizedProblem::SeveralNumbers)),
    ("Answer: 18\nConfidence: 85 (3 checks)", Err(VerbalizedProblem::OutOfRange)),
    ("Answer: 18. I am at least 90% sure.", Err(VerbalizedProblem::Bound)),
    ("Answer: 18\nConfidence: ninety percent", Err(VerbalizedProblem::NoNumber)),
    ("Answer: 18, confidence: high", Err(VerbalizedProblem::NoNumber)),
    // A tag is no bound.
    ("Answer: 18\nConfidence: <b>0.9</b>", Ok(0.9)),
    ("Answer: 18\nConfidence: 0.9</s>", Ok(0.9)),
    ("Answer: 18\nConfidence:0.9<|im_end|>", Ok(0.9)),
    ("<p>Answer: 18</p><p>Confidence: 0.9</p>", Ok(0.9)),
    ("Answer: 18\nConfidence: <0.9", Err(VerbalizedProblem::Bound)),
    // After reasoning, and before what a base model runs on to.
    ("<think>Confidence: 0.2?</think>\nAnswer: 18\nConfidence: 0.9", Ok(0.9)),
    ("Confidence: 0.2?\n[/THINK]Answer: 18, Confidence: 0.9", Ok(0.9)),
    ("<think>Answer: 18\nConfidence: 0.9", Err(VerbalizedProblem::StillReasoning)),
    ("<think>Answer: 18\nConfidence: 0.9</think>", Err(VerbalizedProblem::Empty)),
    ("Answer: 18\nConfidence: 0.9\n\nQuestion: How many cows?\nAnswer: 5\nConfidence: 0.2", Ok(0.9)),
    ("Let me see.\nQuestion: How many jars stand on the shelf?\nAnswer: 18\nConfidence: 0.9", Ok(0.9)),
    ("", Err(VerbalizedProblem::Empty)),
    (" \n\t ", Err(VerbalizedProblem::Empty)),
    ("Answer: B\nConfidence:", Err(VerbalizedProblem::NoNumber)),
    ("Answer: B\nConfidence: high", Err(VerbalizedProblem::NoNumber)),
    ("Answer: B\nConfidence: N/A", Err(VerbalizedProblem::NoNumber)),
    ("Answer: B\nConfidence: NaN", Err(VerbalizedProblem::NoNumber)),
    ("Answer: B\nConfidence: GPT4", Err(VerbalizedProblem::NoNumber)),
    ("Answer: B\nConfidence: 0-1", Err(VerbalizedProblem::NoNumber)),
    ("Answer: B\nConfidence: 85", Err(VerbalizedProblem::OutOfRange)),
    ("Answer: B\nConfidence: 1.2", Err(VerbalizedProblem::OutOfRange)),
    ("Answer: B\nConfidence: 150%", Err(VerbalizedProblem::OutOfRange)),
    ("Answer: B\nConfidence: -0.5", Err(VerbalizedProblem::OutOfRange)),
    ("Answer: B\nConfidence: \u{2212}0.5", Err(VerbalizedProblem::OutOfRange)),
    ("Answer: B\nConfidence: 1,000", Err(VerbalizedProblem::OutOfRange)),
    ("Answer: B\nConfidence: 12/10", Err(VerbalizedProblem::OutOfRange)),
    ("Answer: B\nConfidence: 1e999", Err(VerbalizedProblem::OutOfRange)),
    ("Answer: B\nConfidence: 0.7-0.8", Err(VerbalizedProblem::SeveralNumbers)),
    ("Answer: B\nConfidence: 0.7 or 0.8", Err(VerbalizedProblem::SeveralNumbers)),
    ("Answer: B\nConfidence: between 50 and 60%", Err(VerbalizedProblem::SeveralNumbers)),
    ("Answer: B\nConfidence: v1.2.3", Err(VerbalizedProblem::NoNumber)),
    ("Answer: B\nConfidence: 1.2.3", Err(VerbalizedProblem::SeveralNumbers)),
    ("Answer: B\nConfidence: > 0.9", Err(VerbalizedProblem::Bound)),
    ("Answer: B\nConfidence: at least 90%", Err(VerbalizedProblem::Bound)),
    ("Answer: B\nConfidence: 0.9+", Err(VerbalizedProblem::Bound)),
    ("Answer: B\nConfidence: 90% or more", Err(VerbalizedProblem::Bound)),
];

/// Replies to "Reply with a number from 0 to 1 only."
const SECOND_TURN: &[(&str, Result<f64, VerbalizedProblem>)] = &[
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
    ("85", Err(VerbalizedProblem::OutOfRange)),
    ("The answer is 42 with 90% confidence", Ok(0.9)),
    ("My answer is 18 and I am 95% sure.", Ok(0.95)),
    ("The first 2 steps are right, so I would say 0.9.", Ok(0.9)),
    ("0.9 out of 1.0", Ok(0.9)),
    ("1.0 (I am certain)", Ok(1.0)),
    ("The likelihood is 0.95.", Ok(0.95)),
    ("0.95<|im_end|>", Ok(0.95)),
    ("<answer>0.95</answer>", Ok(0.95)),
    ("<b>0.95</b>", Ok(0.95)),
    ("<think>\nIt is right.\n</think>\n\n0.95", Ok(0.95)),
    ("<think>\nChecked 2 times, so 0.9?\n</think>\n\n0.95", Ok(0.95)),
    ("So I am sure.\n</think>\n\n0.95", Ok(0.95)),
    ("[THINK]0.2[/THINK]95%", Ok(0.95)),
    ("◁think▷0.2◁/think▷0.95", Ok(0.95)),
    (
        "<|channel|>analysis<|message|>9 + 9.<|end|><|start|>assistant<|channel|>final<|message|>0.95",
        Ok(0.95),
    ),
    ("analysisThe sum 9 + 9 is right.assistantfinal0.95", Ok(0.95)),
    ("<|START_THINKING|>0.2<|END_THINKING|><|START_RESPONSE|>0.95<|END_RESPONSE|>", Ok(0.95)),
    ("0.95\n\nQuestion: A farmer has 5 cows.", Ok(0.95)),
    ("0.95\n### Problem 2:\nA farmer has 0.5 cows.", Ok(0.95)),
    ("0.95\nUser: and 0.3?", Ok(0.95)),
    ("<think>\nMaybe 0.2? The first step was", Err(VerbalizedProblem::StillReasoning)),
    ("<think>It is right: 0.95</think>", Err(VerbalizedProblem::Empty)),
    ("0.9 - 0.95", Err(VerbalizedProblem::SeveralNumbers)),
    ("High", Err(VerbalizedProblem::NoNumber)),
    ("95", Err(VerbalizedProblem::OutOfRange)),
    ("95 of the steps, 0.5 of the rest", Err(VerbalizedProblem::SeveralNumbers)),
    ("I am sure.", Err(VerbalizedProblem::NoNumber)),
    ("A number from 0 to 1", Err(VerbalizedProblem::NoNumber)),
    ("over 90%", Err(VerbalizedProblem::Bound)),
    ("0.5 + 0.4", Err(VerbalizedProblem::SeveralNumbers)),
    ("", Err(VerbalizedProblem::Empty)),
];

#[track_caller]
fn assert_read(reply: &str, asked: ReplyTask<'_>, expected: Result<f64, VerbalizedProblem>) {
    match (read(&Reply::complete(reply), asked), expected) {
        (Ok(found), Ok(value)) => assert!((found.get() - value).abs() <= AS_WRITTEN, "{reply:?}: {found:?}"),
        (Err(found), Err(reason)) => assert_eq!(found, reason, "{reply:?}"),
        (found, expected) => panic!("{reply:?}: {found:?} instead of {expected:?}"),
    }
}

#[test]
fn spellings_of_one_turn() {
    for (reply, expected) in ONE_TURN {
        assert_read(reply, BOTH, *expected);
    }
}

#[test]
fn spellings_of_a_second_turn() {
    for (reply, expected) in SECOND_TURN {
        assert_read(reply, ReplyTask::CONFIDENCE, *expected);
    }
    assert!(ONE_TURN.len() + SECOND_TURN.len() >= 60);
}

#[test]
fn huge_replies_take_no_time() {
    for filler in [
        "9",
        "Confidence: ",
        "Confidence:\n",
        "certainty is 1 ",
        "0.5 ",
        "0 ",
        "90% sure ",
        "probability: 0.1 ",
        "\n",
        "e",
        "-",
        "<",
        "<b>",
        "<confidence>",
        "(",
        "\nQuestion: a",
        "\u{FDFA}",
    ] {
        let reply = filler.repeat(1_000_000);
        let start = std::time::Instant::now();
        let _ = read(&Reply::complete(&reply), ReplyTask::CONFIDENCE);
        let _ = read(&Reply::complete(&reply), BOTH);
        assert!(
            start.elapsed() < std::time::Duration::from_secs(20),
            "{filler:?} took {:?}",
            start.elapsed()
        );
    }
    let end = format!("{}\nConfidence: 0.5", "word ".repeat(1_000_000));
    assert_read(&end, BOTH, Ok(0.5));
}

/// Says what was read.
fn say(line: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{line}").unwrap();
}

/// Holds every reply of a folder of public bug reports to the confidence that it states, `null` being none. They
/// stay outside the repository; `PLIMSOLL_REAL_DATA` says where they are.
fn hold_case(case: &str, asked: ReplyTask<'_>) {
    let Some(root) = std::env::var_os("PLIMSOLL_REAL_DATA") else {
        say(&format!("SKIPPED {case}: PLIMSOLL_REAL_DATA is not set, so nothing was read"));
        return;
    };
    let path = std::path::Path::new(&root).join("cases").join(case).join("items.json");
    let items: Vec<serde_json::Value> =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for item in &items {
        let found = read(&Reply::complete(item["conf"].as_str().unwrap()), asked);
        match item["want"].as_f64() {
            Some(wanted) => {
                assert!(
                    found.is_ok_and(|found| (found.get() - wanted).abs() <= AS_WRITTEN),
                    "{item}: {found:?}"
                );
            }
            None => assert!(found.is_err() && item["want"].is_null(), "{item}: {found:?}"),
        }
    }
    say(&format!("{case}: {} replies", items.len()));
}

#[test]
fn replies_of_bug_reports_state_what_they_should() {
    hold_case("case17", BOTH);
    hold_case("case38", ReplyTask::CONFIDENCE);
}

#[test]
fn a_prompt_that_ended_within_reasoning() {
    let within = |text| read(&Reply { starts_in_reasoning: true, ..Reply::cut(text) }, ReplyTask::CONFIDENCE);
    assert_eq!(within("Maybe 0.2? The first step was"), Err(VerbalizedProblem::StillReasoning));
    assert_eq!(within("Maybe 0.2?\n</think>\n\n0.95").unwrap().get(), 0.95);
}

#[test]
fn a_question_about_chances_has_probabilities_for_answers() {
    let asked =
        ReplyTask { answer: Some(AnswerKind::Number), question: "What is the probability of two heads?" };
    for (reply, expected) in [
        ("Answer: 0.25\nProbability: 0.25", Err(VerbalizedProblem::NoLine)),
        ("It is 25% certain.", Err(VerbalizedProblem::NoLine)),
        ("Answer: 0.25\nConfidence: 0.9", Ok(0.9)),
    ] {
        assert_read(reply, asked, expected);
    }
}

#[test]
fn a_bare_number_after_a_text() {
    let asked = ReplyTask { answer: Some(AnswerKind::Span), question: "Which city?" };
    assert_read("Paris, 0.9", asked, Ok(0.9));
    assert_read("Paris\n0.9", asked, Ok(0.9));
    assert_read("The distance is 0.9", asked, Err(VerbalizedProblem::NoLine));
}

proptest! {
    #[test]
    fn whatever_is_written_the_result_is_a_confidence_or_a_reason(reply in "\\PC{0,80}|[-0-9.,%/eE \n:a-zA-Z]{0,60}") {
        for turn in [BOTH, ReplyTask::CONFIDENCE] {
            if let Ok(confidence) = read(&Reply::complete(&reply), turn) {
                prop_assert!((0.0..=1.0).contains(&confidence.get()));
            }
        }
    }

    #[test]
    fn every_number_in_the_range_is_read_as_itself(value in 0.0f64..=1.0) {
        let read = read(&Reply::complete(&format!("Answer: x\nConfidence: {value}")), BOTH).unwrap();
        prop_assert_eq!(read.get(), value);
    }

    #[test]
    fn percentages_are_hundredths(percent in 0u32..=1000) {
        let percent = f64::from(percent) / 10.0;
        let read = read(&Reply::complete(&format!("{percent}%")), ReplyTask::CONFIDENCE).unwrap();
        prop_assert!((read.get() - percent / 100.0).abs() <= AS_WRITTEN);
    }
}
