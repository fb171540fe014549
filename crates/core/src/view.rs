//! An answer's text as characters that rules can compare: digits of every script, widths and dashes
//! folded, invisible characters left out, each character knowing its bytes.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// Code points of the zeros of the decimal digits (`Nd`) of Unicode 14 outside ASCII; nine more
/// digits follow each.
const ZEROS: &[u32] = &[
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0,
    0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0,
    0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50,
    0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140,
    0x1E2F0, 0x1E950, 0x1FBF0,
];

/// Closing marks that are skipped after a word, at most.
const MAX_MARKS: usize = 64;

/// Signs of currencies.
const CURRENCIES: &str = "$€£¥₹₩₽₺¢";

/// Whether a character is a currency sign.
pub fn is_currency(c: char) -> bool {
    CURRENCIES.contains(c)
}

/// One character for the rules, or `None` where the character is invisible (zero-width characters,
/// marks of writing direction, soft hyphens, variation selectors).
pub fn fold(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(if c.is_ascii_control() && !matches!(c, '\n' | '\t') { '\u{20}' } else { c });
    }
    Some(match c {
        '\u{AD}'
        | '\u{61C}'
        | '\u{180E}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FFF9}'..='\u{FFFB}' => return None,
        '\u{2028}' | '\u{2029}' | '\u{85}' => '\n',
        '\u{2212}' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2013}' | '\u{FE63}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{2BC}' => '\'',
        '\u{201C}' | '\u{201D}' => '"',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{66A}' => '%',
        '\u{66B}' | '\u{3002}' => '.',
        '\u{66C}' | '\u{3001}' => ',',
        '\u{3010}' => '[',
        '\u{3011}' => ']',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{1D400}'..='\u{1D7CB}' | '\u{24B6}'..='\u{24E9}' => c.nfkc().next().unwrap_or(c),
        _ => digit(c).unwrap_or(c),
    })
}

/// The ASCII digit of a digit of another script.
fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let block = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    let value = code - ZEROS.get(block)?;
    char::from_digit(value, 10)
}

/// Whether a character separates the groups of a long number as a space does.
pub fn is_thin_space(c: char) -> bool {
    matches!(c, '\u{A0}' | '\u{202F}' | '\u{2007}' | '\u{2008}' | '\u{2009}' | '\u{200A}')
}

/// A text, folded, with the way back to bytes.
#[derive(Debug)]
pub struct View<'a> {
    text: &'a str,
    chars: Vec<char>,
    /// Byte at which each character begins.
    starts: Vec<usize>,
}

impl<'a> View<'a> {
    /// Folds the bytes `body` of a text; nothing where these are no whole characters of it.
    pub fn new(text: &'a str, body: Range<usize>) -> Self {
        let (mut chars, mut starts) = (Vec::with_capacity(body.len()), Vec::with_capacity(body.len()));
        for (start, c) in text.get(body.clone()).unwrap_or_default().char_indices() {
            if let Some(folded) = fold(c) {
                chars.push(folded);
                starts.push(body.start + start);
            }
        }
        Self { text, chars, starts }
    }

    /// Number of characters.
    pub fn len(&self) -> usize {
        self.chars.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// The character at a position; a line break beyond the end, so that every line ends.
    pub fn at(&self, position: usize) -> char {
        self.chars.get(position).copied().unwrap_or('\n')
    }

    /// The character before a position; a line break at the start.
    pub fn before(&self, position: usize) -> char {
        position.checked_sub(1).map_or('\n', |previous| self.at(previous))
    }

    /// The characters of a range, cut to the text.
    pub fn slice(&self, range: Range<usize>) -> &[char] {
        let end = range.end.min(self.chars.len());
        &self.chars[range.start.min(end)..end]
    }

    /// The folded text of a range.
    pub fn string(&self, range: Range<usize>) -> String {
        self.slice(range).iter().collect()
    }

    /// The bytes of a non-empty range of characters; `None` for an empty one.
    pub fn bytes(&self, range: Range<usize>) -> Option<Range<usize>> {
        let last = *self.starts.get(range.end.checked_sub(1)?.min(self.starts.len().checked_sub(1)?))?;
        let first = *self.starts.get(range.start)?;
        let width = self.text[last..].chars().next().map_or(0, char::len_utf8);
        (first <= last).then_some(first..last + width)
    }

    /// The text as it was written.
    pub fn original(&self, range: Range<usize>) -> &'a str {
        self.bytes(range).map_or("", |bytes| &self.text[bytes])
    }

    /// Blanks a range out, so that no rule sees it; line breaks stay.
    pub fn mask(&mut self, range: Range<usize>, with: char) {
        let end = range.end.min(self.chars.len());
        for c in &mut self.chars[range.start.min(end)..end] {
            if *c != '\n' {
                *c = with;
            }
        }
    }

