//! A source as a plan writes it: a local path, or `hf://` and a repository.

use std::fmt;
use std::path::PathBuf;

use crate::error::HubError;
use crate::name::{check_file_name, check_revision, is_repository_part};

/// The branch that is meant where none is named.
pub const DEFAULT_REVISION: &str = "main";

/// Where files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// A file or a folder of this machine.
    Local(PathBuf),
    /// A repository of a hub.
    Hub(HubSource),
}

/// What kind of repository a hub holds; each has its own name space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepositoryKind {
    /// `hf://datasets/OWNER/NAME`.
    Dataset,
    /// `hf://OWNER/NAME`.
    Model,
}

/// A repository at a revision, or a file or folder in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSource {
    /// Dataset or model.
    pub kind: RepositoryKind,
    /// `OWNER/NAME`, in the case it was written in.
    pub repository: String,
    /// A branch, a tag or a commit.
    pub revision: String,
    /// The file or folder inside, if only that is meant.
    pub path: Option<String>,
}

impl FileSource {
    /// Reads a source.
    ///
    /// `hf://datasets/OWNER/NAME`, `hf://OWNER/NAME` (a model; `hf://models/OWNER/NAME` too), each with
    /// `@REVISION` and `/PATH/INSIDE` where wanted. A revision ends at the next slash, but for
    /// `refs/convert/NAME` and `refs/pr/NUMBER`; other slashes in it are written `%2F`. Anything that
    /// does not begin with `hf://` is a local path, taken as it stands.
    ///
    /// # Errors
    /// [`HubError::Source`] for an empty text, another scheme, and names that no hub allows.
    pub fn parse(text: &str) -> Result<Self, HubError> {
        let refused = |problem| HubError::Source { text: text.to_owned(), problem };
        if text.is_empty() {
            return Err(refused("it is empty"));
        }
        if text.chars().any(char::is_control) {
            return Err(refused("it holds a control character"));
        }
        match text.split_once("://") {
            Some(("hf", rest)) => HubSource::parse(rest).map(Self::Hub).map_err(refused),
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Err(refused("only `hf://` sources and local paths are known"))
            }
            _ => Ok(Self::Local(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for FileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Hub(source) => source.fmt(f),
        }
    }
}

impl HubSource {
    fn parse(rest: &str) -> Result<Self, &'static str> {
        if rest.contains('\\') {
            return Err("it holds a backslash");
        }
        let (kind, rest) = match rest.split_once('/') {
            Some(("datasets", rest)) => (RepositoryKind::Dataset, rest),
            Some(("models", rest)) => (RepositoryKind::Model, rest),
            Some(("spaces", _)) => return Err("spaces hold programs, not data"),
            _ => (RepositoryKind::Model, rest),
        };
        let (owner, rest) = rest.split_once('/').ok_or("write `OWNER/NAME`")?;
        let end = rest.find(['/', '@']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        if !is_repository_part(owner) || !is_repository_part(name) {
            return Err(
                "owner and name are 1 to 96 letters, digits, `.`, `_` or `-`, and neither begins or \
                        ends with `.` or `-` or has two of them in a row",
            );
        }
        let (revision, path) = match rest.strip_prefix('@') {
            Some(rest) => split_revision(rest),
            None => (DEFAULT_REVISION.to_owned(), rest),
        };
        check_revision(&revision)?;
        let path = path.strip_prefix('/').map(|path| path.strip_suffix('/').unwrap_or(path));
        let path = path.filter(|path| !path.is_empty());
        path.map_or(Ok(()), check_file_name)?;
        Ok(Self { kind, repository: format!("{owner}/{name}"), revision, path: path.map(str::to_owned) })
    }

    /// The same repository at another revision.
    pub(crate) fn at(&self, revision: &str) -> Self {
        Self { revision: revision.to_owned(), ..self.clone() }
    }

    /// Its folder in the cache, as all tools of the hub call it.
    pub(crate) fn folder_name(&self) -> String {
        let kind = match self.kind {
            RepositoryKind::Dataset => "datasets",
            RepositoryKind::Model => "models",
        };
        format!("{kind}--{}", self.repository.replace('/', "--"))
    }

    /// The parts of its address for people, and of those of its files.
    pub(crate) fn page(&self) -> impl Iterator<Item = &str> {
        let kind = match self.kind {
            RepositoryKind::Dataset => Some("datasets"),
            RepositoryKind::Model => None,
        };
        kind.into_iter().chain(self.repository.split('/'))
    }

    /// The parts of its address for programs.
    pub(crate) fn api(&self) -> impl Iterator<Item = &str> {
        let kind = match self.kind {
            RepositoryKind::Dataset => "datasets",
            RepositoryKind::Model => "models",
        };
        ["api", kind].into_iter().chain(self.repository.split('/'))
    }
}

impl fmt::Display for HubSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RepositoryKind::Dataset => "datasets/",
            RepositoryKind::Model => "",
        };
        let own_slashes = well_known(&self.revision).is_some_and(|end| end == self.revision.len());
        let revision = if own_slashes { self.revision.clone() } else { self.revision.replace('/', "%2F") };
        write!(f, "hf://{kind}{}@{revision}", self.repository)?;
        self.path.as_ref().map_or(Ok(()), |path| write!(f, "/{path}"))
    }
}

