//! The text that tokens make, token by token.
//!
//! The text of an answer is what the tokenizer makes of all its tokens at once. Which token made which byte
//! is found by decoding a short window again with each token. At the end the parts are held against the
//! whole; a decoder whose parts do not join is run on every prefix instead.

use crate::tokenizer::{Tokenizer, TokenizerError};

/// What decoders write for bytes that are no character, or not yet.
const UNFINISHED: char = '\u{FFFD}';

/// Tokens before the new ones that a window starts with: decoders strip or join at a start.
const CONTEXT: usize = 4;

/// The growing text of an answer.
#[derive(Debug)]
pub(super) struct TokenTexts<'t> {
    tokenizer: &'t Tokenizer,
    ids: Vec<u32>,
    text: String,
    /// Per token the length of the text after it. Tokens that wait for a character to be completed have none
    /// yet.
    ends: Vec<usize>,
    /// How far the text was searched for stop strings.
    searched: usize,
}

impl<'t> TokenTexts<'t> {
    pub(super) fn new(tokenizer: &'t Tokenizer) -> Self {
        Self { tokenizer, ids: Vec::new(), text: String::new(), ends: Vec::new(), searched: 0 }
    }

    /// Takes the next token.
    pub(super) fn push(&mut self, token: u32) -> Result<(), TokenizerError> {
        self.ids.push(token);
        let done = self.ends.len();
        let first = done.saturating_sub(CONTEXT);
        let before = self.tokenizer.decode(&self.ids[first..done])?;
        let now = self.tokenizer.decode(&self.ids[first..])?;
        // A replacement character at the end may yet become a character.
        if now.ends_with(UNFINISHED) {
            return Ok(());
        }
        let new = now.strip_prefix(&before).unwrap_or_default();
        self.share_out(new.len(), self.ids.len() - done);
        self.text.push_str(new);
        Ok(())
    }

    /// The text so far, without what waits for a character to be completed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Gives so many new bytes to so many waiting tokens: one byte each, the last the rest.
    fn share_out(&mut self, bytes: usize, tokens: usize) {
        let start = self.text.len();
        self.ends.extend((1..tokens).map(|count| start + count.min(bytes)));
        self.ends.push(start + bytes);
    }

    /// Where the first stop string starts that the text now holds.
    pub(super) fn find(&mut self, strings: &[String]) -> Option<usize> {
        let max_stop_bytes = strings.iter().map(String::len).max()?;
        let from = floor_char(&self.text, self.searched.saturating_sub(max_stop_bytes));
        self.searched = self.text.len();
        let found = strings
            .iter()
            .filter(|string| !string.is_empty())
            .filter_map(|string| self.text[from..].find(string));
        found.min().map(|offset| from + offset)
    }

    /// The whole text, and per token the length of the text after it.
    pub(super) fn finish(mut self) -> Result<(String, Vec<usize>), TokenizerError> {
        let whole = self.tokenizer.decode(&self.ids)?;
        let waiting = self.ids.len() - self.ends.len();
        if let Some(rest) = whole.strip_prefix(&self.text) {
            if waiting > 0 {
                self.share_out(rest.len(), waiting);
                return Ok((whole, self.ends));
            }
            if rest.is_empty() {
                return Ok((whole, self.ends));
            }
        }
        let ends = self.by_prefixes(&whole)?;
        Ok((whole, ends))
    }

    /// The text after each token as the longest start that its prefix shares with the whole.
    fn by_prefixes(&self, whole: &str) -> Result<Vec<usize>, TokenizerError> {
        let mut ends = Vec::with_capacity(self.ids.len());
        let mut last = 0;
        for count in 1..=self.ids.len() {
            let prefix = self.tokenizer.decode(&self.ids[..count])?;
            let shared = prefix.bytes().zip(whole.bytes()).take_while(|(a, b)| a == b).count();
            last = floor_char(whole, shared).max(last);
            ends.push(last);
        }
        if let Some(end) = ends.last_mut() {
            *end = whole.len();
        }
        Ok(ends)
    }
}

/// The largest offset at or before this one where a character starts.
pub(super) fn floor_char(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|offset| text.is_char_boundary(*offset)).unwrap_or(0)
}
