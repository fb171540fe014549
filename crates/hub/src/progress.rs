//! What a caller is told while files are fetched.

use std::time::Duration;

use crate::request_error::RequestError;

/// Is told what happens. Called on the thread that fetches.
pub trait DownloadObserver {
    /// Something happened.
    fn event(&self, event: &DownloadEvent<'_>);
}

/// Nobody is told.
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
    /// Some bytes came.
    Received {
        /// The file.
        file: &'a str,
        /// How many, since the last time.
        bytes: u64,
    },
    /// A file is whole, verified and in its place.
    Finished {
        /// The file.
        file: &'a str,
    },
    /// A request failed and will be made again.
    Retrying {
        /// Why it failed.
        cause: &'a RequestError,
        /// How long the program waits before.
        wait: Duration,
    },
    /// Another process fetches the same file; this one waits for it.
    WaitingForOther {
        /// The file.
        file: &'a str,
    },
}
