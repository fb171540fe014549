//! What a model is trained on, once it is tokens.

use std::ops::Range;

/// A document: its tokens, and the weight of predicting each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSample {
    /// Ids in the vocabulary.
    pub tokens: Vec<u32>,
    /// The weight of each token's loss, at least 0. The first token's is ignored: nothing predicts it.
    pub weights: Vec<f32>,
}

/// Documents one after the other, each seen by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct PackedSamples {
    /// The input tokens.
    pub(crate) tokens: Vec<u32>,
    /// The position of each in its document.
    pub(crate) positions: Vec<usize>,
    /// The range of each document in `tokens`.
    pub(crate) documents: Vec<Range<usize>>,
    /// The positions whose output is trained, each with its target token and weight.
    pub(crate) targets: Vec<TargetToken>,
}

/// A token to predict.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TargetToken {
    pub(crate) position: usize,
    pub(crate) token: u32,
    pub(crate) weight: f32,
}

impl PackedSamples {
    pub(crate) fn new(samples: &[TrainingSample]) -> Self {
        let mut packed = Self::default();
        for sample in samples {
            let start = packed.tokens.len();
            let read = sample.tokens.len().saturating_sub(1);
            packed.tokens.extend_from_slice(&sample.tokens[..read]);
            packed.positions.extend(0..read);
            packed.documents.push(start..start + read);
            for index in 0..read {
                let weight = sample.weights[index + 1];
                if weight > 0.0 {
                    let token = sample.tokens[index + 1];
                    packed.targets.push(TargetToken { position: start + index, token, weight });
                }
            }
        }
        packed
    }
}

/// Cuts a list of documents into runs of about so many tokens, so that what a run needs stays near the
/// processor. A longer document is a run of its own.
pub(crate) fn runs(samples: &[TrainingSample], max_tokens: usize) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (index, sample) in samples.iter().enumerate() {
        if index > start && tokens + sample.tokens.len() > max_tokens {
            runs.push(start..index);
            (start, tokens) = (index, 0);
        }
        tokens += sample.tokens.len();
    }
    if start < samples.len() {
        runs.push(start..samples.len());
    }
    runs
}
