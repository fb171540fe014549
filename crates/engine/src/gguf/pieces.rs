//! The BPE of `SentencePiece`: pieces with scores instead of merges with ranks.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::value::TextArray;

/// What `SentencePiece` writes for a space.
const SPACE: &str = "\u{2581}";

/// Spaces become a letter; `prefix` sets one before every stretch of text.
pub(super) fn normalizer(prefix: bool) -> Json {
    let replace = json!({"type": "Replace", "pattern": {"String": " "}, "content": SPACE});
    if !prefix {
        return replace;
    }
    let prepend = json!({"type": "Prepend", "prepend": SPACE});
    json!({"type": "Sequence", "normalizers": [prepend, replace]})
}

/// The inverse of [`normalizer`], and bytes back to characters.
pub(super) fn decoder(prefix: bool) -> Json {
    let mut decoders = vec![
        json!({"type": "Replace", "pattern": {"String": SPACE}, "content": " "}),
        json!({"type": "ByteFallback"}),
        json!({"type": "Fuse"}),
    ];
    if prefix {
        decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    json!({"type": "Sequence", "decoders": decoders})
}

/// All ways to put two pieces together to a third, best score of the third first. Among equal scores the
/// lower id takes precedence, and of one piece the split with the lower ids.
///
/// `SentencePiece` joins, at each step, the neighbours whose piece has the best score. Ranks in this order
/// do the same, except between splits of one and the same piece that compete at one position.
pub(super) fn merges<'a>(
    tokens: &'a TextArray,
    ids: &HashMap<&str, usize>,
    is_normal: impl Fn(usize) -> bool,
    scores: &[f32],
) -> Vec<(&'a str, &'a str)> {
    let mut merges = Vec::new();
    let normal = |text: &str| ids.get(text).copied().filter(|&id| is_normal(id));
    for (id, text) in tokens.iter().enumerate() {
        if !is_normal(id) {
            continue;
        }
        for (at, _) in text.char_indices().skip(1) {
            let (left, right) = text.split_at(at);
            // The second is looked for only beside a first: half of the look-ups.
            if let Some(first) = normal(left)
                && let Some(second) = normal(right)
            {
                merges.push((id, first, second, (left, right)));
            }
        }
    }
    merges.sort_by(|a, b| {
        let by_score = scores[b.0].total_cmp(&scores[a.0]);
        by_score.then_with(|| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)))
    });
    merges.into_iter().map(|(_, _, _, pair)| pair).collect()
}
