//! Texts of public bug reports with what a reader should find in them. They stay outside the repository;
//! `PLIMSOLL_REAL_DATA` says where they are. Spellings like theirs, which always run, stand in `answers.jsonl`.

use std::path::Path;

use plimsoll_core::question::AnswerKind;
use plimsoll_core::{Finish, Reply};
use plimsoll_label::{References, SpanGrading, extract, grade};
use serde_json::Value;

use crate::questions::{lenient_policy, question};
use crate::real::{real_data, say};

/// Texts that are graded, by folder.
const CASES: [&str; 5] = ["case12", "case13", "case14", "case15", "case16"];

/// What we decided of texts of which the reports say nothing (`other`): the answer that is read, if any.
const DECIDED: [(&str, &str, Option<&str>); 10] = [
    // A number is no label where labels are letters.
    ("case14", "Option 2", None),
    // A Cyrillic letter that looks like B.
    ("case14", "В", None),
    // Points group where a comma follows.
    ("case15", "18.000,00", Some("18000")),
    ("case15", "18k", Some("18000")),
    ("case15", "60,5", Some("60.5")),
    // A dozen is a unit.
    ("case15", "a dozen", None),
    // A time is no number.
    ("case15", "The train leaves at 9:30.", None),
    ("case16", "Correct.", Some("yes")),
    ("case16", "oui", Some("yes")),
    ("case16", "1", None),
];

/// Grades one item; the label, the answer, and the reason where there is none.
fn graded(item: &Value) -> (Option<bool>, Option<String>, String) {
    let text = |key: &str| item[key].as_str().unwrap_or_default();
    let choices: Vec<&str> =
        item["choices"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let kind = match text("gold") {
        _ if !choices.is_empty() => AnswerKind::Choice,
        "yes" | "no" => AnswerKind::Boolean,
        _ => AnswerKind::Number,
    };
    // Percent signs follow the question, which most items leave out.
    let plain =
        if text("text").contains('%') { "What percentage is full?" } else { "How many jars are there?" };
    let asked = item["q"].as_str().unwrap_or(plain);
    let question = question(kind, asked, &choices, &[text("gold")]);
    let reply = Reply { finish: Finish::from_name(text("finish")), ..Reply::complete(text("text")) };
    let policy = lenient_policy(SpanGrading::F1 { threshold: 0.5, references: References::Best });
    let label = grade(&question, &extract(&question, &reply), &policy);
    (label.correct, label.answer, label.reason.map_or_else(String::new, |reason| reason.to_string()))
}

fn decided(case: &str, text: &str) -> Option<&'static str> {
    let known = DECIDED.iter().find(|(folder, known, _)| *folder == case && *known == text);
    assert!(known.is_some(), "{case}: nothing is decided of {text:?}");
    known.and_then(|(_, _, answer)| *answer)
}

fn items(folder: &Path, case: &str) -> Vec<Value> {
    let path = folder.join(case).join("items.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn an_answer_beside_a_stated_confidence_is_read_without_it() {
    let Some(folder) = real_data("confidences of bug reports", "cases") else { return };
    let items = items(&folder, "case17");
    let wrong: Vec<String> = items
        .iter()
        .map(|item| serde_json::json!({"gold": item["gold"], "text": item["conf"], "finish": "stop"}))
        .filter(|item| graded(item).0 != Some(true))
        .map(|item| format!("{item}: got {:?}", graded(&item)))
        .collect();
    say(&format!("case17: {} texts", items.len()));
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn texts_of_bug_reports_get_the_label_that_they_should() {
    let Some(folder) = real_data("texts of bug reports", "cases") else { return };
    let mut wrong = Vec::new();
    for case in CASES {
        let items = items(&folder, case);
        for item in &items {
            let (correct, answer, reason) = graded(item);
            let holds = match &item["want"] {
                Value::Bool(wanted) => correct == Some(*wanted),
                Value::String(word) if word == "either" => correct.is_some() || !reason.is_empty(),
                Value::String(word) if word == "other" => {
                    answer.as_deref() == decided(case, item["text"].as_str().unwrap())
                }
                Value::String(word) => reason == *word,
                other => panic!("{case}: nobody knows how to hold {other}"),
            };
            if !holds {
                wrong.push(format!("{case}: {item}: got {correct:?} {answer:?} {reason}"));
            }
        }
        say(&format!("{case}: {} texts", items.len()));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
