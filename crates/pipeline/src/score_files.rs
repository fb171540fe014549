//! Tables of scores, and whose fault it is if they cannot be read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use plimsoll_import::{ImportError, InMemoryScores, RowError};
use plimsoll_import::{ImportSummary, expand_paths, find_series, folder_columns, read_scores};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::failure::{Failure, FailureKind};
use crate::observer::{ImportProgress, Observer};
use crate::run_folder::manifest::InputFile;
use crate::score_objects;
use crate::series_source::SeriesSource;

/// The tables that `--scores` names, patterns expanded, or a table in memory, each with its hash.
#[derive(Debug)]
pub struct ScoreFiles {
    source: Source,
    /// Their names and hashes. Those of a table in memory are known once it is read.
    pub inputs: Vec<InputFile>,
    /// Where files out of buckets lie, as long as this is there.
    _fetched: Vec<TempDir>,
}

#[derive(Debug)]
enum Source {
    Files(Vec<PathBuf>),
    /// `None` once it is read.
    Memory(Option<InMemoryScores>),
}

impl ScoreFiles {
    /// Finds the files: patterns, folders, and URLs of prefixes in buckets, whose files are fetched to this machine.
    ///
    /// # Errors
    /// A usage failure for a URL that names no store or a pattern that matches nothing, an input failure for a file that cannot be read.
    pub fn find(patterns: &[String]) -> Result<Self, Failure> {
        let (mut paths, mut fetched) = (Vec::new(), Vec::new());
        for pattern in patterns {
            let pattern = if pattern.contains("://") {
                let folder = score_objects::fetch(pattern)?;
                let path = folder.path().to_string_lossy().into_owned();
                fetched.push(folder);
                path
            } else {
                pattern.clone()
            };
            paths.extend(expand_paths(&pattern).map_err(|error| import_failure(error, ScoresFrom::Tables))?);
        }
        let inputs = paths.iter().map(|path| InputFile::from_path(path)).collect::<Result<_, _>>()?;
        Ok(Self { source: Source::Files(paths), inputs, _fetched: fetched })
    }

    /// A table in memory, which can be read once.
    pub const fn in_memory(scores: InMemoryScores) -> Self {
        Self { source: Source::Memory(Some(scores)), inputs: Vec::new(), _fetched: Vec::new() }
    }

    /// Reads them, and passes the reader's notes on.
    ///
    /// # Errors
    /// A usage or input failure for tables that hold no scores.
    pub fn read(&mut self, observer: &dyn Observer) -> Result<ImportSummary, Failure> {
        let summary = match &mut self.source {
            Source::Files(paths) => read_tables(paths, observer)?,
            Source::Memory(scores) => {
                let scores = scores.take();
                let scores = scores.ok_or_else(|| Failure::usage("the table in memory was read before"))?;
                let name = scores.name().to_owned();
                let progress = ImportProgress(observer.rows("scores"));
                let read = scores.read(&progress);
                let read = read.map_err(|error| import_failure(error, ScoresFrom::Tables))?;
                self.inputs = vec![InputFile { name, sha256: read.sha256, bytes: read.bytes }];
                read.summary
            }
        };
        tracing::info!("{} rows of {} series read", summary.rows, summary.table.series.len());
        for note in &summary.notes {
            observer.note(note);
        }
        Ok(summary)
    }
}

impl ScoreFiles {
    /// Their series. Where the folders of Parquet files say which series they hold (`slm=../llm=../method=..`), each is read
    /// when it is needed; other files are read at once.
    ///
    /// # Errors
    /// As [`ScoreFiles::read`].
    pub fn series(&mut self, observer: &dyn Observer) -> Result<SeriesSource, Failure> {
        let failed = |error| import_failure(error, ScoresFrom::Tables);
        let Source::Files(paths) = &self.source else {
            let table = self.read(observer)?.table;
            let all = self.inputs.iter().map(|input| json!([input.name, input.sha256])).collect();
            return Ok(SeriesSource::from_table(table, &all));
        };
        let mut inputs: BTreeMap<&Path, Value> = BTreeMap::new();
        for (path, input) in paths.iter().zip(&self.inputs) {
            let folders = folder_columns(path).map_err(failed)?;
            inputs.insert(path, json!([input.name, input.sha256, folders]));
        }
        let inputs_of = |paths: &[PathBuf]| -> Value {
            paths.iter().filter_map(|path| inputs.get(path.as_path()).cloned()).collect()
        };
        let Some(table) = find_series(paths).map_err(failed)? else {
            let all = inputs_of(paths);
            return Ok(SeriesSource::from_table(self.read(observer)?.table, &all));
        };
        for note in &table.notes {
            observer.note(note);
        }
        let with_inputs = table.series.into_iter().map(|files| {
            let own = inputs_of(&files.paths);
            (files, own)
        });
        Ok(SeriesSource::from_files(with_inputs.collect()))
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
        | ImportError::ForeignColumn { .. }
        | ImportError::NoWinRates { .. }
        | ImportError::UnknownModel { .. }
        | ImportError::NoRouterScores
        | ImportError::UnknownColumn { .. } => FailureKind::Usage,
        ImportError::Query { source, .. } if source.is_in_query() => FailureKind::Usage,
        ImportError::MissingColumn { .. } | ImportError::ColumnType { .. } if scores == ScoresFrom::Query => {
            FailureKind::Usage
        }
        _ => FailureKind::Input,
    };
    Failure::from_error(kind, error)
}
