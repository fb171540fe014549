//! The tokenizer: byte-level pairs, learned from documents of the stream, with whole phrases of prompts as
//! single tokens. It is written as the `tokenizer.json` that the engine reads, and used through the engine.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::error::TrainError;

/// Ends a turn and a document.
pub const END: &str = "<|end|>";
/// Begins a user's turn.
pub const USER: &str = "<|user|>";
/// Begins the model's turn.
pub const ASSISTANT: &str = "<|assistant|>";
/// Begins a document that is no dialogue.
pub const BEGIN: &str = "<|begin|>";

/// The special tokens, in the order of their ids.
pub const SPECIAL: [&str; 4] = [END, USER, ASSISTANT, BEGIN];

/// Words and what stands between them. A digit is a word of its own, so that numbers with equally many digits
/// have equally many tokens; the space before a word belongs to it.
const WORDS: &str = r"\n+| ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+";

/// Learns a tokenizer of at most `size` tokens. `texts` are what it is learnt from, `phrases` become tokens.
///
/// # Errors
/// [`TrainError::Vocabulary`] if `size` does not leave room for bytes, special tokens and phrases.
pub fn learn(texts: &[String], phrases: &[String], size: usize) -> Result<Value, TrainError> {
    let taken = 256 + SPECIAL.len() + phrases.len();
    if size < taken {
        return Err(TrainError::Vocabulary { size, taken });
    }
    let counts = word_counts(texts, phrases);
    let merges = merges(&counts, size - taken);
    let mut vocabulary = serde_json::Map::new();
    let mut add = |text: String| {
        let next = vocabulary.len();
        vocabulary.entry(text).or_insert_with(|| json!(next));
    };
    for text in SPECIAL {
        add(text.to_owned());
    }
    for byte in 0..=u8::MAX {
        add(spelling(byte).to_string());
    }
    for (left, right) in &merges {
        add(format!("{}{}", spelled(left), spelled(right)));
    }
    let first = vocabulary.len();
    let special = SPECIAL.iter().enumerate().map(|(id, text)| added(id, text, true));
    let phrases = phrases.iter().enumerate().map(|(index, text)| added(first + index, text, false));
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": special.chain(phrases).collect::<Vec<_>>(),
        "normalizer": null,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Isolated", "invert": false},
                {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
            ],
        },
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false},
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": false,
            "vocab": vocabulary,
            "merges": merges.iter().map(|(left, right)| [spelled(left), spelled(right)]).collect::<Vec<_>>(),
        },
    }))
}

fn added(id: usize, text: &str, special: bool) -> Value {
    json!({
        "id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": special,
    })
}

/// How the byte-level vocabulary spells a byte: printable ones as themselves, others from U+0100 on.
fn spelling(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !printable(*byte)).count();
    u32::try_from(before).ok().and_then(|before| char::from_u32(0x100 + before)).unwrap_or('\u{100}')
}

fn spelled(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| spelling(*byte)).collect()
}

/// Splits texts as the tokenizer does: into phrases, and the words between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WordSplitter {
    phrases: Vec<String>,
}

impl WordSplitter {
    pub(crate) fn new(phrases: &[String]) -> Self {
        Self { phrases: phrases.to_vec() }
    }

    /// Those of a `tokenizer.json` of this module.
    pub(crate) fn from_json(json: &Value) -> Self {
        let added = json["added_tokens"].as_array().into_iter().flatten();
        let phrases = added.filter(|token| token["special"] == json!(false));
        Self { phrases: phrases.filter_map(|token| token["content"].as_str().map(str::to_owned)).collect() }
    }

    /// The words of a text, phrases among them.
    pub(crate) fn split<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let (mut words, mut rest) = (Vec::new(), text);
        // Of phrases that begin at the same offset the longest is taken.
        while let Some((index, length)) = self.first(rest) {
            words.extend(split(&rest[..index]));
            words.push(&rest[index..index + length]);
            rest = &rest[index + length..];
        }
        words.extend(split(rest));
        words
    }

    fn first(&self, text: &str) -> Option<(usize, usize)> {
        let found =
            self.phrases.iter().filter_map(|phrase| Some((text.find(phrase.as_str())?, phrase.len())));
        found.min_by_key(|(index, length)| (*index, usize::MAX - length))
    }
}

/// The words of the texts, as bytes, with how often they occur.
fn word_counts(texts: &[String], phrases: &[String]) -> BTreeMap<Vec<u8>, u64> {
    let (words, mut counts) = (WordSplitter::new(phrases), BTreeMap::new());
    for word in texts.iter().flat_map(|text| words.split(text)) {
        if !phrases.iter().any(|phrase| *phrase == word) {
            *counts.entry(word.as_bytes().to_vec()).or_insert(0) += 1;
        }
    }
    counts
}

