//! Record batches in memory: the same scores as a file's, the same problems, and a hash of what they say.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int64Array, LargeStringArray,
    RecordBatch, RecordBatchIterator, StringArray, StringViewArray,
};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;

use super::Folder;
use crate::{ImportError, InMemoryScores, InMemorySummary};

fn scores(batches: Vec<RecordBatch>) -> InMemoryScores {
    let schema = batches[0].schema();
    InMemoryScores::new("frame", Box::new(RecordBatchIterator::new(batches.into_iter().map(Ok), schema)))
}

fn read(batches: Vec<RecordBatch>) -> Result<InMemorySummary, ImportError> {
    scores(batches).read(&())
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

/// Four rows, their ids and flags in the arrays that are given.
fn batch(ids: ArrayRef, datasets: ArrayRef, correct: ArrayRef) -> RecordBatch {
    let confidence: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.25), None, Some(1.0), Some(0.1)]));
    RecordBatch::try_from_iter_with_nullable([
        ("question_id", ids, false),
        ("dataset", datasets, true),
        ("method", texts(&["m", "m", "m", "m"]), false),
        ("confidence", confidence, true),
        ("slm_correct", correct, true),
    ])
    .unwrap()
}

fn plain() -> RecordBatch {
    let correct = BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]);
    batch(texts(&["1", "2", "3", "4"]), texts(&["a", "a", "b", "b"]), Arc::new(correct))
}

#[test]
fn it_is_what_a_file_gives() {
    let folder = Folder::new();
    let csv = "question_id,dataset,method,confidence,slm_correct\n\
               1,a,m,0.25,true\n2,a,m,,false\n3,b,m,1,\n4,b,m,0.1,true\n";
    let file = folder.scores("scores.csv", csv).unwrap();
    let memory = read(vec![plain()]).unwrap();
    assert_eq!(format!("{:?}", memory.summary.table), format!("{:?}", file.table));
    assert_eq!((memory.summary.rows, memory.summary.notes), (4, file.notes));
}

#[test]
fn the_hash_is_of_values_and_not_of_types_or_batches() {
    let first = read(vec![plain()]).unwrap();
    let dictionary: DictionaryArray<Int32Type> = ["a", "a", "b", "b"].into_iter().collect();
    let flags = Float32Array::from(vec![Some(1.0), Some(0.0), None, Some(1.0)]);
    let other =
        batch(Arc::new(Int64Array::from(vec![1, 2, 3, 4])), Arc::new(dictionary), Arc::new(flags.clone()));
    let cut = read(vec![other.slice(0, 1), other.slice(1, 0), other.slice(1, 3)]).unwrap();
    assert_eq!((&cut.sha256, cut.bytes), (&first.sha256, first.bytes));
    let views = batch(
        Arc::new(StringViewArray::from(vec!["1", "2", "3", "5"])),
        Arc::new(LargeStringArray::from(vec!["a", "a", "b", "b"])),
        Arc::new(flags),
    );
    assert_ne!(read(vec![views]).unwrap().sha256, first.sha256);
}

#[test]
fn problems_have_their_rows() {
    let with_flags = |ids: &[&str], flags: Vec<Option<f64>>| {
        batch(texts(ids), texts(&["a", "a", "b", "b"]), Arc::new(Float64Array::from(flags)))
    };
    let good = with_flags(&["1", "2", "3", "4"], vec![Some(1.0), Some(0.0), None, Some(1.0)]);
    let bad = with_flags(&["5", "", "7", "8"], vec![Some(0.5), Some(0.0), None, Some(1.0)]);
    let error = read(vec![good, bad]).unwrap_err().to_string();
    assert!(error.contains("`frame` data row 5: slm_correct \"0.5\" is not true/false"), "{error}");
    assert!(error.contains("`frame` data row 6: question_id is missing"), "{error}");
}

#[test]
fn columns_that_are_missing_twice_there_or_unknown() {
    let batch = plain();
    let error = read(vec![batch.project(&[0, 1, 2, 3]).unwrap()]).unwrap_err().to_string();
    assert!(error.contains("slm_correct"), "{error}");
    let twice = batch.project(&[0, 1, 2, 3, 4, 4]);
    let error = read(vec![twice.unwrap()]).unwrap_err().to_string();
    assert!(error.contains("`frame`") && error.contains("slm_correct"), "{error}");
    let mut columns: Vec<(String, ArrayRef, bool)> = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column), true))
        .collect();
    columns.push(("_row".to_owned(), texts(&["x"; 4]), true));
    columns.push(("domains".to_owned(), texts(&["x"; 4]), true));
    let read = read(vec![RecordBatch::try_from_iter_with_nullable(columns).unwrap()]).unwrap();
    let notes = read.summary.notes.join("\n");
    assert!(notes.contains("`domains` of `frame` is ignored (is `domain` meant?)"), "{notes}");
    assert!(notes.contains("`_row` of `frame` is ignored"), "{notes}");
}

#[test]
fn a_stream_that_ends_early_or_is_empty() {
    let failed = [Ok(plain()), Err(ArrowError::ComputeError("gone".to_owned()))];
    let reader = RecordBatchIterator::new(failed, plain().schema());
    let error = InMemoryScores::new("frame", Box::new(reader)).read(&()).unwrap_err();
    assert_eq!(error.to_string(), "cannot read the rows of `frame`");
    let error = read(vec![plain().slice(0, 0)]).unwrap_err().to_string();
    assert_eq!(error, "no data rows in `frame`");
}
