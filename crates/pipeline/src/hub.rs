//! Files from the hub.

use plimsoll_hub::{Fetched, FileSelection, FileSource, HubError, HubOptions, HubSource};

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::observer::Observer;

/// Finds files of a repository in the cache, and fetches those that are not there unless `offline`.
pub(crate) fn fetch(
    source: HubSource,
    selection: &FileSelection,
    offline: bool,
    observer: &dyn Observer,
) -> Result<Fetched, Failure> {
    let mut options = HubOptions::from_env().or_fail(FailureKind::Usage)?;
    options.offline |= offline;
    let downloads = observer.downloads();
    plimsoll_hub::resolve(&FileSource::Hub(source), selection, &options, &*downloads).map_err(hub_failure)
}

/// Whose fault it is that a source cannot be fetched.
fn hub_failure(error: HubError) -> Failure {
    let kind = match error {
        HubError::Source { .. } | HubError::Variable { .. } | HubError::NoCacheFolder => FailureKind::Usage,
        HubError::DiskFull { .. } => FailureKind::Stage,
        _ => FailureKind::Input,
    };
    Failure::from_error(kind, error)
}
