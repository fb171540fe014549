//! Synthetic answers in the ways that chat models write them: answer, rule and grade of each.

use std::collections::BTreeMap;

use plimsoll_core::question::{AnswerKind, Question};
use plimsoll_core::{Finish, Reply};
use plimsoll_label::{RULES, References, SpanGrading, UngradedReason, extract, grade, token_span};
use serde::Deserialize;

use crate::questions::{lenient_policy, question};

/// A question of `questions.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyTask {
    kind: AnswerKind,
    question: String,
    #[serde(default)]
    choices: Vec<String>,
    /// Labels other than `A`, `B`, ..
    #[serde(default)]
    labels: Vec<String>,
    gold: Vec<String>,
}

/// A row of `answers.jsonl`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelledAnswer {
    q: String,
    text: String,
    finish: String,
    answer: Option<String>,
    /// The rule, or the reason where there is no answer.
    rule: String,
    correct: Option<bool>,
}

fn questions() -> BTreeMap<String, Question> {
    let asked: BTreeMap<String, ReplyTask> =
        serde_json::from_str(include_str!("../data/questions.json")).unwrap();
    let make = |asked: &ReplyTask| {
        let choices: Vec<&str> = asked.choices.iter().map(String::as_str).collect();
        let gold: Vec<&str> = asked.gold.iter().map(String::as_str).collect();
        let mut labelled_answers = question(asked.kind, &asked.question, &choices, &gold);
        for (choice, label) in labelled_answers.choices.iter_mut().zip(&asked.labels) {
            choice.label.clone_from(label);
        }
        labelled_answers
    };
    asked.iter().map(|(name, asked)| (name.clone(), make(asked))).collect()
}

fn labelled_answers() -> Vec<LabelledAnswer> {
    include_str!("../data/answers.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn finish(name: &str) -> Finish {
    Finish::from_name(name).unwrap()
}

#[test]
fn every_synthetic_answer_is_read_and_graded_as_a_reader_would() {
    let (questions, rows) = (questions(), labelled_answers());
    assert!(rows.len() >= 200, "{} rows", rows.len());
    let policy = lenient_policy(SpanGrading::F1 { threshold: 0.5, references: References::Best });
    let mut wrong = Vec::new();
    for row in &rows {
        let question = &questions[&row.q];
        let found =
            extract(question, &Reply { finish: Some(finish(&row.finish)), ..Reply::complete(&row.text) });
        let label = grade(question, &found, &policy);
        let rule = label.reason.map_or_else(|| label.rule.clone(), |reason| reason.to_string());
        if (&label.answer, &rule, label.correct) != (&row.answer, &row.rule, row.correct) {
            wrong.push(format!(
                "{} {:?}: expected {:?} {} {:?}, got {:?} {rule} {:?}",
                row.q, row.text, row.answer, row.rule, row.correct, label.answer, label.correct
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn a_reply_whose_prompt_opened_its_reasoning_says_nothing_before_that_ends() {
    let questions = questions();
    let apples = &questions["apples"];
    for (text, finish, expected) in [
        ("3 + 9 = 12, so the answer is 12.", Finish::Length, Err(UngradedReason::Truncated)),
        ("3 + 9 = 12, so the answer is 12.", Finish::ContentFilter, Err(UngradedReason::Truncated)),
        ("3 + 9 = 12, so the answer is 12.", Finish::Stop, Err(UngradedReason::NoAnswer)),
        ("The answer is 7?\n</think>\n\nThe answer is 12.", Finish::Stop, Ok("12")),
        ("The answer is 7?\n</think>\n\nThe answer is 12", Finish::Length, Err(UngradedReason::Truncated)),
        ("<think>\nThe answer is 7?\n</think>\n\n12", Finish::Stop, Ok("12")),
        ("", Finish::Stop, Err(UngradedReason::Empty)),
        ("", Finish::Length, Err(UngradedReason::Truncated)),
    ] {
        let reply = Reply { text, finish: Some(finish), starts_in_reasoning: true };
        let found = extract(apples, &reply);
        assert_eq!(found.answer().ok_or(found.reason()), expected.map_err(Some), "{text:?} {finish:?}");
    }
}

#[test]
fn how_a_reply_ended_is_unknown_as_if_it_had_stopped() {
    let questions = questions();
    let reply = Reply { finish: None, ..Reply::complete("She has 3 + 9 = 12") };
    assert_eq!(extract(&questions["apples"], &reply).answer(), Some("12"));
}

#[test]
fn every_rule_and_reason_has_synthetic_answers() {
    let rows = labelled_answers();
    let seen = |name: &str| rows.iter().any(|row| row.rule == name);
    let rules: Vec<_> = RULES.iter().map(|rule| rule.id).filter(|id| !seen(id)).collect();
    let reasons: Vec<_> =
        UngradedReason::OF_ANSWERS.into_iter().map(UngradedReason::name).filter(|name| !seen(name)).collect();
    assert!(rules.is_empty() && reasons.is_empty(), "without an example: {rules:?} {reasons:?}");
}

#[test]
fn the_span_holds_the_answer_and_maps_to_tokens() {
    let questions = questions();
    for (name, text, span, tokens) in [
        // "The", " answer", " is", " (", "B", ")", "."
        ("capital", "The answer is (B).", "B", 4..5),
        // "The", " answer", " is", " $", "1", ",234.50", "."
        ("money", "The answer is $1,234.50.", "1,234.50", 4..6),
    ] {
        let found = extract(&questions[name], &Reply::complete(text));
        let held = found.found().unwrap().span.clone();
        assert_eq!(&text[held.clone()], span);
        let offsets = if name == "capital" {
            vec![0..3, 3..10, 10..13, 13..15, 15..16, 16..17, 17..18]
        } else {
            vec![0..3, 3..10, 10..13, 13..15, 15..16, 16..23, 23..24]
        };
        assert_eq!(token_span(&held, &offsets), Some(tokens));
    }
}

#[test]
fn gold_answers_grade_themselves_as_right() {
    let policy = lenient_policy(SpanGrading::ExactMatch);
    for (name, question) in questions() {
        for gold in &question.gold {
            let label = grade(&question, &extract(&question, &Reply::complete(gold)), &policy);
            assert_eq!(label.correct, Some(true), "{name}: {gold}");
        }
    }
}
