//! From bytes to tokens.

use std::ops::Range;

/// The tokens that hold some of a span: the smallest run of tokens that covers it.
///
/// `token_offsets` are the bytes of each token in the text, in order; they may overlap where tokens
/// share the bytes of one character. Empty tokens (a stop token) hold nothing. `None` if the span is
/// empty or no token holds any of it.
///
/// ```
/// use plimsoll_label::token_span;
/// // "The", " answer", " is", " B", "."
/// let tokens = [0..3, 3..10, 10..13, 13..15, 15..16];
/// assert_eq!(token_span(&(14..15), &tokens), Some(3..4));
/// assert_eq!(token_span(&(11..15), &tokens), Some(2..4));
/// assert_eq!(token_span(&(16..16), &tokens), None);
/// ```
pub fn token_span(span: &Range<usize>, token_offsets: &[Range<usize>]) -> Option<Range<usize>> {
    let holds = |token: &Range<usize>| token.start < span.end && token.end > span.start && !token.is_empty();
    let first = token_offsets.iter().position(holds)?;
    let last = token_offsets.iter().rposition(holds)?;
    (!span.is_empty()).then_some(first..last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_share_a_character_all_count() {
        // One character of three bytes, made by three byte tokens that all point at it.
        let tokens = [0..1, 1..4, 1..4, 1..4, 4..5, 5..5];
        assert_eq!(token_span(&(1..4), &tokens), Some(1..4));
        assert_eq!(token_span(&(4..5), &tokens), Some(4..5));
        assert_eq!(token_span(&(7..9), &tokens), None);
        assert_eq!(token_span(&(0..1), &[]), None);
    }
}