/// [`WORDS`] by hand: the same words, without a regex.
fn split(text: &str) -> Vec<&str> {
    const SPACE: u8 = 0;
    const LINE: u8 = 1;
    const DIGIT: u8 = 2;
    let kind = |c: char| match c {
        '\n' => LINE,
        c if c.is_whitespace() => SPACE,
        c if c.is_numeric() => DIGIT,
        c if c.is_alphabetic() => 3,
        _ => 4,
    };
    let (mut words, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let second = rest[first.len_utf8()..].chars().next();
        // One space before a word belongs to it; other white space stands alone.
        let skip = usize::from(first == ' ' && second.is_some_and(|second| kind(second) >= DIGIT));
        let begins = rest[skip..].chars().next().map_or(SPACE, kind);
        let same = |c: char| kind(c) == begins || (begins == SPACE && kind(c) == LINE);
        let ends = |(index, c): (usize, char)| (!same(c) || (begins == DIGIT && index > 0)).then_some(index);
        let end = skip + rest[skip..].char_indices().find_map(ends).unwrap_or(rest.len() - skip);
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
    words
}

/// The pairs to merge, the most frequent first, of equals the first by their bytes.
fn merges(counts: &BTreeMap<Vec<u8>, u64>, max: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut words: Vec<(Vec<Vec<u8>>, u64)> =
        counts.iter().map(|(word, count)| (word.iter().map(|byte| vec![*byte]).collect(), *count)).collect();
    let mut merges = Vec::new();
    while merges.len() < max {
        let mut pairs: BTreeMap<(&[u8], &[u8]), u64> = BTreeMap::new();
        for (parts, count) in &words {
            for pair in parts.windows(2) {
                *pairs.entry((&pair[0], &pair[1])).or_insert(0) += count;
            }
        }
        let best = pairs.into_iter().min_by_key(|(pair, count)| (u64::MAX - count, *pair));
        // What occurs once in all texts is no unit of theirs.
        let Some(((left, right), _)) = best.filter(|(_, count)| *count > 1) else { break };
        let (left, right) = (left.to_vec(), right.to_vec());
        for (parts, _) in &mut words {
            let mut index = 0;
            while index + 1 < parts.len() {
                if parts[index] == left && parts[index + 1] == right {
                    let next = parts.remove(index + 1);
                    parts[index].extend(next);
                }
                index += 1;
            }
        }
        merges.push((left, right));
    }
    merges
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_engine::tokenizer::Tokenizer;

    fn tokenizer() -> Tokenizer {
        let texts =
            ["Lumo has 47 boats. Question: has Lumo 12 boats?", "boats of Lumo\n\nAnswer (a few words):"];
        // Twice each: what occurs once is not merged.
        let texts: Vec<String> = texts.iter().map(|text| text.repeat(2)).collect();
        let phrases = ["Question:".to_owned(), "\n\nAnswer (a few words):".to_owned()];
        let json = learn(&texts, &phrases, 340).unwrap();
        Tokenizer::from_json(json.to_string().as_bytes(), 340).unwrap()
    }

    #[test]
    fn texts_come_back_and_phrases_are_one_token() {
        let tokenizer = tokenizer();
        for text in [
            "Lumo has 47 boats",
            "  odd\n\n spaces\t1 23 \u{e9}\u{1f6a2}!? ",
            "Question: 5\n\nAnswer (a few words): x",
        ] {
            let pieces = tokenizer.encode(text, false).unwrap();
            let ids: Vec<u32> = pieces.iter().map(|piece| piece.id).collect();
            assert_eq!(tokenizer.decode(&ids).unwrap(), text);
        }
        let spellings = |text: &str| -> Vec<String> {
            let pieces = tokenizer.encode(text, false).unwrap();
            pieces.iter().map(|piece| tokenizer.spelling(piece.id).unwrap()).collect()
        };
        assert_eq!(spellings("<|user|>Question:"), ["<|user|>", "Question:"]);
        assert_eq!(spellings(" Lumo 472"), ["\u{120}Lumo", "\u{120}4", "7", "2"]);
    }

    #[test]
    fn words_are_split_as_the_tokenizer_splits_them() {
        let pattern = ["a", " b1", " 12", "3", "\n\n", "  x", "y, z.", "?!", " \n", "\u{e9}t\u{e9} 4"];
        let text = pattern.concat();
        assert_eq!(split(&text).concat(), text);
        assert_eq!(split("\n\nLumo\n\n"), ["\n\n", "Lumo", "\n\n"]);
        assert_eq!(split("a b1 12"), ["a", " b", "1", " 1", "2"]);
        assert_eq!(split("y, z.\n\n Q"), ["y", ",", " z", ".", "\n\n", " Q"]);
    }
}
