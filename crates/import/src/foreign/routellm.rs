//! Responses of RouteLLM's evaluations (`evals/*/generate_responses.py`): a prompt a row, a column of grades for each
//! model, and, added by `Controller.batch_calculate_win_rate`, a column of win rates for each router.

use std::path::{Path, PathBuf};

use arrow::array::{Array as _, ArrayRef, Float64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use plimsoll_core::canonical::sha256_hex;
use plimsoll_core::records::ScoreRow;

use super::grade::grade;
use super::json_rows::RefusedRows;
use super::{ConfidenceMap, ForeignScores, ForeignTool};
use crate::error::ImportError;
use crate::files::{layout, scan};
use crate::nearest::nearest;
use crate::spec::FileSpec;

const PROMPT: &str = "prompt";
/// What RouteLLM calls its routers.
const ROUTERS: [&str; 5] = ["random", "mf", "causal_llm", "bert", "sw_ranking"];
/// A win rate of the large model is an uncertainty of the small one's answer, in [0, 1].
const MAP: ConfidenceMap = ConfidenceMap::OneMinus;

/// What the method of a router is.
pub(super) fn definition(router: &str, map: ConfidenceMap) -> String {
    format!(
        "the win rate of the large model that RouteLLM's router `{router}` predicts from the question alone, u, as the \
         confidence {} (`{}`); RouteLLM's own threshold on u is 1 less the threshold here",
        map.formula(),
        map.name()
    )
}

/// Files of responses, as CSV, Parquet or JSON lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RouteLlmFiles {
    /// The files; a file is a dataset of its name, less `_responses`.
    pub responses: Vec<PathBuf>,
    /// The small ("weak") model: the column of its grades.
    pub slm_id: String,
    /// The large ("strong") model: the column of its grades.
    pub llm_id: String,
    /// The columns of win rates; empty for those that are named like a router of RouteLLM.
    pub routers: Vec<String>,
    /// The value from which an answer is correct, of grades that are not true or false.
    pub correct_from: Option<f64>,
}

/// Reads the files.
pub(super) fn read(files: &RouteLlmFiles) -> Result<ForeignScores, ImportError> {
    let (mut rows, mut refused) = (Vec::new(), RefusedRows::default());
    for path in &files.responses {
        read_file(files, path, &mut rows, &mut refused)?;
    }
    refused.none()?;
    Ok(ForeignScores { rows, notes: Vec::new() })
}

/// The dataset of a file.
fn dataset(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    stem.strip_suffix("_responses").map(str::to_owned).unwrap_or(stem)
}

fn read_file(
    files: &RouteLlmFiles,
    path: &Path,
    rows: &mut Vec<ScoreRow>,
    refused: &mut RefusedRows,
) -> Result<(), ImportError> {
    let spec = FileSpec::new(vec![path.to_owned()])?;
    let known = layout(&spec, &[PROMPT])?.columns;
    let routers = routers(files, path, &known)?;
    let wanted = [PROMPT, &files.slm_id, &files.llm_id].into_iter().chain(routers.iter().map(String::as_str));
    let schema = schema(path, wanted, &known)?;
    let (dataset, mut row) = (dataset(path), 0);
    for chunk in scan(&spec, path, &schema)? {
        let chunk = chunk?;
        let prompts = cast(&chunk.columns[0], &DataType::Utf8).map_err(ImportError::decode(path))?;
        let prompts =
            prompts.as_any().downcast_ref::<StringArray>().filter(|column| column.len() == chunk.rows);
        let numbers: Vec<Float64Array> =
            chunk.columns[1..].iter().map(|column| numbers(column, path)).collect::<Result<_, _>>()?;
        for index in 0..chunk.rows {
            row += 1;
            let value = |column: usize| {
                Some(&numbers[column]).filter(|values| values.is_valid(index)).map(|v| v.value(index))
            };
            let graded = |column: usize, model: &str| {
                let name = format!("the grade of `{model}`");
                value(column).map(|value| grade(&name, value, files.correct_from, "")).transpose()
            };
            let (slm, llm) = match (graded(0, &files.slm_id), graded(1, &files.llm_id)) {
                (Ok(slm), Ok(llm)) => (slm, llm),
                (Err(reason), _) | (_, Err(reason)) => {
                    refused.push(path, row, None, reason);
                    continue;
                }
            };
            let prompt =
                prompts.filter(|prompts| prompts.is_valid(index)).map_or("", |prompts| prompts.value(index));
            for (column, router) in routers.iter().enumerate() {
                let win_rate = value(column + 2);
                let confidence = win_rate.and_then(|rate| MAP.confidence(rate));
                if let (Some(rate), None) = (win_rate, confidence) {
                    refused.push(
                        path,
                        row,
                        None,
                        format!("the win rate `{router}` is {rate}, not in [0, 1]"),
                    );
                    continue;
                }
                rows.push(ScoreRow {
                    question_id: (row - 1).to_string(),
                    dataset: dataset.clone(),
                    slm: Some(files.slm_id.clone()),
                    llm: Some(files.llm_id.clone()),
                    method: ForeignTool::RouteLlm.method_id(router, Some(MAP)),
                    confidence,
                    slm_correct: slm,
                    llm_correct: llm,
                    cluster_id: Some(sha256_hex(prompt.as_bytes())),
                    ..ScoreRow::default()
                });
            }
        }
    }
    Ok(())
}

/// The columns of win rates.
fn routers(
    files: &RouteLlmFiles,
    path: &Path,
    known: &[(String, DataType)],
) -> Result<Vec<String>, ImportError> {
    if !files.routers.is_empty() {
        return Ok(files.routers.clone());
    }
    let found: Vec<String> = ROUTERS
        .iter()
        .filter(|router| known.iter().any(|(name, _)| name == *router))
        .map(|&router| router.to_owned())
        .collect();
    if found.is_empty() { Err(ImportError::NoWinRates { path: path.to_owned() }) } else { Ok(found) }
}

fn schema<'a>(
    path: &Path,
    wanted: impl Iterator<Item = &'a str>,
    known: &[(String, DataType)],
) -> Result<SchemaRef, ImportError> {
    let field = |name: &str| {
        let found = known.iter().find(|(column, _)| column == name);
        let Some((_, data_type)) = found else {
            let names: Vec<String> = known.iter().map(|(column, _)| column.clone()).collect();
            let meant = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
            return Err(ImportError::ForeignColumn {
                path: path.to_owned(),
                column: name.to_owned(),
                nearest: meant,
                known: names,
            });
        };
        Ok(Field::new(name, data_type.clone(), true))
    };
    Ok(Schema::new(wanted.map(field).collect::<Result<Vec<_>, _>>()?).into())
}

/// A column as numbers: true is 1, false is 0.
fn numbers(column: &ArrayRef, path: &Path) -> Result<Float64Array, ImportError> {
    // A column of text with numbers in it would give nulls in silence.
    let is_text = matches!(column.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    if is_text && column.null_count() < column.len() {
        return Err(ImportError::NotNumbers { path: path.to_owned() });
    }
    let numbers = cast(column, &DataType::Float64).map_err(ImportError::decode(path))?;
    let numbers = numbers.as_any().downcast_ref::<Float64Array>().cloned();
    numbers.ok_or_else(|| ImportError::NotNumbers { path: path.to_owned() })
}
