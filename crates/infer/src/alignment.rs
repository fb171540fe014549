//! Which bytes of a text each of its tokens is.

use plimsoll_core::Missing;
use plimsoll_core::records::TokenRow;

/// The most bytes that tokens behind the text may have together: a stop token or the end of a stop text.
const MOST_BYTES_BEHIND: usize = 64;
/// How far above 0 rounding may bring a log-probability.
pub const LOGPROB_ROUNDING: f64 = 1e-6;

/// A token as a server or a recording lists it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Piece {
    pub(crate) id: Option<u32>,
    /// Its own bytes, perhaps a part of a character.
    pub(crate) bytes: Vec<u8>,
    /// Natural log.
    pub(crate) logprob: Option<f64>,
}

/// The tokens of a text with their spans. White space that the text has lost at its start, special tokens
/// that it leaves out, and a stop token behind its end, are tokens without a span or with a shorter one.
///
/// # Errors
/// [`Missing::TokensDoNotJoin`] if the pieces are not those of the text, [`Missing::InvalidLogprobs`] for
/// a number that is no log-probability.
pub(crate) fn align(text: &str, pieces: &[Piece]) -> Result<Vec<TokenRow>, Missing> {
    match spans(text, pieces, |piece| &piece.bytes) {
        Err(Missing::TokensDoNotJoin) => spans(text, pieces, shown),
        aligned => aligned,
    }
}

/// The bytes of a piece in a text that leaves special tokens (`<|eot_id|>`) out.
fn shown(piece: &Piece) -> &[u8] {
    let is_special = piece.bytes.len() > 2 && piece.bytes.starts_with(b"<") && piece.bytes.ends_with(b">");
    if is_special { &[] } else { &piece.bytes }
}

/// The tokens of a text, given the bytes of each that the text may hold.
fn spans(text: &str, pieces: &[Piece], bytes: impl Fn(&Piece) -> &[u8]) -> Result<Vec<TokenRow>, Missing> {
    let joined: Vec<u8> = pieces.iter().flat_map(&bytes).copied().collect();
    let place = place(text, &joined).ok_or(Missing::TokensDoNotJoin)?;
    let mut end = 0;
    let mut tokens = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let start = end;
        end += bytes(piece).len();
        tokens.push(TokenRow {
            id: piece.id,
            text: String::from_utf8_lossy(&piece.bytes).into_owned(),
            start: place.byte(start)?,
            end: place.byte(end)?,
            logprob: piece.logprob.map(logprob).transpose()?,
        });
    }
    Ok(tokens)
}

/// Where a text lies in the joined bytes of its tokens.
struct Place {
    /// Bytes before it.
    before: usize,
    /// Bytes of the text up to where the two are equal.
    equal: usize,
    /// Bytes of the text.
    whole: usize,
}

impl Place {
    /// The byte of the text for a byte of the joined tokens.
    fn byte(&self, joined: usize) -> Result<u32, Missing> {
        let inside = joined.saturating_sub(self.before);
        let byte = if inside <= self.equal { inside } else { self.whole };
        u32::try_from(byte).map_err(|_| Missing::TokensDoNotJoin)
    }
}

fn place(text: &str, joined: &[u8]) -> Option<Place> {
    let lead = joined.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    // First without anything lost at the start: white space there is most often the text's own.
    [0, lead].into_iter().find_map(|before| {
        let rest = &joined[before..];
        if let Some(behind) = rest.strip_prefix(text.as_bytes()) {
            let whole = text.len();
            return (behind.len() <= MOST_BYTES_BEHIND).then_some(Place { before, equal: whole, whole });
        }
        // A text that ends within a character shows U+FFFD there.
        let cut = std::str::from_utf8(rest).err()?;
        let equal = cut.valid_up_to();
        let shown = text.as_bytes().strip_prefix(&rest[..equal])?;
        let is_cut = cut.error_len().is_none() && shown == "\u{fffd}".as_bytes();
        is_cut.then_some(Place { before, equal, whole: text.len() })
    })
}

/// Whether a number can be the natural log of a probability, rounding included.
pub(crate) fn is_logprob(value: f32) -> bool {
    f64::from(value) <= LOGPROB_ROUNDING
}

