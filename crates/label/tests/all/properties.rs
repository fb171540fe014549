//! What holds for any text.

use plimsoll_core::Reply;
use plimsoll_core::question::{AnswerKind, Question};
use plimsoll_label::{Extraction, coqa, extract, parse_number};
use proptest::prelude::*;

use crate::questions::question;

fn questions() -> Vec<Question> {
    vec![
        question(AnswerKind::Choice, "Which?", &["a dog", "Paris", "21.5", "the cat sat"], &["A"]),
        question(AnswerKind::Number, "How many?", &[], &["12"]),
        question(AnswerKind::Boolean, "Is it?", &[], &["yes"]),
        question(AnswerKind::Span, "What?", &[], &["Paris"]),
    ]
}

/// Texts that look like answers more often than chance would make them.
fn answerlike() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,8}",
        "\\PC{0,4}",
        prop::sample::select(vec![
            "The answer is ",
            "Answer: ",
            "\\boxed{",
            "}",
            "**",
            "#### ",
            "(B)",
            "A",
            "Paris",
            "1,234.5",
            "-3",
            "1/2",
            "yes",
            "no",
            "\n",
            "\n\n",
            "Confidence: 90%",
            "= ",
            "$",
            "%",
            " or ",
            " and ",
            "<think>",
            "</think>",
            "\u{200B}",
            "\u{202E}",
            "٣",
            "\\frac{1}{2}",
            "Question:",
            "I choose ",
            " is correct",
            "million",
            "Wait, ",
            ". ",
            "\u{0}",
            "½",
            "e9",
            "0.9",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

fn reply(text: &str, cut: bool) -> Reply<'_> {
    if cut { Reply::cut(text) } else { Reply::complete(text) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn spans_lie_on_characters_and_hold_something(text in answerlike(), cut in any::<bool>()) {
        for question in questions() {
            if let Extraction::Found(found) = extract(&question, &reply(&text, cut)) {
                let held = text.get(found.span.clone());
                prop_assert!(held.is_some_and(|held| !held.trim().is_empty()), "{:?}", found);
                if question.answer_kind == AnswerKind::Span {
                    prop_assert_eq!(held, Some(found.answer.as_str()));
                }
            }
        }
    }

    #[test]
    fn white_space_behind_changes_nothing(text in answerlike(), space in "[ \n\t]{0,5}", cut in any::<bool>()) {
        for question in questions() {
            let padded = format!("{text}{space}");
            prop_assert_eq!(extract(&question, &reply(&text, cut)), extract(&question, &reply(&padded, cut)));
        }
    }

    #[test]
    fn an_answer_that_was_found_is_found_in_itself(text in answerlike()) {
        for question in questions().into_iter().filter(|question| question.answer_kind != AnswerKind::Span) {
            if let Some(answer) = extract(&question, &Reply::complete(&text)).answer() {
                let again = extract(&question, &Reply::complete(answer));
                prop_assert_eq!(again.answer(), Some(answer));
            }
        }
    }

    #[test]
    fn canonical_numbers_are_themselves(whole in -1_000_000_000_000i64..1_000_000_000_000, part in 0u32..1000) {
        let question = question(AnswerKind::Number, "How many?", &[], &["0"]);
        let gold = parse_number(&format!("{whole}.{part:03}")).unwrap().to_string();
        for text in [gold.clone(), format!("The answer is {gold}."), format!("\\boxed{{{gold}}}"), format!("#### {gold}"), format!("Answer: {gold}\nConfidence: 0.9")] {
            let found = extract(&question, &Reply::complete(&text));
            prop_assert_eq!(found.answer(), Some(gold.as_str()), "{}", text);
        }
    }

    #[test]
    fn canonical_fractions_are_themselves(a in 0u32..100_000, b in 1u32..100_000) {
        let value = parse_number(&format!("{a}/{b}")).unwrap();
        prop_assert_eq!(parse_number(&value.to_string()), Some(value.clone()));
        prop_assert_eq!(parse_number(&format!("\\frac{{{a}}}{{{b}}}")), Some(value.clone()));
        let size = f64::from(a) / f64::from(b);
        prop_assert!((value.to_f64() - size).abs() <= size * 1e-15);
    }

    #[test]
    fn words_are_their_own_answers(words in prop::collection::vec("[b-z]{3,8}", 1..4)) {
        let gold = words.join(" ");
        let question = question(AnswerKind::Span, "What?", &[], &[&gold]);
        for text in [gold.clone(), format!("\"{gold}\"."), format!("Answer: {gold}\nConfidence: 80%")] {
            let found = extract(&question, &Reply::complete(&text));
            prop_assert_eq!(found.answer(), Some(gold.as_str()), "{}", text);
        }
    }

    #[test]
    fn f1_is_symmetric_and_bounded(a in "\\PC{0,20}", b in "\\PC{0,20}") {
        let (one, other) = (coqa::f1(&a, &b), coqa::f1(&b, &a));
        prop_assert!((one - other).abs() < 1e-15 && (0.0..=1.0).contains(&one));
        prop_assert_eq!(coqa::f1(&a, &a), 1.0);
        prop_assert!(!coqa::exact(&a, &b) || one == 1.0);
    }
}
