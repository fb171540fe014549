//! What was observed of one question, as methods see it.

use plimsoll_core::records::{FollowUpRow, GenerationRow, TokenRow};
use plimsoll_core::{AnswerKind, Label, MissingSignal, Reply};

use plimsoll_core::missing::{MissingReason, UnusableSignal};

/// The rows of one question and one model.
#[derive(Debug, Clone, Copy)]
pub struct ObservedSignals<'a> {
    /// What kind of answer the question wants.
    pub kind: AnswerKind,
    /// The question's text; empty if it is not known.
    pub question: &'a str,
    /// The greedy answer to the main prompt (`sample_index` 0).
    pub answer: Option<&'a GenerationRow>,
    /// Its label.
    pub label: Option<&'a Label>,
    /// The samples, by index.
    pub samples: &'a [GenerationRow],
    /// The greedy answer to the prompt that asks for answer and confidence in one turn.
    pub verbalized: Option<&'a GenerationRow>,
}

impl<'a> ObservedSignals<'a> {
    /// The greedy answer, if there is a text.
    pub(crate) fn greedy(&self) -> Result<&'a GenerationRow, MissingReason> {
        present(self.answer)
    }

    /// The tokens of the greedy answer that hold some of what it says: without those of its reasoning, and
    /// without the stop token; at least one.
    pub(crate) fn answer_tokens(&self) -> Result<Vec<&'a TokenRow>, MissingReason> {
        let tokens = self.tokens()?;
        let reply = reply(self.answer)?;
        let part = reply.answer_part().range;
        // Without reasoning the answer is all that was generated.
        let is_all = part == (0..reply.text.len());
        let overlaps = |token: &TokenRow| {
            !part.is_empty() && (token.start as usize) < part.end && (token.end as usize) > part.start
        };
        let own: Vec<&TokenRow> =
            tokens.iter().filter(|token| token.is_answer() && (is_all || overlaps(token))).collect();
        if own.is_empty() { Err(MissingReason::Unusable(UnusableSignal::EmptyAnswer)) } else { Ok(own) }
    }

    /// The tokens of the greedy answer, the stop token among them.
    pub(crate) fn tokens(&self) -> Result<&'a [TokenRow], MissingReason> {
        let answer = self.greedy()?;
        if let Some(reason) = answer.logprobs_missing {
            return Err(reason.into());
        }
        answer.tokens.as_deref().ok_or(MissingReason::Signal(MissingSignal::NoLogprobs))
    }

    /// For each token of the answer the natural logs of the `count` likeliest tokens' probabilities, falling. A server
    /// that lists fewer leaves them missing.
    pub(crate) fn likeliest(&self, count: usize) -> Result<Vec<&'a [f32]>, MissingReason> {
        let tokens = self.answer_tokens()?;
        let listed = |token: &&'a TokenRow| token.top_logprobs.as_deref().and_then(|top| top.get(..count));
        let listed: Option<Vec<&[f32]>> = tokens.iter().map(listed).collect();
        listed.ok_or(MissingReason::Signal(MissingSignal::NoTopLogprobs))
    }

    /// A follow-up of the greedy answer.
    pub(crate) fn follow_up(&self, id: &str) -> Result<&'a FollowUpRow, MissingReason> {
        let found = self.greedy()?.follow_ups.iter().find(|follow_up| follow_up.id == id);
        let found = found.ok_or(MissingReason::Signal(MissingSignal::NoSuchFollowUp))?;
        match found.missing_reason {
            Some(reason) => Err(reason.into()),
            None => Ok(found),
        }
    }
}

/// A row with a text, or why there is none.
pub(crate) fn present(row: Option<&GenerationRow>) -> Result<&GenerationRow, MissingReason> {
    let row = row.ok_or(MissingReason::Signal(MissingSignal::NotRecorded))?;
    match &row.text {
        Some(_) => Ok(row),
        None => Err(row.failure.unwrap_or(MissingSignal::NoText).into()),
    }
}

/// What a row says, or why it says nothing.
pub(crate) fn reply(row: Option<&GenerationRow>) -> Result<Reply<'_>, MissingReason> {
    Reply::from_generation(present(row)?).ok_or(MissingReason::Signal(MissingSignal::NoText))
}

/// The natural logs of some tokens' probabilities.
pub(crate) fn logprobs<'t>(
    tokens: impl IntoIterator<Item = &'t TokenRow>,
) -> Result<Vec<f64>, MissingReason> {
    let logprob = |token: &TokenRow| {
        token.logprob.map(f64::from).ok_or(MissingReason::Signal(MissingSignal::NoLogprobs))
    };
    tokens.into_iter().map(logprob).collect()
}