/// A natural-log probability as it is kept.
#[expect(clippy::cast_possible_truncation, reason = "kept in single precision, as models compute them")]
fn logprob(value: f64) -> Result<f32, Missing> {
    if value.is_finite() && value <= LOGPROB_ROUNDING {
        Ok((value as f32).max(f32::MIN))
    } else {
        Err(Missing::InvalidLogprobs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spans(text: &str, pieces: &[&[u8]]) -> Option<Vec<(u32, u32)>> {
        let pieces: Vec<Piece> =
            pieces.iter().map(|bytes| Piece { bytes: bytes.to_vec(), ..Piece::default() }).collect();
        let tokens = align(text, &pieces).ok()?;
        Some(tokens.iter().map(|token| (token.start, token.end)).collect())
    }

    #[test]
    fn spans_of_texts_as_servers_give_them() {
        type Case<'a> = (&'a str, &'a [&'a [u8]], Option<&'a [(u32, u32)]>);
        let cases: &[Case<'_>] = &[
            ("a b", &[b"a", b" b"], Some(&[(0, 1), (1, 3)])),
            // A stop token behind the text, and one that is both.
            ("a b", &[b"a", b" b", b"</s>"], Some(&[(0, 1), (1, 3), (3, 3)])),
            ("a", &[b"a\n\n"], Some(&[(0, 1)])),
            // White space that the server took off.
            ("a", &[b" ", b" a"], Some(&[(0, 0), (0, 1)])),
            (" a", &[b" a"], Some(&[(0, 2)])),
            // A character of two tokens, and half a character.
            ("\u{e9}!", &[b"\xc3", b"\xa9", b"!"], Some(&[(0, 1), (1, 2), (2, 3)])),
            ("x\u{fffd}", &[b"x", b"\xe2\x82"], Some(&[(0, 1), (1, 4)])),
            // Special tokens within, that the text leaves out; but not if they are text.
            (
                "a\n b",
                &[b"<|h|>", b"a", b"<|/h|>", b"\n b", b"<eos>"],
                Some(&[(0, 0), (0, 1), (1, 1), (1, 4), (4, 4)]),
            ),
            ("a<b>", &[b"a", b"<b>"], Some(&[(0, 1), (1, 4)])),
            ("", &[b"<eos>"], Some(&[(0, 0)])),
            ("", &[], Some(&[])),
            ("a", &[], None),
            ("a b", &[b"a", b"b"], None),
            ("", &[&[b'x'; 65]], None),
        ];
        for (text, pieces, expected) in cases {
            assert_eq!(spans(text, pieces).as_deref(), *expected, "{text:?} {pieces:?}");
        }
    }

    #[test]
    fn what_is_no_log_probability_is_refused() {
        let with = |logprob| align("a", &[Piece { id: None, bytes: b"a".to_vec(), logprob: Some(logprob) }]);
        for logprob in [0.0, -0.5, 1e-7, -9999.0, -1e300] {
            assert!(with(logprob).unwrap()[0].logprob.unwrap().is_finite(), "{logprob}");
        }
        for logprob in [0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(with(logprob), Err(Missing::InvalidLogprobs), "{logprob}");
        }
    }

    proptest! {
        #[test]
        fn any_cut_of_a_text_fills_it_without_gaps(text in "\\PC{0,40}", cuts in prop::collection::vec(0usize..80, 0..8)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<Piece> = cuts
                .windows(2)
                .map(|pair| Piece { bytes: text.as_bytes()[pair[0]..pair[1]].to_vec(), ..Piece::default() })
                .collect();
            let tokens = align(&text, &pieces).unwrap();
            prop_assert_eq!(tokens.last().map_or(0, |token| token.end) as usize, text.len());
            prop_assert!(tokens.windows(2).all(|pair| pair[0].end == pair[1].start));
        }

        #[test]
        fn any_bytes_are_aligned_or_refused(text in "\\PC{0,10}", pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..6)) {
            let pieces: Vec<Piece> = pieces.into_iter().map(|bytes| Piece { bytes, ..Piece::default() }).collect();
            if let Ok(tokens) = align(&text, &pieces) {
                prop_assert!(tokens.iter().all(|token| token.start <= token.end && token.end as usize <= text.len()));
            }
        }
    }
}
