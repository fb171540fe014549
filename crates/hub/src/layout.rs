//! Which Parquet files make up a split of a config, in the ways that repositories are laid out:
//!
//! - `CONFIG/SPLIT-00000-of-00002.parquet`, `data/SPLIT-00000-of-00002-0123456789abcdef.parquet`
//! - `CONFIG/SPLIT/0000.parquet`, the hub's own copy
//! - `CONFIG/SPLIT.parquet`, `SPLIT.parquet`

use std::collections::{BTreeMap, BTreeSet};

use crate::selected_file::SelectedFile;
use crate::selection_error::{Names, SelectionError};

const EXTENSION: &str = ".parquet";
/// What the hub puts before a split of which it converted only the beginning.
const PARTIAL: &str = "partial-";
/// Names of a config that stand for "the only one".
const DEFAULT_CONFIG: &str = "default";
/// A folder that is no config.
const DATA: &str = "data";

/// What the name of a Parquet file says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ParquetPart<'a> {
    name: &'a str,
    config: String,
    split: &'a str,
    /// Number, and how many there are where the name says so.
    shard: Option<(u32, Option<u32>)>,
}

/// Whether this is the name of a Parquet file.
pub(crate) fn is_parquet(name: &str) -> bool {
    name.ends_with(EXTENSION)
}

/// The files of a config and a split; of all splits where none is named, of the only config where none
/// is named. Names must be those of Parquet files.
pub(crate) fn choose_parquet<'a>(
    names: impl Iterator<Item = &'a str>,
    config: Option<&str>,
    split: Option<&str>,
) -> Result<Vec<SelectedFile>, SelectionError> {
    let parts: Vec<ParquetPart<'_>> = names.map(ParquetPart::read).collect();
    let parts = filter_config(parts, config)?;
    let parts = filter_split(parts, split)?;
    let mut splits: BTreeMap<&str, Vec<&ParquetPart<'_>>> = BTreeMap::new();
    for part in &parts {
        splits.entry(part.split).or_default().push(part);
    }
    splits.iter().try_for_each(|(split, parts)| check_whole(split, parts))?;
    let chosen = |part: &ParquetPart<'_>| SelectedFile {
        name: part.name.to_owned(),
        config: Some(part.config.clone()).filter(|config| !config.is_empty()),
        split: Some(part.split.to_owned()),
    };
    Ok(parts.iter().map(chosen).collect())
}

impl<'a> ParquetPart<'a> {
    fn read(name: &'a str) -> Self {
        let path = name.strip_suffix(EXTENSION).unwrap_or(name);
        let (folders, stem) = path.rsplit_once('/').unwrap_or(("", path));
        let (folders, split, shard) = if let Some((split, number, count)) = numbered(stem) {
            (folders, split, Some((number, Some(count))))
        } else if let (Some(number), false) = (number(stem), folders.is_empty()) {
            let (folders, split) = folders.rsplit_once('/').unwrap_or(("", folders));
            (folders, split, Some((number, None)))
        } else {
            (folders, stem, None)
        };
        let config = if folders == DATA { "" } else { folders.strip_prefix("data/").unwrap_or(folders) };
        Self { name, config: config.to_owned(), split, shard }
    }
}

/// `SPLIT-00000-of-00002`, with or without a hash after it.
fn numbered(stem: &str) -> Option<(&str, u32, u32)> {
    let (stem, tail) = stem.rsplit_once("-of-")?;
    let count = tail.split_once('-').map_or(tail, |(count, _)| count);
    let (split, index) = stem.rsplit_once('-')?;
    Some((split, number(index)?, number(count)?)).filter(|(split, ..)| !split.is_empty())
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn filter_config<'a>(
    parts: Vec<ParquetPart<'a>>,
    requested: Option<&str>,
) -> Result<Vec<ParquetPart<'a>>, SelectionError> {
    let known: BTreeSet<String> = parts.iter().map(|part| part.config.clone()).collect();
    let shown =
        || known.iter().map(|config| if config.is_empty() { DEFAULT_CONFIG } else { config }).collect();
    let wanted = match requested {
        Some(requested) if known.contains(requested) => requested.to_owned(),
        Some(DEFAULT_CONFIG) if known.contains("") => String::new(),
        Some(requested) => {
            return Err(SelectionError::NoConfig { requested: requested.to_owned(), known: shown() });
        }
        None => match known.first() {
            Some(only) if known.len() == 1 => only.clone(),
            _ => return Err(SelectionError::WhichConfig { known: shown() }),
        },
    };
    Ok(parts.into_iter().filter(|part| part.config == wanted).collect())
}

