//! Against the `tokenizers` package, and on bytes that are no tokenizer.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const KINDS: [&str; 5] = ["gpt2", "llama3", "sentencepiece", "unigram", "wordpiece"];

fn goldens() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/text")
}

fn json(name: &str) -> Vec<u8> {
    std::fs::read(goldens().join(format!("{name}.json"))).unwrap()
}

fn expected(name: &str) -> Value {
    let all: Value = serde_json::from_slice(&json("expected")).unwrap();
    all[name].clone()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn ids_and_byte_offsets() {
    for name in KINDS {
        let tokenizer = Tokenizer::from_json(&json(name), 1000).unwrap();
        for case in expected(name)["encoded"].as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let bare = tokenizer.encode(text, false).unwrap();
            assert_eq!(
                bare.iter().map(|piece| piece.id).collect::<Vec<_>>(),
                ids(&case["bare"]),
                "{name} {text:?}"
            );
            let offsets: Vec<(usize, usize)> = serde_json::from_value(case["offsets"].clone()).unwrap();
            assert_eq!(
                bare.iter().map(|piece| (piece.start, piece.end)).collect::<Vec<_>>(),
                offsets,
                "{name} {text:?}"
            );
            let special = tokenizer.encode(text, true).unwrap();
            assert_eq!(
                special.iter().map(|piece| piece.id).collect::<Vec<_>>(),
                ids(&case["special"]),
                "{name} {text:?}"
            );
        }
    }
}

#[test]
fn decodings() {
    for name in KINDS {
        let tokenizer = Tokenizer::from_json(&json(name), 1000).unwrap();
        for case in expected(name)["decoded"].as_array().unwrap() {
            let ids = ids(&case["ids"]);
            assert_eq!(tokenizer.decode(&ids).unwrap(), case["text"].as_str().unwrap(), "{name} {ids:?}");
        }
    }
}

#[test]
fn a_vocabulary_may_be_padded_but_not_too_small() {
    let tokenizer = Tokenizer::from_json(&json("gpt2"), 1000).unwrap();
    let size = tokenizer.vocabulary();
    assert!(Tokenizer::from_json(&json("gpt2"), size).is_ok());
    let refused = Tokenizer::from_json(&json("gpt2"), size - 1).unwrap_err();
    assert!(
        matches!(&refused, TokenizerError::Beyond { token, .. } if *token as usize == size - 1),
        "{refused}"
    );
    assert_eq!(tokenizer.spelling(0).as_deref(), Some("<|start|>"));
    assert_eq!((tokenizer.token("<|end|>"), tokenizer.spelling(9999)), (Some(1), None));
}

/// An added token counts, too: a text may hold it.
#[test]
fn an_added_token_beyond_the_model_is_refused() {
    let mut file: Value = serde_json::from_slice(&json("gpt2")).unwrap();
    let mut added = file["added_tokens"][0].clone();
    added["id"] = 5000.into();
    added["content"] = "<|far|>".into();
    file["added_tokens"].as_array_mut().unwrap().push(added);
    // The library gives it the next free id.
    let size = Tokenizer::from_json(&json("gpt2"), 1000).unwrap().vocabulary();
    let read = Tokenizer::from_json(file.to_string().as_bytes(), size);
    assert!(read.is_err(), "{read:?}");
}

#[test]
fn truncation_and_padding_are_not_applied() {
    let tokenizer = Tokenizer::from_json(&json("wordpiece"), 1000).unwrap();
    assert!(json("wordpiece").windows(10).any(|bytes| bytes == b"max_length"));
    assert_eq!(tokenizer.encode("", false).unwrap(), []);
    assert!(tokenizer.encode("tea tea tea tea tea tea tea tea tea tea tea tea", false).unwrap().len() > 9);
}

#[test]
fn what_is_no_tokenizer_is_refused() {
    let whole = json("llama3");
    let text = String::from_utf8(whole.clone()).unwrap();
    let broken = [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "\u{feff}{}".to_owned(),
        text.replace("\"BPE\"", "\"Abacus\""),
        text.replace("\"merges\":[", "\"merges\":[[\"no such\",\"pair\"],"),
        text.replace("\\\\p{L}", "(((("),
        format!("{text}{text}"),
    ];
    for bytes in broken {
        let refused = Tokenizer::from_json(bytes.as_bytes(), 1000);
        assert!(
            matches!(refused, Err(TokenizerError::Unreadable { .. })),
            "{}",
            &bytes[..bytes.len().min(80)]
        );
    }
    for end in (0..whole.len() - 1).step_by(97) {
        assert!(Tokenizer::from_json(&whole[..end], 1000).is_err(), "{end}");
    }
}

/// An expression that takes exponential time on texts made for it: it must end.
#[test]
fn a_hostile_expression_ends() {
    let text = String::from_utf8(json("llama3")).unwrap();
    let start = text.find("\"Regex\":\"").unwrap() + 9;
    let end = start + text[start..].find("\"}").unwrap();
    let hostile = format!("{}(?=(a+)+b)\\\\1|(a|a)*c{}", &text[..start], &text[end..]);
    if let Ok(tokenizer) = Tokenizer::from_json(hostile.as_bytes(), 1000) {
        let _ = tokenizer.encode(&"a".repeat(3000), false);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(name in prop::sample::select(KINDS.to_vec()), flips in prop::collection::vec((0usize..6000, any::<u8>()), 1..6)) {
        let mut bytes = json(name);
        for (place, value) in flips {
            let length = bytes.len();
            bytes[place % length] = value;
        }
        if let Ok(tokenizer) = Tokenizer::from_json(&bytes, 100_000) {
            let _ = tokenizer.encode("the ferry 12\n東京", true).map(|pieces| {
                tokenizer.decode(&pieces.iter().map(|piece| piece.id).collect::<Vec<_>>())
            });
        }
    }

    #[test]
    fn offsets_lie_in_the_text_and_rise(name in prop::sample::select(KINDS.to_vec()), text in "\\PC{0,40}") {
        let tokenizer = Tokenizer::from_json(&json(name), 1000).unwrap();
        for piece in tokenizer.encode(&text, false).unwrap() {
            prop_assert!(piece.start <= piece.end && piece.end <= text.len());
        }
    }
}
