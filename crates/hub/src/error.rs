//! Errors of resolving a source.

use std::io;
use std::path::{Path, PathBuf};

use crate::request_error::HubRequestError;
use crate::selection_error::SelectionError;

/// What went wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The text names no source.
    #[error("`{}` is no source: {problem}; write a path, `hf://datasets/OWNER/NAME@REVISION` or `hf://OWNER/NAME@REVISION`", text.escape_debug())]
    Source {
        /// The text.
        text: String,
        /// Why it is none.
        problem: &'static str,
    },
    /// The proxy cannot be used.
    #[error("the environment cannot be used")]
    Proxy(#[source] plimsoll_http::ProxyProblem),
    /// An environment variable, or the option that stands for it, cannot be used. Its value is not
    /// shown, since it may hold a secret.
    #[error("{variable} cannot be used: {problem}")]
    Variable {
        /// The variable.
        variable: &'static str,
        /// What is wrong with its value.
        problem: &'static str,
    },
    /// No folder for downloads is known.
    #[error("there is no folder for downloads, since neither HF_HOME nor HOME is set: set HF_HOME")]
    NoCacheFolder,
    /// The file system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// No room for a file.
    #[error("the disk is full: `{file}` has {bytes} bytes, of which `{}` holds those that came; make room or set HF_HOME to a folder of another disk, and run again to go on from there", path.display())]
    DiskFull {
        /// The file of the repository.
        file: String,
        /// Its whole size.
        bytes: u64,
        /// The partial file, under a name that nothing else reads.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A local source that is not there.
    #[error("`{}` does not exist{}", path.display(), looks_like_repository(path))]
    NoSuchPath {
        /// The path.
        path: PathBuf,
    },
    /// A pipe, a device or a socket.
    #[error("`{}` is neither a file nor a folder", path.display())]
    NeitherFileNorFolder {
        /// The path.
        path: PathBuf,
    },
    /// A folder that holds too much, or itself.
    #[error("`{}` holds more than {max} {what}; name a smaller folder or a file", path.display())]
    FolderTooLarge {
        /// The folder of the source.
        path: PathBuf,
        /// The limit.
        max: usize,
        /// Of what.
        what: &'static str,
    },
    /// The requested files do not exist.
    #[error("cannot choose files of `{location}`")]
    Selection {
        /// The source, with its revision.
        location: String,
        /// What is missing, and what is there.
        #[source]
        source: SelectionError,
    },
    /// The hub did not say which files a repository has.
    #[error("cannot list `{location}`")]
    List {
        /// The source, with its revision.
        location: String,
        /// The cause.
        #[source]
        source: HubRequestError,
    },
    /// The hub did not give a file.
    #[error("cannot fetch `{}` of `{location}`", file.escape_debug())]
    Fetch {
        /// The source, with its revision.
        location: String,
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: HubRequestError,
    },
    /// Asked to stay offline, and the cache does not have it.
    #[error("HF_HUB_OFFLINE is set and the cache `{}` does not have {}`{location}`: unset it to download, or set HF_HOME to the cache that has it", cache.display(), file_prefix(file.as_deref()))]
    Offline {
        /// The source, with its revision.
        location: String,
        /// The file, if the revision is there.
        file: Option<String>,
        /// The cache.
        cache: PathBuf,
    },
    /// Another process holds a file's lock and brings nothing.
    #[error("another process has held `{}` for {seconds} s without progress: end it, or delete the lock if there is none", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
        /// How long this process waited.
        seconds: u64,
    },
}

impl HubError {
    /// For `map_err`: the file system refused `action` on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

fn file_prefix(file: Option<&str>) -> String {
    file.map_or_else(String::new, |file| format!("`{}` of ", file.escape_debug()))
}

/// `OWNER/NAME` without `hf://` is a common slip.
fn looks_like_repository(path: &Path) -> &'static str {
    let text = path.to_string_lossy();
    if text.split('/').count() == 2 && !text.starts_with(['.', '/']) {
        "; a repository of the hub is written `hf://datasets/OWNER/NAME`, a model `hf://OWNER/NAME`"
    } else {
        ""
    }
}
