//! A backend for tests of the cache.

use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_backend::capability::Capabilities;
use plimsoll_backend::control::Control;
use plimsoll_backend::error::BackendError;
use plimsoll_backend::observation::{Observation, RowKey};
use plimsoll_backend::request::{Batch, Request};
use plimsoll_backend::{Backend, Sink};
use plimsoll_core::{ModelId, Prompt, QuestionId};

/// Answers with the id and what it was made with, last request first, and counts.
#[derive(Debug)]
pub(crate) struct Echo {
    id: ModelId,
    after: String,
    pub(crate) asked: AtomicUsize,
}

impl Echo {
    pub(crate) fn new(after: &str) -> Self {
        Self { id: ModelId::new("m").unwrap(), after: after.to_owned(), asked: AtomicUsize::new(0) }
    }
}

impl Backend for Echo {
    fn model(&self) -> &ModelId {
        &self.id
    }
    fn identity(&self) -> String {
        "echo".to_owned()
    }
    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
    fn answer(&self, batch: &Batch<'_>, sink: &mut dyn Sink, _: &Control<'_>) -> Result<(), BackendError> {
        for request in batch.requests().iter().rev() {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let key = RowKey::new(request, &self.id);
            let mut row = key.generation(&batch.decoding(), 0);
            row.text = Some(format!("{}{}", request.question_id, self.after));
            let state = |signal| {
                let mut row = key.hidden_state(signal);
                row.vector = Some(vec![0.5, -1.25]);
                row
            };
            let hidden_states = batch.signals().hidden_states().iter().map(state).collect();
            let observation = Observation {
                question_id: request.question_id.clone(),
                generations: vec![row],
                hidden_states,
            };
            sink.take(observation).map_err(|source| BackendError::Sink { model: self.id.clone(), source })?;
        }
        Ok(())
    }
}

/// Five requests.
pub(crate) fn requests() -> Vec<Request> {
    let prompt = Prompt {
        version: "1".into(),
        messages: Vec::new(),
        follow_ups: Vec::new(),
        true_strings: Vec::new(),
        false_strings: Vec::new(),
    };
    let request = |number: u64| Request {
        question_id: QuestionId::new(format!("d/test/{number}")).unwrap(),
        source_row: Some(number),
        prompt: prompt.clone(),
    };
    (0..5).map(request).collect()
}
