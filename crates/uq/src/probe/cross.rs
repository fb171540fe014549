//! Which probe scores which row, so that none scores what it, or the test of it, must not have seen.
//!
//! A *trained* probe learns from the probe-training rows of its dataset, which are never scored. An
//! *out-of-distribution* probe of dataset d learns from those of all other datasets. In a transfer test
//! that holds out the datasets H, the rows of the pool are scored anew: d's by a probe without d *and*
//! without H, since a threshold fitted on scores of a probe that saw H's labels has seen H's labels.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::{DatasetId, Seed};
use plimsoll_router::Confidence;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::method::{ProbeKind, ProbeMethod};
use super::{Example, Probe, ProbeError, TooFew};

/// Datasets that a transfer test holds out together; none for the scores that are shipped.
pub type HeldOutDatasets = BTreeSet<DatasetId>;

/// A probe-training row: one whose question has that role.
#[derive(Debug, Clone, Copy)]
pub struct TrainingRow<'a> {
    /// Its dataset.
    pub dataset: &'a DatasetId,
    /// The rest.
    pub example: Example<'a>,
}

/// The probes of one method and model, by the datasets that each learnt from.
#[derive(Debug)]
pub struct CrossFitted {
    kind: ProbeKind,
    datasets: BTreeSet<DatasetId>,
    probes: BTreeMap<BTreeSet<DatasetId>, Result<Probe, TooFew>>,
}

impl CrossFitted {
    /// Trains every probe that the tests of `held_out` and the shipped scores need. `datasets` are all that
    /// will be scored; `trained` is called once per finished probe with how many there are.
    ///
    /// # Errors
    /// [`ProbeError`] if a state does not fit or the arithmetic fails; too few rows are no error here, but
    /// the reason why a dataset's scores are missing.
    pub fn train(
        method: &ProbeMethod,
        datasets: &BTreeSet<DatasetId>,
        rows: &[TrainingRow<'_>],
        held_out: &[HeldOutDatasets],
        (seed, trained): (&Seed, &(dyn Fn(usize) + Sync)),
    ) -> Result<Self, ProbeError> {
        let none = HeldOutDatasets::new();
        let mut sources: BTreeSet<BTreeSet<DatasetId>> = BTreeSet::new();
        for group in held_out.iter().chain([&none]) {
            sources.extend(datasets.iter().map(|dataset| sources_of(method.kind, datasets, dataset, group)));
        }
        if method.kind == ProbeKind::OtherDatasets {
            // The one that is shipped: a dataset never seen is scored by it.
            sources.insert(datasets.clone());
        }
        let count = sources.len();
        let probes: Vec<_> = sources
            .into_iter()
            .collect::<Vec<_>>()
            .into_par_iter()
            .map(|sources| {
                let probe = train_one(method, &sources, rows, seed);
                trained(count);
                probe.map(|probe| (sources, probe))
            })
            .collect();
        let probes = probes.into_iter().collect::<Result<_, _>>()?;
        Ok(Self { kind: method.kind, datasets: datasets.clone(), probes })
    }

    /// The confidence of a row of a dataset, in the test of some held-out datasets.
    ///
    /// # Errors
    /// As [`Probe::score`]; [`ProbeError::NotTrained`] if no probe was trained for this dataset and test.
    pub fn score(
        &self,
        dataset: &DatasetId,
        held_out: &HeldOutDatasets,
        cluster: u64,
        state: &[f32],
    ) -> Result<Result<Confidence, TooFew>, ProbeError> {
        let sources = sources_of(self.kind, &self.datasets, dataset, held_out);
        match self.probes.get(&sources) {
            Some(Ok(probe)) => probe.score(cluster, state).map(Ok),
            Some(Err(few)) => Ok(Err(*few)),
            None => Err(ProbeError::NotTrained { dataset: dataset.to_string() }),
        }
    }

    /// The probe that is shipped for a dataset: its own, or for the out-of-distribution probe the one that
    /// learnt from all datasets.
    pub fn shipped(&self, dataset: &DatasetId) -> Option<&Probe> {
        let sources = match self.kind {
            ProbeKind::SameDataset => [dataset.clone()].into(),
            ProbeKind::OtherDatasets => self.datasets.clone(),
        };
        self.probes.get(&sources)?.as_ref().ok()
    }
}

/// The datasets from which the probe of a row may learn.
fn sources_of(
    kind: ProbeKind,
    all: &BTreeSet<DatasetId>,
    dataset: &DatasetId,
    held_out: &HeldOutDatasets,
) -> BTreeSet<DatasetId> {
    match kind {
        ProbeKind::SameDataset => [dataset.clone()].into(),
        ProbeKind::OtherDatasets => {
            all.iter().filter(|other| *other != dataset && !held_out.contains(*other)).cloned().collect()
        }
    }
}

fn train_one(
    method: &ProbeMethod,
    sources: &BTreeSet<DatasetId>,
    rows: &[TrainingRow<'_>],
    seed: &Seed,
) -> Result<Result<Probe, TooFew>, ProbeError> {
    let examples: Vec<Example<'_>> =
        rows.iter().filter(|row| sources.contains(row.dataset)).map(|row| row.example).collect();
    // A seed of its own for each set of sources: another dataset in the plan shifts no other probe's weights.
    let seed = sources.iter().fold(seed.derive("probe"), |seed, dataset| seed.derive(dataset.as_str()));
    match Probe::train(&examples, &method.training, &seed) {
        Ok(probe) => Ok(Ok(probe)),
        Err(ProbeError::TooFew(few)) => Ok(Err(few)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
