//! The user's own tables, read through a mapping of columns.

use std::fmt;

use plimsoll_core::{AnswerKind, DatasetId, DomainId};
use serde::de::{Deserializer, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::cell::Cell;
use crate::dataset::{Dataset, DatasetForm, RowContext, wrong_type};
use crate::datasets::dataset;
use crate::draft::{Draft, letter, ordinal, wrong_gold};
use crate::number::plain;
use crate::reason::RejectReason;
use crate::source::split;

/// Which column is what. A name with dots goes into objects (`question.stem`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Domain of the questions.
    pub domain: String,
    /// Kind of answer.
    pub answer_kind: AnswerKind,
    /// Column of the question.
    pub question: String,
    /// Column of the gold answer; for numbers and texts it may be a list of accepted ones.
    pub gold: String,
    /// What the gold answer of a question with choices is; there is no guess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold_is: Option<GoldForm>,
    /// Column or columns of the choices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<ChoiceColumns>,
    /// Column of the context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Column of the row's id; without, it is the row number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Column of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Column of what stands or falls together (a passage's id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Column of the split; rows of another than the one asked for are refused and counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// What the prompt says before the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Licence of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

/// What the gold answer of a question with choices is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoldForm {
    /// A letter: A is the first choice.
    Label,
    /// A number: 0 is the first choice.
    Index,
    /// A number: 1 is the first choice.
    IndexFromOne,
    /// The text of the right choice.
    Text,
}

/// Where choices stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChoiceColumns {
    /// One column with a list of texts, or of objects with a `text`.
    List(String),
    /// One column a choice; blank ones at the end of a row are none.
    Several(Vec<String>),
}

impl Serialize for ChoiceColumns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(column) => column.serialize(serializer),
            Self::Several(columns) => columns.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ChoiceColumns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrNames;

        impl<'de> Visitor<'de> for NameOrNames {
            type Value = ChoiceColumns;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of a list column, or a list of columns")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ChoiceColumns, E> {
                Ok(ChoiceColumns::List(name.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<ChoiceColumns, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(names)).map(ChoiceColumns::Several)
            }
        }

        deserializer.deserialize_any(NameOrNames)
    }
}

/// Why a mapping is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// The id of a built-in dataset, or none at all.
    #[error("`{id}` cannot be the id of a dataset of your own: {why}")]
    Id {
        /// The id.
        id: String,
        /// Why not.
        why: &'static str,
    },
    /// No domain.
    #[error("`{domain}` is no domain")]
    Domain {
        /// The domain.
        domain: String,
    },
    /// A key that the kind of answer needs.
    #[error("answer kind `{kind}` needs the key `{key}`")]
    Needs {
        /// The kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A key that the kind of answer has no use for.
    #[error("answer kind `{kind}` has no use for the key `{key}`")]
    Useless {
        /// The kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
    },
}

/// A dataset of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generic {
    id: String,
    mapping: Mapping,
}

impl Generic {
    /// Checks a mapping.
    ///
    /// # Errors
    /// [`MappingError`] for an id or a domain that is none, and for keys that do not go together.
    pub fn new(id: &str, mapping: Mapping) -> Result<Self, MappingError> {
        let wrong_id = |why| MappingError::Id { id: id.to_owned(), why };
        if dataset(id).is_some() {
            return Err(wrong_id("a built-in dataset has it"));
        }
        if DatasetId::new(id).is_err() || id.contains('/') || id == "*" {
            return Err(wrong_id("it is empty, too long, or has a `/` or a control character"));
        }
        if DomainId::new(mapping.domain.as_str()).is_err() {
            return Err(MappingError::Domain { domain: mapping.domain });
        }
        let kind = mapping.answer_kind.name();
        let keys = [("choices", mapping.choices.is_some()), ("gold_is", mapping.gold_is.is_some())];
        for (key, given) in keys {
            match (mapping.answer_kind, given) {
                (AnswerKind::Choice, false) => return Err(MappingError::Needs { kind, key }),
                (AnswerKind::Choice, true) | (_, false) => {}
                (_, true) => return Err(MappingError::Useless { kind, key }),
            }
        }
        Ok(Self { id: id.to_owned(), mapping })
    }

    fn choices(&self, record: &RowContext<'_>) -> Result<Vec<String>, RejectReason> {
        let text =
            |column: &str, cell: &Cell| cell.scalar().ok_or_else(|| wrong_type(column, cell, "a text"));
        match &self.mapping.choices {
            None => Ok(Vec::new()),
            Some(ChoiceColumns::List(column)) => {
                let cell = record.field(column)?;
                let entries = cell.column("text").ok_or_else(|| wrong_type(column, cell, "a list"))?;
                entries.into_iter().map(|entry| text(column, entry)).collect()
            }
            Some(ChoiceColumns::Several(columns)) => {
                let cell = |column: &String| match record.optional(column) {
                    Some(cell) => text(column, cell),
                    None => Ok(String::new()),
                };
                let mut texts: Vec<String> = columns.iter().map(cell).collect::<Result<_, _>>()?;
                while texts.last().is_some_and(String::is_empty) {
                    texts.pop();
                }
                Ok(texts)
            }
        }
    }

