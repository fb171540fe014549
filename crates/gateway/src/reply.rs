//! The SLM's reply, whole or streamed, as one chat completion document.

use plimsoll_core::MissingSignal;
use plimsoll_core::reasoning::answer_part;
use plimsoll_router::ConfidenceAccumulator;
use serde_json::{Map, Value, json};

use crate::reason::NoConfidence;

/// Puts the chunks of a streamed reply together as the server would have replied without streaming.
#[derive(Debug, Default)]
pub struct ChunkCollector {
    /// Fields of the first chunk that a whole reply has too.
    head: Map<String, Value>,
    text: String,
    has_text: bool,
    logprobs: Vec<Value>,
    finish_reason: Option<Value>,
    usage: Option<Value>,
    is_done: bool,
    /// Tokens of the answer so far, while it is certain that they are all of them.
    growing: Option<ConfidenceAccumulator>,
}

impl ChunkCollector {
    /// With a confidence that grows, where the SLM may be stopped early.
    pub fn new(growing: Option<ConfidenceAccumulator>) -> Self {
        Self { growing, ..Self::default() }
    }

    /// Takes the data of an event that is a chunk or the end.
    pub fn take(&mut self, chunk: &Value) {
        let Some(choice) = chunk.get("choices").and_then(|choices| choices.get(0)) else {
            self.take_usage(chunk);
            return;
        };
        if self.head.is_empty() {
            let kept =
                |(name, _): &(&String, &Value)| !matches!(name.as_str(), "choices" | "object" | "usage");
            self.head = chunk
                .as_object()
                .into_iter()
                .flatten()
                .filter(kept)
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect();
        }
        self.take_usage(chunk);
        let delta = choice.get("delta").unwrap_or(choice);
        let piece = ["content", "refusal", "text"].iter().find_map(|name| delta.get(name)?.as_str());
        let tokens = choice.get("logprobs").and_then(|logprobs| logprobs.get("content")?.as_array());
        self.grow(piece.unwrap_or_default(), tokens.map_or(&[][..], Vec::as_slice));
        if let Some(piece) = piece {
            self.has_text = true;
            self.text.push_str(piece);
        }
        self.logprobs.extend(tokens.into_iter().flatten().cloned());
        if let Some(reason) = choice.get("finish_reason").filter(|reason| !reason.is_null()) {
            self.finish_reason = Some(reason.clone());
        }
    }

    /// Takes the mark of the end.
    pub fn end(&mut self) {
        self.is_done = true;
    }

    fn take_usage(&mut self, chunk: &Value) {
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            self.usage = Some(usage.clone());
        }
    }

    /// Tokens count for the growing confidence only where they are the piece that they came with: what a server holds back
    /// or leaves out may not be part of the answer. From the first doubt on, nothing is known early.
    fn grow(&mut self, piece: &str, tokens: &[Value]) {
        let Some(growing) = &mut self.growing else { return };
        if piece.is_empty() && tokens.is_empty() {
            return;
        }
        let text: Option<String> = tokens.iter().map(|token| token.get("token")?.as_str()).collect();
        let logprobs: Option<Vec<f64>> = tokens.iter().map(|token| token.get("logprob")?.as_f64()).collect();
        match logprobs.filter(|_| text.as_deref() == Some(piece) && !piece.is_empty()) {
            Some(logprobs) => logprobs.into_iter().map(single).for_each(|logprob| growing.push(logprob)),
            None => self.growing = None,
        }
    }

    /// The growing confidence, while it is that of the answer so far: marks of reasoning end it.
    pub fn growing(&self) -> Option<&ConfidenceAccumulator> {
        let growing = self.growing.as_ref()?;
        (answer_part(&self.text, false).range == (0..self.text.len())).then_some(growing)
    }

    /// The reply as one document.
    ///
    /// # Errors
    /// [`NoConfidence`] for a stream that ended before its answer did, or that held none.
    pub fn finish(self) -> Result<Value, NoConfidence> {
        if self.finish_reason.is_none() {
            let is_empty = self.is_done && self.text.is_empty();
            return Err(if is_empty { MissingSignal::NoText.into() } else { NoConfidence::ReplyCut });
        }
        let text = if self.has_text { Value::String(self.text) } else { Value::Null };
        let logprobs = if self.logprobs.is_empty() { Value::Null } else { json!({"content": self.logprobs}) };
        let mut document = self.head;
        document.insert("object".to_owned(), json!("chat.completion"));
        let message = json!({"role": "assistant", "content": text});
        let choice = json!({"index": 0, "message": message, "logprobs": logprobs, "finish_reason": self.finish_reason});
        document.insert("choices".to_owned(), json!([choice]));
        document.extend(self.usage.map(|usage| ("usage".to_owned(), usage)));
        Ok(Value::Object(document))
    }
}

