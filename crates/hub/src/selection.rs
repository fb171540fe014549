//! Which files of a source are wanted.

use glob::{MatchOptions, Pattern};

use crate::layout::{choose_parquet, is_parquet, shown};
use crate::name::check_file_name;
use crate::selected_file::SelectedFile;
use crate::selection_error::SelectionError;

/// A star does not match a slash, two do.
const MATCH: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Which files of a source are wanted. A source that is itself a file gives that file, whatever is
/// wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSelection {
    /// All.
    All,
    /// Those whose names match patterns such as `*.safetensors` or `data/**/*.csv`.
    Files {
        /// Each of these must match at least one file.
        required: Vec<String>,
        /// These may match none.
        optional: Vec<String>,
    },
    /// The Parquet files of a split. If the branch `main` of a dataset holds no Parquet file at all, the
    /// hub's own copy, the branch `refs/convert/parquet`, is read instead;
    /// [`Fetched::revision`](crate::Fetched::revision) says which.
    Parquet {
        /// The config; may be left open where there is only one.
        config: Option<String>,
        /// The split; dev, val, valid and validation are one where only one of them is there. All
        /// splits where it is left open.
        split: Option<String>,
    },
}

impl FileSelection {
    /// Files that match each of these patterns.
    pub fn files(required: &[&str]) -> Self {
        let required = required.iter().copied().map(str::to_owned).collect();
        Self::Files { required, optional: Vec::new() }
    }

    /// The Parquet files of a config and a split.
    pub fn parquet(config: Option<&str>, split: Option<&str>) -> Self {
        Self::Parquet { config: config.map(str::to_owned), split: split.map(str::to_owned) }
    }
}

/// The files that are wanted of those that are there, in the order of their names. Every name that
/// comes out of here stays below the folder that it is put in.
pub(crate) fn choose<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    selection: &FileSelection,
) -> Result<Vec<SelectedFile>, SelectionError> {
    let mut chosen = match selection {
        FileSelection::All => names.map(SelectedFile::plain).collect(),
        FileSelection::Files { required, optional } => choose_matching(names, required, optional)?,
        FileSelection::Parquet { config, split } => {
            let parquet = names.clone().filter(|name| is_parquet(name));
            if parquet.clone().next().is_none() {
                return Err(SelectionError::NoParquet { advice: "", found: shown(names) });
            }
            parquet.clone().try_for_each(check)?;
            choose_parquet(parquet, config.as_deref(), split.as_deref())?
        }
    };
    if chosen.is_empty() {
        return Err(SelectionError::Empty);
    }
    chosen.sort_by(|a, b| a.name.cmp(&b.name));
    chosen.dedup();
    chosen.iter().try_for_each(|file| check(&file.name))?;
    Ok(chosen)
}

/// The files at or below a path inside a source.
pub(crate) fn choose_below<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    path: &str,
    selection: &FileSelection,
) -> Result<Vec<SelectedFile>, SelectionError> {
    if names.clone().any(|name| name == path) {
        check(path)?;
        return Ok(vec![SelectedFile::plain(path)]);
    }
    let below = names.clone().filter_map(|name| name.strip_prefix(path)?.strip_prefix('/'));
    if below.clone().next().is_none() {
        return Err(SelectionError::NoPath { path: path.to_owned(), found: shown(names) });
    }
    let chosen = choose(below, selection)?;
    Ok(chosen
        .into_iter()
        .map(|file| SelectedFile { name: format!("{path}/{}", file.name), ..file })
        .collect())
}

fn check(name: &str) -> Result<(), SelectionError> {
    check_file_name(name).map_err(|problem| SelectionError::HostileName { name: name.to_owned(), problem })
}

fn choose_matching<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    required: &[String],
    optional: &[String],
) -> Result<Vec<SelectedFile>, SelectionError> {
    let mut chosen = Vec::new();
    let patterns =
        required.iter().map(|pattern| (pattern, true)).chain(optional.iter().map(|pattern| (pattern, false)));
    for (pattern, is_required) in patterns {
        let read = Pattern::new(pattern)
            .map_err(|source| SelectionError::Pattern { pattern: pattern.clone(), source })?;
        let before = chosen.len();
        chosen.extend(names.clone().filter(|name| read.matches_with(name, MATCH)).map(SelectedFile::plain));
        if is_required && chosen.len() == before {
            return Err(SelectionError::NoMatch { pattern: pattern.clone(), found: shown(names) });
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] =
        ["README.md", "config.json", "a/model-2.safetensors", "a/model-1.safetensors", "tokenizer.json"];

    fn chosen(selection: &FileSelection) -> Result<Vec<String>, SelectionError> {
        Ok(choose(NAMES.into_iter(), selection)?.into_iter().map(|file| file.name).collect())
    }

    #[test]
    fn patterns_choose_in_the_order_of_names_and_each_file_once() {
        let names = chosen(&FileSelection::files(&["**/*.safetensors", "config.json", "a/*"])).unwrap();
        assert_eq!(names, ["a/model-1.safetensors", "a/model-2.safetensors", "config.json"]);
        let optional =
            FileSelection::Files { required: vec!["config.json".into()], optional: vec!["*.txt".into()] };
        assert_eq!(chosen(&optional).unwrap(), ["config.json"]);
        assert_eq!(chosen(&FileSelection::All).unwrap().len(), 5);
    }

    #[test]
    fn a_pattern_without_a_file_says_what_is_there() {
        let error = chosen(&FileSelection::files(&["*.safetensors"])).unwrap_err().to_string();
        assert!(
            error.contains("no file matches `*.safetensors`; there is `README.md`, `config.json`"),
            "{error}"
        );
        assert!(matches!(chosen(&FileSelection::files(&["a/***"])), Err(SelectionError::Pattern { .. })));
        assert!(matches!(choose([].into_iter(), &FileSelection::All), Err(SelectionError::Empty)));
    }

    #[test]
    fn hostile_names_are_refused_where_they_are_wanted() {
        for name in
            ["../x.parquet", "/etc/x.parquet", "a/../../x.parquet", "c:\\x.parquet", "a\u{1b}[2J.parquet"]
        {
            for selection in
                [FileSelection::All, FileSelection::parquet(None, None), FileSelection::files(&["**"])]
            {
                let error = choose([name].into_iter(), &selection).unwrap_err();
                assert!(!error.to_string().contains('\u{1b}'), "{error}");
                if selection != FileSelection::files(&["**"]) {
                    assert!(
                        matches!(error, SelectionError::HostileName { .. }),
                        "{name:?} {selection:?}: {error}"
                    );
                }
            }
        }
        let unwanted = ["../x", "y"].into_iter();
        assert_eq!(choose(unwanted, &FileSelection::files(&["y"])).unwrap(), [SelectedFile::plain("y")]);
    }

    #[test]
    fn a_path_inside_is_a_file_or_a_folder() {
        let files = |path: &str, selection: &FileSelection| choose_below(NAMES.into_iter(), path, selection);
        assert_eq!(
            files("config.json", &FileSelection::parquet(None, None)).unwrap(),
            [SelectedFile::plain("config.json")]
        );
        assert_eq!(
            files("a", &FileSelection::files(&["*-1*"])).unwrap(),
            [SelectedFile::plain("a/model-1.safetensors")]
        );
        assert!(matches!(files("b", &FileSelection::All), Err(SelectionError::NoPath { .. })));
        assert!(matches!(files("conf", &FileSelection::All), Err(SelectionError::NoPath { .. })));
    }
}
