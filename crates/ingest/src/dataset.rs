//! What a dataset is to this crate: how its rows become questions.

use std::fmt;

use plimsoll_core::AnswerKind;

use crate::cell::Cell;
use crate::draft::{Draft, Drafts};
use crate::reason::RejectReason;

/// Where a dataset lies on the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hub {
    /// The repository (`openai/gsm8k`).
    pub repository: &'static str,
    /// The configuration (`main`).
    pub config: &'static str,
}

/// A form in which a dataset is known: the fields that tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetForm<'a> {
    /// Its name (`native`, `hub`).
    pub name: &'a str,
    /// Fields that every row has; a dot goes into an object.
    pub fields: Vec<&'a str>,
}

impl<'a> DatasetForm<'a> {
    /// A form with these fields.
    pub fn new(name: &'a str, fields: &[&'a str]) -> Self {
        Self { name, fields: fields.to_vec() }
    }
}

/// Native file names of a split, in order of preference; one `*` stands for anything but `/`.
pub type NativeFiles = (&'static str, &'static [&'static str]);

/// A dataset: one file under [`datasets`](mod@crate::datasets) and one line in [`crate::DATASETS`].
///
/// An adapter sees one row at a time, as a [`Cell`], and does not see where it comes from: it tells the
/// form by the fields that are there.
pub trait Dataset: fmt::Debug + Sync {
    /// Its id (`gsm8k`).
    fn id(&self) -> &str;

    /// Its name in texts for people (`GSM8K`).
    fn name(&self) -> &str;

    /// Its domain: `math`, `commonsense`, `conversational`, `problem_solving`, or the user's own.
    fn domain(&self) -> &str;

    /// What kind of answer its questions have.
    fn answer_kind(&self) -> AnswerKind;

    /// Its licence, as far as it is known.
    fn licence(&self) -> &str;

    /// Where it lies on the hub.
    fn hub(&self) -> Option<Hub> {
        None
    }

    /// The forms that are read.
    fn forms(&self) -> Vec<DatasetForm<'_>>;

    /// What its prompts say before the question, if the question alone does not say what to do.
    fn task(&self) -> Option<&str> {
        None
    }

    /// The authors' file names, for folders.
    fn native_files(&self) -> &[NativeFiles] {
        &[]
    }

    /// Whether a split is many files, one a subject.
    fn many_files(&self) -> bool {
        false
    }

    /// What follows the stem of a data file in the name of its label file.
    fn label_suffix(&self) -> Option<&str> {
        None
    }

    /// Names of the columns of its CSV files, if these have no header.
    fn csv_header(&self) -> Option<&[&str]> {
        None
    }

    /// The fields of its text form, one a line.
    fn text_fields(&self) -> Option<&[&str]> {
        None
    }

    /// Reads a row.
    ///
    /// # Errors
    /// A [`RejectReason`] for a row that gives no question.
    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason>;

    /// The part of a source within which rows are numbered for their ids, if it has such parts: the
    /// subjects of `MMLU`. Asked of every row, of those that cannot be read with fields of
    /// [`Cell::Null`].
    fn section(&self, _record: &RowContext<'_>) -> Option<String> {
        None
    }

    /// Reads what stands in the file as one piece and is several rows: the turns of a story.
    fn drafts(&self, record: &RowContext<'_>, drafts: &mut Drafts) {
        drafts.push(self.draft(record));
    }

    /// Looks over all drafts of a source, in order, where a cluster shows only across rows.
    fn relate(&self, _drafts: &mut [&mut Draft]) {}
}

/// A row with its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct RowContext<'a> {
    /// The row.
    pub fields: &'a Cell,
    /// Its label in the label file beside the data file.
    pub beside: Option<&'a str>,
    /// The data file's name without folders and extension.
    pub stem: &'a str,
}

impl<'a> RowContext<'a> {
    /// A field, `None` if it is absent or null.
    pub fn optional(&self, path: &str) -> Option<&'a Cell> {
        self.fields.at(path).filter(|cell| **cell != Cell::Null)
    }

    /// Whether a field is there, be it null.
    pub fn has(&self, path: &str) -> bool {
        self.fields.at(path).is_some()
    }

    /// A field.
    ///
    /// # Errors
    /// [`RejectReason::Missing`].
    pub fn field(&self, path: &str) -> Result<&'a Cell, RejectReason> {
        self.optional(path).ok_or_else(|| RejectReason::Missing { field: path.to_owned() })
    }

    /// A text, trimmed.
    ///
    /// # Errors
    /// The field is missing, no text, or blank.
    pub fn text(&self, path: &str) -> Result<&'a str, RejectReason> {
        let cell = self.field(path)?;
        let text = cell.text().ok_or_else(|| wrong_type(path, cell, "a text"))?.trim();
        if text.is_empty() { Err(RejectReason::Blank { field: path.to_owned() }) } else { Ok(text) }
    }

    /// A list of texts, trimmed; blank ones stay.
    ///
    /// # Errors
    /// The field is missing, no list, or has entries that are no texts.
    pub fn texts(&self, path: &str) -> Result<Vec<&'a str>, RejectReason> {
        self.column(path, "")
    }

    /// One text of each entry of a list, trimmed, be it a list of structs or a struct of lists.
    ///
    /// # Errors
    /// The field is missing, no list, or has entries that are no texts.
    pub fn column(&self, path: &str, name: &str) -> Result<Vec<&'a str>, RejectReason> {
        let cell = self.field(path)?;
        let entries = cell.column(name).ok_or_else(|| wrong_type(path, cell, "a list"))?;
        let text =
            |entry: &&'a Cell| entry.text().map(str::trim).ok_or_else(|| wrong_type(path, entry, "a text"));
        entries.iter().map(text).collect()
    }

    /// The label: of the row where it has one, else of the label file.
    ///
    /// # Errors
    /// [`RejectReason::Unlabelled`] where neither has one, [`RejectReason::LabelConflict`] where they differ.
    pub fn label(&self, path: &str) -> Result<String, RejectReason> {
        // The hub's files have "" or -1 where the test labels are kept back.
        let own = self.scalar(path)?.filter(|label| label != "-1");
        let beside = self.beside.filter(|label| !label.is_empty());
        match (own, beside) {
            (None, None) => Err(RejectReason::Unlabelled),
            (Some(own), Some(beside)) if own != beside => {
                Err(RejectReason::LabelConflict { row: own, label: beside.to_owned() })
            }
            (Some(label), _) => Ok(label),
            (None, Some(label)) => Ok(label.to_owned()),
        }
    }

    /// An answer that is no label: a number or a text.
    ///
    /// # Errors
    /// [`RejectReason::Unlabelled`] where there is none.
    pub fn answer(&self, path: &str) -> Result<String, RejectReason> {
        self.scalar(path)?.ok_or(RejectReason::Unlabelled)
    }

    /// The text of a scalar, `None` if it is absent or blank.
    fn scalar(&self, path: &str) -> Result<Option<String>, RejectReason> {
        match self.optional(path) {
            None => Ok(None),
            Some(cell) => {
                let text = cell.scalar().ok_or_else(|| wrong_type(path, cell, "one value"))?;
                Ok(Some(text).filter(|text| !text.is_empty()))
            }
        }
    }
}

/// A field that is of another type than it should be.
pub(crate) fn wrong_type(field: &str, cell: &Cell, expected: &'static str) -> RejectReason {
    RejectReason::WrongType { field: field.to_owned(), found: cell.kind(), expected }
}
