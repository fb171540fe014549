//! Transfer: thresholds fitted without a dataset (or domain), applied to it.
//!
//! For each split and repeat, a calibration set is drawn from the pool side alone, thresholds are
//! fitted on it, and what these thresholds achieve is measured on all held-out rows.
//!
//! Scores that were learnt from labels of other rows are cross-fitted for each split ([`CrossFittedScores`]), since
//! otherwise the pool's scores, and with them the thresholds, would know the held-out labels.

mod error;
mod held_out;
mod labels;
mod new_dataset;
mod new_traffic;
mod scored;

use std::collections::BTreeMap;

use plimsoll_core::records::{TransferCurveRow, TransferRow};
use plimsoll_core::scores::Questions;
use plimsoll_core::{ScoreSeries, Seed};
use plimsoll_fit::{DatasetSelection, DrawOrder, FitSpec, PreparedSeries, fit_targets};
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelIterator as _, IntoParallelRefIterator as _,
    ParallelIterator as _,
};

pub use error::TransferError;
use held_out::HeldOutRows;
pub use plimsoll_core::records::{HoldOut, InDomainLabels};
pub use scored::{CrossFittedScores, CrossFittedSeries, TransferScores};

/// The parameters of a transfer.
#[derive(Debug, Clone)]
pub struct TransferSpec {
    /// How thresholds are fitted.
    pub fit: FitSpec,
    /// What is held out, one after the other.
    pub by: Vec<HoldOut>,
    /// Draws per split.
    pub repeats: u32,
}

/// Number of splits that a table offers; a single dataset (or domain) offers none: nothing would be left to fit on.
fn splits(questions: &Questions, by: HoldOut) -> usize {
    groups(questions, by).len()
}

/// Number of steps that [`transfer`] reports as its progress.
pub fn transfer_steps(questions: &Questions, spec: &TransferSpec) -> u64 {
    let splits: usize = spec.by.iter().map(|by| splits(questions, *by)).sum();
    (splits as u64 + 1) * u64::from(spec.repeats)
}

/// The transfers of a series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesTransfer {
    /// One row per split, repeat and target.
    pub rows: Vec<TransferRow>,
    /// Predicted and true curve of each split, of the first repeat: its thresholds are a draw's like any other's.
    pub curves: Vec<TransferCurveRow>,
}

/// Transfers of a series, by split and, within it, by repeat and target. `finished` is called [`transfer_steps`] times, from any
/// thread: after each draw, and after each split of each repeat.
///
/// A split without rows of this series on one of its sides gives no rows.
///
/// # Errors
/// [`TransferError`] if the series must be scored anew for each split and was not for one, or for one
/// with other rows. Nothing is evaluated then.
pub fn transfer(
    scored: &TransferScores<'_>,
    spec: &TransferSpec,
    finished: &(dyn Fn() + Sync),
) -> Result<SeriesTransfer, TransferError> {
    let prepared = scored.prepared;
    let splits: Vec<HeldOutSplit> =
        spec.by.iter().flat_map(|by| held_out_splits(prepared.questions, *by)).collect();
    let cross_fitted: Vec<Option<&ScoreSeries>> = splits
        .iter()
        .map(|split| scored.series_for_split(split.by, &split.name))
        .collect::<Result<_, _>>()?;
    let seed = spec.fit.series_seed(prepared).derive("transfer");
    let seeds: Vec<(u32, Seed)> =
        (0..spec.repeats).map(|number| (number, seed.derive_index(u64::from(number)))).collect();
    let repeats = Repeat::all(prepared, spec.fit.bins, &seeds, finished);
    let splits = splits.into_par_iter().zip(cross_fitted);
    let all: Vec<SeriesTransfer> = splits
        .map(|(split, cross_fitted)| match cross_fitted {
            None => transfer_split(prepared, spec, &split, &repeats, finished),
            Some(series) => {
                let prepared = PreparedSeries::new(prepared.questions, series);
                let repeats = Repeat::all(&prepared, spec.fit.bins, &seeds, &|| ());
                transfer_split(&prepared, spec, &split, &repeats, finished)
            }
        })
        .collect();
    let mut transfer = SeriesTransfer::default();
    for split in all {
        let in_domain_labels = scored.in_domain_labels;
        let labelled = |row| TransferRow { in_domain_labels, ..row };
        transfer.rows.extend(split.rows.into_iter().map(labelled));
        transfer.curves.extend(split.curves);
    }
    Ok(transfer)
}

