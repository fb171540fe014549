//! Generated texts as rows.

use plimsoll_backend::{Observation, RowKey};
use plimsoll_core::records::{FollowUpRow, GenerationRow, HiddenStateRow, TokenRow};
use plimsoll_core::{MissingSignal, QuestionId};

use super::outputs::{OutputSpec, TextSpec};
use super::spellings::FollowUpMasses;
use crate::generation::{Generated, GeneratedToken};
use crate::model::Encoded;
use crate::tokenizer::Tokenizer;

/// The rows of a request before anything is known, each missing for a reason.
pub(super) fn missing(
    key: &RowKey,
    question_id: &QuestionId,
    outputs: &OutputSpec<'_>,
    reason: MissingSignal,
) -> Observation {
    let row = |text: &TextSpec| GenerationRow {
        failure: Some(reason),
        ..key.generation(&text.decoding, text.sample_index)
    };
    let mut generations: Vec<GenerationRow> = outputs.texts.iter().map(row).collect();
    if let Some(answer) = generations.first_mut() {
        answer.logprobs_missing = outputs.signals.logprobs().then_some(reason);
        let ids = outputs.signals.follow_ups().keys();
        answer.follow_ups = ids.map(|id| missing_reply(id, reason)).collect();
    }
    Observation {
        question_id: question_id.clone(),
        generations,
        hidden_states: key.missing_states(outputs.signals, reason),
    }
}

fn missing_reply(id: &str, reason: MissingSignal) -> FollowUpRow {
    FollowUpRow { id: id.to_owned(), missing_reason: Some(reason), ..FollowUpRow::default() }
}

/// Writes generated texts into rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowWriter<'a> {
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) logprobs: bool,
}

impl RowWriter<'_> {
    /// Writes a text into its row; tokens for the answer only.
    pub(super) fn text(&self, row: &mut GenerationRow, generated: &Generated, prompt: &Encoded) {
        row.failure = None;
        row.logprobs_missing = None;
        row.attempts = 1;
        row.finish_reason = Some(generated.finish);
        row.starts_in_reasoning = Some(prompt.starts_in_reasoning);
        row.prompt_tokens = Some(prompt.tokens.len() as u64);
        row.completion_tokens = Some(generated.tokens.len() as u64);
        row.text = Some(generated.text.clone());
        if row.sample_index == 0 {
            let tokens = generated.tokens.iter().map(|token| self.token(&generated.text, token));
            row.tokens = Some(tokens.collect());
        }
    }

    fn token(&self, text: &str, token: &GeneratedToken) -> TokenRow {
        let bytes = text.as_bytes().get(token.start..token.end).unwrap_or_default();
        let text = if bytes.is_empty() {
            self.tokenizer.spelling(token.id).unwrap_or_default()
        } else {
            String::from_utf8_lossy(bytes).into_owned()
        };
        #[expect(clippy::cast_possible_truncation, reason = "tables hold f32")]
        let logprob = self.logprobs.then_some(token.logprob as f32);
        // A text of 4 GiB is beyond any context.
        let offset = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        let top_logprobs = Some(token.likeliest.clone()).filter(|likeliest| !likeliest.is_empty());
        let (start, end) = (offset(token.start), offset(token.end));
        TokenRow { id: Some(token.id), text, start, end, logprob, top_logprobs }
    }
}

/// A state, or why it is missing.
pub(super) fn state(row: &mut HiddenStateRow, found: Result<Vec<f32>, MissingSignal>) {
    match found {
        Ok(vector) => (row.vector, row.missing_reason) = (Some(vector), None),
        Err(reason) => row.missing_reason = Some(reason),
    }
}

/// Writes the result of a follow-up into its row.
pub(super) fn reply(
    row: &mut FollowUpRow,
    masses: Option<FollowUpMasses>,
    text: Option<Result<Generated, MissingSignal>>,
    prompt: &Encoded,
) {
    row.starts_in_reasoning = Some(prompt.starts_in_reasoning);
    row.prompt_tokens = Some(prompt.tokens.len() as u64);
    row.completion_tokens = Some(0);
    if let Some(masses) = masses {
        row.true_mass = Some(masses.true_mass);
        row.false_mass = Some(masses.false_mass);
        // The whole vocabulary is known, so nothing is bounded.
        row.censored = Some(false);
    }
    match text {
        Some(Ok(generated)) => {
            row.completion_tokens = Some(generated.tokens.len() as u64);
            row.finish_reason = Some(generated.finish);
            row.text = Some(generated.text);
        }
        Some(Err(reason)) => row.missing_reason = Some(reason),
        None => {}
    }
}
