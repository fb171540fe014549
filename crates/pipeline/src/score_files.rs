//! Tables of scores, and whose fault it is if they cannot be read.

use std::path::PathBuf;

use plimsoll_import::{ImportError, ImportSummary, expand_paths, read_scores};

use crate::failure::{Failure, FailureKind};
use crate::observer::{ImportProgress, Observer};
use crate::run_folder::manifest::InputFile;

/// The files that `--scores` names, patterns expanded, each with its hash.
#[derive(Debug)]
pub struct ScoreFiles {
    paths: Vec<PathBuf>,
    /// Their names and hashes.
    pub inputs: Vec<InputFile>,
}

impl ScoreFiles {
    /// Finds the files.
    ///
    /// # Errors
    /// A usage failure for a pattern that matches nothing, an input failure for a file that cannot be read.
    pub fn find(patterns: &[String]) -> Result<Self, Failure> {
        let mut paths = Vec::new();
        for pattern in patterns {
            paths.extend(expand_paths(pattern).map_err(|error| import_failure(error, ScoresFrom::Tables))?);
        }
        let inputs = paths.iter().map(|path| InputFile::from_path(path)).collect::<Result<_, _>>()?;
        Ok(Self { paths, inputs })
    }

    /// Reads them, and passes the reader's notes on.
    ///
    /// # Errors
    /// A usage or input failure for files that hold no scores.
    pub fn read(&self, observer: &dyn Observer) -> Result<ImportSummary, Failure> {
        let summary = read_tables(&self.paths, observer)?;
        tracing::info!("{} rows of {} series read", summary.rows, summary.table.series.len());
        for note in &summary.notes {
            observer.note(note);
        }
        Ok(summary)
    }
}

/// Reads tables with Plimsoll's own columns.
pub(crate) fn read_tables(paths: &[PathBuf], observer: &dyn Observer) -> Result<ImportSummary, Failure> {
    let progress = ImportProgress(observer.rows("scores"));
    read_scores(paths, &progress).map_err(|error| import_failure(error, ScoresFrom::Tables))
}

/// Where scores are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScoresFrom {
    /// Tables with Plimsoll's own columns.
    Tables,
    /// The query of a pipeline over other files.
    Query,
}

/// Whose fault an error is: a query's columns are the pipeline's, a table's columns are the data's.
pub(crate) fn import_failure(error: ImportError, scores: ScoresFrom) -> Failure {
    let kind = match &error {
        ImportError::Sink { .. }
        | ImportError::Batch { .. }
        | ImportError::Start { .. }
        | ImportError::Engine { .. }
        | ImportError::Memory { .. } => FailureKind::Stage,
        ImportError::Pattern { .. }
        | ImportError::NoFiles
        | ImportError::UnknownExtension { .. }
        | ImportError::Compressed { .. }
        | ImportError::MixedFormats { .. }
        | ImportError::Delimiter { .. }
        | ImportError::QueryTooLong { .. }
        | ImportError::NotAQuery { .. }
        | ImportError::RepeatedResult { .. }
        | ImportError::UnknownColumn { .. } => FailureKind::Usage,
        ImportError::Query { source, .. } if source.is_in_query() => FailureKind::Usage,
        ImportError::MissingColumn { .. } | ImportError::ColumnType { .. } if scores == ScoresFrom::Query => {
            FailureKind::Usage
        }
        _ => FailureKind::Input,
    };
    Failure::from_error(kind, error)
}
