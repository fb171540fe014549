//! What a command refuses or fails at: one exception.

use plimsoll_pipeline::Failure;
use plimsoll_pipeline::score_files::ImportError;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

pyo3::create_exception!(
    plimsoll,
    PlimsollError,
    PyException,
    "What a command refuses or fails at. The message says what is wrong, where, and what to do; `exit_code` is that \
     of the program, `problems` are the rows that cannot be used, and `document` is what was found nevertheless."
);

/// A row that cannot be used.
#[pyclass(frozen, get_all, module = "plimsoll")]
#[derive(Debug)]
pub(crate) struct Problem {
    file: Option<String>,
    row: u64,
    line: Option<u64>,
    question_id: Option<String>,
    reason: String,
}

#[pymethods]
impl Problem {
    fn __repr__(&self) -> String {
        let Self { file, row, line, question_id, reason } = self;
        format!(
            "Problem(file={file:?}, row={row}, line={line:?}, question_id={question_id:?}, reason={reason:?})"
        )
    }
}

/// The rows that a failure is about.
fn problems(failure: &Failure) -> Vec<Problem> {
    let Some(ImportError::Rows { problems, .. }) = failure.cause::<ImportError>() else { return Vec::new() };
    let problem = |row: &plimsoll_pipeline::score_files::RowError| Problem {
        file: row.file.clone(),
        row: row.row,
        line: row.line,
        question_id: row.question_id.clone(),
        reason: row.problem.to_string(),
    };
    problems.iter().map(problem).collect()
}

/// The exception.
pub(crate) fn exception(py: Python<'_>, failure: &Failure, document: Option<String>) -> PyErr {
    let error = PlimsollError::new_err(failure.to_string());
    let value = error.value(py);
    let set = || {
        value.setattr("exit_code", plimsoll_cli::exit_code(failure.kind()))?;
        value.setattr("document", document)?;
        value.setattr("problems", problems(failure))
    };
    match set() {
        Ok(()) => error,
        Err(other) => other,
    }
}
