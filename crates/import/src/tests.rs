//! Tests over the whole way from files to a score table.

mod bytes;
mod foreign;
mod foreign_routers;
mod formats;
mod in_memory;
mod non_finite;
mod partitions;
mod pipelines;
mod sql;
mod values;

use std::error::Error as _;
use std::fs;
use std::path::PathBuf;

use plimsoll_core::ScoreTable;
use tempfile::TempDir;

use crate::{FileSpec, Import, ImportError, ImportSummary, import, read_scores};

/// A header with the required columns.
const HEADER: &str = "question_id,dataset,method,confidence,slm_correct\n";

/// A folder of synthetic files.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Reads one file of scores.
    fn scores(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<ImportSummary, ImportError> {
        read_scores(&[self.write(name, bytes)], &())
    }

    /// Runs a query over files, each a table named by its stem.
    fn query(&self, files: &[(&str, &str)], sql: &str) -> Result<ImportSummary, ImportError> {
        let table = |(name, text): &(&str, &str)| {
            let path = self.write(name, text);
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (stem, FileSpec::new(vec![path]).unwrap())
        };
        import(&Import::new(files.iter().map(table), sql), &(), None)
    }
}

/// An error with its causes, as `cli` prints it, without the folder's name.
fn chain(error: &ImportError, folder: &Folder) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text.replace(&format!("{}/", folder.0.path().display()), "")
}

/// Many lines as one text.
fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().concat()
}

/// Asserts that reading fails and says all of this.
#[track_caller]
fn assert_refused(folder: &Folder, result: Result<ImportSummary, ImportError>, expected: &[&str]) {
    let text = chain(&result.expect_err("is refused"), folder);
    for expected in expected {
        assert!(text.contains(expected), "{text}\n  does not say\n{expected}");
    }
}

/// The rows of a table as text, sorted, which is easy to compare.
fn listed(table: &ScoreTable) -> Vec<String> {
    let mut rows = Vec::new();
    for series in &table.series {
        let llm = series.llm.as_ref().map_or("-", |llm| llm.as_str());
        for row in 0..series.len() {
            let question = series.question[row];
            let confidence = series.confidence(row).map_or("-".to_owned(), |value| value.get().to_string());
            rows.push(format!(
                "{} {} {} {llm} {} {confidence} {:?} {:?}",
                table.questions.dataset(question).id,
                table.questions.id(question),
                series.slm,
                series.method,
                series.slm_outcome[row],
                series.llm_outcome[row],
            ));
        }
    }
    rows.sort();
    rows
}
