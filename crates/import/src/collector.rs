//! Collects the rows of a query: the good ones into a score table, the problems with file and row.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use plimsoll_core::column;
use plimsoll_core::records::ScoreRow;
use plimsoll_core::{RawScore, ScoreTableBuilder};
use plimsoll_files::ContentHash;

use crate::error::ImportError;
use crate::file_table::FileTable;
use crate::files;
use crate::problem::{ImportProblem, KEPT_PROBLEMS, RowError};
use crate::rows::{Boxed, ScoreRows, check_result, source_row};
use crate::score_batches::ScoreBatches;
use crate::score_hash::ScoreHash;
use crate::session::BatchSink;
use crate::sink::{ImportObserver, ImportSummary, ScoreSink};

/// What has come of the rows so far.
pub(crate) struct Collector<'p, 's> {
    builder: ScoreTableBuilder,
    problems: Vec<RowError>,
    total_problems: u64,
    rows: u64,
    slm_costs: u64,
    llm_costs: u64,
    progress: &'p dyn ImportObserver,
    sink: Option<(ScoreSink<'s>, ScoreBatches)>,
    content: Option<ScoreHash>,
}

impl<'p, 's> Collector<'p, 's> {
    pub(crate) fn new(progress: &'p dyn ImportObserver, sink: Option<ScoreSink<'s>>) -> Self {
        Self {
            builder: ScoreTableBuilder::new(),
            problems: Vec::new(),
            total_problems: 0,
            rows: 0,
            slm_costs: 0,
            llm_costs: 0,
            progress,
            sink: sink.map(|sink| (sink, ScoreBatches::new())),
            content: None,
        }
    }

    /// The same, with a hash of the rows.
    pub(crate) fn with_content_hash(self) -> Self {
        Self { content: Some(ScoreHash::default()), ..self }
    }

    /// The hash of the rows so far, if it was asked for.
    pub(crate) fn take_content_hash(&mut self) -> ContentHash {
        self.content.take().unwrap_or_default().finish()
    }

    /// The table, or the rows that cannot be used, or that there are none. `tables` are what the rows
    /// came from.
    pub(crate) fn finish(self, tables: &[&FileTable]) -> Result<ImportSummary, ImportError> {
        if self.total_problems > 0 {
            let mut problems = self.problems;
            add_lines(&mut problems, tables);
            return Err(ImportError::Rows { problems, total: self.total_problems });
        }
        if self.rows == 0 {
            let paths = tables.iter().flat_map(|table| table.rows()).map(|(path, _)| path.clone()).collect();
            return Err(ImportError::NoDataRows { paths });
        }
        let mut notes = Vec::new();
        for (column, given) in
            [(column!(ScoreRow, slm_cost), self.slm_costs), (column!(ScoreRow, llm_cost), self.llm_costs)]
        {
            if given > 0 && given < self.rows {
                notes.push(format!(
                    "`{column}` is given in {given} of {} rows; an (SLM, LLM, method) with a gap has no costs",
                    self.rows
                ));
            }
        }
        Ok(ImportSummary { table: self.builder.finish(), rows: self.rows, notes })
    }

    fn push(&mut self, rows: &ScoreRows, row: usize) -> Boxed<()> {
        let score: RawScore<'_> = rows.get(row)?;
        self.builder.push(&score).map_err(|problem| Box::new(ImportProblem::Row(problem)))?;
        self.slm_costs += u64::from(score.slm_cost.is_some());
        self.llm_costs += u64::from(score.llm_cost.is_some());
        if let Some((_, batches)) = &mut self.sink {
            batches.push(&score);
        }
        if let Some(content) = &mut self.content {
            content.push(&score);
        }
        Ok(())
    }

    fn note_problem(&mut self, batch: &RecordBatch, rows: &ScoreRows, row: usize, problem: ImportProblem) {
        self.total_problems += 1;
        if self.problems.len() < KEPT_PROBLEMS {
            let (file, at) = match source_row(batch, row) {
                Some((file, row)) => (Some(file), row),
                None => (None, self.rows + row as u64 + 1),
            };
            let question_id = rows.question_id(row);
            self.problems.push(RowError { file, row: at, line: None, question_id, problem });
        }
    }
}

impl BatchSink for Collector<'_, '_> {
    fn schema(&mut self, schema: &SchemaRef) -> Result<(), ImportError> {
        check_result(schema)
    }

    fn batch(&mut self, batch: &RecordBatch) -> Result<(), ImportError> {
        let rows = ScoreRows::new(batch)?;
        for row in 0..batch.num_rows() {
            if let Err(problem) = self.push(&rows, row) {
                self.note_problem(batch, &rows, row, *problem);
            }
        }
        self.rows += batch.num_rows() as u64;
        self.progress.rows(self.rows);
        if let Some((sink, batches)) = &mut self.sink {
            let failed = |source| ImportError::Sink { source };
            let batch = batches.finish().map_err(|source| ImportError::Batch { source })?;
            // Valid rows of an import that fails are not handed out.
            if self.total_problems == 0 {
                sink(&batch).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Finds the physical lines of rows in text files.
fn add_lines(problems: &mut [RowError], tables: &[&FileTable]) {
    let mut wanted: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for problem in problems.iter() {
        if let Some(file) = &problem.file {
            wanted.entry(file).or_default().insert(problem.row);
        }
    }
    let mut found: BTreeMap<String, BTreeMap<u64, u64>> = BTreeMap::new();
    for table in tables {
        for (path, _) in table.rows() {
            let name = path.display().to_string();
            if let Some(rows) = wanted.remove(name.as_str()) {
                found.insert(name, files::lines_of(table.spec(), path, &rows));
            }
        }
    }
    for problem in problems {
        let lines = problem.file.as_ref().and_then(|file| found.get(file));
        problem.line = lines.and_then(|lines| lines.get(&problem.row).copied());
    }
}
