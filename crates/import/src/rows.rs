//! The columns of a query's result, read row by row as scores. Types are settled once per batch; the
//! rows then cost no allocation.

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Float64Array, RecordBatch, StringViewArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Schema, UInt64Type};
use plimsoll_core::records::ScoreRow;
use plimsoll_core::{RawScore, column};
use plimsoll_store::tables::scores;

use crate::error::ImportError;
use crate::files::{FILE_COLUMN, ROW_COLUMN};
use crate::nearest::nearest;
use crate::problem::ImportProblem;

/// The columns without which a row is no score.
pub(crate) const REQUIRED: [&str; 5] = [
    column!(ScoreRow, question_id),
    column!(ScoreRow, dataset),
    column!(ScoreRow, method),
    column!(ScoreRow, confidence),
    column!(ScoreRow, slm_correct),
];
/// The columns that hold ids.
pub(crate) const IDS: [&str; 7] = [
    column!(ScoreRow, question_id),
    column!(ScoreRow, dataset),
    column!(ScoreRow, domain),
    column!(ScoreRow, slm),
    column!(ScoreRow, llm),
    column!(ScoreRow, method),
    column!(ScoreRow, cluster_id),
];
/// The name of the LLM where there are grades of its answers but no `llm` column.
pub(crate) const DEFAULT_LLM: &str = "llm";
/// Characters of a value that a message shows.
const SHOWN_CHARACTERS: usize = 60;

/// Refuses columns among which a required one is missing.
pub(crate) fn check_required<'a>(
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Result<(), ImportError> {
    match REQUIRED.into_iter().find(|column| !known.clone().into_iter().any(|name| name == *column)) {
        None => Ok(()),
        Some(column) => {
            let taken = |name: &&str| scores::TABLE.column(name).is_some();
            let free = known.clone().into_iter().filter(|name| !taken(name));
            Err(ImportError::MissingColumn {
                column,
                nearest: nearest(column, free).map(str::to_owned),
                known: known.into_iter().map(str::to_owned).collect(),
            })
        }
    }
}

/// The known column that a name was probably meant to be.
pub(crate) fn nearest_known(name: &str) -> Option<&'static str> {
    nearest(name, scores::TABLE.columns.iter().map(|column| column.name))
}

/// What to say of a column that means nothing, of a table with these columns.
pub(crate) fn ignored_note(column: &str, columns: &[&str], table: &str) -> String {
    let meant = nearest_known(column).filter(|name| !columns.contains(name));
    let meant = meant.map_or_else(String::new, |name| format!(" (is `{name}` meant?)"));
    format!("column `{column}` of `{table}` is ignored{meant}")
}

/// Refuses a result with a column that is missing, unknown or there twice.
pub(crate) fn check_result(schema: &Schema) -> Result<(), ImportError> {
    let names = schema.fields().iter().map(|field| field.name().as_str());
    for (index, name) in names.clone().enumerate() {
        if names.clone().take(index).any(|before| before == name) {
            return Err(ImportError::RepeatedResult { column: name.to_owned() });
        }
    }
    let source_columns = [FILE_COLUMN, ROW_COLUMN];
    let unknown = |name: &&str| scores::TABLE.column(name).is_none() && !source_columns.contains(name);
    // A misspelt required column is both: then the message with the suggestion says more.
    check_required(names.clone())?;
    names.clone().find(unknown).map_or(Ok(()), |name| {
        let known = scores::TABLE.columns.iter().map(|column| column.name).chain(source_columns).collect();
        Err(ImportError::UnknownColumn { column: name.to_owned(), known, nearest: nearest_known(name) })
    })
}

/// The rows of a batch.
#[derive(Debug)]
pub(crate) struct ScoreRows {
    question_id: StringViewArray,
    dataset: StringViewArray,
    method: StringViewArray,
    confidence: NumberColumn,
    slm_correct: FlagColumn,
    domain: Option<StringViewArray>,
    slm: Option<StringViewArray>,
    llm: Option<StringViewArray>,
    llm_correct: Option<FlagColumn>,
    cluster_id: Option<StringViewArray>,
    slm_cost: Option<NumberColumn>,
    llm_cost: Option<NumberColumn>,
}

