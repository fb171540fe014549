//! What a request will take, before anything is computed.

use std::iter::Sum;
use std::ops::Add;

use plimsoll_backend::Request;
use plimsoll_core::{Decoding, SignalRequest};
use rayon::prelude::*;

use super::encoder::{Encoded, Encoder, shared, shared_by_all};
use super::prefix::rounded;

/// Prompts and tokens of a request.
///
/// Answers are not known yet: follow-ups are counted as if they were empty. States that are asked for
/// cost one token each and are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Asks.
    pub requests: u64,
    /// Of these, those that the model cannot take: refused by its template, or too long.
    pub unanswerable: u64,
    /// Texts that will be generated: answers, samples, replies to follow-ups.
    pub texts: u64,
    /// Tokens of the asks' prompts.
    pub prompt_tokens: u64,
    /// Tokens to read where what texts have in common is read once.
    pub prefill_tokens: u64,
    /// Tokens to read if each text read its whole prompt.
    pub unshared_prefill_tokens: u64,
    /// The most tokens that can be generated.
    pub most_new_tokens: u64,
}

impl Add for Estimate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            unanswerable: self.unanswerable + other.unanswerable,
            texts: self.texts + other.texts,
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            prefill_tokens: self.prefill_tokens + other.prefill_tokens,
            unshared_prefill_tokens: self.unshared_prefill_tokens + other.unshared_prefill_tokens,
            most_new_tokens: self.most_new_tokens + other.most_new_tokens,
        }
    }
}

impl Sum for Estimate {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}

impl Encoder<'_> {
    /// What it will take to answer asks that share a prefix, as those of one dataset do.
    pub fn estimate(&self, requests: &[Request], signals: &SignalRequest, decoding: Decoding) -> Estimate {
        let prompts: Vec<Option<Vec<u32>>> = requests
            .par_iter()
            .map(|request| Some(self.fitting(&request.prompt.messages).ok()?.tokens))
            .collect();
        let answerable = prompts.iter().flatten();
        let prefix = rounded(shared_by_all(answerable.clone().map(Vec::as_slice)));
        let parts: Vec<Estimate> = requests
            .par_iter()
            .zip(&prompts)
            .map(|(request, prompt)| match prompt {
                Some(prompt) => self.estimate_one(request, prompt, prefix, &Wanted::new(signals, decoding)),
                None => Estimate { requests: 1, unanswerable: 1, ..Estimate::default() },
            })
            .collect();
        let first = if answerable.count() > 0 { prefix as u64 } else { 0 };
        let all: Estimate = parts.into_iter().sum();
        Estimate { prefill_tokens: all.prefill_tokens + first, ..all }
    }

    fn estimate_one(
        &self,
        request: &Request,
        prompt: &[u32],
        prefix: usize,
        wanted: &Wanted<'_>,
    ) -> Estimate {
        let length = prompt.len() as u64;
        let mut sum = Estimate {
            requests: 1,
            texts: wanted.texts,
            prompt_tokens: length,
            prefill_tokens: length - prefix as u64,
            unshared_prefill_tokens: length * wanted.texts,
            most_new_tokens: wanted.texts * wanted.most_tokens,
            ..Estimate::default()
        };
        for (id, signal) in wanted.signals.follow_ups() {
            let tokens = request.prompt.follow_up(id).map(|asked| self.follow_up(&request.prompt, asked, ""));
            let Some(Ok(Encoded { tokens, .. })) = tokens else { continue };
            sum.texts += u64::from(signal.text_tokens.is_some());
            sum.most_new_tokens += u64::from(signal.text_tokens.unwrap_or(0));
            sum.unshared_prefill_tokens += tokens.len() as u64;
            sum.prefill_tokens += (tokens.len() - shared(prompt, &tokens)) as u64;
        }
        sum
    }
}

/// What is asked of each prompt.
struct Wanted<'a> {
    signals: &'a SignalRequest,
    /// The answer and the samples.
    texts: u64,
    most_tokens: u64,
}

impl<'a> Wanted<'a> {
    fn new(signals: &'a SignalRequest, decoding: Decoding) -> Self {
        let samples = signals.samples().iter().map(|samples| u64::from(samples.count)).sum::<u64>();
        Self { signals, texts: 1 + samples, most_tokens: u64::from(decoding.max_new_tokens()) }
    }
}