/// A dataset or domain on one side, the rest on the other.
struct HeldOutSplit {
    by: HoldOut,
    name: String,
    held_out: DatasetSelection,
}

/// A draw order of the whole series; leaving rows out of it keeps the order of the others.
struct Repeat {
    number: u32,
    seed: Seed,
    order: DrawOrder,
}

impl Repeat {
    /// A repeat per seed. A row's position in an order depends on the seed, its question and its own bin, so
    /// scores that are cross-fitted move the rows that change their bin and no others.
    fn all(
        prepared: &PreparedSeries<'_>,
        bins: u32,
        seeds: &[(u32, Seed)],
        drawn: &(dyn Fn() + Sync),
    ) -> Vec<Self> {
        let repeat = |(number, seed): &(u32, Seed)| {
            let order = DrawOrder::new(prepared, bins, &seed.derive("order"));
            drawn();
            Self { number: *number, seed: *seed, order }
        };
        seeds.par_iter().map(repeat).collect()
    }
}

/// Indices of the datasets of each group, by its name; empty if there is only one group.
fn groups(questions: &Questions, by: HoldOut) -> BTreeMap<&str, Vec<usize>> {
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, dataset) in questions.datasets().iter().enumerate() {
        let name = match by {
            HoldOut::Dataset => dataset.id.as_str(),
            HoldOut::Domain => dataset.domain.as_str(),
        };
        groups.entry(name).or_default().push(index);
    }
    if groups.len() > 1 { groups } else { BTreeMap::new() }
}

fn held_out_splits(questions: &Questions, by: HoldOut) -> Vec<HeldOutSplit> {
    let datasets = questions.datasets().len();
    groups(questions, by)
        .into_iter()
        .map(|(name, indices)| HeldOutSplit {
            by,
            name: name.to_owned(),
            held_out: DatasetSelection::from_flags(
                (0..datasets).map(|index| indices.contains(&index)).collect(),
            ),
        })
        .collect()
}

fn transfer_split(
    prepared: &PreparedSeries<'_>,
    spec: &TransferSpec,
    split: &HeldOutSplit,
    repeats: &[Repeat],
    finished: &(dyn Fn() + Sync),
) -> SeriesTransfer {
    let pool = split.held_out.complement();
    let sides = HeldOutRows::new(prepared, &split.held_out, &pool, split.by, &spec.fit);
    let mut transfer = SeriesTransfer::default();
    for repeat in repeats {
        if let Some(held_out) = &sides {
            let fitted = fit_targets(prepared, &repeat.order, &pool, &spec.fit, &repeat.seed);
            let rows = held_out.evaluate(&fitted, spec.fit.bootstrap, &repeat.seed.derive(&split.name));
            transfer.rows.extend(rows.into_iter().map(|row| named(prepared, split, repeat.number, row)));
            if repeat.number == 0 {
                let points = held_out.curves(&fitted);
                transfer
                    .curves
                    .extend(points.iter().map(|point| named_point(prepared, split, repeat.number, point)));
            }
        }
        finished();
    }
    transfer
}

fn named(prepared: &PreparedSeries<'_>, split: &HeldOutSplit, repeat: u32, row: TransferRow) -> TransferRow {
    TransferRow {
        slm: prepared.series.slm.to_string(),
        llm: prepared.series.llm.as_ref().map(ToString::to_string),
        method: prepared.series.method.to_string(),
        by: split.by,
        held_out: split.name.clone(),
        repeat,
        ..row
    }
}

fn named_point(
    prepared: &PreparedSeries<'_>,
    split: &HeldOutSplit,
    repeat: u32,
    point: &TransferCurveRow,
) -> TransferCurveRow {
    TransferCurveRow {
        slm: prepared.series.slm.to_string(),
        llm: prepared.series.llm.as_ref().map(ToString::to_string),
        method: prepared.series.method.to_string(),
        by: split.by,
        held_out: split.name.clone(),
        repeat,
        ..*point
    }
}

#[cfg(test)]
mod tests;
