//! The pool: which questions of several datasets are asked, and in which role.
//!
//! 1. Every question has a [`PoolRole`], fixed by a hash of its dataset and cluster: few-shot exemplars
//!    and probe-training rows are never calibration or evaluation rows, in no plan and under no seed.
//! 2. Each dataset is sampled by itself, with a seed of its own: another dataset in the plan changes
//!    nothing.
//! 3. Duplicates are looked for among what was drawn. Of a pair the later row goes: the row of the
//!    dataset later in the plan, or the later row of one dataset. Dropped rows are not replaced.

mod duplicates;
mod error;
mod options;
mod report;
mod role;
mod sample;
mod shingles;

use std::collections::BTreeSet;

use plimsoll_core::Question;

pub use duplicates::{DuplicateKind, DuplicatePair, NEAR_JACCARD, find_duplicates};
pub use error::PoolError;
pub use options::{Duplicates, PoolDataset, PoolOptions, PoolRow, SampleSpec, Stratum};
pub use plimsoll_core::question::PoolRole;
pub use report::{DatasetReport, PoolReport, StratumReport};
pub use role::{RoleShares, role_of};
pub use shingles::SHINGLE_WORDS;

/// What is asked, and how it came about.
#[derive(Debug, Clone)]
pub struct Pool {
    /// The rows, by dataset in the order of the plan, then in the order of the source.
    pub rows: Vec<PoolRow>,
    /// Counts and pairs.
    pub report: PoolReport,
}

impl Pool {
    /// Questions of a role and dataset, in order.
    pub fn questions<'a>(&'a self, dataset: &'a str, role: PoolRole) -> impl Iterator<Item = &'a Question> {
        let fits = move |row: &&PoolRow| row.role == role && row.question.dataset.as_str() == dataset;
        self.rows.iter().filter(fits).map(|row| &row.question)
    }
}

/// Samples each entry, finds duplicates, and gives every row its role.
///
/// # Errors
/// [`PoolError`] for repeated questions, impossible shares, or a sample by subject where there is none.
pub fn pool(entries: Vec<PoolDataset>, options: &PoolOptions) -> Result<Pool, PoolError> {
    options.shares.check()?;
    let per_main = options.probe_rows_per_main_row;
    if !(per_main.is_finite() && per_main >= 0.0) {
        let expected = "a finite number of at least 0";
        return Err(PoolError::Share { what: "probe rows for each main row", value: per_main, expected });
    }
    let mut ids = BTreeSet::new();
    let (mut rows, mut entry_of, mut datasets) = (Vec::new(), Vec::new(), Vec::new());
    for (number, entry) in entries.into_iter().enumerate() {
        for question in &entry.questions {
            let id = question.question_id.as_str();
            if !ids.insert(id.to_owned()) {
                return Err(PoolError::RepeatedQuestion { id: id.to_owned() });
            }
        }
        let (drawn, report) = sample::draw(entry, options)?;
        entry_of.extend(std::iter::repeat_n(number, drawn.len()));
        rows.extend(drawn);
        datasets.push(report);
    }
    let found = find_duplicates(&rows.iter().map(|row| &row.question).collect::<Vec<_>>());
    let mut dropped = vec![false; rows.len()];
    for pair in &found.pairs {
        let torn = rows[pair.earlier].role != rows[pair.later].role;
        if options.duplicates == Duplicates::Drop || torn {
            let report: &mut DatasetReport = &mut datasets[entry_of[pair.later]];
            report.count_dropped(pair.kind, std::mem::replace(&mut dropped[pair.later], true));
        }
    }
    let pairs = found.pairs.iter().map(|pair| report::named(pair, &rows)).collect();
    let mut kept = Vec::with_capacity(rows.len());
    for ((row, dropped), entry) in rows.into_iter().zip(dropped).zip(entry_of) {
        if !dropped {
            datasets[entry].count_kept(row.role);
            kept.push(row);
        }
    }
    let report = PoolReport { datasets, pairs, rows_cut_short: found.cut_short };
    Ok(Pool { rows: kept, report })
}

#[cfg(test)]
mod tests;
