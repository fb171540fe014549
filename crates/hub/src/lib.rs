//! # plimsoll-hub
//!
//! Where files come from: local paths, and repositories of the Hugging Face hub or a mirror of it.
//!
//! ```no_run
//! use plimsoll_hub::{HubOptions, FileSelection, FileSource, resolve};
//!
//! # fn main() -> Result<(), plimsoll_hub::HubError> {
//! let source = FileSource::parse("hf://datasets/openai/gsm8k@main")?;
//! let wanted = FileSelection::parquet(Some("main"), Some("test"));
//! let fetched = resolve(&source, &wanted, &HubOptions::from_env()?, &())?;
//! for file in &fetched.files {
//!     println!("{} {}", file.path.display(), file.sha256()?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What a user should know:
//!
//! - **Pinned.** A branch or tag is resolved to its commit once, and every file is of that commit, which
//!   [`Fetched::commit`] records. A source that names a commit, and whose files are cached, needs no
//!   network.
//! - **Verified.** Size and hash are compared with what the hub lists, for large files (SHA-256) and
//!   small ones (git's SHA-1), before a file gets its name. A mirror that lists no hashes is believed.
//! - **Cached.** Files lie where the hub's own tools keep them (`HF_HOME`), each found by the others. A
//!   download that was cut goes on where it ended; two processes do not fetch the same file twice.
//! - **Offline.** With `HF_HUB_OFFLINE=1` only the cache is read. What is missing is an error, also
//!   where the rest of a split is there.
//! - **Secrets.** The token goes to the endpoint's own scheme, host and port and to nothing that it
//!   redirects to. No message, `Debug` or address holds it.
//! - **Untrusted input.** Names of files that would leave their folder are refused; sizes, redirects, waits
//!   and memory are bounded.
//!
//! The protocol is spoken here, over `ureq`, and not by the `hf-hub` crate: that (0.1, 0.3, 0.4, 0.5
//! and 1.0 were looked at) depends on a crate under the MPL, which the licences allowed here do not
//! include.

mod cache;
mod client;
mod download;
mod endpoint;
mod error;
mod fetched;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod layout;
mod listing;
mod local;
mod name;
mod options;
mod progress;
mod repository;
mod request_error;
mod retry;
mod selected_file;
mod selection;
mod selection_error;
mod source;

pub use endpoint::{DEFAULT_ENDPOINT, Endpoint};
pub use error::HubError;
pub use fetched::{Fetched, FetchedFile, sha256};
pub use options::HubOptions;
pub use plimsoll_http::{Proxy, Secret};
pub use progress::{DownloadEvent, DownloadObserver};
pub use request_error::HubRequestError;
pub use selection::FileSelection;
pub use selection_error::{Names, SelectionError};
pub use source::{DEFAULT_REVISION, FileSource, HubSource, RepositoryKind};

/// Brings the files of a source that are wanted to this machine.
///
/// # Errors
/// Whatever [`HubError`] names.
pub fn resolve(
    source: &FileSource,
    selection: &FileSelection,
    options: &HubOptions,
    progress: &dyn DownloadObserver,
) -> Result<Fetched, HubError> {
    match source {
        FileSource::Local(path) => local::resolve(path, selection),
        FileSource::Hub(source) => repository::resolve(source, selection, options, progress),
    }
}
