//! The vocabulary of a file as a tokenizer.
//!
//! Two kinds are read: byte-level BPE (`gpt2`) and the BPE of `SentencePiece` (`llama`), which orders its
//! merges by the scores of their results. Other kinds, and pre-tokenizers that are not known here, are
//! refused by name: a tokenizer that is nearly right gives answers that are quietly wrong.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use super::metadata::{Metadata, needed};
use super::pieces;
use super::pre_tokenizer::PreTokenizer;
use super::token_type::TokenType;
use super::value::TextArray;
use super::vocabulary_error::{MAX_TOKEN_BYTES, MAX_VOCABULARY_BYTES, VocabularyError};
use crate::tokenizer::TokenizerParts;

/// The tokens that mean something to a model, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpecialTokenIds {
    /// What a text begins with.
    pub bos: Option<u32>,
    /// What a text ends with.
    pub eos: Option<u32>,
    /// What stands for the unknown.
    pub unknown: Option<u32>,
    /// What fills rows up.
    pub padding: Option<u32>,
    /// All tokens that end an answer, in ascending order: those that the file names (end of text, of turn,
    /// of message), and control tokens that are known to end a turn by their text, since converters write
    /// only the first.
    pub stop: Vec<u32>,
}

/// Control tokens that end a turn or a text in the families of models that are read here.
const ENDS: &[&str] = &[
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|im_end|>",
    "<|end|>",
    "<|endoftext|>",
    "<end_of_turn>",
];

/// The vocabulary of a file.
#[derive(Debug)]
pub struct Vocabulary<'a> {
    metadata: &'a Metadata,
    tokens: &'a TextArray,
    types: Vec<TokenType>,
    ids: HashMap<&'a str, usize>,
}

impl<'a> Vocabulary<'a> {
    /// Looks at the keys `tokenizer.ggml.*`.
    ///
    /// # Errors
    /// A key that is missing or of the wrong type, lists that do not fit together, a token that stands
    /// twice.
    pub fn new(metadata: &'a Metadata) -> Result<Self, VocabularyError> {
        const TOKENS: &str = "tokenizer.ggml.tokens";
        const TYPES: &str = "tokenizer.ggml.token_type";
        let tokens = needed(TOKENS, metadata.texts(TOKENS)?)?;
        let types = match metadata.integers(TYPES)? {
            Some(types) => types.iter().copied().map(TokenType::from_number).collect(),
            None => vec![TokenType::Normal; tokens.len()],
        };
        same_length(TYPES, types.len(), tokens)?;
        if tokens.bytes() > MAX_VOCABULARY_BYTES {
            return Err(VocabularyError::TooLarge { bytes: tokens.bytes() });
        }
        let mut ids = HashMap::new();
        for (second, text) in tokens.iter().enumerate() {
            if text.len() > MAX_TOKEN_BYTES {
                let (id, bytes) = (second, text.len());
                return Err(VocabularyError::LongToken { id, bytes });
            }
            if let Some(first) = ids.insert(text, second) {
                let text = text.to_owned();
                return Err(VocabularyError::Duplicate { text, first, second });
            }
        }
        Ok(Self { metadata, tokens, types, ids })
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The text of a token as it stands in the vocabulary: of a byte-level one, in its alphabet.
    pub fn text(&self, id: u32) -> Option<&'a str> {
        self.tokens.get(usize::try_from(id).ok()?)
    }

    fn is(&self, id: usize, wanted: TokenType) -> bool {
        self.types.get(id) == Some(&wanted)
    }

