//! What is wrong with a recording, and where.

use std::io;
use std::path::{Path, PathBuf};

/// Why recordings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A line that is no JSON object.
    #[error("`{}` line {line} is no JSON object", path.display())]
    NoObject {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Where in the line.
        #[source]
        source: serde_json::Error,
    },
    /// A field that does not hold what it should.
    #[error("`{}` line {line}: `{field}` {problem}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A line beyond any recording.
    #[error("`{}` line {line} is longer than {max} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The limit.
        max: u64,
    },
    /// Two lines that record the same text differently.
    #[error("question `{question_id}` is recorded twice and differently: `{}` line {line} and `{}` line {other_line}", path.display(), other_path.display())]
    Repeated {
        /// The question.
        question_id: String,
        /// File of the first.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// File of the second.
        other_path: PathBuf,
        /// Its line, from 1.
        other_line: u64,
    },
    /// Rows are numbers within a dataset, which has to be named.
    #[error("`{}` knows its questions by row only: say of which (`questions: DATASET/SPLIT/`)", path.display())]
    RowsOfWhat {
        /// The file.
        path: PathBuf,
    },
}

impl ReplayError {
    /// For `map_err`: the file system refused `action` on `path`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path: path.clone(), source }
    }
}
