//! Who takes what an import gives.

use arrow::array::RecordBatch;
use plimsoll_core::ScoreTable;
use plimsoll_store::StoreError;

/// What an import gives.
#[derive(Debug, Clone)]
pub struct ImportSummary {
    /// The scores.
    pub table: ScoreTable,
    /// Rows of the result; each is in the table.
    pub rows: u64,
    /// What a user should know: a cost column with gaps, columns that were ignored, files without rows.
    pub notes: Vec<String>,
}

/// Receives the progress of an import.
pub trait ImportObserver {
    /// `total` rows of the result have been taken so far. Called for every batch, on the thread of the
    /// caller.
    fn rows(&self, total: u64);
}

/// Ignores progress.
impl ImportObserver for () {
    fn rows(&self, _total: u64) {}
}

/// Takes the rows of an import as they come, as batches of the store's `scores` table. Batches after a
/// row that cannot be used are not handed out: the import will fail.
pub type ScoreSink<'a> = &'a mut dyn FnMut(&RecordBatch) -> Result<(), StoreError>;
