//! Which files of a folder are a split: those that the authors' names say, else those in the hub's
//! layout, else the one file whose name says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::files::{SplitFiles, format};
use super::split::{self, FilePart};
use crate::dataset::Dataset;
use crate::error::IngestError;
use crate::limits::FOLDER_ENTRIES;

/// How deep files may lie: the hub's `CONFIG/SPLIT/0000.parquet`.
const DEPTH: usize = 3;

/// A file that could be read.
#[derive(Debug, Clone)]
struct FolderFile {
    path: PathBuf,
    /// Its path inside the folder, parts joined by `/`.
    inside: String,
    split: String,
    /// The word that says so.
    word: Option<String>,
    /// Which part of the split it is.
    part: Option<FilePart>,
}

impl FolderFile {
    /// Folder, inside the source folder, that holds it; empty = the source folder itself.
    fn folder(&self) -> &str {
        self.inside.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// How deep in the source folder it lies.
    fn depth(&self) -> usize {
        self.inside.matches('/').count()
    }

    fn name(&self) -> &str {
        self.inside.rsplit_once('/').map_or(&self.inside, |(_, name)| name)
    }
}

/// Finds the files of a split.
pub(super) fn resolve(
    dataset: &dyn Dataset,
    path: &Path,
    (asked, word): (Option<&str>, Option<&str>),
) -> Result<SplitFiles, IngestError> {
    let mut found = Vec::new();
    walk(dataset, path, (path, 0), &mut (0, &mut found))?;
    found.sort_by(|a, b| a.inside.cmp(&b.inside));
    let splits: BTreeSet<&str> = found.iter().map(|file| file.split.as_str()).collect();
    let names = || splits.iter().map(|split| (*split).to_owned()).collect();
    let split = match asked {
        Some(split) => split.to_owned(),
        None if pick_native(dataset, (split::ALL, None), &found).is_some() => split::ALL.to_owned(),
        None => match splits.iter().collect::<Vec<_>>().as_slice() {
            [only] => (**only).to_owned(),
            [] => return Err(none(dataset, path, "any", Vec::new())),
            _ => {
                let (path, dataset) = (path.to_owned(), dataset.id().to_owned());
                return Err(IngestError::SplitNotSaid { path, dataset, found: names() });
            }
        },
    };
    let files = match pick_native(dataset, (&split, word), &found) {
        Some(files) => files,
        None => pick(dataset, path, (&split, word), &found)?
            .ok_or_else(|| none(dataset, path, &split, names()))?,
    };
    Ok(SplitFiles { split, files })
}

fn none(dataset: &dyn Dataset, path: &Path, split: &str, found: Vec<String>) -> IngestError {
    let (path, dataset, split) = (path.to_owned(), dataset.id().to_owned(), split.to_owned());
    IngestError::NoSplit { path, dataset, split, found }
}

/// Collects the readable files of a folder and the folders in it.
fn walk(
    dataset: &dyn Dataset,
    root: &Path,
    (folder, depth): (&Path, usize),
    (seen, found): &mut (usize, &mut Vec<FolderFile>),
) -> Result<(), IngestError> {
    for entry in std::fs::read_dir(folder).map_err(IngestError::io(folder))? {
        let path = entry.map_err(IngestError::io(folder))?.path();
        *seen += 1;
        if *seen > FOLDER_ENTRIES {
            return Err(IngestError::TooManyEntries { path: root.to_owned(), limit: FOLDER_ENTRIES });
        }
        // A link to nothing is no file of ours.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if metadata.is_dir() && !hidden && depth < DEPTH {
            walk(dataset, root, (&path, depth + 1), &mut (*seen, found))?;
        } else if metadata.is_file() && !hidden && format(dataset, &path).is_ok() {
            let parts = path.strip_prefix(root).unwrap_or(&path).components();
            let inside: Vec<_> = parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
            let name = split::parse_file_name(&path);
            let split = name.split.unwrap_or_else(|| split::ALL.to_owned());
            found.push(FolderFile {
                inside: inside.join("/"),
                split,
                word: name.word,
                part: name.part,
                path,
            });
        }
    }
    Ok(())
}

