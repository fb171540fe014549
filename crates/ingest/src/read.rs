//! From files to questions: numbering, ids, labels, and an account of every row.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use plimsoll_core::{Choice, DatasetId, DomainId, Question, QuestionId, Seed};

use crate::cell::Cell;
use crate::dataset::{Dataset, DatasetForm, RowContext};
use crate::draft::{Draft, Drafts, shown};
use crate::error::{IngestError, MissingFields};
use crate::limits::{SOURCE_ROWS, SOURCE_TEXT_BYTES};
use crate::normal::content_hash;
use crate::reason::{RejectReason, RejectedRow};
use crate::rows::{self, RawRow};
use crate::source::{self, SplitFiles, split::canonical};

/// What became of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingested {
    /// Rows that are questions, in the order of the files.
    pub questions: Vec<Question>,
    /// Rows that are not, with reasons.
    pub refused: Vec<RejectedRow>,
    /// All rows: questions and refused ones.
    pub rows: u64,
    /// Files that were read, label files included.
    pub files: Vec<PathBuf>,
}

impl Ingested {
    /// How many rows have no gold answer.
    pub fn unlabelled(&self) -> u64 {
        self.refused.iter().filter(|row| row.reason == RejectReason::Unlabelled).count() as u64
    }
}

/// Reads one split of a dataset from a file, or from a folder that holds it.
///
/// Every row is a question or a refused row with a reason. The same rows give the same questions with
/// the same ids on any machine, whichever form they come in.
///
/// # Errors
/// [`IngestError`] if the files cannot be found or read, are damaged, or are not of this dataset.
pub fn read_source(dataset: &dyn Dataset, path: &Path, split: Option<&str>) -> Result<Ingested, IngestError> {
    read(dataset, source::resolve(dataset, path, split)?, split.is_some())
}

/// Reads the files of one split, in this order: what a repository's listing says they are.
///
/// # Errors
/// As [`read_source`].
pub fn read_files(dataset: &dyn Dataset, files: &[PathBuf], split: &str) -> Result<Ingested, IngestError> {
    read(dataset, SplitFiles { split: canonical(split)?, files: files.to_vec() }, true)
}

fn read(dataset: &dyn Dataset, source: SplitFiles, asked: bool) -> Result<Ingested, IngestError> {
    let SplitFiles { split: name, files } = source;
    let mut reader = SourceReader { dataset, rows: Vec::new(), files: Vec::new(), records: 0, text_bytes: 0 };
    for file in &files {
        reader.read(file)?;
    }
    let SourceReader { rows, files, .. } = reader;
    Ok(finish(dataset, (&name, asked), rows, files))
}

/// A row on its way.
struct SourceRow {
    file: usize,
    /// 0-based row in the file.
    index: u64,
    line: Option<u64>,
    /// 0-based record among all files: a story's turns share it.
    record: u64,
    /// The part of the source within which the row is numbered.
    section: Option<String>,
    draft: Result<Draft, RejectReason>,
}

/// Reads files one after the other.
struct SourceReader<'a> {
    dataset: &'a dyn Dataset,
    rows: Vec<SourceRow>,
    files: Vec<PathBuf>,
    records: u64,
    text_bytes: u64,
}

