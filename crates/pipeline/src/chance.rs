//! What guessing gets right: the accuracy that a model has to exceed before its confidences mean anything.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_core::Question;
use plimsoll_core::column;
use plimsoll_core::question::{AnswerKind, Choice, PoolRole};
use plimsoll_core::records::QuestionRow;
use plimsoll_store::read_columns;
use plimsoll_store::tables::questions;
use serde::Deserialize;

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::{RunFolder, table_path};

/// Accuracy of guessing, by dataset; datasets whose answers cannot be guessed are left out.
#[derive(Debug, Default, Clone)]
pub(crate) struct ChanceLevels(BTreeMap<String, f64>);

/// A row of the table of questions, as far as guessing needs it.
#[derive(Debug, Deserialize)]
struct GuessRow {
    dataset: String,
    answer_kind: AnswerKind,
    choices: Vec<Choice>,
    role: PoolRole,
}

impl GuessRow {
    /// The probability of guessing right; `None` for a number or a text.
    fn chance(&self) -> Option<f64> {
        match self.answer_kind {
            AnswerKind::Choice if !self.choices.is_empty() => Some(1.0 / self.choices.len() as f64),
            AnswerKind::Boolean => Some(0.5),
            AnswerKind::Choice | AnswerKind::Number | AnswerKind::Span => None,
        }
    }
}

impl ChanceLevels {
    /// Reads the table of questions; of the questions that are asked, not of exemplars.
    ///
    /// # Errors
    /// A failure for a table that cannot be read.
    fn read(path: &Path) -> Result<Self, Failure> {
        let wanted = [
            column!(Question, dataset),
            column!(Question, answer_kind),
            column!(Question, choices),
            column!(QuestionRow<'_>, role),
        ];
        let rows: Vec<GuessRow> =
            read_columns(path, &questions::TABLE, &wanted).or_fail(FailureKind::Stage)?;
        Ok(Self::of(rows.into_iter().filter(|row| row.role == PoolRole::Main)))
    }

    /// Of the questions of a run; of none where scores were imported.
    ///
    /// # Errors
    /// As [`ChanceLevels::read`].
    pub(crate) fn of_run(folder: &RunFolder) -> Result<Self, Failure> {
        let path = folder.path(&table_path(questions::TABLE.name));
        if path.is_file() { Self::read(&path) } else { Ok(Self::default()) }
    }

    /// The mean over the questions of each dataset; none if one of them cannot be guessed.
    fn of(rows: impl Iterator<Item = GuessRow>) -> Self {
        let mut sums: BTreeMap<String, (Option<f64>, u64)> = BTreeMap::new();
        for row in rows {
            let chance = row.chance();
            let (sum, count) = sums.entry(row.dataset).or_insert((Some(0.0), 0));
            *sum = sum.zip(chance).map(|(sum, chance)| sum + chance);
            *count += 1;
        }
        let means =
            sums.into_iter().filter_map(|(dataset, (sum, count))| Some((dataset, sum? / count as f64)));
        Self(means.collect())
    }

    /// The accuracy of guessing in a dataset.
    pub(crate) fn of_dataset(&self, dataset: &str) -> Option<f64> {
        self.0.get(dataset).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(dataset: &str, answer_kind: AnswerKind, choices: usize) -> GuessRow {
        let choice = |index: usize| Choice { label: index.to_string(), text: index.to_string() };
        let choices = (0..choices).map(choice).collect();
        GuessRow { dataset: dataset.to_owned(), answer_kind, choices, role: PoolRole::Main }
    }

    #[test]
    fn guessing_is_one_over_the_choices_of_each_question() {
        let levels = ChanceLevels::of(
            [
                row("mixed", AnswerKind::Choice, 4),
                row("mixed", AnswerKind::Choice, 5),
                row("yes_or_no", AnswerKind::Boolean, 0),
                row("sums", AnswerKind::Number, 0),
            ]
            .into_iter(),
        );
        assert_eq!(levels.of_dataset("mixed"), Some(f64::midpoint(0.25, 0.2)));
        assert_eq!(levels.of_dataset("yes_or_no"), Some(0.5));
        assert_eq!((levels.of_dataset("sums"), levels.of_dataset("none")), (None, None));
    }
}
