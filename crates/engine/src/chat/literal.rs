//! String literals of Jinja.

/// The length of the string literal that a text starts with, quotes included; all if it does not end.
pub(super) fn string_length(text: &str) -> usize {
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, quote)| quote);
    let mut escaped = false;
    for (at, c) in chars {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if Some(c) == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}
