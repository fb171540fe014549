//! Names of splits, and what a file's name says about the split that it holds.

use std::path::Path;

use crate::error::IngestError;

/// The split of files that belong to none.
pub(crate) const ALL: &str = "all";
/// The split of files for choosing among models, however they call it.
pub(crate) const VALIDATION: &str = "validation";

/// Maximum length of a name of a split.
const NAME_BYTES: usize = 64;

/// The one name of a split: `dev`, `val`, `valid` and `validation` are the same.
pub(crate) fn canonical(name: &str) -> Result<String, IngestError> {
    let name = name.trim().to_lowercase();
    let fits = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
    if name.is_empty() || name.len() > NAME_BYTES || !name.chars().all(fits) {
        return Err(IngestError::SplitName { split: name.chars().take(NAME_BYTES).collect() });
    }
    Ok(known(&name).map_or(name, str::to_owned))
}

/// The one name of a split that is known by several, or is one of the usual.
fn known(name: &str) -> Option<&'static str> {
    Some(match name {
        "dev" | "val" | "valid" | "validation" => VALIDATION,
        "train" | "training" => "train",
        "test" | "tests" => "test",
        "all" => ALL,
        "auxiliary_train" => "auxiliary_train",
        _ => return None,
    })
}

/// One of several files of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FilePart {
    /// Its number, from 0.
    pub(crate) index: u32,
    /// How many there are; 0 = the name does not say.
    pub(crate) count: u32,
}

/// Spellings of the validation split, the first of several in one folder going before the others.
pub(crate) const SPELLINGS: [&str; 4] = [VALIDATION, "val", "valid", "dev"];

/// What a file's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName {
    pub(crate) split: Option<String>,
    /// The word that says so, as it is spelled.
    pub(crate) word: Option<String>,
    /// Which part of it the file is.
    pub(crate) part: Option<FilePart>,
}

/// Reads a file's name: `test-00000-of-00002.parquet`, `test/0000.parquet`, `coqa-dev-v1.0.json`.
pub(crate) fn parse_file_name(path: &Path) -> FileName {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    if let Some((name, part)) = shard(&stem) {
        return parse_stem(name, Some(part));
    }
    if !stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_digit()) {
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let part = stem.parse().ok().map(|index| FilePart { index, count: 0 });
        return parse_stem(&folder.to_lowercase(), part);
    }
    parse_stem(&stem, None)
}

/// `NAME-00000-of-00002`.
fn shard(stem: &str) -> Option<(&str, FilePart)> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (name, index) = rest.rsplit_once('-')?;
    let number = |digits: &str| (digits.len() == 5).then(|| digits.parse::<u32>().ok()).flatten();
    Some((name, FilePart { index: number(index)?, count: number(count)? }))
}

/// The first word of a name that names a split.
fn parse_stem(stem: &str, part: Option<FilePart>) -> FileName {
    let mut words = std::iter::once(stem).chain(stem.split(|c: char| !c.is_alphanumeric()));
    let found = words.find_map(|word| Some((known(word)?, word)));
    let (split, word) = found.map(|(split, word)| (split.to_owned(), word.to_owned())).unzip();
    FileName { split, word, part }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_of_file_names() {
        let part = |index, count| Some(FilePart { index, count });
        for (path, split, expected) in [
            ("dev.json", Some("validation"), None),
            ("tests.jsonl", Some("test"), None),
            ("hellaswag_val_full.txt", Some("validation"), None),
            ("coqa-dev-v1.0.json", Some("validation"), None),
            ("test_rand_split_no_answers.jsonl", Some("test"), None),
            ("winogrande/train_xs.jsonl", Some("train"), None),
            ("SVAMP.json", None, None),
            ("test/0001.parquet", Some("test"), part(1, 0)),
            ("data/validation-00000-of-00002.parquet", Some("validation"), part(0, 2)),
            ("auxiliary_train-00000-of-00001.parquet", Some("auxiliary_train"), part(0, 1)),
            ("latest.jsonl", None, None),
        ] {
            let name = parse_file_name(Path::new(path));
            assert_eq!((name.split.as_deref(), name.part), (split, expected), "{path}");
        }
    }

    #[test]
    fn spellings_are_one_split() {
        for name in ["dev", "val", "Valid", "validation"] {
            assert_eq!(canonical(name).unwrap(), VALIDATION);
        }
        assert_eq!(canonical("train_xs").unwrap(), "train_xs");
        for name in ["", "a/b", "a b", "x\ny", &"x".repeat(65)] {
            assert!(canonical(name).is_err(), "{name:?}");
        }
    }
}
