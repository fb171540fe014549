//! The confidence algorithm of vLLM semantic router (`looper/confidence.go` at version 0.4).
//!
//! Its score of `avg_logprob` is (x + 3) / 3 of the mean log-probability x, clamped to [0, 1], and an answer is accepted
//! iff score >= threshold. A threshold of 0 means there "not set", and -1 is taken instead, which accepts everything.

use super::{Point, other_method};

/// Mean log-probabilities below minus this all have the score 0.
const CLAMP: f64 = 3.0;

/// The `algorithm` of a decision.
pub(super) fn export(point: &Point<'_>) -> Result<String, String> {
    if point.method != "perplexity" {
        return Err(other_method(
            point,
            "the mean log-probability (perplexity), and a margin of log-probabilities,",
        ));
    }
    let threshold = if point.defers_all() {
        // No score is above 1.
        2.0
    } else {
        (point.threshold.ln() + CLAMP) / CLAMP
    };
    if threshold <= 0.0 {
        return Err(format!(
            "its score is 0 for every perplexity confidence up to {:.6}, and a threshold of 0 means \"not set\" there; \
             {} is no higher",
            (-CLAMP).exp(),
            point.threshold
        ));
    }
    let [first, second] = point.origin();
    Ok(format!(
        "\
# {first}
# {second}
# The algorithm of a decision whose modelRefs are the small and the large model; the smaller param_size is asked first.
# It averages over all tokens that the server lists: the threshold means the same only if these are the answer's tokens,
# without reasoning and stop token. A reply without log-probabilities is not accepted, so on_error must be skip.
algorithm:
  type: confidence
  confidence:
    confidence_method: avg_logprob
    threshold: {threshold:?}
    on_error: skip
"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(method: &'static str, threshold: f64) -> Point<'static> {
        Point { method, id: "m/t", threshold, slm: "s", llm: Some("l"), file_sha256: "0" }
    }

    /// What the program does with a mean log-probability.
    fn accepts(threshold: f64, mean: f64) -> bool {
        let threshold = if threshold == 0.0 { -1.0 } else { threshold };
        ((mean + 3.0) / 3.0).clamp(0.0, 1.0) >= threshold
    }

    fn threshold(text: &str) -> f64 {
        let line = text.lines().find_map(|line| line.trim().strip_prefix("threshold: ")).unwrap();
        line.parse().unwrap()
    }

    #[test]
    fn decisions_are_the_files() {
        for ours in [0.05, 0.3, 0.731, 0.999_999, 1.0, 1.0 + f64::EPSILON] {
            let theirs = threshold(&export(&point("perplexity", ours)).unwrap());
            for step in 0..=4000 {
                let mean = -f64::from(step) / 1000.0;
                // Apart from the rounding of one logarithm.
                if (mean.exp() - ours).abs() > 1e-12 {
                    assert_eq!(accepts(theirs, mean), mean.exp() >= ours, "{ours} {mean}");
                }
            }
        }
    }

    #[test]
    fn what_it_cannot_say_is_refused() {
        for threshold in [0.0, 0.01, (-3f64).exp()] {
            assert!(export(&point("perplexity", threshold)).unwrap_err().contains("not set"), "{threshold}");
        }
        assert!(export(&point("token_margin", 0.5)).unwrap_err().contains("and not token_margin"));
    }
}
