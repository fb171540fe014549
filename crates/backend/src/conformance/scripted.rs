//! A backend for tests of what asks one.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_core::records::TokenRow;
use plimsoll_core::{Finish, ModelId};

use crate::backend::{Backend, Sink};
use crate::capability::Capabilities;
use crate::control::Control;
use crate::error::BackendError;
use crate::observation::{Observation, RowKey};
use crate::request::{Batch, Request};

/// The natural log of the probability of the one token of which each answer consists.
pub const SCRIPTED_LOGPROB: f32 = -0.25;
/// Tokens that each prompt is said to have.
pub const SCRIPTED_PROMPT_TOKENS: u64 = 5;
/// Every hidden state.
pub const SCRIPTED_STATE: [f32; 2] = [0.5, -1.25];

type Answer = dyn Fn(&Request, &Batch<'_>, &Control<'_>) -> Result<String, BackendError> + Send + Sync;

/// Answers each request with the text that a function gives, the last request of a batch first. It observes the
/// log-probability of the answer and the hidden states that are asked for, and nothing else.
pub struct Scripted {
    id: ModelId,
    answer: Box<Answer>,
    asked: AtomicUsize,
}

impl Scripted {
    /// A backend for a model.
    ///
    /// # Panics
    /// For a name that no model may have.
    pub fn new(
        model: &str,
        answer: impl Fn(&Request, &Batch<'_>, &Control<'_>) -> Result<String, BackendError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        #[expect(clippy::expect_used, reason = "a test names its own model")]
        let id = ModelId::new(model).expect("a model's name");
        Self { id, answer: Box::new(answer), asked: AtomicUsize::new(0) }
    }

    /// How many requests it was sent.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn observation(&self, request: &Request, batch: &Batch<'_>, text: String) -> Observation {
        let key = RowKey::new(request, &self.id);
        let mut row = key.generation(&batch.decoding(), 0);
        row.tokens = Some(vec![TokenRow {
            end: u32::try_from(text.len()).unwrap_or(u32::MAX),
            logprob: Some(SCRIPTED_LOGPROB),
            text: text.clone(),
            ..TokenRow::default()
        }]);
        row.text = Some(text);
        row.prompt_tokens = Some(SCRIPTED_PROMPT_TOKENS);
        row.completion_tokens = Some(1);
        row.finish_reason = Some(Finish::Stop);
        let mut hidden_states: Vec<_> =
            batch.signals().hidden_states().iter().map(|signal| key.hidden_state(signal)).collect();
        for state in &mut hidden_states {
            state.vector = Some(SCRIPTED_STATE.to_vec());
        }
        Observation { question_id: request.question_id.clone(), generations: vec![row], hidden_states }
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Scripted").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Backend for Scripted {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn identity(&self) -> String {
        "1".repeat(64)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn answer(
        &self,
        batch: &Batch<'_>,
        sink: &mut dyn Sink,
        control: &Control<'_>,
    ) -> Result<(), BackendError> {
        for request in batch.requests().iter().rev() {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let text = (self.answer)(request, batch, control)?;
            let observation = self.observation(request, batch, text);
            sink.take(observation).map_err(|source| BackendError::Sink { model: self.id.clone(), source })?;
        }
        Ok(())
    }
}
