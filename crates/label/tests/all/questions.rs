//! Questions and policies that the tests share.

use plimsoll_core::question::{AnswerKind, Choice, Question};
use plimsoll_core::{DatasetId, DomainId, QuestionId};
use plimsoll_label::{Policy, RawPolicy, SpanGrading, Treatment};

/// A question of a kind with choices labelled `A`, `B`, ..
pub(crate) fn question(kind: AnswerKind, text: &str, choices: &[&str], gold: &[&str]) -> Question {
    let choices = ('A'..='Z')
        .zip(choices)
        .map(|(label, text)| Choice { label: label.to_string(), text: (*text).to_owned() })
        .collect();
    Question {
        question_id: QuestionId::new("made/test/0").unwrap(),
        dataset: DatasetId::new("made").unwrap(),
        domain: DomainId::new("math").unwrap(),
        split: "test".to_owned(),
        answer_kind: kind,
        context: None,
        question: text.to_owned(),
        choices,
        gold: gold.iter().map(|gold| (*gold).to_owned()).collect(),
        subject: None,
        cluster_id: None,
        source_file: "made.jsonl".to_owned(),
        source_row: 0,
        content_hash: String::new(),
    }
}

/// A policy under which an answer outside the choices is wrong and nothing else without an answer has
/// a grade.
pub(crate) fn lenient_policy(span: SpanGrading) -> Policy {
    let ungraded = Treatment::Ungraded;
    Policy::try_from(RawPolicy {
        refusal: ungraded,
        truncated: ungraded,
        empty: ungraded,
        ambiguous: ungraded,
        no_answer: ungraded,
        outside_choices: Treatment::Wrong,
        number_relative_tolerance: 0.0,
        span,
    })
    .unwrap()
}
