//! The store that `--store` names.

use std::sync::Arc;

use plimsoll_objects::Objects;

use crate::failure::{Failure, FailureKind};

/// The objects of the store at a URL.
pub(crate) fn open_objects(url: &str) -> Result<Arc<Objects>, Failure> {
    let objects = Objects::open(url).map_err(|error| {
        let kind = if error.is_usage() { FailureKind::Usage } else { FailureKind::Stage };
        Failure::from_error(kind, error).during("--store")
    })?;
    Ok(Arc::new(objects))
}
