//! A file that a selection chose.

/// A file of a source, by its name, with the config and the split that its layout says it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SelectedFile {
    pub(crate) name: String,
    pub(crate) config: Option<String>,
    pub(crate) split: Option<String>,
}

impl SelectedFile {
    pub(crate) fn plain(name: &str) -> Self {
        Self { name: name.to_owned(), config: None, split: None }
    }
}
