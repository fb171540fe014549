//! All signals of one request, as rows.

use plimsoll_core::records::{GenerationRow, HiddenStateRow};
use plimsoll_core::signal::{HiddenStateSignal, SampleSignal};
use plimsoll_core::{Decoding, MissingSignal, ModelId, QuestionId, SignalRequest};

use crate::request::Request;

/// How far above 0 rounding may bring a log-probability.
pub const LOGPROB_ROUNDING: f64 = 1e-6;

/// Whether a number can be the natural log of a probability, rounding included.
pub fn is_logprob(value: f32) -> bool {
    f64::from(value) <= LOGPROB_ROUNDING
}

/// Whether some numbers can be the natural logs of the likeliest tokens' probabilities: one at least, each such a log and finite, none
/// above the one before it.
pub fn are_top_logprobs(values: &[f32]) -> bool {
    !values.is_empty()
        && values.iter().all(|value| value.is_finite() && is_logprob(*value))
        && values.is_sorted_by(|a, b| a >= b)
}

/// Keeps so many of the likeliest tokens: a server or a recording may list more than was asked for.
pub fn keep_likeliest(row: &mut GenerationRow, count: usize) {
    for token in row.tokens.iter_mut().flatten() {
        if let Some(top) = &mut token.top_logprobs {
            top.truncate(count);
        }
        token.top_logprobs = token.top_logprobs.take().filter(|top| !top.is_empty());
    }
}

/// The rows of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Question.
    pub question_id: QuestionId,
    /// The answer, then the samples by rising temperature and index: one row for each requested text; a missing one has a
    /// reason.
    pub generations: Vec<GenerationRow>,
    /// The hidden states in the order of the request; a missing one has a reason.
    pub hidden_states: Vec<HiddenStateRow>,
}

/// The columns that all rows of one request share.
#[derive(Debug, Clone)]
pub struct RowKey {
    question_id: String,
    model: String,
    prompt_hash: String,
}

impl RowKey {
    /// The key of a request's rows.
    pub fn new(request: &Request, model: &ModelId) -> Self {
        Self {
            question_id: request.question_id.as_str().to_owned(),
            model: model.as_str().to_owned(),
            prompt_hash: request.prompt.hash(),
        }
    }

    /// SHA-256 of the prompt.
    pub fn prompt_hash(&self) -> &str {
        &self.prompt_hash
    }

    /// An empty row of `generations`; `sample_index` 0 is the answer.
    pub fn generation(&self, decoding: &Decoding, sample_index: u32) -> GenerationRow {
        GenerationRow {
            question_id: self.question_id.clone(),
            model: self.model.clone(),
            prompt_hash: self.prompt_hash.clone(),
            decoding_hash: decoding.hash(),
            sample_index,
            ..GenerationRow::default()
        }
    }

    /// An empty row of `hidden_states`.
    pub fn hidden_state(&self, signal: &HiddenStateSignal) -> HiddenStateRow {
        HiddenStateRow {
            question_id: self.question_id.clone(),
            model: self.model.clone(),
            prompt_hash: self.prompt_hash.clone(),
            layer: signal.layer,
            position: signal.position,
            vector: None,
            missing_reason: None,
        }
    }

    /// The requested hidden states, all missing for one reason.
    pub fn missing_states(&self, signals: &SignalRequest, reason: MissingSignal) -> Vec<HiddenStateRow> {
        let row = |signal| HiddenStateRow { missing_reason: Some(reason), ..self.hidden_state(signal) };
        signals.hidden_states().iter().map(row).collect()
    }
}

/// How the samples of a request are decoded: an answer's parameters at the samples' temperature.
///
/// # Panics
/// For a temperature that is not finite or is below 0; [`SignalRequest`] holds none.
pub fn sample_decoding(answer: Decoding, samples: &SampleSignal) -> Decoding {
    #[expect(clippy::expect_used, reason = "a signal request takes only temperatures that decoding takes")]
    answer.at_temperature(samples.temperature).expect("a checked temperature")
}
