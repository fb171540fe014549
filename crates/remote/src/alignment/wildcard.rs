//! Tokens of which the server shows U+FFFD for what is a part of a character. Such a piece stands for some bytes
//! of the characters at its position; what lies between known bytes is certain.

use super::{MAX_BYTES_AFTER, Spans};

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();
/// The most positions in the text that are open at once; more would be guesswork.
const MAX_OPEN: usize = 512;

/// A part of a piece.
#[derive(Debug)]
enum Segment {
    /// Bytes of the text.
    Known(Vec<u8>),
    /// So many marks in a row, over one piece or several.
    Unknown(usize),
}

/// A position in the text that the parts so far may end at.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Byte of the text.
    at: usize,
    /// Index of the position before, among those of the part before.
    from: usize,
}

/// The spans of tokens with U+FFFD among them; `None` if there are none, or they do not fit.
pub(super) fn spans(text: &str, pieces: &[Vec<u8>]) -> Option<Spans> {
    let parts: Vec<(usize, Segment)> =
        pieces.iter().enumerate().flat_map(|(index, piece)| split(index, piece)).collect();
    if !parts.iter().any(|(_, part)| matches!(part, Segment::Unknown(_))) {
        return None;
    }
    let runs = runs(&parts);
    let ends = path(text, &runs)?;
    Some(per_piece(text, pieces.len(), &parts, &runs, &ends))
}

/// The parts of a piece, each with the piece's index.
fn split(index: usize, piece: &[u8]) -> Vec<(usize, Segment)> {
    let mut parts = Vec::new();
    let mut rest = piece;
    while let Some(at) = rest.windows(REPLACEMENT.len()).position(|window| window == REPLACEMENT) {
        if at > 0 {
            parts.push((index, Segment::Known(rest[..at].to_vec())));
        }
        parts.push((index, Segment::Unknown(1)));
        rest = &rest[at + REPLACEMENT.len()..];
    }
    if !rest.is_empty() {
        parts.push((index, Segment::Known(rest.to_vec())));
    }
    parts
}

/// Parts that stand together: known bytes one by one, marks that follow each other as one.
fn runs(parts: &[(usize, Segment)]) -> Vec<Segment> {
    let mut runs: Vec<Segment> = Vec::new();
    for (_, part) in parts {
        match (part, runs.last_mut()) {
            (Segment::Unknown(more), Some(Segment::Unknown(count))) => *count += more,
            (Segment::Unknown(count), _) => runs.push(Segment::Unknown(*count)),
            (Segment::Known(bytes), _) => runs.push(Segment::Known(bytes.clone())),
        }
    }
    runs
}

/// Where each run ends in the text, if there is one way to lay them that fills it; white space that the text has
/// lost at its start and a stop token at its end apart.
fn path(text: &str, runs: &[Segment]) -> Option<Vec<usize>> {
    let bytes = text.as_bytes();
    let mut steps: Vec<Vec<Open>> = vec![vec![Open { at: 0, from: 0 }]];
    for (index, run) in runs.iter().enumerate() {
        let before = steps.last()?;
        // What comes after the text is a stop token.
        let done = before.iter().position(|open| open.at == bytes.len());
        if let Some(done) = done.filter(|_| length(&runs[index..]) <= MAX_BYTES_AFTER) {
            let mut ends = back(&steps, done);
            ends.resize(runs.len(), bytes.len());
            return Some(ends);
        }
        let ends = |(from, open): (usize, &Open)| {
            reached(text, open.at, run, index == 0).into_iter().map(move |at| Open { at, from })
        };
        let mut next: Vec<Open> = before.iter().enumerate().flat_map(ends).collect();
        next.sort_by_key(|open| open.at);
        next.dedup_by_key(|open| open.at);
        if next.is_empty() || next.len() > MAX_OPEN {
            return None;
        }
        steps.push(next);
    }
    let done = steps.last()?.iter().position(|open| open.at == bytes.len())?;
    Some(back(&steps, done))
}

/// Bytes that are known of some runs.
fn length(runs: &[Segment]) -> usize {
    runs.iter().map(|run| if let Segment::Known(bytes) = run { bytes.len() } else { 0 }).sum()
}

/// The ends of the runs on the way to a position of the last step.
fn back(steps: &[Vec<Open>], done: usize) -> Vec<usize> {
    let (mut ends, mut index) = (Vec::with_capacity(steps.len()), done);
    for step in steps[1..].iter().rev() {
        ends.push(step[index].at);
        index = step[index].from;
    }
    ends.reverse();
    ends
}

/// The positions that a run may end at.
fn reached(text: &str, at: usize, run: &Segment, is_first: bool) -> Vec<usize> {
    let rest = &text[at..];
    match run {
        Segment::Known(known) => {
            let lost = known.trim_ascii_start();
            let fits =
                |bytes: &[u8]| rest.as_bytes().starts_with(bytes) && rest.is_char_boundary(bytes.len());
            let found = [known.as_slice(), lost].into_iter().take(if is_first { 2 } else { 1 });
            found.into_iter().find(|bytes| fits(bytes)).map(|bytes| at + bytes.len()).into_iter().collect()
        }
        // Each mark is a part of a character, at least a byte of it, and never an ASCII one.
        Segment::Unknown(count) => {
            let foreign = rest.char_indices().take_while(|(_, character)| !character.is_ascii());
            let ends = foreign.map(|(index, character)| index + character.len_utf8());
            ends.take(*count).filter(|end| end >= count).map(|end| at + end).collect()
        }
    }
}

/// The span of each piece; the bytes of a run of marks are shared out among them.
fn per_piece(
    text: &str,
    pieces: usize,
    parts: &[(usize, Segment)],
    runs: &[Segment],
    ends: &[usize],
) -> Spans {
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; pieces];
    let mut parts = parts.iter();
    let mut start = 0;
    for (run, end) in runs.iter().zip(ends) {
        let count = if let Segment::Unknown(count) = run { *count } else { 1 };
        for number in 0..count {
            let Some((piece, _)) = parts.next() else { continue };
            let share = |number: usize| start + (end - start) * number / count;
            let span = spans[*piece].get_or_insert((share(number), share(number)));
            span.1 = share(number + 1);
        }
        start = *end;
    }
    // A piece without bytes lies where the one before it ends.
    let mut last = 0;
    spans
        .into_iter()
        .map(|span| {
            let (start, end) = span.unwrap_or((last, last));
            last = end.min(text.len());
            (start, last)
        })
        .collect()
}