impl ScoreRows {
    /// The rows of a batch whose schema passed [`check_result`].
    pub(crate) fn new(batch: &RecordBatch) -> Result<Self, ImportError> {
        Ok(Self {
            question_id: required(batch, column!(ScoreRow, question_id), texts)?,
            dataset: required(batch, column!(ScoreRow, dataset), texts)?,
            method: required(batch, column!(ScoreRow, method), texts)?,
            confidence: required(batch, column!(ScoreRow, confidence), NumberColumn::new)?,
            slm_correct: required(batch, column!(ScoreRow, slm_correct), FlagColumn::new)?,
            domain: optional(batch, column!(ScoreRow, domain), texts)?,
            slm: optional(batch, column!(ScoreRow, slm), texts)?,
            llm: optional(batch, column!(ScoreRow, llm), texts)?,
            llm_correct: optional(batch, column!(ScoreRow, llm_correct), FlagColumn::new)?,
            cluster_id: optional(batch, column!(ScoreRow, cluster_id), texts)?,
            slm_cost: optional(batch, column!(ScoreRow, slm_cost), NumberColumn::new)?,
            llm_cost: optional(batch, column!(ScoreRow, llm_cost), NumberColumn::new)?,
        })
    }

    /// A row of the batch.
    pub(crate) fn get(&self, row: usize) -> Boxed<RawScore<'_>> {
        let number = |column: &Option<NumberColumn>, name| {
            column.as_ref().map_or(Ok(None), |column| column.get(row, name))
        };
        let llm_correct = match &self.llm_correct {
            Some(column) => column.get(row, column!(ScoreRow, llm_correct))?,
            None => None,
        };
        let llm = match (&self.llm, &self.llm_correct) {
            (None, Some(_)) => Some(DEFAULT_LLM),
            (column, _) => text(column.as_ref(), row),
        };
        if llm.is_none() && llm_correct.is_some() {
            return Err(Box::new(ImportProblem::UnnamedLlm));
        }
        Ok(RawScore {
            question_id: id(&self.question_id, row, column!(ScoreRow, question_id))?,
            dataset: id(&self.dataset, row, column!(ScoreRow, dataset))?,
            domain: text(self.domain.as_ref(), row),
            slm: text(self.slm.as_ref(), row),
            llm,
            method: id(&self.method, row, column!(ScoreRow, method))?,
            confidence: self.confidence.get(row, column!(ScoreRow, confidence))?,
            slm_correct: self.slm_correct.get(row, column!(ScoreRow, slm_correct))?,
            llm_correct,
            cluster_id: text(self.cluster_id.as_ref(), row),
            slm_cost: number(&self.slm_cost, column!(ScoreRow, slm_cost))?,
            llm_cost: number(&self.llm_cost, column!(ScoreRow, llm_cost))?,
        })
    }

    /// The question of a row, as far as it has one.
    pub(crate) fn question_id(&self, row: usize) -> Option<String> {
        text(Some(&self.question_id), row).map(shortened)
    }
}

/// File and data row of a row, if the query passed both through.
pub(crate) fn source_row(batch: &RecordBatch, row: usize) -> Option<(String, u64)> {
    let one = |name, data_type| -> Option<ArrayRef> {
        let column = batch.column_by_name(name)?.slice(row, 1);
        cast(&column, &data_type).ok().filter(|column| column.is_valid(0))
    };
    let file = one(FILE_COLUMN, DataType::Utf8)?;
    let row = one(ROW_COLUMN, DataType::UInt64)?;
    let file = file.as_string::<i32>().value(0).to_owned();
    Some((file, row.as_primitive::<UInt64Type>().value(0)))
}

/// A value of a good row. Problems are large and rare; boxed, they cost good rows nothing.
pub(crate) type Boxed<T> = Result<T, Box<ImportProblem>>;
type Read<T> = fn(&ArrayRef, &'static str) -> Result<T, ImportError>;

fn optional<T>(batch: &RecordBatch, name: &'static str, read: Read<T>) -> Result<Option<T>, ImportError> {
    batch.column_by_name(name).map(|column| read(column, name)).transpose()
}

fn required<T>(batch: &RecordBatch, name: &'static str, read: Read<T>) -> Result<T, ImportError> {
    optional(batch, name, read)?.ok_or_else(|| ImportError::MissingColumn {
        column: name,
        known: batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect(),
        nearest: None,
    })
}

/// A column of ids: text, or integers as text.
fn texts(column: &ArrayRef, name: &'static str) -> Result<StringViewArray, ImportError> {
    let refused = || refused(column, name, "text or an integer");
    let text = match innermost(column.data_type()) {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => column,
        integer if integer.is_integer() => &cast(column, &DataType::Utf8).map_err(|_| refused())?,
        _ => return Err(refused()),
    };
    let views = cast(text, &DataType::Utf8View).map_err(|_| refused())?;
    Ok(views.as_string_view().clone())
}

/// The type of the values, whether they stand in a dictionary or not.
pub(crate) fn innermost(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Dictionary(_, values) => innermost(values),
        DataType::RunEndEncoded(_, values) => innermost(values.data_type()),
        other => other,
    }
}

