//! Names of columns: those that every table has, and those of its files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::ImportError;

/// The column that every table has for the file of a row.
pub(crate) const FILE_COLUMN: &str = "_file";
/// The column that every table has for the data row in its file, from 1.
pub(crate) const ROW_COLUMN: &str = "_row";

/// Maximum number of columns of a table.
pub(super) const MAX_COLUMNS: usize = 10_000;

/// Refuses names that occur twice or that every table has anyway.
pub(super) fn check_names(path: &Path, names: &[String]) -> Result<(), ImportError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name == FILE_COLUMN || name == ROW_COLUMN {
            return Err(ImportError::ReservedColumn { path: path.to_owned(), column: name.clone() });
        }
        if !seen.insert(name) {
            return Err(ImportError::RepeatedColumn { path: path.to_owned(), column: name.clone() });
        }
    }
    Ok(())
}

/// Refuses a file whose columns are not those of the first file; their order does not matter.
pub(super) fn check_same_columns(
    first: (&PathBuf, &[String]),
    other: (&PathBuf, &[String]),
) -> Result<(), ImportError> {
    for ((path, names), (lacking, lacking_names)) in [(first, other), (other, first)] {
        if let Some(column) = names.iter().find(|name| !lacking_names.contains(name)) {
            return Err(ImportError::OtherColumns {
                path: lacking.clone(),
                column: column.clone(),
                other: path.clone(),
            });
        }
    }
    Ok(())
}
