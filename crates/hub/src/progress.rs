//! Progress of downloads.

use std::time::Duration;

use crate::request_error::HubRequestError;

/// Receives progress events, on the thread that downloads.
pub trait DownloadObserver {
    /// Takes an event; should return at once.
    fn event(&self, event: &DownloadEvent<'_>);
}

/// Discards all events.
impl DownloadObserver for () {
    fn event(&self, _event: &DownloadEvent<'_>) {}
}

/// A step in fetching a file. Files go by their names in the repository.
#[derive(Debug)]
#[non_exhaustive]
pub enum DownloadEvent<'a> {
    /// A file was in the cache.
    Cached {
        /// The file.
        file: &'a str,
        /// Its size.
        bytes: u64,
    },
    /// A file begins, or goes on after a cut.
    Started {
        /// The file.
        file: &'a str,
        /// Its size.
        bytes: u64,
        /// How many of them are there already.
        have: u64,
    },
    /// Bytes were received.
    Received {
        /// The file.
        file: &'a str,
        /// Number of bytes since the last event.
        bytes: u64,
    },
    /// A file is complete, verified and in the cache.
    Finished {
        /// The file.
        file: &'a str,
    },
    /// A request failed and will be retried.
    Retrying {
        /// Why it failed.
        cause: &'a HubRequestError,
        /// The wait before the next attempt.
        wait: Duration,
    },
    /// Another process fetches the same file; this one waits for it.
    WaitingForOther {
        /// The file.
        file: &'a str,
    },
}