/// Whether the values are text.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn refused(column: &ArrayRef, name: &'static str, wanted: &'static str) -> ImportError {
    ImportError::ColumnType { column: name, found: column.data_type().clone(), wanted }
}

/// A column as 64-bit floats, nulls kept.
fn floats(column: &ArrayRef, name: &'static str, wanted: &'static str) -> Result<Float64Array, ImportError> {
    let numeric = innermost(column.data_type());
    if !numeric.is_numeric() && *numeric != DataType::Null {
        return Err(refused(column, name, wanted));
    }
    let floats = cast(column, &DataType::Float64).map_err(|_| refused(column, name, wanted))?;
    Ok(floats.as_primitive::<Float64Type>().clone())
}

/// The text of a cell; empty is missing.
fn text(column: Option<&StringViewArray>, row: usize) -> Option<&str> {
    let column = column?;
    if column.is_null(row) {
        return None;
    }
    Some(column.value(row)).filter(|text| !text.is_empty())
}

fn id<'a>(column: &'a StringViewArray, row: usize, name: &'static str) -> Boxed<&'a str> {
    text(Some(column), row).ok_or_else(|| Box::new(ImportProblem::Missing { column: name }))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

/// A column of numbers, some of which may be missing.
#[derive(Debug)]
enum NumberColumn {
    Floats(Float64Array),
    TextColumn(StringViewArray),
}

impl NumberColumn {
    fn new(column: &ArrayRef, name: &'static str) -> Result<Self, ImportError> {
        if is_text(innermost(column.data_type())) {
            texts(column, name).map(Self::TextColumn)
        } else {
            floats(column, name, "a number").map(Self::Floats)
        }
    }

    fn get(&self, row: usize, name: &'static str) -> Boxed<Option<f64>> {
        match self {
            Self::Floats(column) => Ok(column.is_valid(row).then(|| column.value(row))),
            Self::TextColumn(column) => match text(Some(column), row).map(str::trim) {
                None | Some("") => Ok(None),
                Some(text) => {
                    let wrong =
                        |_| Box::new(ImportProblem::NotANumber { column: name, value: shortened(text) });
                    text.parse().map(Some).map_err(wrong)
                }
            },
        }
    }
}

/// A column of grades, some of which may be missing.
#[derive(Debug)]
enum FlagColumn {
    Booleans(BooleanArray),
    Floats(Float64Array),
    TextColumn(StringViewArray),
}

impl FlagColumn {
    fn new(column: &ArrayRef, name: &'static str) -> Result<Self, ImportError> {
        match innermost(column.data_type()) {
            DataType::Boolean => {
                let wanted = |_| refused(column, name, "true/false");
                Ok(Self::Booleans(cast(column, &DataType::Boolean).map_err(wanted)?.as_boolean().clone()))
            }
            values if is_text(values) => texts(column, name).map(Self::TextColumn),
            _ => floats(column, name, "true/false").map(Self::Floats),
        }
    }

    fn get(&self, row: usize, name: &'static str) -> Boxed<Option<bool>> {
        match self {
            Self::Booleans(column) => Ok(column.is_valid(row).then(|| column.value(row))),
            Self::Floats(column) if column.is_null(row) => Ok(None),
            Self::Floats(column) => match column.value(row) {
                0.0 => Ok(Some(false)),
                1.0 => Ok(Some(true)),
                other => Err(Box::new(ImportProblem::NotAFlag { column: name, value: other.to_string() })),
            },
            Self::TextColumn(column) => match text(Some(column), row).map(str::trim) {
                None | Some("") => Ok(None),
                Some(text) => {
                    let wrong = || Box::new(ImportProblem::NotAFlag { column: name, value: shortened(text) });
                    flag(text).map(Some).ok_or_else(wrong)
                }
            },
        }
    }
}

fn flag(text: &str) -> Option<bool> {
    let is = |spellings: [&str; 4]| spellings.iter().any(|spelling| text.eq_ignore_ascii_case(spelling));
    if is(["true", "1", "yes", "1.0"]) {
        Some(true)
    } else if is(["false", "0", "no", "0.0"]) {
        Some(false)
    } else {
        None
    }
}
