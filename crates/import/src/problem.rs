//! What can be wrong with a row, and where it stands.

use std::fmt::{self, Write as _};

use plimsoll_core::RowProblem;

/// Row problems that an error keeps; more are only counted.
pub(crate) const KEPT_PROBLEMS: usize = 50;
/// Row problems that an error prints.
pub(crate) const SHOWN_PROBLEMS: usize = 20;

/// What is wrong with a line of a text file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextProblem {
    /// More or fewer cells than columns.
    #[error("{found} cells where the table has {expected} columns")]
    Ragged {
        /// Cells of the row.
        found: usize,
        /// Columns of the table.
        expected: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("not UTF-8 text; save the file as UTF-8")]
    NotUtf8,
    /// More than a row can be.
    #[error("a row longer than {} MiB; is a quote opened and never closed?", limit_bytes >> 20)]
    TooLong {
        /// Maximum of a row.
        limit_bytes: u64,
    },
    /// The file ends inside quotes.
    #[error("a quote is opened in this row and never closed")]
    UnclosedQuote,
    /// More columns than a table can have.
    #[error("more than {limit} columns")]
    TooManyColumns {
        /// Maximum.
        limit: usize,
    },
    /// A JSON array where lines are expected.
    #[error("a JSON array; write JSON lines instead, one object a line")]
    JsonArray,
    /// Not one JSON object.
    #[error("not a JSON object: {reason}, at column {column}")]
    Json {
        /// What the parser says.
        reason: String,
        /// Where in the line, from 1.
        column: usize,
    },
}

/// A row that cannot be used.
#[derive(Debug, Clone, PartialEq)]
pub struct RowError {
    /// Its file, as given; `None` if the query did not select `_file` and `_row`.
    pub file: Option<String>,
    /// Its data row in that file, or its row in the result of the query; from 1.
    pub row: u64,
    /// Its physical line in that file, from 1; text files only.
    pub line: Option<u64>,
    /// Its question, as far as it has one.
    pub question_id: Option<String>,
    /// What is wrong with it.
    pub problem: ImportProblem,
}

impl fmt::Display for RowError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, row, line, question_id, problem } = self;
        match (file, line, question_id) {
            (Some(file), Some(line), _) => write!(formatter, "`{file}` line {line} (data row {row})"),
            (Some(file), None, _) => write!(formatter, "`{file}` data row {row}"),
            (None, _, Some(id)) => write!(formatter, "row {row} of the result (question_id `{id}`)"),
            (None, _, None) => write!(formatter, "row {row} of the result"),
        }?;
        write!(formatter, ": {problem}")
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportProblem {
    /// Nothing where something must be.
    #[error("{column} is missing")]
    Missing {
        /// Name of the column.
        column: &'static str,
    },
    /// A text that is no number.
    #[error("{column} \"{value}\" is not a number; leave it empty where it is missing")]
    NotANumber {
        /// Name of the column.
        column: &'static str,
        /// The text, shortened.
        value: String,
    },
    /// Neither true nor false.
    #[error("{column} \"{value}\" is not true/false")]
    NotAFlag {
        /// Name of the column.
        column: &'static str,
        /// What it is, shortened.
        value: String,
    },
    /// A grade of nobody's answer.
    #[error("llm_correct is given, but llm is missing")]
    UnnamedLlm,
    /// What another program wrote gives no score.
    #[error("{reason}")]
    Foreign {
        /// Why, and what to do.
        reason: String,
    },
    /// What the score table refuses.
    #[error(transparent)]
    Row(#[from] RowProblem),
}

/// The message of an error that holds row problems.
pub(crate) fn summary(problems: &[RowError], total: u64) -> String {
    let mut text =
        if total == 1 { "1 row cannot be used:".to_owned() } else { format!("{total} rows cannot be used:") };
    for problem in problems.iter().take(SHOWN_PROBLEMS) {
        let _ = write!(text, "\n  {problem}");
    }
    let shown = problems.len().min(SHOWN_PROBLEMS) as u64;
    if total > shown {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n  and {} more", total - shown);
    }
    if problems.iter().any(|problem| problem.file.is_none()) {
        text.push_str("\n  (let the query select `_file` and `_row` to see file and line)");
    }
    text
}
