//! What goes wrong with a store.

use std::error::Error;
use std::io;

use object_store::Error as StoreError;

/// Why a store could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The URL names no store.
    #[error("`{url}` is no store: {problem}")]
    Address {
        /// The URL, without a password that may stand in it.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The store is a bucket, and this build has none.
    #[error(
        "`{url}` needs a build with the feature `cloud`, which the default build leaves out: cargo install --locked \
         --path crates/cli --features cloud"
    )]
    NeedsCloud {
        /// The URL.
        url: String,
    },
    /// The operation failed, after what could be tried again was.
    #[error("cannot {action} `{object}`{after}: {source}; {advice}")]
    Failed {
        /// What was to be done.
        action: &'static str,
        /// The object, with its store.
        object: String,
        /// How often it was tried, as text; empty for once.
        after: String,
        /// What a person can do about it.
        advice: &'static str,
        /// What the store says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An object is larger than whatever it should hold.
    #[error("`{object}` has more than {max} bytes, which nothing that belongs there has")]
    TooLarge {
        /// The object, with its store.
        object: String,
        /// Bytes that it may have.
        max: u64,
    },
    /// A thread or the runtime could not be started.
    #[error("cannot start what reads and writes `{store}`: {source}")]
    Start {
        /// The store.
        store: String,
        /// What the system says.
        source: io::Error,
    },
}

impl ObjectError {
    /// Whether the URL is at fault, and not the store.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Address { .. } | Self::NeedsCloud { .. })
    }
}

/// What a person can do about an error of a store.
pub(crate) fn advice(error: &StoreError) -> &'static str {
    match error {
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            "look at the credentials in the environment, and at what they may do there"
        }
        StoreError::NotFound { .. } => "look whether the bucket is there, and at its name",
        _ => match io_kind(error) {
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                "free some space, and the same command goes on from there"
            }
            Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
                "look at who may write there"
            }
            _ => "what was finished is kept, and the same command goes on from there",
        },
    }
}

/// What the file system says, if an error comes from it.
pub(crate) fn io_kind(error: &StoreError) -> Option<io::ErrorKind> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |cause| (*cause).source())
        .find_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
}
