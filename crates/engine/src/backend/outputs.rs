//! What is generated and observed for each request of a batch.

use plimsoll_backend::Batch;
use plimsoll_backend::observation::sample_decoding;
use plimsoll_core::signal::HiddenStateSignal;
use plimsoll_core::{Decoding, SignalRequest};

use crate::error::Result;
use crate::sampling::Sampling;

/// How the answer or a sample is generated.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextSpec {
    pub(super) decoding: Decoding,
    pub(super) sampling: Sampling,
    pub(super) sample_index: u32,
}

impl TextSpec {
    fn new(decoding: Decoding, sample_index: u32) -> Result<Self> {
        let sampling = Sampling::at(decoding.temperature())?.with_top_p(decoding.top_p())?;
        Ok(Self { decoding, sampling, sample_index })
    }

    pub(super) fn max_tokens(&self) -> usize {
        self.decoding.max_new_tokens() as usize
    }
}

/// The outputs of a request, in the order of its rows.
#[derive(Debug)]
pub(super) struct OutputSpec<'a> {
    pub(super) signals: &'a SignalRequest,
    /// The answer first.
    pub(super) texts: Vec<TextSpec>,
    pub(super) states: Vec<HiddenStateSignal>,
}

impl<'a> OutputSpec<'a> {
    pub(super) fn new(batch: &Batch<'a>) -> Result<Self> {
        let signals = batch.signals();
        let mut texts = vec![TextSpec::new(batch.decoding(), 0)?];
        for samples in signals.samples() {
            let decoding = sample_decoding(batch.decoding(), samples);
            for index in 1..=samples.count {
                texts.push(TextSpec::new(decoding, index)?);
            }
        }
        Ok(Self { signals, texts, states: signals.hidden_states().iter().copied().collect() })
    }
}

/// The engine's index of a layer that is counted from either end, if a model of so many blocks has it.
///
/// 0 is the embedding and n the stream after the last of n blocks; -1 is n too, and -8 is n - 7.
pub(super) fn layer(signal: i32, blocks: usize) -> Option<usize> {
    let count = i64::try_from(blocks).ok()?;
    let layer = if signal < 0 { count + 1 + i64::from(signal) } else { i64::from(signal) };
    usize::try_from(layer).ok().filter(|layer| *layer <= blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_counted_from_either_end_as_transformers_lists_hidden_states() {
        // transformers lists n + 1 states; -8 of its list of 31 is the one at 23, after block 23 = n - 7.
        assert_eq!(layer(-8, 30), Some(23));
        for (signal, expected) in [
            (0, Some(0)),
            (2, Some(2)),
            (3, None),
            (-1, Some(2)),
            (-3, Some(0)),
            (-4, None),
            (i32::MIN, None),
            (i32::MAX, None),
        ] {
            assert_eq!(layer(signal, 2), expected, "{signal}");
        }
    }
}
