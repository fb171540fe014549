//! Confidences that grow token by token, and where an early exit is due.

use serde_json::{json, Value};

use crate::confidence::Confidence;
use crate::decision::Threshold;
use crate::streaming::{must_defer, ConfidenceAccumulator, TokenMethod};

/// An answer as it grows, the threshold that it is held to, and how many tokens it may have.
struct Answer {
    method: TokenMethod,
    /// The operating point of the example file that has this threshold.
    target: Option<&'static str>,
    threshold: f64,
    max_tokens: u64,
    /// NaN for a token without one.
    logprobs_nats: &'static [f64],
}

const ANSWERS: [Answer; 10] = [
    // Doubtful, and over before its end.
    Answer::at("routing_ratio=0.3", 0.300_000_000_000_000_04, 8, &[-0.25, -2.5, -3.0, -4.75, -0.5, -0.125]),
    // Confident, and kept.
    Answer::at("routing_ratio=0.7", 0.7, 5, &[-0.1, -0.3, 0.0, -0.05]),
    // Just under the threshold: known with the last token alone.
    Answer::at("routing_ratio=0.7", 0.7, 4, &[-0.25, -0.5, -0.25, -0.5]),
    // The point keeps everything that has a confidence, and the third token has none.
    Answer::at("selective_error=0.2:0.1", 0.0, 6, &[-9.0, -700.0, f64::NAN, -0.5]),
    // More tokens than were promised: no exit.
    Answer::at("routing_ratio=0.7", 0.7, 2, &[-0.125, -0.125, -8.0]),
    Answer::average(0.6, 6, &[-3.0, -2.0, -0.75, -6.0, -0.5]),
    // Above zero by rounding.
    Answer::average(1.0, 3, &[5e-5, 1e-4, 0.0]),
    Answer::average(0.9, 1_000_000, &[-1.0, -800.0, 2e-4]),
    // Below the threshold with the third token, however many may come.
    Answer::smallest(0.4, 1_000_000, &[-0.25, -0.5, -1.0, -0.125]),
    // A tie is kept; more tokens than were promised end nothing; then a token has no log-probability.
    Answer::smallest(1.0, 2, &[0.0, 5e-5, -3.0, f64::NAN]),
];

impl Answer {
    const fn at(
        target: &'static str,
        threshold: f64,
        max_tokens: u64,
        logprobs_nats: &'static [f64],
    ) -> Self {
        Self { method: TokenMethod::Perplexity, target: Some(target), threshold, max_tokens, logprobs_nats }
    }

    const fn average(threshold: f64, max_tokens: u64, logprobs_nats: &'static [f64]) -> Self {
        let method = TokenMethod::AverageTokenProbability;
        Self { method, target: None, threshold, max_tokens, logprobs_nats }
    }

    const fn smallest(threshold: f64, max_tokens: u64, logprobs_nats: &'static [f64]) -> Self {
        let method = TokenMethod::MinTokenProbability;
        Self { method, target: None, threshold, max_tokens, logprobs_nats }
    }

    fn steps(&self) -> Vec<Value> {
        let Ok(threshold) = Threshold::new(self.threshold) else { return Vec::new() };
        let mut growing = ConfidenceAccumulator::new(self.method);
        let step = |logprob: &f64| {
            growing.push(logprob);
            json!({
                "logprob_nats": Some(*logprob).filter(|logprob| !logprob.is_nan()),
                "confidence": growing.confidence().map(Confidence::get),
                "upper_bound": growing.upper_bound(self.max_tokens).map(Confidence::get),
                "must_defer": must_defer(threshold, &growing, self.max_tokens),
            })
        };
        self.logprobs_nats.iter().map(step).collect()
    }

    fn vector(&self) -> Value {
        let id = self.method.id();
        json!({
            "method": id, "threshold_id": self.target.map(|target| format!("{id}/{target}")),
            "threshold": self.threshold, "max_tokens": self.max_tokens, "steps": self.steps(),
        })
    }
}

pub(super) fn vectors() -> Value {
    let sequences = ANSWERS.iter().map(Answer::vector).collect::<Vec<_>>();
    json!({ "tolerance": 1e-12, "thresholds": "example.thresholds.json", "sequences": sequences })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::example_thresholds;

    #[test]
    fn the_thresholds_are_the_example_s() {
        let file = example_thresholds();
        for answer in ANSWERS {
            let Some(target) = answer.target else { continue };
            let is_it = |id: &str| id.strip_prefix("perplexity/") == Some(target);
            let point = file.methods[0].operating_points.iter().find(|point| is_it(&point.id)).unwrap();
            assert_eq!(point.threshold.unwrap().get(), answer.threshold);
        }
    }
}
