//! Tables whose files say in the names of their folders which series they hold, so that a series can be read alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use plimsoll_core::records::ScoreRow;
use plimsoll_core::scores::DEFAULT_SLM;
use plimsoll_core::{MethodId, ModelId, SeriesKey, column};
use plimsoll_store::tables::scores;

use crate::error::ImportError;
use crate::file_table::FileTable;
use crate::import::{ScoreTables, add_notes, check_score_columns, read_tables};
use crate::partitions;
use crate::rows::{DEFAULT_LLM, IDS};
use crate::sink::{ImportObserver, ImportSummary};
use crate::spec::{FileSpec, Format};

const SLM: &str = column!(ScoreRow, slm);
const LLM: &str = column!(ScoreRow, llm);
const METHOD: &str = column!(ScoreRow, method);

/// The files of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesFiles {
    /// Which series.
    pub key: SeriesKey,
    /// Its files, in the order in which they were given.
    pub paths: Vec<PathBuf>,
    /// Their rows.
    pub rows: u64,
}

/// The files of each series of a table, in the order of the series.
#[derive(Debug, Clone, Default)]
pub struct SeriesTable {
    /// The series that have rows.
    pub series: Vec<SeriesFiles>,
    /// What a user should know: columns that are ignored, files without rows.
    pub notes: Vec<String>,
}

/// Finds the files of each series. `None` if a file may hold several: if one is no Parquet, or lies in no folder `method=..`,
/// or if there are SLMs or LLMs that stand in the files alone. Footers are read, and no rows.
///
/// # Errors
/// As [`read_scores`](crate::read_scores), for what can be said without the rows.
pub fn find_series(paths: &[PathBuf]) -> Result<Option<SeriesTable>, ImportError> {
    let is_parquet = |path: &PathBuf| Format::from_path(path).is_ok_and(|format| format == Format::Parquet);
    if paths.is_empty() || !paths.iter().all(is_parquet) {
        return Ok(None);
    }
    let known = |name: &str| scores::TABLE.column(name).is_some();
    let table = FileTable::open(FileSpec::new(paths.to_vec())?, &IDS, &known)?;
    check_score_columns(&table)?;
    let mut found: BTreeMap<SeriesKey, SeriesFiles> = BTreeMap::new();
    for (file, (path, rows)) in table.rows().enumerate().filter(|(_, (_, rows))| *rows > 0) {
        let Some(key) = series_key(&table, file) else { return Ok(None) };
        let new = || SeriesFiles { key: key.clone(), paths: Vec::new(), rows: 0 };
        let series = found.entry(key.clone()).or_insert_with(new);
        series.paths.push(path.clone());
        series.rows += rows;
    }
    let mut series = SeriesTable { series: found.into_values().collect(), notes: Vec::new() };
    add_notes(&table, &mut series.notes);
    Ok(Some(series))
}

/// Reads one series. Notes of the files stand in [`SeriesTable::notes`] and are not repeated.
///
/// # Errors
/// As [`read_scores`](crate::read_scores).
pub fn read_series(
    series: &SeriesFiles,
    progress: &dyn ImportObserver,
) -> Result<ImportSummary, ImportError> {
    read_tables(&ScoreTables::open(&series.paths)?, progress)
}

/// The columns of the scores table that the folders of a path, as it is given, name, with their values.
///
/// # Errors
/// [`ImportError::PartitionText`] and its like, for folders that cannot be read as columns.
pub fn folder_columns(path: &Path) -> Result<Vec<(String, Option<String>)>, ImportError> {
    let mut columns = partitions::pairs(path, Path::new(""))?;
    columns.retain(|(name, _)| scores::TABLE.column(name).is_some());
    columns.sort();
    Ok(columns)
}

/// The one series of a file; `None` if its folders do not say it, or say what is no id.
fn series_key(table: &FileTable, file: usize) -> Option<SeriesKey> {
    let has_column = |name: &str| table.columns().any(|column| column == name);
    let stands_in_files = |name: &str| has_column(name) && !table.has_folder_column(name);
    if stands_in_files(SLM) || stands_in_files(LLM) {
        return None;
    }
    let slm = table.folder_value(SLM, file).unwrap_or(DEFAULT_SLM);
    let default_llm = has_column(column!(ScoreRow, llm_correct)) && !has_column(LLM);
    let llm = table.folder_value(LLM, file).or_else(|| default_llm.then_some(DEFAULT_LLM));
    Some(SeriesKey {
        slm: ModelId::new(slm).ok()?,
        llm: llm.map(ModelId::new).transpose().ok()?,
        method: MethodId::new(table.folder_value(METHOD, file)?).ok()?,
    })
}
