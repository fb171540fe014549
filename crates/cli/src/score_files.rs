//! Scores in, and whose fault it is if they cannot be read.

use std::path::PathBuf;

use plimsoll_import::{ImportError, ImportSummary, expand_paths, read_scores};

use crate::console::Console;
use crate::failure::{Failure, Kind};
use crate::folder::manifest::Source;
use crate::progress::Progress;

/// The files that `--scores` names, patterns expanded, each with its hash.
#[derive(Debug)]
pub(crate) struct ScoreFiles {
    /// Where they are.
    pub(crate) paths: Vec<PathBuf>,
    /// What they are.
    pub(crate) sources: Vec<Source>,
}

impl ScoreFiles {
    /// Finds the files.
    pub(crate) fn find(patterns: &[String]) -> Result<Self, Failure> {
        let mut paths = Vec::new();
        for pattern in patterns {
            paths.extend(expand_paths(pattern).map_err(|error| failure(error, Asked::OfFiles))?);
        }
        let sources = paths.iter().map(|path| Source::of(path)).collect::<Result<_, _>>()?;
        Ok(Self { paths, sources })
    }

    /// Reads them, and shows what the reader has to say.
    pub(crate) fn read(&self, console: &Console) -> Result<ImportSummary, Failure> {
        let progress = Progress::rows(console, "scores");
        let imported = read_scores(&self.paths, &progress).map_err(|error| failure(error, Asked::OfFiles))?;
        drop(progress);
        tracing::info!("{} rows of {} series read", imported.rows, imported.table.series.len());
        for note in &imported.notes {
            console.note(note);
        }
        Ok(imported)
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Files with Plimsoll's own columns.
    OfFiles,
    /// A query over foreign files.
    OfQuery,
}

/// Whose fault an error is: a query's columns are the plan's, a file's columns are the data's.
pub(crate) fn failure(error: ImportError, asked: Asked) -> Failure {
    let kind = match &error {
        ImportError::Sink { .. }
        | ImportError::Batch { .. }
        | ImportError::Start { .. }
        | ImportError::Engine { .. }
        | ImportError::Memory { .. } => Kind::Stage,
        ImportError::Pattern { .. }
        | ImportError::NoFiles
        | ImportError::UnknownExtension { .. }
        | ImportError::Compressed { .. }
        | ImportError::MixedFormats { .. }
        | ImportError::Delimiter { .. }
        | ImportError::QueryTooLong { .. }
        | ImportError::NotAQuery { .. }
        | ImportError::RepeatedResult { .. }
        | ImportError::UnknownColumn { .. } => Kind::Usage,
        ImportError::Query { source, .. } if source.is_in_query() => Kind::Usage,
        ImportError::MissingColumn { .. } | ImportError::ColumnType { .. } if asked == Asked::OfQuery => {
            Kind::Usage
        }
        _ => Kind::Input,
    };
    Failure::from_error(kind, error)
}
