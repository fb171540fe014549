//! Work that is done series by series: on this machine alone, or shared with others through a store.
//!
//! What is computed of a series depends on its rows and on parameters, and on no other series. So any number of
//! processes can share the series: each takes a lease on one that has no result in the store, computes it and puts it
//! there, until none is missing. Then every process reads all results in the order of the series, and goes on as one that
//! has computed them all.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use plimsoll_core::SeriesKey;
use plimsoll_objects::lease::LeaseProgress;
use plimsoll_objects::{Lease, Leases};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde::Serialize;
use serde_json::Value;

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::observer::{Observer, Progress};
use crate::result_store::{ResultStore, StoredResult};
use crate::series_name::key_name;
use crate::series_source::{LoadedSeries, SeriesSource};
use crate::stage::Stage;
use crate::store_url::open_objects;

/// Longest pause between two looks at what others have leased.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Looks within the time of a lease.
const LOOKS: u32 = 10;

/// What is computed of a series.
pub(crate) trait SeriesTask: Sync {
    /// The result of one series.
    type Computed: Send;
    /// The stage that it belongs to; results are found by its name.
    const STAGE: Stage;
    /// Names of the files of a result.
    const FILES: &'static [&'static str];
    /// Series that may be computed at the same time.
    const MAX_TOGETHER: usize;

    /// All that a result depends on beside the rows of its series and the version of the program.
    fn parameters(&self) -> &Value;

    /// Computes one series.
    fn compute(&self, loaded: &LoadedSeries<'_>, observer: &dyn Observer) -> Result<Self::Computed, Failure>;

    /// What was computed, as files.
    fn files(&self, loaded: &LoadedSeries<'_>, computed: Self::Computed) -> Result<Vec<Vec<u8>>, Failure>;
}

/// Takes what is computed, in the order of the series.
pub(crate) trait SeriesSink<T: SeriesTask> {
    /// Takes what was computed here.
    fn take(&mut self, loaded: &LoadedSeries<'_>, computed: T::Computed) -> Result<(), Failure>;

    /// Takes a result as files.
    fn take_files(&mut self, key: &SeriesKey, files: Vec<Vec<u8>>) -> Result<(), Failure>;
}

/// A store through which processes share series.
#[derive(Debug)]
pub struct SharedSeries {
    results: ResultStore,
    leases: Leases,
}

/// What a process did for a shared piece of work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SeriesCounts {
    /// Series that it computed.
    pub series_computed: u64,
    /// Series whose results it found.
    pub series_found: u64,
}

impl SharedSeries {
    /// The store at a URL. A lease is lost if its holder makes no progress for `duration`.
    ///
    /// # Errors
    /// A usage failure for a URL that names no store, a stage failure for one that cannot be used.
    pub fn open(url: &str, duration: Duration) -> Result<Self, Failure> {
        let objects = open_objects(url)?;
        Ok(Self { leases: Leases::new(Arc::clone(&objects), duration), results: ResultStore::new(objects) })
    }
}

/// Does the work on every series, here or together with others.
///
/// # Errors
/// What the work or the store refuses. Results that were finished are in the store.
pub(crate) fn run<T: SeriesTask>(
    task: &T,
    sink: &mut dyn SeriesSink<T>,
    source: &SeriesSource,
    shared: Option<&SharedSeries>,
    observer: &dyn Observer,
) -> Result<SeriesCounts, Failure> {
    let Some(shared) = shared else {
        alone(task, sink, source, observer)?;
        return Ok(SeriesCounts { series_computed: source.len() as u64, series_found: 0 });
    };
    let address = |index| source.address(index, T::STAGE.name(), task.parameters());
    let addresses = (0..source.len()).map(address).collect();
    let sharing = Sharing { task, shared, source, addresses, observer };
    let counts = sharing.compute_missing()?;
    sharing.take_all(sink)?;
    Ok(counts)
}

fn alone<T: SeriesTask>(
    task: &T,
    sink: &mut dyn SeriesSink<T>,
    source: &SeriesSource,
    observer: &dyn Observer,
) -> Result<(), Failure> {
    let progress = observer.steps(T::STAGE, source.len() as u64);
    for group in source.groups(rayon::current_num_threads().clamp(1, T::MAX_TOGETHER)) {
        let loaded: Vec<LoadedSeries<'_>> =
            group.map(|index| source.load(index, observer)).collect::<Result<_, _>>()?;
        let compute = |loaded: &LoadedSeries<'_>| {
            progress.message(&key_name(&loaded.series().key()));
            let computed = task.compute(loaded, observer);
            progress.step();
            computed
        };
        let computed: Vec<Result<T::Computed, Failure>> = loaded.par_iter().map(compute).collect();
        for (loaded, computed) in loaded.iter().zip(computed) {
            sink.take(loaded, computed?)?;
        }
    }
    Ok(())
}