impl SourceReader<'_> {
    fn read(&mut self, path: &Path) -> Result<(), IngestError> {
        let label_file = source::label_file(self.dataset, path);
        let labels = label_file.as_deref().map(rows::labels).transpose()?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let file = self.files.len();
        self.files.push(path.to_owned());
        let (mut row, mut record, mut shape) = (0, 0, RowShapes::default());
        let format = source::format(self.dataset, path)?;
        rows::each_row(path, format, &mut |raw| {
            let label = labels.as_ref().and_then(|labels| labels.get(usize::try_from(record).ok()?));
            shape.look(&raw);
            let fields = raw.fields.as_ref().unwrap_or(&Cell::Null);
            let section = self.dataset.section(&RowContext { fields, beside: None, stem: &stem });
            let drafts = drafts(self.dataset, &raw, label.map(String::as_str), &stem);
            for draft in drafts.0 {
                shape.any |= draft.as_ref().map_or_else(|reason| !reason.is_shape(), |_| true);
                self.count(path, row, &draft)?;
                let (line, record, section) = (raw.line, self.records, section.clone());
                self.rows.push(SourceRow { file, index: row, line, record, section, draft });
                row += 1;
            }
            record += 1;
            self.records += 1;
            Ok(())
        })?;
        if !shape.any {
            return Err(self.wrong_shape(path, file, &shape));
        }
        if let (Some(labels), Some(beside)) = (labels, label_file) {
            if labels.len() as u64 != record {
                let (path, found) = (path.to_owned(), labels.len() as u64);
                return Err(IngestError::LabelCount { path, labels: beside, found, expected: record });
            }
            self.files.push(beside);
        }
        Ok(())
    }

    /// Keeps rows and text within their limits.
    fn count(
        &mut self,
        path: &Path,
        row: u64,
        draft: &Result<Draft, RejectReason>,
    ) -> Result<(), IngestError> {
        if self.rows.len() as u64 >= SOURCE_ROWS {
            return Err(IngestError::TooManyRows { path: path.to_owned(), limit: SOURCE_ROWS });
        }
        if let Ok(draft) = draft {
            let choices: usize = draft.choices.iter().map(|choice| choice.text.len()).sum();
            let context = draft.context.as_ref().map_or(0, String::len);
            self.text_bytes += (draft.question.len() + context + choices) as u64;
        }
        if self.text_bytes > SOURCE_TEXT_BYTES {
            let (path, limit_bytes) = (path.to_owned(), SOURCE_TEXT_BYTES);
            return Err(IngestError::TooMuchText { path, row: row + 1, limit_bytes });
        }
        Ok(())
    }

    fn wrong_shape(&self, path: &Path, file: usize, shape: &RowShapes) -> IngestError {
        let first = self.rows.iter().find(|row| row.file == file);
        let reason = first.and_then(|row| row.draft.as_ref().err()).map(ToString::to_string);
        let found = match &shape.first {
            Some(cell) => {
                format!("its first row has the fields {} ({})", shown_names(cell), reason.unwrap_or_default())
            }
            None => format!("its first row is {}", reason.unwrap_or_default()),
        };
        let empty = Cell::Null;
        let first = shape.first.as_ref().unwrap_or(&empty);
        let lacks = |form: &DatasetForm<'_>| MissingFields {
            form: form.name.to_owned(),
            missing: form
                .fields
                .iter()
                .filter(|field| first.at(field).is_none())
                .map(|f| (*f).to_owned())
                .collect(),
        };
        let needed = self.dataset.forms().iter().map(lacks).collect();
        IngestError::WrongShape {
            path: path.to_owned(),
            dataset: self.dataset.id().to_owned(),
            found,
            needed,
        }
    }
}

/// What a file looks like.
#[derive(Default)]
struct RowShapes {
    /// Whether any row looks like one of the dataset.
    any: bool,
    /// The first row that could be read at all.
    first: Option<Cell>,
}

impl RowShapes {
    fn look(&mut self, raw: &RawRow) {
        if self.first.is_none()
            && let Ok(fields) = &raw.fields
        {
            self.first = Some(fields.clone());
        }
    }
}

fn shown_names(cell: &Cell) -> String {
    /// How many names a message shows.
    const NAMES: usize = 12;
    let names = cell.names();
    let rest = if names.len() > NAMES { ", .." } else { "" };
    format!("{}{rest}", names.iter().take(NAMES).map(|name| shown(name)).collect::<Vec<_>>().join(", "))
}

/// The rows of a record.
fn drafts(dataset: &dyn Dataset, raw: &RawRow, beside: Option<&str>, stem: &str) -> Drafts {
    let mut drafts = Drafts::default();
    match &raw.fields {
        Err(reason) => drafts.push(Err(reason.clone())),
        Ok(fields) => match missing(dataset, fields) {
            Some(field) => drafts.push(Err(RejectReason::Missing { field })),
            None => dataset.drafts(&RowContext { fields, beside, stem }, &mut drafts),
        },
    }
    drafts
}

/// A field that the row lacks of the form that it is nearest to; `None` if it is of a known form.
fn missing(dataset: &dyn Dataset, fields: &Cell) -> Option<String> {
    let lacks = |form: &DatasetForm<'_>| -> Vec<String> {
        form.fields
            .iter()
            .filter(|field| fields.at(field).is_none())
            .map(|field| (*field).to_owned())
            .collect()
    };
    let nearest = dataset.forms().iter().map(lacks).min_by_key(Vec::len)?;
    nearest.into_iter().next()
}

