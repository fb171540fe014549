//! An item: a question with its answer, before it is a row.

use plimsoll_core::{AnswerKind, Choice, DatasetId, DomainId, Question, QuestionId};
use plimsoll_ingest::{Dataset, RejectReason, content_hash};
use serde_json::{Value, json};

use super::side::SuiteSide;

/// The intended difficulty of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Difficulty {
    /// Small numbers, frequent facts, one sentence.
    Easy,
    /// In between.
    Medium,
    /// Large numbers, rare facts, two steps.
    Hard,
}

impl Difficulty {
    /// All, from easy to hard.
    pub(crate) const ALL: [Self; 3] = [Self::Easy, Self::Medium, Self::Hard];

    /// The name in rows.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
        }
    }

    /// The difficulty of a fact by its rank: a third each.
    pub(crate) fn from_rank(rank: usize, count: usize) -> Self {
        match rank * 3 / count.max(1) {
            0 => Self::Easy,
            1 => Self::Medium,
            _ => Self::Hard,
        }
    }
}

/// A question with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SuiteItem {
    /// What decides its [`SuiteSide`].
    pub(crate) key: String,
    /// A passage or story.
    pub(crate) passage: Option<String>,
    /// What is asked.
    pub(crate) question: String,
    /// Options, one of which is the answer; empty unless the kind is choice.
    pub(crate) options: Vec<String>,
    /// The answer: the option's words, a number, yes or no, a name.
    pub(crate) answer: String,
    /// Items of a cluster are not independent.
    pub(crate) cluster: Option<String>,
    /// Subject.
    pub(crate) subject: Option<&'static str>,
    /// How hard it is meant to be.
    pub(crate) level: Difficulty,
}

impl SuiteItem {
    /// An item with nothing but question and answer.
    pub(crate) fn new(key: String, question: String, answer: impl Into<String>, level: Difficulty) -> Self {
        Self {
            key,
            passage: None,
            question,
            options: Vec::new(),
            answer: answer.into(),
            cluster: None,
            subject: None,
            level,
        }
    }

    /// The same in a cluster.
    pub(crate) fn in_cluster(self, cluster: String) -> Self {
        Self { cluster: Some(cluster), ..self }
    }

    /// Its side.
    pub(crate) fn side(&self) -> SuiteSide {
        SuiteSide::from_key(&self.key)
    }

    /// What is asked, without instruction and options: the same text in no two sides.
    pub(crate) fn question_text(&self) -> String {
        match &self.passage {
            Some(passage) => format!("{passage}\n\nQuestion: {}", self.question),
            None => self.question.clone(),
        }
    }

    /// The row of a dataset's file.
    pub(crate) fn row(&self, dataset: &str, id: usize) -> Value {
        let mut row = json!({
            "id": id.to_string(), "dataset": dataset, "level": self.level.name(),
            "question": self.question, "answer": self.answer,
        });
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                row[name] = value;
            }
        };
        set("passage", self.passage.clone().map(Value::from));
        set("options", (!self.options.is_empty()).then(|| Value::from(self.options.clone())));
        set("cluster", self.cluster.clone().map(Value::from));
        set("subject", self.subject.map(Value::from));
        row
    }

    /// The question of a training item, as the reader of rows would make it.
    pub(crate) fn question(&self, dataset: &dyn Dataset, id: &str) -> Result<Question, RejectReason> {
        let texts: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let choices: Vec<Choice> = ('A'..='Z')
            .zip(&texts)
            .map(|(label, text)| Choice { label: label.to_string(), text: (*text).to_owned() })
            .collect();
        let gold = if dataset.answer_kind() == AnswerKind::Choice {
            let right = choices.iter().find(|choice| choice.text == self.answer);
            right.ok_or(RejectReason::Unusable { what: "the answer is none of the options" })?.label.clone()
        } else {
            self.answer.clone()
        };
        let split = self.side().split();
        let wrong_id = |_| RejectReason::Id { id: id.to_owned() };
        Ok(Question {
            question_id: QuestionId::new(format!("{}/{split}/{id}", dataset.id())).map_err(wrong_id)?,
            dataset: DatasetId::new(dataset.id()).map_err(wrong_id)?,
            domain: DomainId::new(dataset.domain()).map_err(wrong_id)?,
            split: split.to_owned(),
            answer_kind: dataset.answer_kind(),
            content_hash: content_hash(self.passage.as_deref(), &self.question, &texts),
            context: self.passage.clone(),
            question: self.question.clone(),
            choices,
            gold: vec![gold],
            subject: self.subject.map(str::to_owned),
            cluster_id: self.cluster.clone(),
            source_file: String::new(),
            source_row: 0,
        })
    }
}