/// What became of a series.
enum SeriesOutcome {
    Found,
    Computed,
    /// Another process has leased it.
    Leased,
}

/// A piece of work that is shared.
struct Sharing<'a, T> {
    task: &'a T,
    shared: &'a SharedSeries,
    source: &'a SeriesSource,
    /// Of the result of each series.
    addresses: Vec<String>,
    observer: &'a dyn Observer,
}

impl<T: SeriesTask> Sharing<'_, T> {
    /// Computes what is missing until nothing is.
    fn compute_missing(&self) -> Result<SeriesCounts, Failure> {
        let mut counts = SeriesCounts::default();
        let progress = self.observer.steps(T::STAGE, self.source.len() as u64);
        let (mut left, mut waits): (Vec<usize>, bool) = ((0..self.source.len()).collect(), false);
        while !left.is_empty() {
            let before = left.len();
            for index in std::mem::take(&mut left) {
                progress.message(&key_name(self.source.key(index)));
                match self.one(index)? {
                    SeriesOutcome::Leased => {
                        left.push(index);
                        continue;
                    }
                    SeriesOutcome::Found => counts.series_found += 1,
                    SeriesOutcome::Computed => counts.series_computed += 1,
                }
                progress.step();
            }
            if left.len() == before {
                if !waits {
                    self.observer.note(&format!("waiting for {before} series that other processes compute"));
                }
                waits = true;
                thread::sleep((self.shared.leases.duration() / LOOKS).min(MAX_PAUSE));
            }
        }
        Ok(counts)
    }

    fn one(&self, index: usize) -> Result<SeriesOutcome, Failure> {
        let (address, SharedSeries { results, leases }) = (&self.addresses[index], self.shared);
        if results.has(address, T::FILES).or_fail(FailureKind::Stage)? {
            return Ok(SeriesOutcome::Found);
        }
        let Some(lease) = leases.take(&ResultStore::lease(address)).or_fail(FailureKind::Stage)? else {
            return Ok(SeriesOutcome::Leased);
        };
        // Whoever had the lease until now may have finished in the meantime.
        let outcome = match results.has(address, T::FILES).or_fail(FailureKind::Stage) {
            Ok(true) => Ok(SeriesOutcome::Found),
            Ok(false) => self.compute(index, &lease.progress()).map(|_| SeriesOutcome::Computed),
            Err(failure) => Err(failure),
        };
        if let Err(error) = Lease::release(lease) {
            tracing::warn!("a lease runs out by itself: {error}");
        }
        outcome
    }

    /// Computes a series and puts its result into the store.
    fn compute(&self, index: usize, lease: &LeaseProgress) -> Result<Vec<Vec<u8>>, Failure> {
        let address = &self.addresses[index];
        tracing::info!("computing series={address}, {}", key_name(self.source.key(index)));
        let observer = Beating { lease: lease.clone(), next: self.observer };
        let loaded = self.source.load(index, &observer)?;
        lease.made();
        let computed = self.task.compute(&loaded, &observer)?;
        lease.made();
        let files = self.task.files(&loaded, computed)?;
        drop(loaded);
        lease.made();
        self.shared.results.put(address, T::FILES, &files).or_fail(FailureKind::Stage)?;
        Ok(files)
    }

    /// Takes the results of all series. What is damaged is computed again.
    fn take_all(&self, sink: &mut dyn SeriesSink<T>) -> Result<(), Failure> {
        for (index, address) in self.addresses.iter().enumerate() {
            let files = match self.shared.results.fetch(address, T::FILES).or_fail(FailureKind::Stage)? {
                StoredResult::Whole(files) => files,
                StoredResult::Absent => self.compute(index, &LeaseProgress::default())?,
                StoredResult::Damaged(problem) => {
                    tracing::warn!("a result in the store is damaged and is computed again: {problem}");
                    self.compute(index, &LeaseProgress::default())?
                }
            };
            sink.take_files(self.source.key(index), files)?;
        }
        Ok(())
    }
}

