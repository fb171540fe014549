//! How byte-level vocabularies cut a text into words before they merge, by the name that GGUF gives it.

use serde_json::{Value as Json, json};

/// Words with the space before them, English contractions, runs of digits, runs of signs.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
/// Words with any one sign before them; at most three digits; lines end words.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// The same with one digit.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const ONE_DIGIT: &str = r"\p{N}";

/// A way to cut, and what comes with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PreTokenizer {
    names: &'static [&'static str],
    /// Patterns, each applied to what those before it left.
    patterns: &'static [&'static str],
    /// Whether a word that is a token is that token, whatever the merges say.
    pub(super) ignores_merges: bool,
    /// Whether texts get a first token where the file does not say.
    pub(super) adds_bos: bool,
    /// Whether texts are composed first (Unicode NFC).
    composes: bool,
}

const PLAIN: PreTokenizer =
    PreTokenizer { names: &[], patterns: &[], ignores_merges: false, adds_bos: false, composes: false };

const PRE_TOKENIZERS: &[PreTokenizer] = &[
    PreTokenizer {
        names: &["default"],
        patterns: &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"],
        ..PLAIN
    },
    PreTokenizer { names: &["gpt-2", "phi-2", "mpt", "olmo"], patterns: &[GPT2], ..PLAIN },
    PreTokenizer {
        names: &["llama3", "llama-v3", "llama-bpe", "falcon3"],
        patterns: &[LLAMA3],
        ignores_merges: true,
        adds_bos: true,
        ..PLAIN
    },
    PreTokenizer { names: &["dbrx", "smaug-bpe"], patterns: &[LLAMA3], ..PLAIN },
    PreTokenizer { names: &["qwen2"], patterns: &[QWEN2], composes: true, ..PLAIN },
    PreTokenizer { names: &["deepseek-r1-qwen", "stablelm2"], patterns: &[QWEN2], ..PLAIN },
    PreTokenizer {
        names: &["smollm", "refact", "command-r", "starcoder", "codeshell", "exaone", "minerva-7b"],
        patterns: &[ONE_DIGIT, GPT2],
        ..PLAIN
    },
];

impl PreTokenizer {
    /// The one of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut all = PRE_TOKENIZERS.iter();
        all.find(|pre| pre.names.contains(&name)).copied()
    }

    /// As in a `tokenizer.json`.
    pub(super) fn json(&self) -> Json {
        let split = |pattern: &&str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
        let mut steps: Vec<Json> = self.patterns.iter().map(split).collect();
        steps.push(json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}));
        json!({"type": "Sequence", "pretokenizers": steps})
    }

    /// As in a `tokenizer.json`.
    pub(super) fn normalizer(&self) -> Json {
        if self.composes { json!({"type": "NFC"}) } else { Json::Null }
    }
}