    /// The accepted answers of a row.
    fn gold(&self, record: &RowContext<'_>) -> Result<Vec<String>, RejectReason> {
        let column = &self.mapping.gold;
        let Some(cell) = record.optional(column) else { return Err(RejectReason::Unlabelled) };
        let text = |cell: &Cell| cell.scalar().ok_or_else(|| wrong_type(column, cell, "a text or a number"));
        let mut texts: Vec<String> = match cell.list() {
            Some(entries) => entries.iter().map(text).collect::<Result<_, _>>()?,
            None => vec![text(cell)?],
        };
        texts.retain(|text| !text.is_empty());
        if texts.is_empty() { Err(RejectReason::Unlabelled) } else { Ok(texts) }
    }

    fn gold_choice(&self, record: &RowContext<'_>, texts: &[&str]) -> Result<usize, RejectReason> {
        let gold = self.gold(record)?;
        let [gold] = gold.as_slice() else {
            return Err(RejectReason::ListLength {
                field: self.mapping.gold.clone(),
                found: gold.len(),
                expected: 1,
            });
        };
        match self.mapping.gold_is {
            Some(GoldForm::Label) => letter(gold, texts.len()),
            Some(GoldForm::Index) => ordinal(gold, 0, texts.len()),
            Some(GoldForm::IndexFromOne) => ordinal(gold, 1, texts.len()),
            Some(GoldForm::Text) | None => texts
                .iter()
                .position(|text| text == gold)
                .ok_or_else(|| wrong_gold(gold, "the text of a choice")),
        }
    }
}

impl Dataset for Generic {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.id
    }

    fn domain(&self) -> &str {
        &self.mapping.domain
    }

    fn answer_kind(&self) -> AnswerKind {
        self.mapping.answer_kind
    }

    fn licence(&self) -> &str {
        self.mapping.licence.as_deref().unwrap_or("not stated")
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        let mapping = &self.mapping;
        let mut fields = vec![mapping.question.as_str(), mapping.gold.as_str()];
        let others = [&mapping.context, &mapping.id, &mapping.subject, &mapping.cluster, &mapping.split];
        fields.extend(others.into_iter().flatten().map(String::as_str));
        match &mapping.choices {
            Some(ChoiceColumns::List(column)) => fields.push(column),
            // A row may have fewer choices than the widest.
            Some(ChoiceColumns::Several(columns)) => {
                fields.extend(columns.iter().take(2).map(String::as_str));
            }
            None => {}
        }
        vec![DatasetForm { name: "mapped", fields }]
    }

    fn task(&self) -> Option<&str> {
        self.mapping.task.as_deref()
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        let mapping = &self.mapping;
        let scalar = |column: &Option<String>| {
            let cell = column.as_ref().and_then(|column| record.optional(column));
            cell.and_then(Cell::scalar).filter(|text| !text.is_empty())
        };
        let question = record.text(&mapping.question)?;
        let draft = match mapping.answer_kind {
            AnswerKind::Choice => {
                let texts = self.choices(record)?;
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                Draft::with_choices(question, &texts, self.gold_choice(record, &texts)?)?
            }
            AnswerKind::Number => Draft::new(
                question,
                self.gold(record)?.iter().map(|gold| plain(gold)).collect::<Result<_, _>>()?,
            ),
            AnswerKind::Boolean => Draft::new(
                question,
                self.gold(record)?.iter().map(|gold| yes_or_no(gold)).collect::<Result<_, _>>()?,
            ),
            AnswerKind::Span => Draft::new(question, self.gold(record)?),
        };
        let row_split = scalar(&mapping.split).map(|name| split::canonical(&name));
        let row_split =
            row_split.transpose().map_err(|_| RejectReason::Unusable { what: "the split is no name" })?;
        if mapping.id.is_some() && scalar(&mapping.id).is_none() {
            return Err(RejectReason::Id { id: String::new() });
        }
        Ok(Draft {
            row_id: scalar(&mapping.id),
            context: scalar(&mapping.context),
            subject: scalar(&mapping.subject),
            cluster: scalar(&mapping.cluster),
            split: row_split,
            ..draft
        })
    }
}

fn yes_or_no(gold: &str) -> Result<String, RejectReason> {
    match gold.to_lowercase().as_str() {
        "yes" | "true" | "1" => Ok("yes".to_owned()),
        "no" | "false" | "0" => Ok("no".to_owned()),
        _ => Err(wrong_gold(gold, "yes or no, true or false")),
    }
}