/// The revision, with its slashes, and what comes after it.
fn split_revision(text: &str) -> (String, &str) {
    let end = well_known(text).or_else(|| text.find('/')).unwrap_or(text.len());
    let (revision, rest) = text.split_at(end);
    (revision.replace("%2F", "/").replace("%2f", "/"), rest)
}

/// Where `refs/convert/NAME` or `refs/pr/NUMBER` ends, if the text begins with one.
fn well_known(text: &str) -> Option<usize> {
    let prefix = ["refs/convert/", "refs/pr/"].into_iter().find(|prefix| text.starts_with(prefix))?;
    let name = &text[prefix.len()..];
    Some(prefix.len() + name.find('/').unwrap_or(name.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hub(text: &str) -> HubSource {
        match FileSource::parse(text) {
            Ok(FileSource::Hub(source)) => source,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn repositories_are_read_with_revision_and_path() {
        for (text, kind, repository, revision, path) in [
            ("hf://datasets/openai/gsm8k", RepositoryKind::Dataset, "openai/gsm8k", "main", None),
            ("hf://datasets/openai/gsm8k@main", RepositoryKind::Dataset, "openai/gsm8k", "main", None),
            (
                "hf://meta-llama/Llama-3.2-1B@v1.0",
                RepositoryKind::Model,
                "meta-llama/Llama-3.2-1B",
                "v1.0",
                None,
            ),
            ("hf://models/o/n", RepositoryKind::Model, "o/n", "main", None),
            (
                "hf://datasets/o/n/data/x.parquet",
                RepositoryKind::Dataset,
                "o/n",
                "main",
                Some("data/x.parquet"),
            ),
            ("hf://datasets/o/n@abc/data/", RepositoryKind::Dataset, "o/n", "abc", Some("data")),
            (
                "hf://datasets/o/n@refs/convert/parquet/main/test",
                RepositoryKind::Dataset,
                "o/n",
                "refs/convert/parquet",
                Some("main/test"),
            ),
            ("hf://datasets/o/n@feature%2Fx/y", RepositoryKind::Dataset, "o/n", "feature/x", Some("y")),
        ] {
            let source = hub(text);
            assert_eq!((source.kind, source.repository.as_str()), (kind, repository), "{text}");
            assert_eq!((source.revision.as_str(), source.path.as_deref()), (revision, path), "{text}");
            assert_eq!(hub(&source.to_string()), source, "{text}: what is shown can be read");
        }
    }

    #[test]
    fn what_is_no_repository_is_a_path() {
        for text in ["data/gsm8k", "/abs/x.jsonl", "C:\\data\\x", "hf:/x", "../up", "a b", "x@y"] {
            assert_eq!(FileSource::parse(text).unwrap(), FileSource::Local(PathBuf::from(text)));
        }
    }

    #[test]
    fn names_that_no_hub_allows_are_refused() {
        let long = format!("hf://datasets/o/{}", "n".repeat(97));
        for text in [
            "",
            "hf://",
            "hf://datasets",
            "hf://datasets/",
            "hf://datasets/gsm8k",
            "hf://gpt2",
            "hf://o/",
            "hf:///n",
            "hf://datasets/../n",
            "hf://datasets/o/..",
            "hf://datasets/o/n@..",
            "hf://datasets/o/n@a/../../x",
            "hf://datasets/o/n/../x",
            "hf://datasets/o/n//x",
            "hf://datasets/o\\p/n",
            "hf://datasets/o/n\u{0}",
            "hf://datasets/o/n\n",
            "hf://datasets/o/n@",
            "hf://datasets/o/n@/x",
            "hf://datasets/o/n@a%2F..%2Fb",
            "hf://spaces/o/n",
            "https://x.org/y",
            "s3://bucket/x",
            "hf://datasets/o/.n",
            "hf://datasets/-o/n",
            "hf://datasets/o/a--b",
            "hf://datasets/o/n.git",
            "hf://datasets/o/ñ",
            "hf://datasets/o/n?x",
            &long,
            "hf://datasets/o/n@a b",
            "hf://datasets/o/n@main/C:/x",
            "hf://datasets/o/n@%2Fetc",
        ] {
            assert!(matches!(FileSource::parse(text), Err(HubError::Source { .. })), "{text:?} was read");
        }
    }

    #[test]
    fn a_refusal_shows_no_control_character() {
        let message = FileSource::parse("hf://datasets/o/n\u{1b}[31m").unwrap_err().to_string();
        assert!(!message.contains('\u{1b}'), "{message:?}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_nothing_read_escapes(text in "(hf://)?(datasets/)?[a-zA-Z./@%2F:_ -]{0,40}|\\PC{0,30}") {
            if let Ok(FileSource::Hub(source)) = FileSource::parse(&text) {
                for part in [Some(&source.repository), Some(&source.revision), source.path.as_ref()].into_iter().flatten() {
                    prop_assert!(part.split('/').all(|piece| !piece.is_empty() && piece != "." && piece != ".."));
                }
                prop_assert_eq!(hub(&source.to_string()), source);
            }
        }
    }
}
