//! A line of either format: whose it is, and what it records.

use plimsoll_core::MissingSignal;
use plimsoll_core::json::is_non_finite;
use plimsoll_core::records::GenerationRow;
use plimsoll_core::seed::key_of;

use super::error::ReplayError;
use super::line::RecordingLine;
use super::spec::{RecordingFile, RecordingFormat};
use super::text;

/// By what a line knows its question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum QuestionKey {
    /// A whole question id.
    Id(String),
    /// A row of the questions whose ids begin so.
    Row { questions: String, row: u64 },
}

impl QuestionKey {
    /// What the line is found by.
    pub(super) fn key(&self) -> u64 {
        match self {
            Self::Id(id) => key_of(1, id),
            Self::Row { questions, row } => key_of(key_of(2, questions), &row.to_string()),
        }
    }
}

/// Whose a line is; `None` for one of another model.
pub(super) fn name(
    line: &RecordingLine<'_>,
    file: &RecordingFile,
    recorded_as: &str,
) -> Result<Option<QuestionKey>, ReplayError> {
    let fields = &file.fields;
    if file.format == RecordingFormat::LmEvaluationHarness {
        let row = line.get("doc_id", "is no whole number of at least 0")?;
        let row = row.ok_or_else(|| line.wrong("doc_id", "is missing"))?;
        return by_row(file, row).map(Some);
    }
    if line.text(&fields.model)?.is_some_and(|model| model != recorded_as) {
        return Ok(None);
    }
    let id = match line.raw(&fields.question_id) {
        Some(text) if text.starts_with('"') => line.text(&fields.question_id)?,
        // A number as it is written: 7 and 7.0 are different names.
        Some(text) if is_number(text) => Some(text.to_owned()),
        Some(_) => return Err(line.wrong(&fields.question_id, "is neither a text nor a number")),
        None => None,
    };
    if let Some(id) = id {
        return Ok(Some(QuestionKey::Id(format!("{}{id}", file.questions))));
    }
    let row = line.get(&fields.row, "is no whole number of at least 0")?;
    let row = row.ok_or_else(|| line.wrong(&fields.question_id, "is missing"))?;
    by_row(file, row).map(Some)
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) && !is_non_finite(text)
}

fn by_row(file: &RecordingFile, row: u64) -> Result<QuestionKey, ReplayError> {
    if file.questions.is_empty() {
        return Err(ReplayError::RowsOfWhat { path: file.path.clone() });
    }
    Ok(QuestionKey::Row { questions: file.questions.clone(), row })
}

/// What a line records.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recording {
    /// SHA-256 of the prompt, if that is recorded.
    pub(super) prompt_hash: Option<String>,
    /// SHA-256 of the decoding parameters, if these are recorded.
    pub(super) decoding_hash: Option<String>,
    /// 0 = the answer.
    pub(super) sample_index: u32,
    pub(super) row: GenerationRow,
    /// Samples that stand in the line of the answer.
    pub(super) samples: Vec<GenerationRow>,
}

/// Reads a line whole.
pub(super) fn read(line: &RecordingLine<'_>, file: &RecordingFile) -> Result<Recording, ReplayError> {
    match file.format {
        RecordingFormat::Generations => generations(line, file),
        RecordingFormat::LmEvaluationHarness => lm_evaluation_harness(line),
    }
}

fn generations(line: &RecordingLine<'_>, file: &RecordingFile) -> Result<Recording, ReplayError> {
    let field = &file.fields.samples;
    let sample = |text: &str| -> Result<GenerationRow, ReplayError> {
        if text.starts_with('"') {
            let text = serde_json::from_str(text).map_err(|_| line.wrong(field, "holds no text"))?;
            return Ok(plain(text));
        }
        text::row(&line.inner(field, text)?, &file.fields)
    };
    let samples = line.list(field)?.unwrap_or_default();
    Ok(Recording {
        prompt_hash: line.text("prompt_hash")?,
        decoding_hash: line.text("decoding_hash")?,
        sample_index: line.get("sample_index", "is no whole number of at least 0")?.unwrap_or(0),
        row: text::row(line, &file.fields)?,
        samples: samples.into_iter().map(sample).collect::<Result<_, _>>()?,
    })
}

fn plain(text: String) -> GenerationRow {
    GenerationRow { text: Some(text), ..GenerationRow::default() }
}

/// `resps` is a list of requests with a list of replies each, or a flat list of replies. Requests that
/// score given texts have pairs of numbers and flags for replies.
fn lm_evaluation_harness(line: &RecordingLine<'_>) -> Result<Recording, ReplayError> {
    let requests = line.list("resps")?.ok_or_else(|| line.wrong("resps", "is missing"))?;
    let nested: Option<Vec<Vec<String>>> =
        requests.iter().map(|request| serde_json::from_str(request).ok()).collect();
    let flat: Option<Vec<String>> = requests.iter().map(|reply| serde_json::from_str(reply).ok()).collect();
    let replies = match (nested, flat) {
        (Some(mut nested), _) if nested.len() == 1 => nested.pop(),
        (_, Some(flat)) => Some(flat),
        _ => None,
    };
    let mut replies = replies.unwrap_or_default().into_iter().map(plain);
    let nothing = || GenerationRow { failure: Some(MissingSignal::NothingGenerated), ..Default::default() };
    Ok(Recording {
        prompt_hash: None,
        decoding_hash: None,
        sample_index: 0,
        row: replies.next().unwrap_or_else(nothing),
        samples: replies.collect(),
    })
}
