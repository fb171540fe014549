//! Scores that others made: foreign files mapped by a query, or files with Plimsoll's own columns.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plimsoll_store::tables::scores;

use crate::collector::Collector;
use crate::error::ImportError;
use crate::file_table::FileTable;
use crate::files::{FILE_COLUMN, ROW_COLUMN};
use crate::rows::{IDS, check_required, ignored_note};
use crate::session::Query;
use crate::sink::{ImportObserver, ImportSummary, ScoreSink};
use crate::spec::{FileSpec, Format, default_delimiter};

/// Memory that a query may use for sorting, joining and grouping, unless told otherwise: 2 GiB.
pub const DEFAULT_MEMORY_BYTES: usize = 2 << 30;

/// Foreign files and the query that maps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The SQL tables, by name.
    pub files: BTreeMap<String, FileSpec>,
    /// A query that gives Plimsoll's columns; see the [crate's](crate) own text for what it may name.
    pub sql: String,
    /// Memory that the query may use for sorting, joining and grouping, in bytes.
    pub memory_bytes: usize,
}

impl Import {
    /// With [`DEFAULT_MEMORY_BYTES`].
    pub fn new(files: impl IntoIterator<Item = (String, FileSpec)>, sql: impl Into<String>) -> Self {
        Self { files: files.into_iter().collect(), sql: sql.into(), memory_bytes: DEFAULT_MEMORY_BYTES }
    }
}

/// Runs the query over the files and builds a score table of its result.
///
/// # Errors
/// Whatever [`ImportError`] names; the rows that cannot be used come together, as
/// [`ImportError::Rows`].
pub fn import(
    import: &Import,
    progress: &dyn ImportObserver,
    sink: Option<ScoreSink<'_>>,
) -> Result<ImportSummary, ImportError> {
    let mut tables = Vec::new();
    for (name, spec) in &import.files {
        let table = FileTable::open(spec.clone(), &[], &|_| true)?;
        if !table.has_columns() {
            return Err(no_rows(&table));
        }
        tables.push((name.clone(), table));
    }
    let query = Query { tables, sql: import.sql.clone(), memory_bytes: import.memory_bytes };
    let mut collector = Collector::new(progress, sink);
    query.run(&mut collector)?;
    let tables: Vec<&FileTable> = query.tables.iter().map(|(_, table)| table).collect();
    collector.finish(&tables)
}

/// Reads files that have Plimsoll's own columns, in themselves or in the names of their folders (`dataset=a/`), of any
/// formats. Other columns are ignored, with a note.
///
/// # Errors
/// As [`import`].
pub fn read_scores(paths: &[PathBuf], progress: &dyn ImportObserver) -> Result<ImportSummary, ImportError> {
    let tables = ScoreTables::open(paths)?;
    let mut notes = Vec::new();
    for query in &tables.queries {
        query.tables.iter().for_each(|(_, table)| add_notes(table, &mut notes));
    }
    let mut imported = read_tables(&tables, progress)?;
    imported.notes.splice(0..0, notes);
    Ok(imported)
}

/// Files with Plimsoll's own columns, one query for each run of files of one format.
pub(crate) struct ScoreTables {
    queries: Vec<Query>,
}

impl ScoreTables {
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, ImportError> {
        const TABLE: &str = "scores";
        let mut queries = Vec::new();
        for spec in by_format(paths)? {
            // A folder `run=5` around some of the files is no reason to refuse them.
            let table = FileTable::open(spec, &IDS, &|name| scores::TABLE.column(name).is_some())?;
            check_score_columns(&table)?;
            let known = scores::TABLE.columns.iter().map(|column| column.name);
            let present: Vec<&str> =
                known.filter(|name| table.columns().any(|column| column == *name)).collect();
            let columns = [&present[..], &[FILE_COLUMN, ROW_COLUMN]].concat().join("\", \"");
            let sql = format!("SELECT \"{columns}\" FROM {TABLE}");
            let tables = vec![(TABLE.to_owned(), table)];
            queries.push(Query { tables, sql, memory_bytes: DEFAULT_MEMORY_BYTES });
        }
        Ok(Self { queries })
    }
}

/// The rows of all tables, as one table of scores.
pub(crate) fn read_tables(
    ScoreTables { queries }: &ScoreTables,
    progress: &dyn ImportObserver,
) -> Result<ImportSummary, ImportError> {
    let mut collector = Collector::new(progress, None);
    for query in queries {
        query.run(&mut collector)?;
    }
    let tables: Vec<&FileTable> =
        queries.iter().flat_map(|query| &query.tables).map(|(_, table)| table).collect();
    collector.finish(&tables)
}

/// Refuses a table without rows, or without a column that scores need.
pub(crate) fn check_score_columns(table: &FileTable) -> Result<(), ImportError> {
    if table.rows().all(|(_, rows)| rows == 0) {
        return Err(no_rows(table));
    }
    check_required(table.columns().collect::<Vec<_>>())
}

/// The files in order, as one table for each run of files of one format.
fn by_format(paths: &[PathBuf]) -> Result<Vec<FileSpec>, ImportError> {
    let mut formats = Vec::new();
    for path in paths {
        formats.push(((Format::from_path(path)?, default_delimiter(path)), path.clone()));
    }
    if formats.is_empty() {
        return Err(ImportError::NoFiles);
    }
    formats
        .chunk_by(|a, b| a.0 == b.0)
        .map(|run| FileSpec::new(run.iter().map(|(_, path)| path.clone()).collect()))
        .collect()
}

fn no_rows(table: &FileTable) -> ImportError {
    ImportError::NoDataRows { paths: table.rows().map(|(path, _)| path.clone()).collect() }
}

/// Files without rows, and columns that mean nothing.
pub(crate) fn add_notes(table: &FileTable, notes: &mut Vec<String>) {
    for (path, _) in table.rows().filter(|(_, rows)| *rows == 0) {
        notes.push(format!("`{}` has no data rows", path.display()));
    }
    let columns: Vec<&str> = table.columns().collect();
    let first = table.rows().next().map_or_else(String::new, |(path, _)| path.display().to_string());
    for column in columns.iter().filter(|column| scores::TABLE.column(column).is_none()) {
        notes.push(ignored_note(column, &columns, &first));
    }
}
