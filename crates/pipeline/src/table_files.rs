//! Whole tables in a run folder.

use plimsoll_store::{Provenance, Table, read_rows, write_rows};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::{RunFolder, table_path};

/// Writes a table; gives its path in the folder.
pub(crate) fn write_table<T: Serialize>(
    table: &'static Table,
    rows: &[T],
    folder: &RunFolder,
    provenance: &Provenance,
) -> Result<String, Failure> {
    let output = table_path(table.name);
    write_rows(table, rows, &folder.path(&output), provenance).or_fail(FailureKind::Stage)?;
    Ok(output)
}

/// The rows of a table; none if the folder has no such table.
pub(crate) fn read_table<T: DeserializeOwned>(
    table: &'static Table,
    folder: &RunFolder,
) -> Result<Vec<T>, Failure> {
    let path = folder.path(&table_path(table.name));
    if !path.is_file() {
        return Ok(Vec::new());
    }
    read_rows(&path, table).or_fail(FailureKind::Input)
}
