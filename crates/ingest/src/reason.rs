//! Why a single row gives no question.

use std::fmt;
use std::path::PathBuf;

/// A row that gives no question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Path of the file.
    pub file: PathBuf,
    /// The row in that file, from 1; blank lines and headers are no rows.
    pub row: u64,
    /// The physical line where the row starts, from 1, where the file has lines.
    pub line: Option<u64>,
    /// Why.
    pub reason: RejectReason,
}

impl fmt::Display for RejectedRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` row {}", self.file.display(), self.row)?;
        if let Some(line) = self.line {
            write!(formatter, " (line {line})")?;
        }
        write!(formatter, ": {}", self.reason)
    }
}

/// Why a row gives no question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// There is no gold answer: the test split of many benchmarks.
    #[error("unlabelled")]
    Unlabelled,
    /// `CoQA` marks the turn as unusable.
    #[error("bad_turn")]
    BadTurn,
    /// A field is absent.
    #[error("field `{field}` is missing")]
    Missing {
        /// Name of the field.
        field: String,
    },
    /// A field holds something else.
    #[error("field `{field}` is {found}, not {expected}")]
    WrongType {
        /// Name of the field.
        field: String,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A field is blank.
    #[error("field `{field}` is blank")]
    Blank {
        /// Name of the field.
        field: String,
    },
    /// Too few or too many choices, or another number than this dataset has.
    #[error("{found} choices, where {expected} are due")]
    ChoiceCount {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: &'static str,
    },
    /// A gold answer that is none.
    #[error("gold answer {found:?} is not {expected}")]
    Gold {
        /// What stands there, cut short.
        found: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// Two sources of the label that differ.
    #[error("the row says {row:?}, the label file {label:?}")]
    LabelConflict {
        /// Label in the row.
        row: String,
        /// Label in the label file.
        label: String,
    },
    /// Lists that should go together.
    #[error("field `{field}` has {found} entries, where {expected} are due")]
    ListLength {
        /// Name of the field.
        field: String,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A question that cannot be asked.
    #[error("{what}")]
    Unusable {
        /// What is wrong.
        what: &'static str,
    },
    /// An id that another row has, too.
    #[error("id {id:?} stands twice")]
    RepeatedId {
        /// The id.
        id: String,
    },
    /// An id that cannot be one.
    #[error("id {id:?} is empty, too long or has a control character")]
    Id {
        /// The id, cut short.
        id: String,
    },
    /// The row belongs to another split than the one asked for.
    #[error("of split `{split}`")]
    OtherSplit {
        /// The row's split.
        split: String,
    },
    /// Not JSON.
    #[error("not JSON: {message}, column {column}")]
    Json {
        /// What the parser said.
        message: String,
        /// Column, from 1.
        column: usize,
    },
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A CSV row with another number of cells, or a text row with another number of lines.
    #[error("{found} {what}, where {expected} are due")]
    Ragged {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
        /// Of what.
        what: &'static str,
    },
    /// A row that is not an object.
    #[error("{found}, not an object")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
}

impl RejectReason {
    /// Whether the row does not look like a row of this dataset at all. If no row of a file does, the
    /// file is of another dataset.
    pub(crate) fn is_shape(&self) -> bool {
        !matches!(
            self,
            Self::Unlabelled
                | Self::BadTurn
                | Self::Blank { .. }
                | Self::LabelConflict { .. }
                | Self::Unusable { .. }
                | Self::RepeatedId { .. }
                | Self::Id { .. }
                | Self::OtherSplit { .. }
        )
    }
}