/// A result that is none although its hash is right: another program wrote it.
pub(crate) fn foreign(key: &SeriesKey, problem: impl fmt::Display) -> Failure {
    Failure::new(
        FailureKind::Stage,
        format!(
            "the result of {} in the store cannot be read: {problem}; remove `series` from the store, or take another",
            key_name(key)
        ),
    )
}

/// Keeps a lease while there is progress, and passes everything on.
#[derive(Debug)]
struct Beating<'a> {
    lease: LeaseProgress,
    next: &'a dyn Observer,
}

struct BeatingProgress {
    lease: LeaseProgress,
    next: Box<dyn Progress>,
}

impl Observer for Beating<'_> {
    fn note(&self, text: &str) {
        self.next.note(text);
    }

    fn steps(&self, stage: Stage, steps: u64) -> Box<dyn Progress> {
        Box::new(BeatingProgress { lease: self.lease.clone(), next: self.next.steps(stage, steps) })
    }

    fn rows(&self, task: &'static str) -> Box<dyn Progress> {
        Box::new(BeatingProgress { lease: self.lease.clone(), next: self.next.rows(task) })
    }
}

impl Progress for BeatingProgress {
    fn step(&self) {
        self.lease.made();
        self.next.step();
    }

    fn rows(&self, total: u64) {
        self.lease.made();
        self.next.rows(total);
    }

    fn message(&self, text: &str) {
        self.next.message(text);
    }
}

/// The domain of each dataset, over series that are read one at a time.
#[derive(Debug, Default)]
pub(crate) struct DatasetDomains(BTreeMap<String, (String, SeriesKey)>);

impl DatasetDomains {
    /// Adds the datasets of a series.
    ///
    /// # Errors
    /// An input failure for a dataset that has another domain in another series.
    pub(crate) fn add<'d>(
        &mut self,
        key: &SeriesKey,
        datasets: impl Iterator<Item = (&'d str, &'d str)>,
    ) -> Result<(), Failure> {
        for (dataset, domain) in datasets {
            match self.0.get(dataset) {
                None => {
                    self.0.insert(dataset.to_owned(), (domain.to_owned(), key.clone()));
                }
                Some((before, _)) if before == domain => {}
                Some((before, other)) => {
                    return Err(Failure::input(format!(
                        "dataset `{dataset}` has domain `{domain}` in {} and `{before}` in {}; give it one domain",
                        key_name(key),
                        key_name(other)
                    )));
                }
            }
        }
        Ok(())
    }

    /// Datasets with their domains.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(dataset, (domain, _))| (dataset.as_str(), domain.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::{MethodId, ModelId};

    use super::*;

    #[test]
    fn a_dataset_has_one_domain_in_all_series() {
        let key = |method| SeriesKey {
            slm: ModelId::new("s").unwrap(),
            llm: None,
            method: MethodId::new(method).unwrap(),
        };
        let mut domains = DatasetDomains::default();
        domains.add(&key("a"), [("d", "x"), ("e", "x")].into_iter()).unwrap();
        domains.add(&key("b"), [("d", "x")].into_iter()).unwrap();
        let error = domains.add(&key("c"), [("d", "y")].into_iter()).unwrap_err().to_string();
        assert_eq!(error, "dataset `d` has domain `y` in s c and `x` in s a; give it one domain");
        assert_eq!(domains.iter().collect::<Vec<_>>(), [("d", "x"), ("e", "x")]);
    }
}
