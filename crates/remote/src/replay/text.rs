//! One recorded text with what is known of it.

use plimsoll_core::records::{FollowUpRow, GenerationRow, TokenRow};
use plimsoll_core::{Finish, MissingSignal};
use serde::Deserialize;

use super::error::ReplayError;
use super::line::RecordingLine;
use super::spec::RecordingFields;
use crate::alignment::{ListedToken, align};
use plimsoll_backend::observation::{are_top_logprobs, is_logprob};

/// Reads the text of a line, or of an object in it, as a row without its key.
pub(super) fn row(line: &RecordingLine<'_>, fields: &RecordingFields) -> Result<GenerationRow, ReplayError> {
    let count = |field: &str| line.get(field, "is no whole number of at least 0");
    let amount = |field: &str| line.get(field, "is no number");
    let mut row = GenerationRow {
        text: line.text(&fields.text)?,
        finish_reason: line.text("finish_reason")?.as_deref().map(Finish::from_word),
        starts_in_reasoning: line.get("starts_in_reasoning", "is no truth value")?,
        logprobs_missing: line.text("logprobs_missing")?.as_deref().and_then(MissingSignal::from_name),
        follow_ups: follow_ups(line)?,
        prompt_tokens: count("prompt_tokens")?,
        completion_tokens: count("completion_tokens")?,
        latency_ms: amount("latency_ms")?,
        cost_usd: amount("cost_usd")?,
        attempts: line.get("attempts", "is no whole number of at least 0")?.unwrap_or(0),
        failure: line.text("failure")?.as_deref().map(known),
        served_model: line.text("served_model")?,
        system_fingerprint: line.text("system_fingerprint")?,
        ..GenerationRow::default()
    };
    if row.text.is_none() && row.failure.is_none() && row.finish_reason == Some(Finish::Length) {
        // All tokens went into reasoning: the answer is the empty text, cut.
        row.text = Some(String::new());
    }
    match tokens(line, fields, row.text.as_deref())? {
        Some(Ok(tokens)) => row.tokens = Some(tokens),
        Some(Err(reason)) => row.logprobs_missing = Some(reason),
        None => {}
    }
    if row.text.is_some() {
        row.failure = None;
    } else {
        row.tokens = None;
    }
    Ok(row)
}

/// A follow-up whose words may be those of another program.
#[derive(Deserialize)]
struct RecordedFollowUp {
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    missing_reason: Option<String>,
    #[serde(flatten)]
    row: FollowUpRow,
}

fn follow_ups(line: &RecordingLine<'_>) -> Result<Vec<FollowUpRow>, ReplayError> {
    let recorded: Option<Vec<RecordedFollowUp>> = line.get("follow_ups", "is no list of follow-ups")?;
    let row = |follow_up: RecordedFollowUp| FollowUpRow {
        finish_reason: follow_up.finish_reason.as_deref().map(Finish::from_word),
        missing_reason: follow_up.missing_reason.as_deref().map(known),
        ..follow_up.row
    };
    Ok(recorded.unwrap_or_default().into_iter().map(row).collect())
}

/// The reason that a recording names. Of a reason that is not ours it is only known that nothing was recorded.
fn known(name: &str) -> MissingSignal {
    MissingSignal::from_name(name).unwrap_or(MissingSignal::NotRecorded)
}

/// The tokens, or why they cannot be used; `None` if none are recorded.
type TokensOrReason = Option<Result<Vec<TokenRow>, MissingSignal>>;

fn tokens(
    line: &RecordingLine<'_>,
    fields: &RecordingFields,
    text: Option<&str>,
) -> Result<TokensOrReason, ReplayError> {
    let (field, text) = (fields.tokens.as_str(), text.unwrap_or_default());
    let logprobs: Option<Vec<Option<f64>>> = line.get(&fields.logprobs, "is no list of numbers")?;
    let Some(items) = line.list(field)? else {
        return Ok(logprobs.map(|_| Err(MissingSignal::TokensDoNotJoin)));
    };
    if logprobs.as_ref().is_some_and(|logprobs| logprobs.len() != items.len()) {
        return Err(line.wrong(&fields.logprobs, "has another length than the tokens"));
    }
    if items.first().is_some_and(|item| item.starts_with('{')) {
        let mut tokens: Vec<TokenRow> = line.get(field, "is no list of tokens")?.unwrap_or_default();
        if let Some(logprobs) = logprobs {
            #[expect(clippy::cast_possible_truncation, reason = "stored in single precision")]
            for (token, logprob) in tokens.iter_mut().zip(logprobs) {
                token.logprob = logprob.map(|logprob| logprob as f32);
            }
        }
        check(line, field, &tokens, text)?;
        return Ok(Some(Ok(tokens)));
    }
    let ids: Option<Vec<u32>> = line.get("token_ids", "is no list of token ids")?;
    if ids.as_ref().is_some_and(|ids| ids.len() != items.len()) {
        return Err(line.wrong("token_ids", "has another length than the tokens"));
    }
    let texts: Vec<String> = line.get(field, "is no list of texts")?.unwrap_or_default();
    let piece = |(index, text): (usize, String)| ListedToken {
        id: ids.as_ref().and_then(|ids| ids.get(index).copied()),
        bytes: text.into_bytes(),
        logprob: logprobs.as_ref().and_then(|logprobs| logprobs.get(index).copied().flatten()),
    };
    let pieces: Vec<ListedToken> = texts.into_iter().enumerate().map(piece).collect();
    Ok(Some(align(text, &pieces)))
}

/// Tokens with spans must fill the text, and log-probs must be some.
fn check(line: &RecordingLine<'_>, field: &str, tokens: &[TokenRow], text: &str) -> Result<(), ReplayError> {
    let mut end = 0;
    for token in tokens {
        if token.start != end || token.end < token.start {
            return Err(line.wrong(field, "has spans that do not follow each other"));
        }
        end = token.end;
        if token.logprob.is_some_and(|logprob| !is_logprob(logprob)) {
            return Err(line.wrong(field, "has a logprob above 0, which is no log of a probability"));
        }
        if token.top_logprobs.as_ref().is_some_and(|top| !are_top_logprobs(top)) {
            return Err(
                line.wrong(field, "has top_logprobs that are no falling list of logs of probabilities")
            );
        }
    }
    if end as usize == text.len() {
        Ok(())
    } else {
        Err(line.wrong(field, "has spans that do not fill the text"))
    }
}
