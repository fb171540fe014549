//! JSON lines of another program, one object at a time.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::ImportError;
use crate::files::{ROW_BYTES, open_text};
use crate::problem::{ImportProblem, KEPT_PROBLEMS, RowError, TextProblem};

/// Reads a file, and gives each line with its number, from 1. Empty lines are passed over.
pub(super) fn read_json_lines<T: DeserializeOwned>(
    path: &Path,
    mut take: impl FnMut(u64, T),
) -> Result<(), ImportError> {
    let mut reader = BufReader::new(open_text(path)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = (&mut reader).take(ROW_BYTES + 1).read_until(b'\n', &mut line);
        if read.map_err(ImportError::io(path))? == 0 {
            break;
        }
        let refused =
            |problem| ImportError::Text { path: path.to_owned(), line: number, row: Some(number), problem };
        if line.len() as u64 > ROW_BYTES {
            return Err(refused(TextProblem::TooLong { limit_bytes: ROW_BYTES }));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let value = serde_json::from_slice(&line).map_err(|error| {
            refused(TextProblem::Json { reason: error.to_string(), column: error.column() })
        })?;
        take(number, value);
    }
    Ok(())
}

/// The rows that give no score: the first ones, and how many there are.
#[derive(Debug, Default)]
pub(super) struct RefusedRows {
    problems: Vec<RowError>,
    total: u64,
}

impl RefusedRows {
    /// Counts a row of a file; `line` where a row is a line.
    pub(super) fn push(&mut self, path: &Path, row: u64, line: Option<u64>, reason: String) {
        self.total += 1;
        if self.problems.len() < KEPT_PROBLEMS {
            let file = Some(path.display().to_string());
            let problem = ImportProblem::Foreign { reason };
            self.problems.push(RowError { file, row, line, question_id: None, problem });
        }
    }

    /// An error if there are any.
    pub(super) fn none(self) -> Result<(), ImportError> {
        let Self { problems, total } = self;
        if total > 0 { Err(ImportError::Rows { problems, total }) } else { Ok(()) }
    }
}
