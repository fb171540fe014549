//! Vocabularies: the tokens of llama.cpp, and damaged ones.

use std::path::PathBuf;

use plimsoll_engine::gguf::{Array, GgufHeader, Metadata, MetadataValue, Vocabulary, VocabularyError};
use plimsoll_engine::tokenizer::{Tokenizer as ModelTokenizer, TokenizerParts};
use tokenizers::Tokenizer;

use crate::writer::{ARRAY, F32, TEXT, U32, Writer, array, text, value};

const NAMES: &[&str] = &[
    "command-r",
    "dbrx",
    "default",
    "gemma-spm",
    "gpt-2",
    "llama-bpe",
    "llama-spm",
    "qwen2",
    "refact",
    "smollm",
];

fn goldens() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/gguf")
}

fn golden(name: &str) -> GgufHeader {
    let file = std::fs::read(goldens().join(format!("vocabulary-{name}.gguf"))).unwrap();
    GgufHeader::read(file.as_slice(), file.len() as u64).unwrap()
}

fn integers(metadata: &Metadata, key: &str) -> Vec<u32> {
    let integers = metadata.integers(key).unwrap().unwrap();
    integers.iter().map(|&number| number.cast_unsigned()).collect()
}

fn tokenizer(metadata: &Metadata) -> Tokenizer {
    let json = Vocabulary::new(metadata).unwrap().tokenizer_json().unwrap();
    json.parse().unwrap()
}

/// Each text of a golden file with its tokens by llama.cpp.
fn expected(metadata: &Metadata) -> Vec<(String, Vec<u32>)> {
    let mut ids = integers(metadata, "golden.ids").into_iter();
    let counts = integers(metadata, "golden.counts");
    let texts = metadata.texts("golden.texts").unwrap().unwrap();
    let pair = |(text, count): (&str, u32)| (text.to_owned(), ids.by_ref().take(count as usize).collect());
    texts.iter().zip(counts).map(pair).collect()
}

#[test]
fn texts_become_the_tokens_of_llama_cpp() {
    for name in NAMES {
        let header = golden(name);
        let tokenizer = tokenizer(&header.metadata);
        let expected = expected(&header.metadata);
        assert!(expected.len() >= 12);
        for (text, ids) in expected {
            let encoding = tokenizer.encode(text.as_str(), true).unwrap();
            assert_eq!(encoding.get_ids(), ids, "{name}: {text:?} {:?}", encoding.get_tokens());
        }
    }
}

/// The way without a `tokenizer.json` gives the very tokenizer that is written into one.
#[test]
fn parts_are_the_tokenizer_that_their_json_is() {
    for name in NAMES {
        let header = golden(name);
        let parts = Vocabulary::new(&header.metadata).unwrap().tokenizer().unwrap();
        let size = parts.tokens.len();
        let (direct, read) = (
            ModelTokenizer::from_parts(&parts, size).unwrap(),
            ModelTokenizer::from_json(parts.json().as_bytes(), size).unwrap(),
        );
        assert_eq!(direct.vocabulary(), read.vocabulary(), "{name}");
        for id in 0..=u32::try_from(size).unwrap() {
            assert_eq!(direct.spelling(id), read.spelling(id), "{name}");
        }
        for (text, ids) in expected(&header.metadata) {
            for special in [false, true] {
                let pieces = direct.encode(&text, special).unwrap();
                assert_eq!(pieces, read.encode(&text, special).unwrap(), "{name} {text:?}");
                assert!(!special || pieces.iter().map(|piece| piece.id).eq(ids.iter().copied()));
            }
            assert_eq!(direct.decode(&ids).unwrap(), read.decode(&ids).unwrap(), "{name}");
        }
        let small = ModelTokenizer::from_parts(&parts, size - 1);
        assert!(small.unwrap_err().to_string().contains("beyond the model's vocabulary"), "{name}");
    }
}

#[test]
fn parts_that_contradict_each_other_are_refused() {
    let (header, size) = (golden("gpt-2"), 100_000);
    let parts = Vocabulary::new(&header.metadata).unwrap().tokenizer().unwrap();
    let refused = |change: fn(&mut TokenizerParts<'_>)| {
        let mut parts = parts.clone();
        change(&mut parts);
        let direct = ModelTokenizer::from_parts(&parts, size);
        let read = ModelTokenizer::from_json(parts.json().as_bytes(), size);
        assert!(read.is_err());
        direct.unwrap_err().to_string()
    };
    assert!(refused(|parts| parts.merges.push(("no such", "pair"))).contains("out of vocabulary"));
    assert!(refused(|parts| parts.merges[0] = (parts.merges[0].1, "")).contains("out of vocabulary"));
    assert!(refused(|parts| parts.tokens.clear()).contains("cannot be read"));
    assert!(
        refused(|parts| drop(parts.steps.insert("decoder".to_owned(), 7.into()))).contains("cannot be read")
    );
    let many = |parts: &mut TokenizerParts<'_>| {
        let step = serde_json::json!({"type": "Prepend", "prepend": "x".repeat(2000)});
        parts.steps.insert("normalizer".to_owned(), step);
    };
    assert!(refused(many).contains("at most 1024 are allowed"));
}

#[test]
fn tokens_become_their_text_again() {
    for name in NAMES {
        let header = golden(name);
        let tokenizer = tokenizer(&header.metadata);
        for (text, _) in expected(&header.metadata) {
            let encoding = tokenizer.encode(text.as_str(), false).unwrap();
            // Only a text without special tokens: a space is set after each of them and not taken back.
            if !text.contains("<|") {
                let decoded = tokenizer.decode(encoding.get_ids(), false).unwrap();
                assert_eq!(decoded, text, "{name}");
            }
        }
    }
}