    /// The chat template that the file carries.
    ///
    /// # Errors
    /// The key holds something else than a text.
    pub fn chat_template(&self) -> Result<Option<&'a str>, VocabularyError> {
        Ok(self.metadata.text("tokenizer.chat_template")?)
    }

    /// The tokens that mean something.
    ///
    /// # Errors
    /// A key of the wrong type, or an id beyond the vocabulary.
    pub fn special_tokens(&self) -> Result<SpecialTokenIds, VocabularyError> {
        let eos = self.id("tokenizer.ggml.eos_token_id")?;
        let named = [eos, self.id("tokenizer.ggml.eot_token_id")?, self.id("tokenizer.ggml.eom_token_id")?];
        let known = ENDS.iter().filter_map(|text| {
            let id = *self.ids.get(text)?;
            let special = self.is(id, TokenType::Control) || self.is(id, TokenType::UserDefined);
            u32::try_from(id).ok().filter(|_| special)
        });
        let mut stop: Vec<u32> = named.into_iter().flatten().chain(known).collect();
        stop.sort_unstable();
        stop.dedup();
        Ok(SpecialTokenIds {
            bos: self.id("tokenizer.ggml.bos_token_id")?,
            eos,
            unknown: self.id("tokenizer.ggml.unknown_token_id")?,
            padding: self.id("tokenizer.ggml.padding_token_id")?,
            stop,
        })
    }

    fn id(&self, key: &'static str) -> Result<Option<u32>, VocabularyError> {
        let id = self.metadata.token(key)?;
        if let Some(id) = id
            && self.text(id).is_none()
        {
            let tokens = self.len();
            return Err(VocabularyError::Id { key, id, tokens });
        }
        Ok(id)
    }

    /// The vocabulary as the content of a `tokenizer.json`.
    ///
    /// # Errors
    /// As [`Vocabulary::tokenizer`].
    pub fn tokenizer_json(&self) -> Result<String, VocabularyError> {
        Ok(self.tokenizer()?.json())
    }

    /// The vocabulary as the parts of a tokenizer.
    ///
    /// # Errors
    /// A kind of tokenizer or a pre-tokenizer that is not read, or a damaged vocabulary.
    pub fn tokenizer(&self) -> Result<TokenizerParts<'a>, VocabularyError> {
        const KIND: &str = "tokenizer.ggml.model";
        match needed(KIND, self.metadata.text(KIND)?)? {
            "gpt2" => self.byte_level(),
            "llama" => self.sentence_pieces(),
            kind => {
                let kind = kind.to_owned();
                Err(VocabularyError::Kind { kind })
            }
        }
    }

    fn byte_level(&self) -> Result<TokenizerParts<'a>, VocabularyError> {
        // Files older than the key mean what llama.cpp calls `default`.
        let name = self.metadata.text("tokenizer.ggml.pre")?.unwrap_or("default");
        let Some(pre) = PreTokenizer::named(name) else {
            let name = name.to_owned();
            return Err(VocabularyError::PreTokenizer { name });
        };
        let decoder = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
        Ok(TokenizerParts {
            steps: steps(pre.normalizer(), pre.json(), self.post_processor(pre.adds_bos)?, decoder),
            added: self.added(),
            tokens: self.tokens.iter().collect(),
            merges: self.merges()?,
            unknown: None,
            falls_back_to_bytes: false,
            ignores_merges: pre.ignores_merges,
        })
    }

    fn merges(&self) -> Result<Vec<(&'a str, &'a str)>, VocabularyError> {
        const MERGES: &str = "tokenizer.ggml.merges";
        let merges = needed(MERGES, self.metadata.texts(MERGES)?)?;
        let pair = |(index, text): (usize, &'a str)| {
            let pair = text.split_once(' ');
            pair.filter(|(first, second)| !first.is_empty() && !second.is_empty())
                .ok_or(VocabularyError::Merge { index })
        };
        merges.iter().enumerate().map(pair).collect()
    }

    fn sentence_pieces(&self) -> Result<TokenizerParts<'a>, VocabularyError> {
        let prefix = self.metadata.boolean("tokenizer.ggml.add_space_prefix")?;
        let prefix = prefix.unwrap_or(true);
        let unknown = self.id("tokenizer.ggml.unknown_token_id")?;
        let post_processor = self.post_processor(true)?;
        Ok(TokenizerParts {
            steps: steps(pieces::normalizer(prefix), Json::Null, post_processor, pieces::decoder(prefix)),
            added: self.added(),
            tokens: self.tokens.iter().collect(),
            merges: pieces::merges(
                self.tokens,
                &self.ids,
                |id| self.is(id, TokenType::Normal),
                self.scores()?,
            ),
            unknown: unknown.and_then(|id| self.text(id)),
            falls_back_to_bytes: true,
            ignores_merges: false,
        })
    }

    fn scores(&self) -> Result<&'a [f32], VocabularyError> {
        const SCORES: &str = "tokenizer.ggml.scores";
        let scores = needed(SCORES, self.metadata.floats(SCORES)?)?;
        same_length(SCORES, scores.len(), self.tokens)?;
        match scores.iter().position(|score| score.is_nan()) {
            Some(id) => Err(VocabularyError::Score { id }),
            None => Ok(scores),
        }
    }

    /// Tokens that are looked for in a text before anything else, and whether they are special.
    fn added(&self) -> Vec<(usize, bool)> {
        let added = |(id, kind): (usize, &TokenType)| match kind {
            TokenType::Control | TokenType::Unknown => Some((id, true)),
            TokenType::UserDefined => Some((id, false)),
            TokenType::Normal | TokenType::Unused | TokenType::Byte => None,
        };
        self.types.iter().enumerate().filter_map(added).collect()
    }

    /// Sets the first and the last token, where the file or else its kind says so.
    fn post_processor(&self, adds_bos: bool) -> Result<Json, VocabularyError> {
        const BOS: (&str, &str) = ("tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id");
        const EOS: (&str, &str) = ("tokenizer.ggml.add_eos_token", "tokenizer.ggml.eos_token_id");
        let bos = self.added_end(BOS, adds_bos)?;
        let eos = self.added_end(EOS, false)?;
        if bos.is_none() && eos.is_none() {
            return Ok(Json::Null);
        }
        let special = |end: Option<(u32, &str)>| {
            end.map(|(_, text)| json!({"SpecialToken": {"id": text, "type_id": 0}}))
        };
        let around = |sequence: &str| -> Vec<Json> {
            let sequence = json!({"Sequence": {"id": sequence, "type_id": 0}});
            [special(bos), Some(sequence), special(eos)].into_iter().flatten().collect()
        };
        let tokens = [bos, eos].into_iter().flatten().map(|(id, text)| {
            let described = json!({"id": text, "ids": [id], "tokens": [text]});
            (text.to_owned(), described)
        });
        let pair = [around("A"), around("B")].concat();
        Ok(json!({
            "type": "TemplateProcessing",
            "single": around("A"),
            "pair": pair,
            "special_tokens": Json::Object(tokens.collect()),
        }))
    }

    fn added_end(
        &self,
        (switch, key): (&'static str, &'static str),
        default: bool,
    ) -> Result<Option<(u32, &'a str)>, VocabularyError> {
        if !self.metadata.boolean(switch)?.unwrap_or(default) {
            return Ok(None);
        }
        let id = needed(key, self.id(key)?)?;
        Ok(self.text(id).map(|text| (id, text)))
    }
}

/// The steps before and after, by the names of a `tokenizer.json`.
fn steps(normalizer: Json, pre_tokenizer: Json, post_processor: Json, decoder: Json) -> Map<String, Json> {
    let steps = [
        ("normalizer", normalizer),
        ("pre_tokenizer", pre_tokenizer),
        ("post_processor", post_processor),
        ("decoder", decoder),
    ];
    steps.into_iter().map(|(name, step)| (name.to_owned(), step)).collect()
}

fn same_length(key: &'static str, found: usize, tokens: &TextArray) -> Result<(), VocabularyError> {
    let tokens = tokens.len();
    if found == tokens {
        return Ok(());
    }
    Err(VocabularyError::Length { key, found, tokens })
}
