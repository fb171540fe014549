//! Requests to a backend, and batches of them.

use std::collections::BTreeSet;

use plimsoll_core::{Decoding, ModelId, Prompt, QuestionId, Seed, SignalRequest};

/// One prompt of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Question.
    pub question_id: QuestionId,
    /// Row of the question in its source file, from 0, by which recordings of others may know it.
    pub source_row: Option<u64>,
    /// The prompt.
    pub prompt: Prompt,
}

/// Two requests of a batch share a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("question `{question_id}` is in one batch twice")]
pub struct RepeatedRequest {
    /// The question.
    pub question_id: QuestionId,
}

/// Requests that share signals, decoding parameters and seed.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    requests: &'a [Request],
    signals: &'a SignalRequest,
    decoding: Decoding,
    seed: Seed,
}

impl<'a> Batch<'a> {
    /// Takes requests for different questions.
    ///
    /// # Errors
    /// [`RepeatedRequest`].
    pub fn new(
        requests: &'a [Request],
        signals: &'a SignalRequest,
        decoding: Decoding,
        seed: Seed,
    ) -> Result<Self, RepeatedRequest> {
        let mut seen = BTreeSet::new();
        match requests.iter().find(|request| !seen.insert(&request.question_id)) {
            Some(request) => Err(RepeatedRequest { question_id: request.question_id.clone() }),
            None => Ok(Self { requests, signals, decoding, seed }),
        }
    }

    /// The requests, each for another question.
    pub fn requests(&self) -> &'a [Request] {
        self.requests
    }

    /// The signals to observe for each request.
    pub fn signals(&self) -> &'a SignalRequest {
        self.signals
    }

    /// How answers are decoded; samples at their own temperature.
    pub fn decoding(&self) -> Decoding {
        self.decoding
    }

    /// The pipeline's seed.
    pub fn seed(&self) -> Seed {
        self.seed
    }
}

/// The seed of one text, which depends on nothing but the pipeline's seed, the model, the question, the
/// prompt and the index of the sample (0 = the answer).
pub fn text_seed(seed: Seed, model: &ModelId, request: &Request, sample_index: u32) -> Seed {
    seed.derive(model.as_str())
        .derive(request.question_id.as_str())
        .derive(&request.prompt.hash())
        .derive_index(u64::from(sample_index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(id: &str) -> Request {
        let prompt = Prompt {
            version: "1".into(),
            messages: Vec::new(),
            follow_ups: Vec::new(),
            true_strings: Vec::new(),
            false_strings: Vec::new(),
        };
        Request { question_id: QuestionId::new(id).unwrap(), source_row: None, prompt }
    }

    #[test]
    fn a_question_is_in_a_batch_only_once() {
        let signals = SignalRequest::answer();
        let decoding = Decoding::new(0.0, 1.0, 8).unwrap();
        let batch = |requests: &[Request]| Batch::new(requests, &signals, decoding, Seed::new(1)).map(|_| ());
        assert!(batch(&[request("a"), request("b")]).is_ok());
        let error = batch(&[request("a"), request("b"), request("a")]).unwrap_err();
        assert_eq!(error.to_string(), "question `a` is in one batch twice");
    }

    #[test]
    fn every_text_has_its_own_seed() {
        let (model, other) = (ModelId::new("m").unwrap(), ModelId::new("n").unwrap());
        let seed = |plan, model, id: &str, index| text_seed(Seed::new(plan), model, &request(id), index);
        let first = seed(1, &model, "a", 0);
        assert_eq!(first, seed(1, &model, "a", 0));
        for another in [
            seed(2, &model, "a", 0),
            seed(1, &other, "a", 0),
            seed(1, &model, "b", 0),
            seed(1, &model, "a", 1),
        ] {
            assert_ne!(first, another);
        }
    }
}
