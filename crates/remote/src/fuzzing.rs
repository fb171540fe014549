//! Entry points for fuzzers: readers of untrusted bytes that are otherwise private.

use std::sync::Arc;

use plimsoll_backend::{Backend as _, BackendObserver, Batch, Cancel, Control, Request};
use plimsoll_core::prompt::{Message, Prompt, Role};
use plimsoll_core::{Decoding, QuestionId, Seed, SignalRequest};

use crate::openai::ApiKey;
pub use crate::openai::fuzzing::{read_refusal, read_reply};
use crate::replay::Replay;

/// Answers the first questions of `gsm8k/test/` from a recording, with log-probs and samples.
pub fn replay_rows(replay: &Replay, questions: u64) {
    let request = |row: u64| {
        let prompt = Prompt {
            version: "1".to_owned(),
            messages: vec![Message { role: Role::User, text: "Why?".to_owned() }],
            follow_ups: Vec::new(),
            true_strings: Vec::new(),
            false_strings: Vec::new(),
        };
        let question_id = QuestionId::new(format!("gsm8k/test/{row}")).ok()?;
        Some(Request { question_id, source_row: Some(row), prompt })
    };
    let requests: Vec<Request> = (0..questions).filter_map(request).collect();
    let (Ok(signals), Ok(decoding)) =
        (SignalRequest::answer().with_logprobs().with_samples(2, 1.0), Decoding::new(0.0, 1.0, 16))
    else {
        return;
    };
    let Ok(batch) = Batch::new(&requests, &signals, decoding, Seed::new(1)) else { return };
    let progress: Arc<dyn BackendObserver> = Arc::new(());
    let control = Control { cancel: &Cancel::new(), progress: &progress };
    let _ = replay.answer(&batch, &mut Vec::new(), &control);
}

/// The key that replies are read with.
pub(crate) fn api_key(key: &str) -> Option<ApiKey> {
    ApiKey::new(key).ok()
}
