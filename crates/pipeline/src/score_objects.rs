//! Score files in a bucket: a dataset below a prefix, fetched to this machine.

use std::fs;
use std::path::{Component, Path};

use plimsoll_objects::{ObjectError, Objects};
use tempfile::TempDir;

use crate::failure::{Failure, FailureKind, OrFail as _};

/// Most files of a dataset.
const MAX_FILES: usize = 100_000;

/// The files below a URL, in a folder that is removed with what is returned.
pub(crate) fn fetch(url: &str) -> Result<TempDir, Failure> {
    let failed = |error: ObjectError| {
        let kind = if error.is_usage() { FailureKind::Usage } else { FailureKind::Input };
        Failure::from_error(kind, error).during("--scores")
    };
    let folder = tempfile::tempdir().or_fail(FailureKind::Stage)?;
    let files = fetch_all(&Objects::open(url).map_err(failed)?, folder.path()).map_err(failed)?;
    if files == 0 {
        return Err(Failure::input(format!("there is no file below `{url}`; name the prefix of a dataset")));
    }
    tracing::info!("{files} files of {url} fetched");
    Ok(folder)
}

/// Fetches what is data, and not what others leave beside it (`_SUCCESS`, `.part-0.crc`).
fn fetch_all(objects: &Objects, folder: &Path) -> Result<usize, ObjectError> {
    let mut files = 0;
    for name in objects.list("", MAX_FILES)? {
        let is_beside = |part: &str| part.starts_with('.') || part.starts_with('_') && !part.contains('=');
        let is_inside = Path::new(&name).components().all(|part| matches!(part, Component::Normal(_)));
        if name.split('/').any(is_beside) || !is_inside {
            continue;
        }
        let path = folder.join(&name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .map_err(|source| ObjectError::Start { store: name.clone(), source })?;
        }
        files += usize::from(objects.fetch(&name, &path)?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use plimsoll_objects::testing::MemoryStore;

    use super::*;

    #[test]
    fn a_dataset_lies_here_as_it_lies_there() {
        let memory = MemoryStore::default();
        let (objects, folder) = (memory.sound().unwrap(), tempfile::tempdir().unwrap());
        for name in
            ["slm=a%20b/method=m/part-0.parquet", "_c=1/x.parquet", "_SUCCESS", "slm=a/.x.crc", "_log/x"]
        {
            objects.replace(name, name.as_bytes().to_vec()).unwrap();
        }
        assert_eq!(fetch_all(&objects, folder.path()).unwrap(), 2);
        let listed = objects.list("", 10).unwrap();
        let data: Vec<&String> = listed.iter().filter(|name| folder.path().join(name).is_file()).collect();
        assert_eq!(data.len(), 2, "{listed:?}");
    }
}
