//! Texts made to break an extractor: huge, nested, unbalanced, invisible.

use std::time::{Duration, Instant};

use plimsoll_core::question::AnswerKind;
use plimsoll_core::{Finish, Reply};
use plimsoll_label::{Extraction, References, SpanGrading, extract, grade, parse_number};

use crate::questions::{lenient_policy, question};

/// No huge answer may take longer, in a test build on a busy machine. They take a second or two; a
/// quadratic step takes minutes (one that was found here took 80 s).
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a huge answer.
const HUGE: usize = 125_000;

fn extract_all(text: &str) -> Vec<Extraction> {
    let kinds = [
        question(
            AnswerKind::Choice,
            "Which?",
            &["the the the the", "Paris", "21.5", "((((", "\\boxed{"],
            &["A"],
        ),
        question(AnswerKind::Number, "How many?", &[], &["12"]),
        question(AnswerKind::Boolean, "Is it?", &[], &["yes"]),
        question(AnswerKind::Span, "What?", &[], &["Paris"]),
    ];
    let policy = lenient_policy(SpanGrading::F1 { threshold: 0.5, references: References::LeaveOneOut });
    let mut found = Vec::new();
    for question in &kinds {
        // Huge texts once, for the time that it takes.
        let finishes: &[Finish] =
            if text.len() > 10_000 { &[Finish::Stop] } else { &[Finish::Stop, Finish::Length] };
        for finish in finishes.iter().copied() {
            let extraction = extract(question, &Reply { finish: Some(finish), ..Reply::complete(text) });
            if let Some(span) = extraction.found().map(|found| found.span.clone()) {
                assert!(text.get(span.clone()).is_some_and(|held| !held.is_empty()), "{span:?}");
            }
            let _ = grade(question, &extraction, &policy);
            found.push(extraction);
        }
    }
    found
}

/// What huge answers are made of.
const PIECES: &[&str] = &[
    "\\boxed{",
    "{",
    "}",
    "\\boxed{1}",
    "**",
    "**1**",
    "#### 1\n",
    "####",
    "answer is ",
    "the answer is A. ",
    "Answer: ",
    "answer ",
    "the ",
    "A ",
    "(A) ",
    "1",
    "1,",
    "1,234,",
    "1 234 ",
    "1/2 ",
    "3 1/2 ",
    "1 ",
    "1.",
    "-",
    "\\frac{",
    "\\frac{1}{2}",
    "=",
    "= 1 ",
    "<<",
    "<<1",
    "confidence: ",
    "confidence ",
    "90% sure ",
    "<answer>",
    "</answer>",
    "<think>",
    "yes ",
    "no ",
    "not ",
    "\n",
    "\n\n",
    " ",
    "$",
    "\"",
    "(",
    "I choose ",
    "if ",
    "Question:",
    "\nQuestion:\n",
    "twenty-",
    "1e9",
    "option ",
    "\u{200B}",
    "\u{0}",
    "\u{202E}",
    "é",
    "١",
    "B is ",
    "'",
    "a'",
    "St. ",
    "<b>",
    "10^",
    "x 10^9 ",
    "\\",
    "\\(",
    "Paris",
    "0.9",
    ", 0.9",
    "~",
    "the answer to ",
    "<think></think>",
    "[THINK]",
    "<|channel|>",
    "m^2 ",
    "m^{",
    "m**2",
    "m<sup>2",
    "^",
    "_",
    "2^",
    "1,\\! ",
    "both A and ",
    "hmm ",
    "? Wait, ",
    "\nProblem: ",
];

#[test]
fn huge_answers_take_time_in_proportion() {
    for piece in PIECES {
        // In the middle, so that nobody trims it away.
        let text = format!("a{}b", piece.repeat(HUGE / piece.len()));
        let start = Instant::now();
        extract_all(&text);
        assert!(start.elapsed() < PATIENCE, "{piece:?} took {:?}", start.elapsed());
    }
}

#[test]
fn huge_texts_that_were_cut_take_time_in_proportion() {
    let kinds = [
        question(AnswerKind::Number, "How many?", &[], &["12"]),
        question(AnswerKind::Choice, "Which?", &["x", "y"], &["A"]),
    ];
    for piece in [
        "hmm ",
        "? ",
        "Wait, ",
        "the answer is 1? ",
        "Maybe the answer is A. ",
        "Let me check. ",
        "\\boxed{1} but ",
        "the answer is 1 and ",
        "\u{2014}",
        ". ",
        "so ",
    ] {
        let text = format!("a{}b", piece.repeat(HUGE / piece.len()));
        let start = Instant::now();
        for question in &kinds {
            let _ = extract(question, &Reply::cut(&text));
        }
        assert!(start.elapsed() < PATIENCE, "{piece:?} took {:?}", start.elapsed());
    }
}

#[test]
fn ten_megabytes_are_read() {
    let text =
        format!("{} So the answer is B.", "Let us think step by step about 3 apples. ".repeat(250_000));
    assert!(text.len() > 10_000_000);
    let start = Instant::now();
    let choice = question(AnswerKind::Choice, "Which?", &["x", "y"], &["B"]);
    assert_eq!(extract(&choice, &Reply::complete(&text)).answer(), Some("B"));
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn broken_markup_and_invisible_characters_do_no_harm() {
    let number = question(AnswerKind::Number, "How many?", &[], &["12"]);
    for (text, answer) in [
        ("\\boxed{12", Some("12")),
        ("\\boxed{{{{12}}}}", Some("12")),
        ("\\boxed{\\boxed{12}}", Some("12")),
        ("}}}} \\boxed{12}", Some("12")),
        ("\u{0}12\u{0}", Some("12")),
        ("\u{202E}12\u{202C}", Some("12")),
        ("1\u{200B}2", Some("12")),
        ("\u{FEFF}12", Some("12")),
        ("**12", Some("12")),
        ("$$12$", Some("12")),
        ("\\frac{1}{", None),
        ("\\frac{}{}", None),
        ("$", None),
        ("-", None),
        ("\\boxed{}", None),
        ("1/0", None),
        ("1e99999999999999999999", None),
    ] {
        assert_eq!(extract(&number, &Reply::complete(text)).answer(), answer, "{text:?}");
        extract_all(text);
    }
}

#[test]
fn huge_numbers_keep_their_value() {
    let number = question(AnswerKind::Number, "How many?", &[], &["1e999999"]);
    assert_eq!(extract(&number, &Reply::complete("1e999999")).answer(), Some("1e999999"));
    let digits = "9".repeat(10_000);
    let found = extract(&number, &Reply::complete(&format!("The answer is {digits}.")));
    assert_eq!(found.answer(), Some(digits.as_str()));
    assert_ne!(parse_number(&digits), parse_number(&format!("{digits}9")));
    let right = grade(
        &number,
        &extract(&number, &Reply::complete("10e999998")),
        &lenient_policy(SpanGrading::ExactMatch),
    );
    assert_eq!(right.correct, Some(true));
}
