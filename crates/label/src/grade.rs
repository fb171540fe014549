//! Whether an answer is right.

use plimsoll_core::Label;
use plimsoll_core::question::{AnswerKind, Question};

use crate::coqa;
use crate::extract::{Extraction, FoundAnswer};
use crate::number::parse_number;
use crate::policy::{Policy, References, SpanGrading, Treatment};
use plimsoll_core::ExactNumber;
use plimsoll_core::label::UngradedReason;

/// Grades an extraction without a judge.
///
/// Choices and yes or no are right if they equal a gold answer, numbers if they have the value of one
/// (within the policy's tolerance), short texts as the policy says. Where the policy leaves a text to a
/// judge and it equals no gold answer, it is ungraded for `needs_judge`; see [`crate::judge::grade`].
///
/// ```
/// use plimsoll_core::Reply;
/// use plimsoll_label::{extract, grade};
/// # let file = |name| std::fs::read_to_string(format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"))).unwrap();
/// # let question = serde_json::from_str(&file("apples")).unwrap();
/// # let policy = serde_json::from_str(&file("policy")).unwrap();
/// // `question` asks "How many apples are left?", its gold answer is 12.
/// let label = grade(&question, &extract(&question, &Reply::complete("24/2")), &policy);
/// assert_eq!((label.correct, label.answer.as_deref(), label.rule.as_str()), (Some(true), Some("12"), "whole"));
/// ```
pub fn grade(question: &Question, extraction: &Extraction, policy: &Policy) -> Label {
    match extraction {
        Extraction::Missing(reason) => missing(*reason, policy),
        Extraction::Found(found) => match verdict(question, &found.answer, policy) {
            Ok((correct, grader)) => graded(found, correct, grader),
            Err(reason) => ungraded(found, reason, "exact"),
        },
    }
}

/// Whether an answer is right, with the grader's name.
fn verdict(
    question: &Question,
    answer: &str,
    policy: &Policy,
) -> Result<(bool, &'static str), UngradedReason> {
    let golds = question.gold.as_slice();
    match question.answer_kind {
        AnswerKind::Choice | AnswerKind::Boolean => {
            Ok((golds.iter().any(|gold| gold.trim().eq_ignore_ascii_case(answer)), "exact"))
        }
        AnswerKind::Number => {
            number(golds, answer, policy.number_relative_tolerance()).map(|right| (right, "exact"))
        }
        AnswerKind::Span => span(golds, answer, policy.span()),
    }
}

fn number(golds: &[String], answer: &str, tolerance: f64) -> Result<bool, UngradedReason> {
    let answer = parse_number(answer).ok_or(UngradedReason::NoAnswer)?;
    let golds: Option<Vec<ExactNumber>> = golds.iter().map(|gold| parse_number(gold)).collect();
    let golds = golds.ok_or(UngradedReason::GoldUnreadable)?;
    Ok(golds.iter().any(|gold| answer.agrees(gold, tolerance)))
}

fn span(
    golds: &[String],
    answer: &str,
    grading: SpanGrading,
) -> Result<(bool, &'static str), UngradedReason> {
    let exact = || golds.iter().any(|gold| coqa::exact(gold, answer));
    match grading {
        SpanGrading::ExactMatch => Ok((exact(), "exact")),
        SpanGrading::F1 { threshold, references } => {
            let f1 = match references {
                References::Best => coqa::best_f1(golds, answer),
                References::LeaveOneOut => coqa::score(golds, answer).f1,
            };
            Ok((f1 >= threshold, "f1"))
        }
        SpanGrading::Judge if exact() => Ok((true, "exact")),
        SpanGrading::Judge => Err(UngradedReason::NeedsJudge),
    }
}

/// The label of a text without an answer.
fn missing(reason: UngradedReason, policy: &Policy) -> Label {
    let correct = match policy.treatment(reason) {
        Treatment::Ungraded => None,
        Treatment::Wrong => Some(false),
    };
    Label {
        answer: None,
        span: None,
        tokens: None,
        correct,
        grader: "policy".to_owned(),
        rule: String::new(),
        reason: Some(reason.into()),
    }
}

/// The label of a graded answer.
pub(crate) fn graded(found: &FoundAnswer, correct: bool, grader: &str) -> Label {
    Label {
        answer: Some(found.answer.clone()),
        span: Some(found.span.clone()),
        tokens: None,
        correct: Some(correct),
        grader: grader.to_owned(),
        rule: found.rule.to_owned(),
        reason: None,
    }
}

/// The label of an answer that was found and could not be graded.
pub(crate) fn ungraded(found: &FoundAnswer, reason: UngradedReason, grader: &str) -> Label {
    Label { correct: None, reason: Some(reason.into()), ..graded(found, false, grader) }
}
