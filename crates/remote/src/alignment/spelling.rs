//! How a server spells the bytes of tokens: plainly, or as its vocabulary has them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::listed_token::ListedToken;

/// A way to read the bytes of all tokens of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spelling {
    alphabet: Alphabet,
    /// Whether special tokens (`<|eot_id|>`) are left out of the text.
    without_special: bool,
}

/// What stands for a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// The byte itself.
    Plain,
    /// The character that byte-level BPE writes for it: `Ġ` for a space, `Ċ` for a line break.
    ByteLevel,
    /// `▁` for a space, `<0x0A>` for a byte, as `SentencePiece` writes them.
    SentencePiece,
}

impl Spelling {
    /// Every spelling, the plainest first.
    pub(super) const ALL: [Self; 6] = [
        Self { alphabet: Alphabet::Plain, without_special: false },
        Self { alphabet: Alphabet::Plain, without_special: true },
        Self { alphabet: Alphabet::ByteLevel, without_special: false },
        Self { alphabet: Alphabet::ByteLevel, without_special: true },
        Self { alphabet: Alphabet::SentencePiece, without_special: false },
        Self { alphabet: Alphabet::SentencePiece, without_special: true },
    ];

    /// The bytes that a text may hold of each piece; `None` if the pieces are not spelled so.
    pub(super) fn spell_all(self, pieces: &[ListedToken]) -> Option<Vec<Vec<u8>>> {
        let is_spelled = |piece: &ListedToken| self.marks(&piece.bytes);
        let is_marked = self.alphabet == Alphabet::Plain || pieces.iter().any(is_spelled);
        let leaves_out = !self.without_special || pieces.iter().any(|piece| is_special(&piece.bytes));
        let shown = |piece: &ListedToken| {
            if self.without_special && is_special(&piece.bytes) { Vec::new() } else { self.plain(piece) }
        };
        (is_marked && leaves_out).then(|| pieces.iter().map(shown).collect())
    }

    /// The bytes that a piece stands for.
    pub(super) fn plain(self, piece: &ListedToken) -> Vec<u8> {
        let bytes = &piece.bytes;
        // Special tokens stand in no alphabet.
        let text = std::str::from_utf8(bytes).ok().filter(|_| !is_special(bytes) || is_byte(bytes).is_some());
        let read = text.and_then(|text| match self.alphabet {
            Alphabet::Plain => None,
            Alphabet::ByteLevel => {
                text.chars().map(|character| byte_level().get(&character).copied()).collect()
            }
            Alphabet::SentencePiece => Some(
                is_byte(bytes).map_or_else(|| text.replace('\u{2581}', " ").into_bytes(), |byte| vec![byte]),
            ),
        });
        read.unwrap_or_else(|| bytes.clone())
    }

    /// Whether these bytes show the alphabet, which would be odd in a plain text.
    fn marks(self, bytes: &[u8]) -> bool {
        let has = |mark: &str| bytes.windows(mark.len()).any(|part| part == mark.as_bytes());
        match self.alphabet {
            Alphabet::Plain => true,
            Alphabet::ByteLevel => std::str::from_utf8(bytes).is_ok_and(|text| !text.is_ascii()),
            Alphabet::SentencePiece => has("\u{2581}") || is_byte(bytes).is_some(),
        }
    }
}

/// Whether a token is one that texts leave out.
fn is_special(bytes: &[u8]) -> bool {
    bytes.len() > 2 && bytes.starts_with(b"<") && bytes.ends_with(b">")
}

/// The byte of `<0x0A>`.
fn is_byte(bytes: &[u8]) -> Option<u8> {
    let digits = bytes.strip_prefix(b"<0x")?.strip_suffix(b">")?;
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == 2)?;
    u8::from_str_radix(digits, 16).ok()
}

/// The characters of byte-level BPE: a printable byte is itself, any other one the next character from U+0100 on.
fn byte_level() -> &'static BTreeMap<char, u8> {
    static TABLE: OnceLock<BTreeMap<char, u8>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut next = 0x100..;
        let character = |byte: u8| {
            let is_printable = matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
            let code = if is_printable { u32::from(byte) } else { next.next().unwrap_or_default() };
            (char::from_u32(code).unwrap_or_default(), byte)
        };
        (0..=u8::MAX).map(character).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_of_byte_level_bpe_has_every_byte_once() {
        assert_eq!(byte_level().len(), 256);
        for (character, byte) in
            [('\u{120}', b' '), ('\u{10a}', b'\n'), ('A', b'A'), ('\u{f0}', 0xf0), ('\u{143}', 0xad)]
        {
            assert_eq!(byte_level().get(&character), Some(&byte), "{character}");
        }
    }
}
