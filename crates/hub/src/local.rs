//! Files and folders of this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::HubError;
use crate::fetched::{Fetched, FetchedFile};
use crate::selected_file::SelectedFile;
use crate::selection::{FileSelection, choose};

/// Maximum number of files that a folder may hold, and maximum depth of folders, so that a link to a parent ends.
const MAX_FILES: usize = 100_000;
const MAX_LEVELS: usize = 32;

/// A file as it is, whatever the selection; of a folder, what the selection chooses.
pub(crate) fn resolve(path: &Path, selection: &FileSelection) -> Result<Fetched, HubError> {
    let data = fs::metadata(path).map_err(|_| HubError::NoSuchPath { path: path.to_owned() })?;
    let mut files = Vec::new();
    let folder = if data.is_file() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push(file(path.to_owned(), name)?);
        path.parent().unwrap_or(path)
    } else if data.is_dir() {
        let mut found: BTreeMap<String, PathBuf> = walk(path, false)?.into_iter().collect();
        let chosen = choose(found.keys().map(String::as_str), selection)
            .map_err(|source| HubError::Selection { location: path.display().to_string(), source })?;
        for SelectedFile { name, config, split } in chosen {
            let path = found.remove(&name).unwrap_or_else(|| path.join(&name));
            files.push(FetchedFile { config, split, ..file(path, name)? });
        }
        path
    } else {
        return Err(HubError::NeitherFileNorFolder { path: path.to_owned() });
    };
    Ok(Fetched { revision: None, commit: None, folder: folder.to_owned(), files })
}

fn file(path: PathBuf, name: String) -> Result<FetchedFile, HubError> {
    let data = fs::metadata(&path).map_err(HubError::io("read", &path))?;
    Ok(FetchedFile::new(name, path, data.len()))
}

/// The files of a folder and of those in it, in the order of their names; parts of a name are joined
/// by `/`. Files and folders whose names begin with a dot are left out unless `hidden`.
pub(crate) fn walk(folder: &Path, hidden: bool) -> Result<Vec<(String, PathBuf)>, HubError> {
    let too_large = |max, what| HubError::FolderTooLarge { path: folder.to_owned(), max, what };
    let mut files = Vec::new();
    let mut folders = vec![(String::new(), folder.to_owned(), 0)];
    while let Some((prefix, path, level)) = folders.pop() {
        if level > MAX_LEVELS {
            return Err(too_large(MAX_LEVELS, "levels of folders"));
        }
        for entry in fs::read_dir(&path).map_err(HubError::io("read", &path))? {
            let entry = entry.map_err(HubError::io("read", &path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') && !hidden {
                continue;
            }
            let name = format!("{prefix}{name}");
            match fs::metadata(entry.path()) {
                Ok(data) if data.is_dir() => folders.push((format!("{name}/"), entry.path(), level + 1)),
                Ok(data) if data.is_file() => files.push((name, entry.path())),
                // A link to nothing is found missing if it is chosen; in the cache it is a file that
                // is not there.
                Err(_) if !hidden => files.push((name, entry.path())),
                _ => {}
            }
        }
        if files.len() + folders.len() > MAX_FILES {
            return Err(too_large(MAX_FILES, "files"));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        folder
    }

    fn names(fetched: &Fetched) -> Vec<&str> {
        fetched.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn a_file_is_taken_as_it_is_and_hashed_on_demand() {
        let folder = folder(&["abc"]);
        let fetched =
            resolve(&folder.path().join("abc"), &FileSelection::parquet(None, Some("test"))).unwrap();
        assert_eq!((names(&fetched), fetched.commit.as_deref()), (vec!["abc"], None));
        assert_eq!(fetched.files[0].bytes, 3);
        assert_eq!(fetched.folder, folder.path());
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fetched.files[0].sha256().unwrap(), abc);
    }

    #[test]
    fn a_folder_is_walked_in_order_without_hidden_files() {
        let folder = folder(&["b", "a/x.csv", "a/b/y.csv", ".git/config", "a.txt"]);
        let fetched = resolve(folder.path(), &FileSelection::All).unwrap();
        assert_eq!(names(&fetched), ["a.txt", "a/b/y.csv", "a/x.csv", "b"]);
        let fetched = resolve(folder.path(), &FileSelection::files(&["**/*.csv"])).unwrap();
        assert_eq!(names(&fetched), ["a/b/y.csv", "a/x.csv"]);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let folder = folder(&["x"]);
        assert!(matches!(
            resolve(&folder.path().join("y"), &FileSelection::All),
            Err(HubError::NoSuchPath { .. })
        ));
        assert!(matches!(
            resolve(folder.path(), &FileSelection::files(&["*.csv"])),
            Err(HubError::Selection { .. })
        ));
        let slip =
            resolve(Path::new("openai/gsm8k-is-not-here"), &FileSelection::All).unwrap_err().to_string();
        assert!(slip.contains("hf://datasets/OWNER/NAME"), "{slip}");
    }

    #[cfg(unix)]
    #[test]
    fn devices_loops_and_dead_links_end_in_an_error() {
        use std::os::unix::fs::symlink;
        assert!(matches!(
            resolve(Path::new("/dev/null"), &FileSelection::All),
            Err(HubError::NeitherFileNorFolder { .. })
        ));
        let folder = folder(&["x"]);
        symlink("nowhere", folder.path().join("dead")).unwrap();
        assert!(matches!(resolve(folder.path(), &FileSelection::All), Err(HubError::Io { .. })));
        assert_eq!(names(&resolve(folder.path(), &FileSelection::files(&["x"])).unwrap()), ["x"]);
        symlink(folder.path(), folder.path().join("loop")).unwrap();
        assert!(matches!(resolve(folder.path(), &FileSelection::All), Err(HubError::FolderTooLarge { .. })));
    }
}
