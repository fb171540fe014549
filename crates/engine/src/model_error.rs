//! Why a model cannot be opened.

use std::io;
use std::path::PathBuf;

use crate::arch::ConfigError;
use crate::weights_error::WeightsError;

/// What went wrong with a model's folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A configuration beyond what is believed.
    #[error("`{}` has {bytes} bytes; {most} are the most", path.display())]
    ConfigTooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most.
        most: u64,
    },
    /// A configuration that gives no decoder.
    #[error("`{}` cannot be used", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: ConfigError,
    },
    /// Weights that do not fit or cannot be read.
    #[error("the weights of `{}` cannot be loaded", folder.display())]
    Weights {
        /// The model's folder.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: Box<WeightsError>,
    },
    /// A file that could not be hashed.
    #[error("`{}` cannot be hashed", path.display())]
    Hash {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<plimsoll_hub::HubError>,
    },
    /// A file that another process writes.
    #[error("`{}` changed while it was hashed", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl ModelError {
    /// For `map_err`: the file system refused `action` on `path`.
    pub(crate) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
