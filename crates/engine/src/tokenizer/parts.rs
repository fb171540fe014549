//! A tokenizer in parts, as a container of weights knows it, without the detour of writing a `tokenizer.json` of ten
//! megabytes and reading it again.

use serde_json::{Map, Value as Json, json};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::{AddedToken, Tokenizer as Inner};

use super::expressions::Expressions;
use super::{Tokenizer, TokenizerError, guarded, limits};

/// What a `tokenizer.json` says of a tokenizer of the kind BPE.
#[derive(Debug, Clone)]
pub struct TokenizerParts<'a> {
    /// What is done before and after: `normalizer`, `pre_tokenizer`, `post_processor` and `decoder`.
    pub steps: Map<String, Json>,
    /// Tokens that are looked for in a text before anything else, by id, and whether they are special.
    pub added: Vec<(usize, bool)>,
    /// The text of every token, by id.
    pub tokens: Vec<&'a str>,
    /// Pairs that become one token, best first.
    pub merges: Vec<(&'a str, &'a str)>,
    /// What stands for the unknown.
    pub unknown: Option<&'a str>,
    /// Whether bytes without a token of their own are written as tokens of bytes, and unknown ones side by side as
    /// one.
    pub falls_back_to_bytes: bool,
    /// Whether a word that is a token is that token, whatever the merges say.
    pub ignores_merges: bool,
}

impl TokenizerParts<'_> {
    /// As the content of a `tokenizer.json`.
    pub fn json(&self) -> String {
        let entry = |(id, text): (usize, &&str)| ((*text).to_owned(), Json::from(id));
        let vocabulary: Map<String, Json> = self.tokens.iter().enumerate().map(entry).collect();
        let added: Vec<Json> =
            self.added.iter().filter_map(|(id, special)| self.added(*id, *special)).collect();
        self.document(&added, vocabulary, &self.merges).to_string()
    }

    fn added(&self, id: usize, special: bool) -> Option<Json> {
        let content = *self.tokens.get(id)?;
        Some(json!({
            "id": id,
            "content": content,
            "special": special,
            "normalized": false,
            "single_word": false,
            "lstrip": false,
            "rstrip": false,
        }))
    }

    fn document(&self, added: &[Json], vocabulary: Map<String, Json>, merges: &[(&str, &str)]) -> Json {
        let mut document = self.steps.clone();
        document.insert("version".to_owned(), "1.0".into());
        document.insert("added_tokens".to_owned(), added.into());
        let mut model = json!({
            "type": "BPE",
            "unk_token": self.unknown,
            "fuse_unk": self.falls_back_to_bytes,
            "byte_fallback": self.falls_back_to_bytes,
            "ignore_merges": self.ignores_merges,
            "merges": merges,
        });
        model["vocab"] = Json::Object(vocabulary);
        document.insert("model".to_owned(), model);
        Json::Object(document)
    }

    fn model(&self) -> tokenizers::Result<BPE> {
        // A vocabulary has no more tokens than 32 bits count: its texts are read with 32-bit ends.
        let vocabulary: Vocab =
            (0_u32..).zip(&self.tokens).map(|(id, text)| ((*text).to_owned(), id)).collect();
        let merges = self.merges.iter().map(|(first, second)| ((*first).to_owned(), (*second).to_owned()));
        let mut builder = BPE::builder()
            .vocab_and_merges(vocabulary, merges.collect())
            .fuse_unk(self.falls_back_to_bytes)
            .byte_fallback(self.falls_back_to_bytes)
            .ignore_merges(self.ignores_merges);
        if let Some(unknown) = self.unknown {
            builder = builder.unk_token(unknown.to_owned());
        }
        builder.build()
    }
}

impl Tokenizer {
    /// A tokenizer of parts, for a model of so many tokens: the same as [`Tokenizer::from_json`] makes of
    /// [`TokenizerParts::json`].
    ///
    /// # Errors
    /// As [`Tokenizer::from_json`].
    pub fn from_parts(parts: &TokenizerParts<'_>, vocabulary: usize) -> Result<Self, TokenizerError> {
        let unreadable = |problem: String| TokenizerError::Unreadable { problem };
        // All but the vocabulary, which holds nothing that needs a check.
        let rest = parts.document(&[], Map::new(), &[]).to_string();
        let may_give_up = limits::check(rest.as_bytes()).map_err(unreadable)?;
        let added = |(id, special): &(usize, bool)| {
            Some(AddedToken::from((*parts.tokens.get(*id)?).to_owned(), *special).normalized(false))
        };
        let inner = guarded(|| {
            let mut inner = Inner::from_bytes(&rest)?;
            inner.with_model(parts.model()?);
            inner.add_tokens(parts.added.iter().filter_map(added))?;
            Ok(inner)
        });
        let last = parts.tokens.len().checked_sub(1).zip(parts.tokens.last());
        let largest = last.map(|(id, text)| ((*text).to_owned(), u32::try_from(id).unwrap_or(u32::MAX)));
        let largest = largest.ok_or_else(|| unreadable("it has no token".to_owned()))?;
        Self::fitting(inner.map_err(unreadable)?, Expressions::new(may_give_up), largest, vocabulary)
    }
}
