//! How processes share the series of a table.

use std::time::Duration;

use clap::Args;
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::series_work::{SeriesCounts, SharedSeries};

use crate::console::Console;

/// The store, and how long its leases last.
#[derive(Debug, Args)]
pub(crate) struct StoreOptions {
    /// Share the series with other processes that run this command on the same scores: a folder, file://, s3://, gs:// or
    /// az://
    #[arg(long, value_name = "URL", help_heading = "Many machines")]
    store: Option<String>,
    /// Seconds without progress after which another process takes over a series
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=3600))]
    #[arg(requires = "store", help_heading = "Many machines")]
    lease_seconds: u32,
}

impl StoreOptions {
    /// The store; `None` if the series are not shared.
    pub(crate) fn open(&self) -> Result<Option<SharedSeries>, Failure> {
        let lease = Duration::from_secs(self.lease_seconds.into());
        self.store.as_deref().map(|url| SharedSeries::open(url, lease)).transpose()
    }
}

/// Says what this process did of a shared piece of work.
pub(crate) fn note_counts(shared: Option<&SharedSeries>, counts: SeriesCounts, console: &Console) {
    if shared.is_some() {
        let SeriesCounts { series_computed, series_found } = counts;
        console
            .note(format_args!("{series_computed} series computed here, {series_found} found in the store"));
    }
}