/// A log-probability as the pipeline keeps it.
#[expect(clippy::cast_possible_truncation, reason = "in single precision")]
fn single(logprob: f64) -> f32 {
    (logprob as f32).max(f32::MIN)
}

#[cfg(test)]
mod tests {
    use plimsoll_router::{Confidence, TokenMethod};

    use super::*;

    fn chunk(text: &str, logprob: f64) -> Value {
        json!({"id": "1", "model": "m", "object": "chat.completion.chunk", "system_fingerprint": "f",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null,
                "logprobs": {"content": [{"token": text, "logprob": logprob}]}}]})
    }

    fn last() -> Value {
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    }

    #[test]
    fn chunks_are_one_reply() {
        let mut collector = ChunkCollector::default();
        collector.take(
            &json!({"id": "1", "model": "m", "choices": [{"delta": {"role": "assistant", "content": ""}}]}),
        );
        for item in [
            chunk("It", -0.5),
            chunk(" is", -0.25),
            last(),
            json!({"choices": [], "usage": {"completion_tokens": 2}}),
        ] {
            collector.take(&item);
        }
        let reply = collector.finish().unwrap();
        assert_eq!(reply["choices"][0]["message"]["content"], "It is");
        assert_eq!(reply["choices"][0]["logprobs"]["content"][1]["logprob"], -0.25);
        assert_eq!((&reply["usage"]["completion_tokens"], &reply["model"]), (&json!(2), &json!("m")));
        assert_eq!(reply["object"], "chat.completion");
    }

    #[test]
    fn a_stream_without_its_end_is_cut_and_one_without_a_text_is_empty() {
        let mut cut = ChunkCollector::default();
        cut.take(&chunk("It", -0.5));
        assert_eq!(cut.finish().unwrap_err(), NoConfidence::ReplyCut);
        let mut empty = ChunkCollector::default();
        empty.end();
        assert_eq!(empty.finish().unwrap_err().name(), "no_text");
        assert_eq!(ChunkCollector::default().finish().unwrap_err(), NoConfidence::ReplyCut);
        for odd in [
            json!(null),
            json!([]),
            json!({"choices": 5}),
            json!({"choices": [5]}),
            json!({"choices": [{"delta": [], "logprobs": 1}]}),
        ] {
            let mut collector = ChunkCollector::default();
            collector.take(&odd);
            assert!(collector.finish().is_err(), "{odd}");
        }
    }

    #[test]
    fn a_growing_confidence_is_that_of_the_answer_or_none() {
        let new = || ChunkCollector::new(Some(ConfidenceAccumulator::new(TokenMethod::Perplexity)));
        let mut certain = new();
        certain.take(&json!({"choices": [{"delta": {"role": "assistant", "content": ""}}]}));
        certain.take(&chunk("It", -0.5));
        certain.take(&chunk(" is", -0.25));
        assert_eq!(certain.growing().unwrap().confidence(), Confidence::perplexity([-0.5f32, -0.25]));
        let mut held_back = new();
        held_back.take(&json!({"choices": [{"delta": {"content": ""}, "logprobs": {"content": [{"token": "<x>", "logprob": -3.0}]}}]}));
        assert!(held_back.growing().is_none());
        let mut reasoning = new();
        reasoning.take(&chunk("<think>", -3.0));
        assert!(reasoning.growing().is_none());
        let mut without = new();
        without.take(&json!({"choices": [{"delta": {"content": "a"}}]}));
        assert!(without.growing().is_none());
    }
}
