//! Why no files of a source could be chosen, with what is there instead.

use std::fmt;

/// How many names a message shows.
const SHOWN: usize = 10;

/// What is missing or unclear, and what is there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// A pattern that is none.
    #[error("`{pattern}` is not a file pattern")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The cause.
        #[source]
        source: glob::PatternError,
    },
    /// A pattern that matches nothing.
    #[error("no file matches `{pattern}`; there is {found}")]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// The files that are there.
        found: Names,
    },
    /// The file or folder that the source names inside the repository.
    #[error("there is no file or folder `{path}`; there is {found}")]
    NoPath {
        /// What was named.
        path: String,
        /// The files that are there.
        found: Names,
    },
    /// Nothing at all.
    #[error("there are no files")]
    Empty,
    /// No Parquet file.
    #[error("there is no Parquet file{advice}; there is {found}")]
    NoParquet {
        /// Where else was looked, or where else to look.
        advice: &'static str,
        /// The files that are there.
        found: Names,
    },
    /// No such config.
    #[error("there is no config `{requested}`; there is {known}")]
    NoConfig {
        /// The config that was requested.
        requested: String,
        /// The configs that are there.
        known: Names,
    },
    /// Several configs and none named.
    #[error("say which config is meant: {known}")]
    WhichConfig {
        /// The configs that are there.
        known: Names,
    },
    /// No such split.
    #[error("there is no split `{requested}`; there is {known}")]
    NoSplit {
        /// The split that was requested.
        requested: String,
        /// The splits of the config.
        known: Names,
    },
    /// Several splits go by this name.
    #[error("`{requested}` may mean any of the splits {known}: say which")]
    WhichSplit {
        /// The split that was requested.
        requested: String,
        /// The splits that it may mean.
        known: Names,
    },
    /// One of the files of a split is not there.
    #[error("split `{split}` has {count} files, of which number {missing} (counted from 0) is not there")]
    MissingShard {
        /// The split.
        split: String,
        /// How many its file names say there are.
        count: u32,
        /// The first that is missing.
        missing: u32,
    },
    /// File names that contradict each other.
    #[error("`{first}` and `{second}` are the same part of split `{split}`: name one of them")]
    TwoShards {
        /// The split.
        split: String,
        /// A file.
        first: String,
        /// Another.
        second: String,
    },
    /// The hub converted only the beginning of a large dataset.
    #[error(
        "the hub's Parquet copy holds only the beginning of split `{split}` (`{file}`): name that file if it will do"
    )]
    PartialCopy {
        /// The split.
        split: String,
        /// A file of it.
        file: String,
    },
    /// A name that would lead out of the folder it is put in.
    #[error("the server names a file `{}`: {problem}", name.escape_debug())]
    HostileName {
        /// The name.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Names for a message, in order; only the first few are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        Self(names.into_iter().map(str::to_owned).collect())
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (index, name) in self.0.iter().take(SHOWN).enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{}`", name.escape_debug())?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
