//! Tokens that requests will take, before anything is computed.

use std::iter::Sum;
use std::ops::Add;

use plimsoll_backend::Request;
use plimsoll_core::{Decoding, SignalRequest};
use rayon::prelude::*;

use super::prefix::rounded;
use crate::model::{Encoded, Encoder, shared_by_all, shared_prefix};

/// Prompts and tokens of a number of requests.
///
/// Answers are not known yet: follow-ups are counted as if answers were empty. Hidden states cost one token each and are
/// left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenEstimate {
    /// Number of requests.
    pub requests: u64,
    /// Of these, those that the model cannot answer: refused by its template, or too long.
    pub unanswerable: u64,
    /// Texts that will be generated: answers, samples, replies to follow-ups.
    pub texts: u64,
    /// Tokens of the requests' prompts.
    pub prompt_tokens: u64,
    /// Tokens to read with prefix sharing.
    pub prefill_tokens: u64,
    /// Tokens to read if each text read its whole prompt.
    pub unshared_prefill_tokens: u64,
    /// Maximum number of generated tokens.
    pub max_new_tokens: u64,
}

impl Add for TokenEstimate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            unanswerable: self.unanswerable + other.unanswerable,
            texts: self.texts + other.texts,
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            prefill_tokens: self.prefill_tokens + other.prefill_tokens,
            unshared_prefill_tokens: self.unshared_prefill_tokens + other.unshared_prefill_tokens,
            max_new_tokens: self.max_new_tokens + other.max_new_tokens,
        }
    }
}

impl Sum for TokenEstimate {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}

impl Encoder<'_> {
    /// Estimates the tokens of requests that share a prefix, as those of one dataset do.
    pub fn estimate(
        &self,
        requests: &[Request],
        signals: &SignalRequest,
        decoding: Decoding,
    ) -> TokenEstimate {
        let prompts: Vec<Option<Vec<u32>>> = requests
            .par_iter()
            .map(|request| Some(self.fitting(&request.prompt.messages).ok()?.tokens))
            .collect();
        let answerable = prompts.iter().flatten();
        let prefix = rounded(shared_by_all(answerable.clone().map(Vec::as_slice)));
        let parts: Vec<TokenEstimate> = requests
            .par_iter()
            .zip(&prompts)
            .map(|(request, prompt)| match prompt {
                Some(prompt) => {
                    self.estimate_one(request, prompt, prefix, &EstimatedOutput::new(signals, decoding))
                }
                None => TokenEstimate { requests: 1, unanswerable: 1, ..TokenEstimate::default() },
            })
            .collect();
        let first = if answerable.count() > 0 { prefix as u64 } else { 0 };
        let all: TokenEstimate = parts.into_iter().sum();
        TokenEstimate { prefill_tokens: all.prefill_tokens + first, ..all }
    }

    fn estimate_one(
        &self,
        request: &Request,
        prompt: &[u32],
        prefix: usize,
        output: &EstimatedOutput<'_>,
    ) -> TokenEstimate {
        let length = prompt.len() as u64;
        let mut sum = TokenEstimate {
            requests: 1,
            texts: output.texts,
            prompt_tokens: length,
            prefill_tokens: length - prefix as u64,
            unshared_prefill_tokens: length * output.texts,
            max_new_tokens: output.texts * output.max_tokens,
            ..TokenEstimate::default()
        };
        for (id, signal) in output.signals.follow_ups() {
            let tokens =
                request.prompt.follow_up(id).map(|follow_up| self.follow_up(&request.prompt, follow_up, ""));
            let Some(Ok(Encoded { tokens, .. })) = tokens else { continue };
            sum.texts += u64::from(signal.text_tokens.is_some());
            sum.max_new_tokens += u64::from(signal.text_tokens.unwrap_or(0));
            sum.unshared_prefill_tokens += tokens.len() as u64;
            sum.prefill_tokens += (tokens.len() - shared_prefix(prompt, &tokens)) as u64;
        }
        sum
    }
}

/// What is generated for each prompt.
struct EstimatedOutput<'a> {
    signals: &'a SignalRequest,
    /// The answer and the samples.
    texts: u64,
    max_tokens: u64,
}

impl<'a> EstimatedOutput<'a> {
    fn new(signals: &'a SignalRequest, decoding: Decoding) -> Self {
        let samples = signals.samples().iter().map(|samples| u64::from(samples.count)).sum::<u64>();
        Self { signals, texts: 1 + samples, max_tokens: u64::from(decoding.max_new_tokens()) }
    }
}