#[test]
fn special_tokens_are_found_by_key_and_by_text() {
    let header = golden("llama-bpe");
    let vocabulary = Vocabulary::new(&header.metadata).unwrap();
    let special = vocabulary.special_tokens().unwrap();
    assert_eq!(vocabulary.text(special.bos.unwrap()), Some("<|begin|>"));
    let stops: Vec<_> = special.stop.iter().map(|&id| vocabulary.text(id)).collect();
    assert_eq!(stops, [Some("<|end|>")]);
}

/// A vocabulary of three pieces, with pairs changed by the caller.
fn small(change: impl Fn(&str, Vec<u8>) -> Option<Vec<u8>>) -> Metadata {
    let tokens = [text("a"), text("b"), text("ab")].concat();
    let scores = [0.0_f32, -1.0, -2.0].map(f32::to_le_bytes).concat();
    let types = [1_i32; 3].map(i32::to_le_bytes).concat();
    let pairs = [
        ("tokenizer.ggml.model", value(TEXT, &text("llama"))),
        ("tokenizer.ggml.pre", value(TEXT, &text("default"))),
        ("tokenizer.ggml.tokens", value(ARRAY, &array(TEXT, 3, &tokens))),
        ("tokenizer.ggml.scores", value(ARRAY, &array(F32, 3, &scores))),
        ("tokenizer.ggml.token_type", value(ARRAY, &array(5, 3, &types))),
        ("tokenizer.ggml.merges", value(ARRAY, &array(TEXT, 1, &text("a b")))),
        ("tokenizer.ggml.bos_token_id", value(U32, &0_u32.to_le_bytes())),
    ];
    let mut writer = Writer::default();
    for (key, pair) in pairs {
        if let Some(pair) = change(key, pair) {
            writer.pair(key, &pair);
        }
    }
    let file = writer.file();
    GgufHeader::read(file.as_slice(), file.len() as u64).unwrap().metadata
}

fn json(metadata: &Metadata) -> Result<String, VocabularyError> {
    let vocabulary = Vocabulary::new(metadata)?;
    vocabulary.special_tokens()?;
    vocabulary.tokenizer_json()
}

#[test]
fn damaged_vocabularies_are_refused() {
    assert!(json(&small(|_, pair| Some(pair))).is_ok());
    let nan = [0.0, f32::NAN, 0.0].map(f32::to_le_bytes).concat();
    let long = [text("a"), text(&"b".repeat(2000)), text("ab")].concat();
    let twice = [text("a"), text("b"), text("a")].concat();
    let cases = [
        ("tokenizer.ggml.model", value(TEXT, &text("t5")), "the kind `t5` are not read"),
        ("tokenizer.ggml.model", value(U32, &[0; 4]), "holds an integer, not a text"),
        ("tokenizer.ggml.tokens", value(ARRAY, &array(TEXT, 3, &twice)), "0 and 2 are both `a`"),
        ("tokenizer.ggml.tokens", value(ARRAY, &array(TEXT, 3, &long)), "token 1 has 2000 bytes"),
        ("tokenizer.ggml.tokens", value(ARRAY, &array(TEXT, 1, &text("a"))), "has 3 entries for 1 tokens"),
        ("tokenizer.ggml.scores", value(ARRAY, &array(F32, 1, &[0; 4])), "has 1 entries for 3 tokens"),
        ("tokenizer.ggml.scores", value(ARRAY, &array(F32, 3, &nan)), "score of token 1"),
        ("tokenizer.ggml.bos_token_id", value(U32, &9_u32.to_le_bytes()), "is 9, but there are 3 tokens"),
    ];
    for (changed, replacement, message) in cases {
        let metadata = small(|key, pair| Some(if key == changed { replacement.clone() } else { pair }));
        let refused = json(&metadata).unwrap_err().to_string();
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn a_missing_key_is_named() {
    for missing in [
        "tokenizer.ggml.model",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.scores",
        "tokenizer.ggml.bos_token_id",
    ] {
        let metadata = small(|key, pair| (key != missing).then_some(pair));
        let refused = json(&metadata).unwrap_err().to_string();
        assert_eq!(refused, format!("metadata key `{missing}` is missing"));
    }
}

#[test]
fn unknown_pre_tokenizers_and_odd_merges_are_refused() {
    let byte_level = |changed: &'static str, replacement: Vec<u8>| {
        small(move |key, pair| match key {
            "tokenizer.ggml.model" => Some(value(TEXT, &text("gpt2"))),
            key if key == changed => Some(replacement.clone()),
            _ => Some(pair),
        })
    };
    let cases = [
        ("tokenizer.ggml.pre", value(TEXT, &text("tekken")), "pre-tokenizer `tekken` is not known"),
        ("tokenizer.ggml.merges", value(ARRAY, &array(TEXT, 1, &text("ab"))), "merge 0 is not two"),
        ("tokenizer.ggml.merges", value(ARRAY, &array(TEXT, 1, &text(" b"))), "merge 0 is not two"),
    ];
    for (changed, replacement, message) in cases {
        let refused = json(&byte_level(changed, replacement)).unwrap_err().to_string();
        assert!(refused.contains(message), "{refused}");
    }
    let without = small(|key, pair| match key {
        "tokenizer.ggml.model" => Some(value(TEXT, &text("gpt2"))),
        "tokenizer.ggml.pre" => None,
        _ => Some(pair),
    });
    assert!(matches!(without.get("tokenizer.ggml.merges"), Some(MetadataValue::Array(Array::Texts(_)))));
    assert!(json(&without).is_ok());
}
