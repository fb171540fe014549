//! Where a run reads and writes.

use std::path::{Path, PathBuf};

/// Where relative paths start, where outputs go, and whether the hub may be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Locations<'a> {
    /// The folder of the pipeline file, where relative paths start.
    pub(crate) base: &'a Path,
    /// The run folder.
    pub(crate) out: &'a Path,
    /// Whether nothing may be fetched.
    pub(crate) offline: bool,
}

impl Locations<'_> {
    /// Where servers' replies are cached.
    pub(crate) fn replies(&self) -> PathBuf {
        self.out.join(".work/replies")
    }
}