/// The files that the authors' names say, in order of preference. Of several that lie equally deep, those
/// that spell the split as it was asked for come first: `MMLU` has `dev` and `val`.
fn pick_native(
    dataset: &dyn Dataset,
    (split, word): (&str, Option<&str>),
    found: &[FolderFile],
) -> Option<Vec<PathBuf>> {
    let patterns = dataset.native_files().iter().filter(|(name, _)| *name == split);
    let files = |pattern: &&str| -> Vec<&FolderFile> {
        found.iter().filter(|file| matches(pattern, &file.inside)).collect()
    };
    let matched: Vec<Vec<&FolderFile>> = patterns
        .flat_map(|(_, patterns)| patterns.iter())
        .map(files)
        .filter(|files| !files.is_empty())
        .collect();
    let least = matched.iter().map(|files| files[0].depth()).min()?;
    let spelled = |files: &&Vec<&FolderFile>| files[0].depth() == least && files[0].word.as_deref() == word;
    let chosen = word.and_then(|_| matched.iter().find(spelled)).or_else(|| matched.first())?;
    Some(chosen.iter().map(|file| file.path.clone()).collect())
}

/// Whether a path inside the folder is what a pattern says; one `*` stands for anything but `/`.
fn matches(pattern: &str, inside: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == inside,
        Some((before, after)) => inside
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|middle| !middle.contains('/')),
    }
}

/// The files of a split in the folder that is likeliest meant: the dataset's own configuration, else
/// the nearest.
fn pick(
    dataset: &dyn Dataset,
    path: &Path,
    (split, word): (&str, Option<&str>),
    found: &[FolderFile],
) -> Result<Option<Vec<PathBuf>>, IngestError> {
    let of_split = |file: &&FolderFile| file.split == split || stem(file.name()) == split;
    let mut groups: BTreeMap<&str, Vec<&FolderFile>> = BTreeMap::new();
    for file in found.iter().filter(of_split) {
        groups.entry(file.folder()).or_default().push(file);
    }
    let config = dataset.hub().map(|hub| hub.config);
    let of_config = |folder: &str| folder.split('/').any(|part| Some(part) == config);
    let depth = |folder: &str| folder.split('/').filter(|part| !part.is_empty()).count();
    let rank = |folder: &str| (!of_config(folder), depth(folder));
    let Some(best) = groups.keys().map(|folder| rank(folder)).min() else { return Ok(None) };
    let chosen: Vec<&Vec<&FolderFile>> =
        groups.iter().filter(|(folder, _)| rank(folder) == best).map(|(_, files)| files).collect();
    let ambiguous = || IngestError::Ambiguous {
        path: path.to_owned(),
        dataset: dataset.id().to_owned(),
        split: split.to_owned(),
        found: chosen.iter().flat_map(|files| files.iter().map(|file| file.inside.clone())).collect(),
    };
    if chosen.len() > 1 && !dataset.many_files() {
        return Err(ambiguous());
    }
    let mut files = Vec::new();
    for group in &chosen {
        files.extend(parts(path, split, &one_spelling(group, word))?.ok_or_else(ambiguous)?);
    }
    Ok(Some(files))
}

/// The files that spell their split in one way: as asked for, else in the first of the known ways.
fn one_spelling<'a>(files: &[&'a FolderFile], asked: Option<&str>) -> Vec<&'a FolderFile> {
    let mut spellings = asked.into_iter().chain(split::SPELLINGS);
    let with = |word: &str| -> Vec<&'a FolderFile> {
        files.iter().copied().filter(|file| file.word.as_deref() == Some(word)).collect()
    };
    spellings
        .find_map(|word| Some(with(word)).filter(|files| !files.is_empty()))
        .unwrap_or_else(|| files.to_vec())
}

fn stem(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The one file of a folder, or all parts of the split in their order; `None` if it is not clear.
fn parts(path: &Path, split: &str, files: &[&FolderFile]) -> Result<Option<Vec<PathBuf>>, IngestError> {
    if let [only] = files
        && only.part.is_none_or(|part| part.count <= 1 && part.index == 0)
    {
        return Ok(Some(vec![only.path.clone()]));
    }
    let mut numbered: Vec<(FilePart, &&FolderFile)> =
        files.iter().filter_map(|file| Some((file.part?, file))).collect();
    numbered.sort_by_key(|(part, _)| *part);
    let Some((last, _)) = numbered.last() else { return Ok(None) };
    let count = if last.count == 0 { last.index + 1 } else { last.count };
    let same = numbered.iter().all(|(part, _)| part.count == last.count);
    let distinct = numbered.windows(2).all(|pair| pair[0].0.index != pair[1].0.index);
    if numbered.len() != files.len() || !same || !distinct {
        return Ok(None);
    }
    if numbered.len() as u64 != u64::from(count) {
        let (path, split) = (path.to_owned(), split.to_owned());
        return Err(IngestError::MissingPart { path, split, found: numbered.len(), parts: count });
    }
    Ok(Some(numbered.into_iter().map(|(_, file)| file.path.clone()).collect()))
}
