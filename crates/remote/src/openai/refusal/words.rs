//! Texts of servers as words, independent of case and separators.

/// Lower-case words and numbers, a space between each two and at both ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::openai) struct ErrorWords(String);

/// Maximum bytes of a body's texts that are read.
const MAX_BYTES: usize = 32 << 10;

impl ErrorWords {
    /// Adds a text. `top_logprobs`, `topLogprobs` and `Top logprobs` are the same words.
    pub(super) fn add(&mut self, text: &str) {
        let mut before = ' ';
        for character in text.chars() {
            if self.0.len() >= MAX_BYTES {
                break;
            }
            let is_word = character.is_alphanumeric();
            if !is_word || (character.is_uppercase() && before.is_lowercase()) {
                self.end_word();
            }
            if is_word {
                if self.0.is_empty() {
                    self.0.push(' ');
                }
                self.0.extend(character.to_lowercase());
            }
            before = character;
        }
        self.end_word();
    }

    fn end_word(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with(' ') {
            self.0.push(' ');
        }
    }

    /// Whether the words contain this text, within words too.
    pub(in crate::openai) fn have(&self, part: &str) -> bool {
        self.0.contains(part)
    }

    /// Whether the words contain one of these.
    pub(in crate::openai) fn have_any(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.have(part))
    }

    /// The whole numbers among the words.
    pub(in crate::openai) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.0.split(' ').filter_map(|word| word.parse().ok())
    }
}

/// A code without case and separators.
pub(super) fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_separators_hide_nothing() {
        for text in ["top_logprobs", "Top-Logprobs", "topLogprobs", " top  logprobs.", "TOP LOGPROBS"] {
            let mut words = ErrorWords::default();
            words.add(text);
            assert_eq!(words, ErrorWords(" top logprobs ".to_owned()), "{text}");
        }
        let mut words = ErrorWords::default();
        words.add("at most 5");
        words.add("got 20");
        assert_eq!(words.numbers().collect::<Vec<_>>(), [5, 20]);
        assert!(words.have(" at most ") && !words.have("5got"));
        words.add(&"x".repeat(1 << 20));
        assert!(words.0.len() < MAX_BYTES + 8);
    }
}
