//! From a prompt to an answer: which token comes next, what text it makes, and when it ends.
//!
//! A [`Sequence`] is one answer that grows. It knows no model: it takes logits and says which token to
//! feed. Whoever runs a model drives as many sequences as it likes, in whatever batches.

mod text;

use plimsoll_core::{Finish, Seed};

use crate::sampling::{Sampling, SamplingError};
use crate::tokenizer::{Tokenizer, TokenizerError};

use text::{TokenTexts, floor_char};

/// Why an answer could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerationError {
    /// No token could be chosen.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
    /// Tokens could not become text.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

/// When an answer ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopRules {
    /// Tokens that end it: they are listed, and are no part of the text.
    pub tokens: Vec<u32>,
    /// Strings that end it: the text stops before the first of them. Empty ones are ignored.
    pub strings: Vec<String>,
    /// Maximum number of tokens, those that end it included; at least 1 is generated.
    pub max_tokens: usize,
}

/// A generated token.
#[derive(Debug, Clone, PartialEq)]
pub struct GeneratedToken {
    /// Its id.
    pub id: u32,
    /// Natural log of its probability, before temperature and truncation.
    pub logprob: f64,
    /// First byte of its part of the text. Parts follow each other without gaps; a character that several
    /// tokens make is shared out byte by byte, so a part need not be a whole character. Stop tokens, special
    /// tokens and what a stop string cut off have no part.
    pub start: usize,
    /// The byte after its part.
    pub end: usize,
    /// Natural logs of the likeliest tokens' probabilities at its position, falling; empty unless they are listed.
    pub likeliest: Vec<f32>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The text, without stop token and stop string.
    pub text: String,
    /// All tokens that were generated.
    pub tokens: Vec<GeneratedToken>,
    /// Why it ended.
    pub finish: Finish,
}

impl Generated {
    /// The text of each token; together they are the answer's text. A character that several tokens make
    /// stands whole at the last of them.
    pub fn token_texts(&self) -> impl Iterator<Item = &str> {
        let offset = |offset| floor_char(&self.text, offset);
        self.tokens.iter().map(move |token| &self.text[offset(token.start)..offset(token.end)])
    }
}

/// An answer that grows.
#[derive(Debug)]
pub struct Sequence<'t> {
    texts: TokenTexts<'t>,
    sampling: Sampling,
    stop: StopRules,
    seed: Seed,
    /// How many of the likeliest tokens are listed at each position.
    listed: usize,
    tokens: Vec<(u32, f64)>,
    likeliest: Vec<Vec<f32>>,
    finish: Option<Finish>,
    /// Where the text ends by a stop string.
    cut: Option<usize>,
}

impl<'t> Sequence<'t> {
    /// An empty answer.
    pub fn new(tokenizer: &'t Tokenizer, sampling: Sampling, stop: StopRules, seed: Seed) -> Self {
        let texts = TokenTexts::new(tokenizer);
        let (tokens, likeliest) = (Vec::new(), Vec::new());
        Self { texts, sampling, stop, seed, listed: 0, tokens, likeliest, finish: None, cut: None }
    }

    /// Lists so many of the likeliest tokens at each position.
    #[must_use]
    pub fn listing(self, count: usize) -> Self {
        Self { listed: count, ..self }
    }

    /// Chooses the next token from the logits after the last one. Returns it if the model is to continue from
    /// it, `None` if the answer has ended.
    ///
    /// # Errors
    /// [`GenerationError`]; the answer is then of no use.
    pub fn advance(&mut self, logits: &[f32]) -> Result<Option<u32>, GenerationError> {
        if self.finish.is_some() {
            return Ok(None);
        }
        let index = self.tokens.len() as u64;
        let (chosen, likeliest) = self.sampling.choose_and_list(logits, &self.seed, index, self.listed)?;
        self.tokens.push((chosen.token, chosen.logprob));
        if self.listed > 0 {
            self.likeliest.push(likeliest);
        }
        if self.stop.tokens.contains(&chosen.token) {
            self.finish = Some(Finish::Stop);
            return Ok(None);
        }
        self.texts.push(chosen.token)?;
        if let Some(cut) = self.texts.find(&self.stop.strings) {
            (self.cut, self.finish) = (Some(cut), Some(Finish::Stop));
        } else if self.tokens.len() >= self.stop.max_tokens {
            self.finish = Some(Finish::Length);
        }
        Ok(if self.finish.is_some() { None } else { Some(chosen.token) })
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.finish.is_some()
    }

    /// Tokens so far.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no token yet.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The tokens so far.
    pub fn tokens(&self) -> impl Iterator<Item = u32> {
        self.tokens.iter().map(|(token, _)| *token)
    }

    /// The start of the text that stays whatever comes: a stop string that has begun is held back. For who
    /// watches; the text itself is that of [`Sequence::finish`].
    pub fn settled(&self) -> &str {
        let text = self.texts.text();
        let max_stop_bytes = self.stop.strings.iter().map(String::len).max().unwrap_or(0);
        let end = self.cut.unwrap_or_else(|| text.len().saturating_sub(max_stop_bytes.saturating_sub(1)));
        &text[..floor_char(text, end)]
    }

    /// The answer, as far as it got.
    ///
    /// # Errors
    /// [`GenerationError::Tokenizer`].
    pub fn finish(self) -> Result<Generated, GenerationError> {
        let (mut text, ends) = self.texts.finish()?;
        // A string may stand across the end that was still open when it was looked for.
        let cut = self.cut.map_or(text.len(), |cut| cut.min(text.len()));
        text.truncate(floor_char(&text, cut));
        let mut start = 0;
        let mut tokens = Vec::with_capacity(self.tokens.len());
        let mut likeliest = self.likeliest.into_iter();
        for (index, (id, logprob)) in self.tokens.into_iter().enumerate() {
            let end = ends.get(index).copied().unwrap_or(text.len()).clamp(start, text.len());
            let likeliest = likeliest.next().unwrap_or_default();
            tokens.push(GeneratedToken { id, logprob, start, end, likeliest });
            start = end;
        }
        Ok(Generated { text, tokens, finish: self.finish.unwrap_or(Finish::Length) })
    }
}

#[cfg(test)]
mod tests;
