//! Which bytes of a text each of its tokens is. Servers list tokens in several spellings, and more of them than
//! the text has: what is certain is used, and what is not is refused.

mod listed_token;
mod spelling;
mod wildcard;

use plimsoll_core::MissingSignal;
use plimsoll_core::records::TokenRow;

pub(crate) use listed_token::ListedToken;
use plimsoll_backend::LOGPROB_ROUNDING;
use spelling::Spelling;

/// Maximum bytes that tokens after the text may have together: a stop token or the end of a stop text.
const MAX_BYTES_AFTER: usize = 64;

/// First and last byte, exclusive, of each token in a text.
type Spans = Vec<(usize, usize)>;

/// A way to find a text in the bytes of its tokens.
type Find = fn(&str, &[Vec<u8>]) -> Option<Spans>;

/// The tokens of a text with their spans. A token that the text does not show has an empty span: white space
/// that the text has lost, a special token that it leaves out, a stop token after its end, and all that a server
/// took off before it, such as the reasoning of a model.
///
/// Tried in order, until one fits: the bytes as they are, without special tokens, and as vocabularies spell
/// them; the text as all of the tokens, as their end, and with U+FFFD for parts of a character.
///
/// # Errors
/// [`MissingSignal::TokensDoNotJoin`] if the pieces are not those of the text, [`MissingSignal::InvalidLogprobs`] for
/// a number that is no log-probability.
pub(crate) fn align(text: &str, pieces: &[ListedToken]) -> Result<Vec<TokenRow>, MissingSignal> {
    let find: [Find; 3] = [whole, end, wildcard::spans];
    let spelled: Vec<(Spelling, Vec<Vec<u8>>)> = Spelling::ALL
        .into_iter()
        .filter_map(|spelling| Some((spelling, spelling.spell_all(pieces)?)))
        .collect();
    let found =
        find.iter().find_map(|find| spelled.iter().find_map(|(how, bytes)| Some((*how, find(text, bytes)?))));
    let (spelling, spans) = found.ok_or(MissingSignal::TokensDoNotJoin)?;
    pieces.iter().zip(spans).map(|(piece, span)| row(piece, spelling, span)).collect()
}

fn row(
    piece: &ListedToken,
    spelling: Spelling,
    (start, end): (usize, usize),
) -> Result<TokenRow, MissingSignal> {
    let byte = |byte: usize| u32::try_from(byte).map_err(|_| MissingSignal::TokensDoNotJoin);
    Ok(TokenRow {
        id: piece.id,
        text: String::from_utf8_lossy(&spelling.plain(piece)).into_owned(),
        start: byte(start)?,
        end: byte(end)?,
        logprob: piece.logprob.map(logprob).transpose()?,
        top_logprobs: None,
    })
}

/// The spans of tokens that follow each other, where the joined bytes from `before` on are the text up to
/// `equal` bytes, and all that comes then shows as what is left of the text.
fn laid(pieces: &[Vec<u8>], before: usize, equal: usize, text: &str) -> Spans {
    let byte = |joined: usize| {
        let inside = joined.saturating_sub(before);
        if inside <= equal { inside } else { text.len() }
    };
    let mut end = 0;
    let span = |piece: &Vec<u8>| {
        let start = end;
        end += piece.len();
        (byte(start), byte(end))
    };
    pieces.iter().map(span).collect()
}

/// The text as all that the tokens are, white space at the start and a stop token at the end apart.
fn whole(text: &str, pieces: &[Vec<u8>]) -> Option<Spans> {
    let joined = pieces.concat();
    let lead = joined.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    // First without anything lost at the start: white space there is most often the text's own.
    [0, lead].into_iter().find_map(|before| {
        let rest = &joined[before..];
        if let Some(after) = rest.strip_prefix(text.as_bytes()) {
            return (after.len() <= MAX_BYTES_AFTER).then(|| laid(pieces, before, text.len(), text));
        }
        // A text that ends within a character shows U+FFFD there.
        let cut = std::str::from_utf8(rest).err()?;
        let equal = cut.valid_up_to();
        let shown = text.as_bytes().strip_prefix(&rest[..equal])?;
        let is_cut = cut.error_len().is_none() && shown == "\u{fffd}".as_bytes();
        is_cut.then(|| laid(pieces, before, equal, text))
    })
}

/// The text as the end of the tokens: what comes before it was taken off by the server, as a reasoning parser
/// does. It ends where a token ends, and begins where one does, white space within that token apart.
fn end(text: &str, pieces: &[Vec<u8>]) -> Option<Spans> {
    if text.is_empty() {
        return None;
    }
    let joined = pieces.concat();
    let mut after = joined.len();
    for last in (0..=pieces.len()).rev() {
        if joined.len() - after > MAX_BYTES_AFTER {
            return None;
        }
        let bytes = joined[..after].trim_ascii_end();
        // A text keeps its own white space at the end, or has lost it.
        let found = [&joined[..after], bytes].into_iter().find(|bytes| bytes.ends_with(text.as_bytes()));
        if let Some(bytes) = found {
            let before = bytes.len() - text.len();
            return begins_token(pieces, &joined, before).then(|| laid(pieces, before, text.len(), text));
        }
        after -= last.checked_sub(1).map_or(0, |last| pieces[last].len());
    }
    None
}

/// Whether a token begins at this byte of the joined tokens, or only white space of it lies before.
fn begins_token(pieces: &[Vec<u8>], joined: &[u8], at: usize) -> bool {
    let mut start = 0;
    for piece in pieces {
        let end = start + piece.len();
        if at < end {
            return joined[start..at].iter().all(u8::is_ascii_whitespace);
        }
        start = end;
    }
    false
}

/// A natural-log probability as it is stored.
#[expect(clippy::cast_possible_truncation, reason = "stored in single precision, as models compute them")]
fn logprob(value: f64) -> Result<f32, MissingSignal> {
    if value.is_finite() && value <= LOGPROB_ROUNDING {
        Ok((value as f32).max(f32::MIN))
    } else {
        Err(MissingSignal::InvalidLogprobs)
    }
}

/// A token's text as it reads, where a vocabulary writes a space at its start as `Ġ` or `▁`.
pub(crate) fn with_plain_space(token: &str) -> Option<String> {
    ["\u{120}", "\u{2581}"].iter().find_map(|mark| token.strip_prefix(mark)).map(|rest| format!(" {rest}"))
}

#[cfg(test)]
mod tests;