fn filter_split<'a>(
    parts: Vec<ParquetPart<'a>>,
    requested: Option<&str>,
) -> Result<Vec<ParquetPart<'a>>, SelectionError> {
    if let Some(part) = parts.iter().find(|part| is_partial(part, requested)) {
        return Err(SelectionError::PartialCopy {
            split: part.split[PARTIAL.len()..].to_owned(),
            file: part.name.to_owned(),
        });
    }
    let Some(requested) = requested else { return Ok(parts) };
    let known: BTreeSet<&str> = parts.iter().map(|part| part.split).collect();
    let wanted = if let Some(same) = known.get(requested) {
        *same
    } else {
        let meant: Vec<&str> =
            known.iter().copied().filter(|split| spelling(split) == spelling(requested)).collect();
        match meant[..] {
            [] => {
                return Err(SelectionError::NoSplit {
                    requested: requested.to_owned(),
                    known: known.into_iter().collect(),
                });
            }
            [only] => only,
            _ => {
                return Err(SelectionError::WhichSplit {
                    requested: requested.to_owned(),
                    known: meant.into_iter().collect(),
                });
            }
        }
    };
    Ok(parts.into_iter().filter(|part| part.split == wanted).collect())
}

/// Whether a part is of a partial copy of the split that is requested.
fn is_partial(part: &ParquetPart<'_>, requested: Option<&str>) -> bool {
    let split = part.split.strip_prefix(PARTIAL).filter(|_| matches!(part.shard, Some((_, None))));
    split.is_some_and(|split| requested.is_none_or(|requested| spelling(requested) == spelling(split)))
}

/// One spelling for those of the same split.
fn spelling(split: &str) -> &str {
    match split {
        "dev" | "val" | "valid" | "validation" => "validation",
        _ => split,
    }
}

