//! The special tokens that templates may name: `bos_token`, `eos_token` and their like.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

use super::error::ChatError;
use super::file::{JsonFile, read_json};

/// The names that `transformers` hands to a template.
pub const NAMES: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

/// Texts of special tokens by name, out of [`NAMES`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpecialTokenTexts(BTreeMap<&'static str, String>);

impl SpecialTokenTexts {
    /// From pairs of name and text. Other names are left out.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let known = |name: &str| NAMES.into_iter().find(|known| *known == name);
        Self(pairs.into_iter().filter_map(|(name, text)| Some((known(name)?, text))).collect())
    }

    /// Those of a model's folder: of `tokenizer_config.json`, and, as `transformers` does where that
    /// has no `added_tokens_decoder`, of `special_tokens_map.json`, which then goes before. A token is
    /// a text or a map with its text as `content`. A folder without these files has none.
    ///
    /// # Errors
    /// If a file cannot be read or a token has another form.
    pub fn from_folder(folder: &Path) -> Result<Self, ChatError> {
        let mut tokens = BTreeMap::new();
        let mut complete = false;
        let path = folder.join("tokenizer_config.json");
        if let Some(config) = read_json(&path)? {
            complete = config.get("added_tokens_decoder").is_some();
            collect(&mut tokens, &config, &path)?;
        }
        let path = folder.join("special_tokens_map.json");
        if !complete && let Some(map) = read_json(&path)? {
            collect(&mut tokens, &map, &path)?;
        }
        Ok(Self(tokens))
    }

    /// The text of a token.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Names and texts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, text)| (*name, text.as_str()))
    }
}

fn collect(tokens: &mut BTreeMap<&'static str, String>, map: &Json, path: &Path) -> Result<(), ChatError> {
    let shape = JsonFile { path };
    for name in NAMES {
        match map.get(name) {
            None => {}
            Some(Json::Null) => {
                tokens.remove(name);
            }
            Some(token) => {
                let text = token.as_str().or_else(|| token.get("content")?.as_str());
                let text =
                    text.ok_or_else(|| shape.error(name, "a text, or a map with a text as `content`"))?;
                tokens.insert(name, text.to_owned());
            }
        }
    }
    Ok(())
}