    /// Whether a word begins at a position.
    pub fn starts_word(&self, position: usize) -> bool {
        let previous = self.before(position);
        let contracted = previous == '\''
            && position > 1
            && self.at(position).is_alphabetic()
            && self.at(position - 2).is_alphabetic();
        self.at(position).is_alphanumeric() && !previous.is_alphanumeric() && !contracted
    }

    /// End of the word at a position: letters, digits, and apostrophes between letters.
    pub fn word_end(&self, position: usize) -> usize {
        let mut end = position;
        while self.at(end).is_alphanumeric()
            || (end > position && self.at(end) == '\'' && self.at(end + 1).is_alphabetic())
        {
            end += 1;
        }
        end
    }

    /// The word at a position in lower case, at most 24 characters of it.
    pub fn word(&self, position: usize) -> String {
        let end = self.word_end_within(position, 24);
        self.slice(position..end).iter().flat_map(|c| c.to_lowercase()).collect()
    }

    fn word_end_within(&self, position: usize, max: usize) -> usize {
        let mut end = position;
        while end < position + max
            && (self.at(end).is_alphanumeric()
                || (end > position && self.at(end) == '\'' && self.at(end + 1).is_alphabetic()))
        {
            end += 1;
        }
        end
    }

    /// Whether ASCII text stands at a position, in any case.
    pub fn has(&self, position: usize, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.at(position + i).eq_ignore_ascii_case(&c))
    }

    /// Whether a word or words stand at a position, in any case, and end there.
    pub fn has_word(&self, position: usize, text: &str) -> bool {
        self.has(position, text) && !self.at(position + text.chars().count()).is_alphanumeric()
    }

    /// The first position at or after this one that is no space or tab.
    pub fn skip_spaces(&self, mut position: usize) -> usize {
        while position < self.len() && self.at(position) != '\n' && self.at(position).is_whitespace() {
            position += 1;
        }
        position
    }

    /// The first position at or after this one that is no white space at all.
    pub fn skip_white(&self, mut position: usize) -> usize {
        while position < self.len() && self.at(position).is_whitespace() {
            position += 1;
        }
        position
    }

    /// The first position at or after this one that is no closing mark of Markdown, quote or space; a line
    /// break ends the search, and so do 64 marks.
    pub fn skip_closing(&self, start: usize) -> usize {
        let mut at = start;
        while at < self.len() && at < start + MAX_MARKS {
            match self.at(at) {
                '\n' => break,
                c if c.is_whitespace() || matches!(c, '*' | '_' | '`' | '"' | '\'') => at += 1,
                _ => break,
            }
        }
        at
    }

    /// A range without the white space around it.
    pub fn trim(&self, range: Range<usize>) -> Range<usize> {
        let end = range.end.min(self.len());
        let mut start = range.start.min(end);
        // Within the range: a text of nothing but line breaks would be read to its end at each of them.
        while start < end && self.at(start).is_whitespace() {
            start += 1;
        }
        let mut last = end;
        while last > start && self.before(last).is_whitespace() {
            last -= 1;
        }
        start..last
    }

    /// End of the line of a position: its line break, or the end of the text.
    pub fn line_end(&self, mut position: usize) -> usize {
        while position < self.len() && self.at(position) != '\n' {
            position += 1;
        }
        position
    }

    /// The lines that hold something, trimmed.
    pub fn lines(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            while at < self.len() {
                let end = self.line_end(at);
                let line = self.trim(at..end);
                at = end + 1;
                if !line.is_empty() {
                    return Some(line);
                }
            }
            None
        })
    }

    /// The last line that holds something, trimmed.
    pub fn last_line(&self) -> Option<Range<usize>> {
        let all = self.trim(0..self.len());
        let mut start = all.end;
        while start > all.start && self.before(start) != '\n' {
            start -= 1;
        }
        (!all.is_empty()).then(|| self.trim(start..all.end))
    }

    /// Whether a sentence ends at a position: a line break, or one of `.!?` before white space.
    pub fn ends_sentence(&self, position: usize) -> bool {
        match self.at(position) {
            '\n' => true,
            '.' | '!' | '?' | ';' => self.at(position + 1).is_whitespace(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_widths_fold() {
        let view = View::new("١٢٣ ४५ ７ −Ａ１½", 0.."١٢٣ ४५ ７ −Ａ１½".len());
        assert_eq!(view.string(0..view.len()), "123 45 7 -A1½");
    }

    #[test]
    fn invisible_characters_leave_and_spans_stay_on_characters() {
        let text = "a\u{200B}4\u{200D}2\u{FEFF} é";
        let view = View::new(text, 0..text.len());
        assert_eq!(view.string(0..view.len()), "a42 é");
        assert_eq!(view.original(1..3), "4\u{200D}2");
        assert_eq!(view.bytes(3..3), view.bytes(9..9));
        assert_eq!(view.bytes(4..5), Some(text.len() - 2..text.len()));
    }

    #[test]
    fn zeros_are_sorted_for_the_search() {
        assert!(ZEROS.windows(2).all(|pair| pair[0] + 9 < pair[1]));
    }
}