/// Gives the drafts their ids, and refuses those that cannot have one.
fn finish(
    dataset: &dyn Dataset,
    split: (&str, bool),
    mut rows: Vec<SourceRow>,
    files: Vec<PathBuf>,
) -> Ingested {
    let mut good: Vec<&mut Draft> = rows.iter_mut().filter_map(|row| row.draft.as_mut().ok()).collect();
    dataset.relate(&mut good);
    let (mut questions, mut refused) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut ids =
        Ids { dataset, split, sections: BTreeMap::new(), groups: BTreeMap::new(), seen: BTreeSet::new() };
    let total = rows.len() as u64;
    for row in rows {
        let (file, line, index) = (&files[row.file], row.line, row.index);
        match ids.question(row, file) {
            Ok(question) => questions.push(question),
            Err(reason) => refused.push(RejectedRow { file: file.clone(), row: index + 1, line, reason }),
        }
    }
    Ingested { questions, refused, rows: total, files }
}

/// Ids given so far.
struct Ids<'a> {
    dataset: &'a dyn Dataset,
    /// The split, and whether it was asked for; rows of another are refused then.
    split: (&'a str, bool),
    /// Rows so far of each section.
    sections: BTreeMap<String, u64>,
    /// The cluster of each group.
    groups: BTreeMap<String, String>,
    seen: BTreeSet<String>,
}

impl Ids<'_> {
    fn question(&mut self, row: SourceRow, file: &Path) -> Result<Question, RejectReason> {
        // Refused rows are counted too: a row's number does not depend on what else can be read.
        let number = self.number(&row);
        let mut draft = row.draft?;
        let split = draft.split.clone().unwrap_or_else(|| self.split.0.to_owned());
        if self.split.1 && split != self.split.0 {
            return Err(RejectReason::OtherSplit { split });
        }
        let own = match (draft.row_id.take(), draft.part) {
            (Some(id), _) => id,
            (None, Some(part)) => format!("{number}-{part}"),
            (None, None) => number,
        };
        let wrong_id = || RejectReason::Id { id: shown(&own) };
        let question_id =
            QuestionId::new(format!("{}/{split}/{own}", self.dataset.id())).map_err(|_| wrong_id())?;
        if !self.seen.insert(question_id.as_str().to_owned()) {
            return Err(RejectReason::RepeatedId { id: shown(&own) });
        }
        let cluster_id = match draft.group.take() {
            Some(group) => Some(self.groups.entry(group).or_insert_with(|| format!("{split}/{own}")).clone()),
            None => draft.cluster.take(),
        };
        if draft.shuffle {
            shuffle(&mut draft, &question_id);
        }
        let texts: Vec<&str> = draft.choices.iter().map(|choice| choice.text.as_str()).collect();
        let content_hash = content_hash(draft.context.as_deref(), &draft.question, &texts);
        Ok(Question {
            content_hash,
            question_id,
            dataset: DatasetId::new(self.dataset.id()).map_err(|_| wrong_id())?,
            domain: DomainId::new(self.dataset.domain()).map_err(|_| wrong_id())?,
            split,
            answer_kind: draft.answer_kind.unwrap_or_else(|| self.dataset.answer_kind()),
            context: draft.context,
            question: draft.question,
            choices: draft.choices,
            gold: draft.gold,
            subject: draft.subject,
            cluster_id,
            source_file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            source_row: row.index,
        })
    }

    /// The number of a row: within its section if there is one, else within the source.
    fn number(&mut self, row: &SourceRow) -> String {
        match &row.section {
            Some(section) => {
                let next = self.sections.entry(section.clone()).or_default();
                *next += 1;
                format!("{section}-{}", *next - 1)
            }
            None => row.record.to_string(),
        }
    }
}

/// Orders the choices by a hash that depends on the question's id alone, and labels them anew.
fn shuffle(draft: &mut Draft, id: &QuestionId) {
    let seed = Seed::new(0).derive("order of choices").derive(id.as_str());
    let mut order: Vec<usize> = (0..draft.choices.len()).collect();
    order.sort_by_key(|index| (seed.hash_key(*index as u64), *index));
    let label = |index: usize| draft.choices[index].label.clone();
    let new_label = |old: &str| {
        let index = order.iter().position(|index| draft.choices[*index].label == old);
        index.map_or_else(|| old.to_owned(), label)
    };
    let gold = draft.gold.iter().map(|old| new_label(old)).collect();
    let choices = order
        .iter()
        .enumerate()
        .map(|(index, old)| Choice { label: label(index), text: draft.choices[*old].text.clone() });
    (draft.choices, draft.gold) = (choices.collect(), gold);
}