/// Whether the parts of a split are all there, each once.
fn check_whole(split: &str, parts: &[&ParquetPart<'_>]) -> Result<(), SelectionError> {
    let mut seen: BTreeMap<Option<u32>, &str> = BTreeMap::new();
    for part in parts {
        if let Some(first) = seen.insert(part.shard.map(|(number, _)| number), part.name) {
            let (first, second) = (first.to_owned(), part.name.to_owned());
            return Err(SelectionError::TwoShards { split: split.to_owned(), first, second });
        }
    }
    if let (Some(whole), Some(part)) = (seen.get(&None), seen.iter().find(|(number, _)| number.is_some())) {
        let (first, second) = ((*whole).to_owned(), (*part.1).to_owned());
        return Err(SelectionError::TwoShards { split: split.to_owned(), first, second });
    }
    // Without a count in the names, the highest number is a lower bound.
    let counts = parts.iter().filter_map(|part| part.shard);
    let count =
        counts.map(|(number, count)| count.unwrap_or(0).max(number.saturating_add(1))).max().unwrap_or(0);
    match (0..count).find(|number| !seen.contains_key(&Some(*number))) {
        Some(missing) => Err(SelectionError::MissingShard { split: split.to_owned(), count, missing }),
        None => Ok(()),
    }
}

/// Names for a message, shortened.
pub(crate) fn shown<'a>(names: impl Iterator<Item = &'a str>) -> Names {
    names.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choose(names: &[&str], config: Option<&str>, split: Option<&str>) -> Result<Vec<String>, String> {
        let chosen = choose_parquet(names.iter().copied(), config, split);
        chosen
            .map(|files| files.into_iter().map(|file| file.name).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_layout_gives_its_split() {
        for (names, config, split, expected) in [
            (
                &[
                    "main/test-00000-of-00001.parquet",
                    "main/train-00000-of-00001.parquet",
                    "socratic/test-00000-of-00001.parquet",
                ][..],
                Some("main"),
                Some("test"),
                &["main/test-00000-of-00001.parquet"][..],
            ),
            (
                &["data/test-00000-of-00001.parquet", "data/train-00000-of-00001.parquet"],
                None,
                Some("train"),
                &["data/train-00000-of-00001.parquet"],
            ),
            (
                &["data/test-00000-of-00001.parquet"],
                Some("default"),
                Some("test"),
                &["data/test-00000-of-00001.parquet"],
            ),
            (
                &[
                    "data/train-00000-of-00002-0123456789abcdef.parquet",
                    "data/train-00001-of-00002-fedcba9876543210.parquet",
                ],
                None,
                Some("train"),
                &[
                    "data/train-00000-of-00002-0123456789abcdef.parquet",
                    "data/train-00001-of-00002-fedcba9876543210.parquet",
                ],
            ),
            (
                &["main/train/0000.parquet", "main/train/0001.parquet", "main/test/0000.parquet"],
                Some("main"),
                Some("train"),
                &["main/train/0000.parquet", "main/train/0001.parquet"],
            ),
            (&["default/validation/0000.parquet"], None, Some("dev"), &["default/validation/0000.parquet"]),
            (&["train.parquet", "test.parquet"], None, Some("test"), &["test.parquet"]),
            (
                &["data/en/test-00000-of-00001.parquet", "data/de/test-00000-of-00001.parquet"],
                Some("en"),
                None,
                &["data/en/test-00000-of-00001.parquet"],
            ),
            (
                &["all/dev-00000-of-00001.parquet", "all/validation-00000-of-00001.parquet"],
                None,
                Some("validation"),
                &["all/validation-00000-of-00001.parquet"],
            ),
            (
                &["a/challenge-set-00000-of-00001.parquet"],
                None,
                None,
                &["a/challenge-set-00000-of-00001.parquet"],
            ),
        ] {
            assert_eq!(choose(names, config, split).unwrap(), expected, "{names:?} {config:?} {split:?}");
        }
    }

    #[test]
    fn what_is_missing_or_unclear_is_named() {
        for (names, config, split, message) in [
            (
                &["main/test/0000.parquet", "socratic/test/0000.parquet"][..],
                None,
                None,
                "say which config is meant: `main`, `socratic`",
            ),
            (&["main/test/0000.parquet"], Some("x"), None, "there is no config `x`; there is `main`"),
            (&["data/test.parquet"], Some("x"), None, "there is no config `x`; there is `default`"),
            (&["main/test/0000.parquet"], None, Some("train"), "there is no split `train`; there is `test`"),
            (
                &["a/dev/0000.parquet", "a/validation/0000.parquet"],
                None,
                Some("val"),
                "`val` may mean any of the splits `dev`, `validation`: say which",
            ),
            (
                &["data/train-00000-of-00002.parquet"],
                None,
                None,
                "split `train` has 2 files, of which number 1 (counted from 0) is not there",
            ),
            (
                &["a/train/0001.parquet"],
                None,
                None,
                "split `train` has 2 files, of which number 0 (counted from 0) is not there",
            ),
            (
                &["a/train-00000-of-00001-aa.parquet", "a/train-00000-of-00001-bb.parquet"],
                None,
                None,
                "`a/train-00000-of-00001-aa.parquet` and `a/train-00000-of-00001-bb.parquet` are the same part of split `train`: name one of them",
            ),
            (
                &["a/train-00000-of-00001.parquet", "a/train.parquet"],
                None,
                None,
                "`a/train.parquet` and `a/train-00000-of-00001.parquet` are the same part of split `train`: name one of them",
            ),
            (
                &["a/partial-train/0000.parquet", "a/test/0000.parquet"],
                None,
                Some("train"),
                "the hub's Parquet copy holds only the beginning of split `train` (`a/partial-train/0000.parquet`): name that file if it will do",
            ),
        ] {
            assert_eq!(choose(names, config, split).unwrap_err(), message, "{names:?} {config:?} {split:?}");
        }
        assert_eq!(
            choose(&["a/partial-train/0000.parquet", "a/test/0000.parquet"], None, Some("test")).unwrap(),
            ["a/test/0000.parquet"]
        );
    }

    proptest! {
        #[test]
        fn any_names_are_chosen_from_or_refused(names in prop::collection::vec("([a-z]{0,3}/){0,2}[a-z0-9-]{0,3}(-[0-9]{5}-of-[0-9]{5,11})?\\.parquet|\\PC{0,12}", 0..6), split in prop::option::of("[a-z]{1,4}")) {
            let chosen = choose_parquet(names.iter().map(String::as_str), None, split.as_deref());
            for file in chosen.unwrap_or_default() {
                prop_assert!(names.contains(&file.name));
            }
        }
    }
}
