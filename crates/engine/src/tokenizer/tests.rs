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

/// `llama3`'s file with another pre-tokenizing expression.
fn with_expression(expression: &str) -> Result<Tokenizer, TokenizerError> {
    let mut file: Value = serde_json::from_slice(&json("llama3")).unwrap();
    let step = &mut file["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"];
    assert!(step.is_string());
    *step = expression.into();
    Tokenizer::from_json(file.to_string().as_bytes(), 1000)
}

/// What the library would pass over in silence, with other tokens than the file says.
#[test]
fn an_expression_that_gives_up_is_an_error() {
    let exponential = with_expression("(?=(a+)+b)\\1|(a|a)*c|.").unwrap();
    let error = exponential.encode(&"a".repeat(3000), false).unwrap_err().to_string();
    assert!(error.contains("gives up"), "{error}");
    assert_eq!(exponential.encode("tea", false).unwrap().last().unwrap().end, 3);
    // Possessive repetition alone does not.
    assert!(with_expression("(?:a|b)++|.").unwrap().encode(&"ab".repeat(3000), false).is_ok());
    // Nor does an automaton, whatever it looks like; the end of a word is none.
    let words = with_expression("(?:(a|a)*)*\\bc|.").unwrap().encode(&"a".repeat(40), false);
    assert!(words.unwrap_err().to_string().contains("gives up"));
    assert!(with_expression("(?:(a|a)*)*c|.").unwrap().encode(&"a".repeat(200), false).is_ok());
    // An honest one has limits too.
    let spaces = " ".repeat(1_100_000) + "x";
    let error = Tokenizer::from_json(&json("gpt2"), 1000).unwrap().encode(&spaces, false).unwrap_err();
    assert!(error.to_string().contains("gives up"), "{error}");
}

#[test]
fn what_would_make_texts_endless_or_random_is_refused() {
    let with = |pointer: &str, value: Value| {
        let mut file: Value = serde_json::from_slice(&json("sentencepiece")).unwrap();
        assert!(file.pointer(pointer).is_some(), "{pointer}");
        *file.pointer_mut(pointer).unwrap() = value;
        Tokenizer::from_json(file.to_string().as_bytes(), 1000).map(drop).map_err(|error| error.to_string())
    };
    let replace = |pattern: Value, content: &str| serde_json::json!({"type": "Replace", "pattern": pattern, "content": content});
    let string = |text: &str| serde_json::json!({"String": text});
    let normalizers = |steps: Vec<Value>| serde_json::json!({"type": "Sequence", "normalizers": steps});
    let bytes = serde_json::json!({"type": "ByteLevel"});
    let doubled: Vec<Value> = (0..30).map(|_| replace(string("a"), "aa")).collect();
    let decoders = serde_json::json!({"type": "Sequence", "decoders": doubled});
    let give_up = replace(serde_json::json!({"Regex": "a(?=b)"}), "c");
    for (pointer, value, wanted) in [
        ("/normalizer", normalizers(doubled), "1073741824 times longer"),
        ("/normalizer", normalizers(vec![bytes; 9]), "512 times longer"),
        ("/normalizer", replace(serde_json::json!({"Regex": "x*"}), &"y".repeat(300)), "301 times longer"),
        ("/normalizer", normalizers(vec![serde_json::json!({"type": "NFC"}); 65]), "more than 64 steps"),
        (
            "/normalizer",
            serde_json::json!({"type": "Prepend", "prepend": "a".repeat(2000)}),
            "holds 2000 bytes",
        ),
        ("/normalizer", give_up.clone(), "`a(?=b)` of its normalizer needs backtracking"),
        ("/decoder", decoders, "1073741824 times longer"),
        ("/decoder", give_up, "of its decoder needs backtracking"),
        ("/model/dropout", serde_json::json!(0.1), "`dropout`"),
    ] {
        let refused = with(pointer, value.clone()).unwrap_err();
        assert!(refused.contains(wanted), "{value}: {refused}");
    }
    let known = vec![
        replace(string(" "), "▁"),
        replace(serde_json::json!({"Regex": " {2,}"}), "▁"),
        serde_json::json!({"type": "NFKC"}),
    ];
    with("/normalizer", normalizers(known)).unwrap();
    let long = "(a)".repeat(2000);
    let refused = with_expression(&long).unwrap_err().to_string();
    assert!(refused.contains("6000 bytes"), "{refused}");
}

/// A post-processor names its tokens by numbers of its own.
#[test]
fn a_post_processor_beyond_the_model_is_refused() {
    let mut file: Value = serde_json::from_slice(&json("llama3")).unwrap();
    let template = serde_json::json!({
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<far>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {"<far>": {"id": "<far>", "ids": [77_777], "tokens": ["<far>"]}},
    });
    file["post_processor"] = template;
    let refused = Tokenizer::from_json(file.to_string().as_bytes(), 1000).unwrap_err();
    assert!(matches!(&refused, TokenizerError::Beyond { token: 77_777, .. }), "{refused}");
    assert!(Tokenizer::from_json(file.to_string().as_bytes(), 77_778).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(name in prop::sample::select(KINDS.to_vec()), flips in prop::collection::vec((0usize..6000, any::<u8>()), 1..6)) {
        let mut bytes = json(name);
        for (pointer, value) in flips {
            let length = bytes.len();
            bytes[pointer % length] = value;
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
