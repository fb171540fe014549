//! What a model is trained on, once it is tokens.

use std::ops::Range;

/// A document: its tokens, and what it counts to have foretold each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// The weight of each token's loss, at least 0. The first token's is not looked at: nothing foretells it.
    pub weights: Vec<f32>,
}

/// Documents one after the other, each seen by itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packed {
    /// What is read.
    pub(crate) tokens: Vec<u32>,
    /// Its place in its document.
    pub(crate) positions: Vec<usize>,
    /// Where documents lie.
    pub(crate) documents: Vec<Range<usize>>,
    /// Places behind which a token is foretold, with the token and its weight.
    pub(crate) foretold: Vec<Foretold>,
}

/// A token that is to be foretold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Foretold {
    pub(crate) place: usize,
    pub(crate) token: u32,
    pub(crate) weight: f32,
}

impl Packed {
    pub(crate) fn new(samples: &[Sample]) -> Self {
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
                    packed.foretold.push(Foretold { place: start + index, token, weight });
                }
            }
        }
        packed
    }
}

/// Cuts a list of documents into runs of about so many tokens, so that what a run needs stays near the
/// processor. A longer document is a run of its own.
pub(crate) fn runs(samples: &[Sample], most_tokens: usize) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (index, sample) in samples.iter().enumerate() {
        if index > start && tokens + sample.tokens.len() > most_tokens {
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
