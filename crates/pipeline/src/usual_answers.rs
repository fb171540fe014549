//! Models that answer nearly everything alike: they do not know, or the form of the prompt chose the answer.

use std::collections::BTreeMap;

use plimsoll_core::question::{AnswerKind, PoolRole};
use plimsoll_core::records::{LabelRow, QuestionRow};
use plimsoll_core::{Question, column};
use plimsoll_report::inputs::UsualAnswer;
use plimsoll_store::read_columns;
use plimsoll_store::tables::{labels, questions};
use serde::Deserialize;

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::{RunFolder, table_path};

/// Fewer answers of a model to a dataset say nothing.
const MIN_ANSWERS: u64 = 20;
/// An answer that a model gives to this share of the questions, or more, is its usual one.
const MIN_SHARE: f64 = 0.8;
/// By so much the share exceeds that of the questions where the answer is right.
const MIN_EXCESS: f64 = 0.2;

/// A row of the table of questions.
#[derive(Debug, Deserialize)]
struct GoldRow {
    question_id: String,
    dataset: String,
    answer_kind: AnswerKind,
    gold: Vec<String>,
    role: PoolRole,
}

/// A row of the table of labels.
#[derive(Debug, Deserialize)]
struct AnswerRow {
    question_id: String,
    model: String,
    answer: Option<String>,
}

/// How often a model gave one answer, and how often that was right to give.
#[derive(Debug, Default, Clone, Copy)]
struct AnswerCounts {
    given: u64,
    gold: u64,
}

/// Usual answers of the models of a run, by dataset and model; none where scores were imported. Options, yes and no are
/// compared: other answers are the questions' own. Answers that come with a confidence count, too.
///
/// # Errors
/// A failure for a table that cannot be read.
pub(crate) fn of_run(folder: &RunFolder) -> Result<Vec<UsualAnswer>, Failure> {
    let (asked, answered) =
        (folder.path(&table_path(questions::TABLE.name)), folder.path(&table_path(labels::TABLE.name)));
    if !(asked.is_file() && answered.is_file()) {
        return Ok(Vec::new());
    }
    let wanted = [
        column!(Question, question_id),
        column!(Question, dataset),
        column!(Question, answer_kind),
        column!(Question, gold),
        column!(QuestionRow<'_>, role),
    ];
    let asked = read_columns(&asked, &questions::TABLE, &wanted).or_fail(FailureKind::Stage)?;
    let wanted = [column!(LabelRow, question_id), column!(LabelRow, model), column!(LabelRow, answer)];
    let answered = read_columns(&answered, &labels::TABLE, &wanted).or_fail(FailureKind::Stage)?;
    Ok(usual(asked, answered))
}

fn usual(asked: Vec<GoldRow>, answered: Vec<AnswerRow>) -> Vec<UsualAnswer> {
    let is_compared = |row: &GoldRow| {
        row.role == PoolRole::Main && matches!(row.answer_kind, AnswerKind::Choice | AnswerKind::Boolean)
    };
    let asked: BTreeMap<String, GoldRow> =
        asked.into_iter().filter(is_compared).map(|row| (row.question_id.clone(), row)).collect();
    let mut counts: BTreeMap<(&str, String), BTreeMap<String, AnswerCounts>> = BTreeMap::new();
    for AnswerRow { question_id, model, answer } in answered {
        let (Some(question), Some(answer)) = (asked.get(&question_id), answer) else { continue };
        let answers = counts.entry((question.dataset.as_str(), model)).or_default();
        answers.entry(answer).or_default().given += 1;
        if let Some(gold) = question.gold.first() {
            answers.entry(gold.clone()).or_default().gold += 1;
        }
    }
    let found = counts.into_iter().filter_map(|((dataset, model), answers)| {
        let all: u64 = answers.values().map(|counts| counts.given).sum();
        let (answer, counts) = answers.into_iter().max_by_key(|(_, counts)| counts.given)?;
        let (share, gold_share) = (counts.given as f64 / all as f64, counts.gold as f64 / all as f64);
        let is_usual = all >= MIN_ANSWERS && share >= MIN_SHARE && share - gold_share >= MIN_EXCESS;
        is_usual.then(|| UsualAnswer { model, dataset: dataset.to_owned(), answer, share, gold_share })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: u64, answer: impl Fn(u64) -> &'static str) -> Vec<AnswerRow> {
        let row = |index: u64| AnswerRow {
            question_id: index.to_string(),
            model: "small".to_owned(),
            answer: Some(answer(index).to_owned()),
        };
        (0..count).map(row).collect()
    }

    fn questions(kind: AnswerKind, gold: impl Fn(u64) -> &'static str) -> Vec<GoldRow> {
        let row = |index: u64| GoldRow {
            question_id: index.to_string(),
            dataset: "d".to_owned(),
            answer_kind: kind,
            gold: vec![gold(index).to_owned()],
            role: PoolRole::Main,
        };
        (0..100).map(row).collect()
    }

    /// One question in four has the first option.
    fn even(index: u64) -> &'static str {
        match index % 4 {
            0 => "A",
            1 => "B",
            2 => "C",
            _ => "D",
        }
    }

    #[test]
    fn a_letter_that_is_given_to_nearly_everything_is_found() {
        let mut answered = rows(100, |index| if index < 90 { "A" } else { "B" });
        // Not counted: no answer was read, and a question that was not asked.
        answered.push(AnswerRow { question_id: "1".to_owned(), model: "small".to_owned(), answer: None });
        answered.extend(rows(101, |_| "C").pop());
        let found = usual(questions(AnswerKind::Choice, even), answered);
        let expected = UsualAnswer {
            model: "small".to_owned(),
            dataset: "d".to_owned(),
            answer: "A".to_owned(),
            share: 0.9,
            gold_share: 0.25,
        };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn what_the_questions_ask_for_is_not() {
        let always = |_: u64| "A";
        assert!(usual(questions(AnswerKind::Choice, even), rows(100, even)).is_empty());
        assert!(usual(questions(AnswerKind::Choice, always), rows(100, always)).is_empty(), "right to give");
        assert!(usual(questions(AnswerKind::Number, even), rows(100, always)).is_empty(), "no options");
        assert!(usual(questions(AnswerKind::Choice, even), rows(19, always)).is_empty(), "too few");
        let unsure = rows(100, |index| if index % 10 < 7 { "A" } else { "B" });
        assert!(usual(questions(AnswerKind::Boolean, even), unsure).is_empty());
    }
}
