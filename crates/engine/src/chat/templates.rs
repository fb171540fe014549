//! The chat templates that come with a model.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value as Json;

use super::error::ChatError;
use super::file::{JsonFile, read_json, read_text};

/// The name of the template that is used where nothing else is requested.
const DEFAULT: &str = "default";
/// The name of the template that is used where tools are given.
const TOOL_USE: &str = "tool_use";
/// Maximum number of files of a folder of templates.
const MAX_FILES: usize = 64;

/// Sources of templates by name. Mostly there is one, `default`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates(BTreeMap<String, String>);

impl Templates {
    /// One template, the default.
    pub fn single(source: impl Into<String>) -> Self {
        Self::named([(DEFAULT.to_owned(), source.into())])
    }

    /// From pairs of name and source, as GGUF has them: `tokenizer.chat_template` is `default`,
    /// `tokenizer.chat_template.NAME` is `NAME`.
    pub fn named(templates: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(templates.into_iter().collect())
    }

    /// Those of a model's folder: of `chat_template.jinja` and `additional_chat_templates/*.jinja`, else
    /// of the key `chat_template` of `tokenizer_config.json`, else of `chat_template.json`. The key holds
    /// a text or a list of maps with `name` and `template`. Empty if there is none of these.
    ///
    /// # Errors
    /// If a file cannot be read or has another form.
    pub fn from_folder(folder: &Path) -> Result<Self, ChatError> {
        let mut templates = BTreeMap::new();
        if let Some(source) = read_text(&folder.join("chat_template.jinja"))? {
            templates.insert(DEFAULT.to_owned(), source);
        }
        additional(&mut templates, &folder.join("additional_chat_templates"))?;
        for file in ["tokenizer_config.json", "chat_template.json"] {
            if !templates.is_empty() {
                break;
            }
            let path = folder.join(file);
            if let Some(config) = read_json(&path)? {
                templates = in_config(&config, &path)?;
            }
        }
        Ok(Self(templates))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The one to use: `tool_use` if there are tools and it exists, else `default`. `None` if there is
    /// no template at all.
    ///
    /// # Errors
    /// If there are templates, but no default.
    pub fn choose(&self, tools: bool) -> Result<Option<&str>, ChatError> {
        let named = |name: &str| self.0.get(name).map(String::as_str);
        let chosen = if tools { named(TOOL_USE).or_else(|| named(DEFAULT)) } else { named(DEFAULT) };
        if chosen.is_none() && !self.is_empty() {
            return Err(ChatError::NoDefault { names: self.0.keys().cloned().collect() });
        }
        Ok(chosen)
    }
}

/// The templates of a folder of files `NAME.jinja`.
fn additional(templates: &mut BTreeMap<String, String>, folder: &Path) -> Result<(), ChatError> {
    let io = |source| ChatError::Io { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    for (index, entry) in entries.enumerate() {
        if index == MAX_FILES {
            return Err(ChatError::TooManyTemplates { path: folder.to_owned(), max: MAX_FILES });
        }
        let path = entry.map_err(io)?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str());
        if let (Some(name), Some("jinja")) = (name, path.extension().and_then(|extension| extension.to_str()))
            && let Some(source) = read_text(&path)?
        {
            templates.insert(name.to_owned(), source);
        }
    }
    Ok(())
}

fn in_config(config: &Json, path: &Path) -> Result<BTreeMap<String, String>, ChatError> {
    let shape = JsonFile { path };
    let wrong = || shape.error("chat_template", "a text, or a list of maps with `name` and `template`");
    let mut templates = BTreeMap::new();
    match config.get("chat_template") {
        None | Some(Json::Null) => {}
        Some(Json::String(source)) => {
            templates.insert(DEFAULT.to_owned(), source.clone());
        }
        Some(Json::Array(entries)) => {
            for entry in entries {
                let text = |key| entry.get(key).and_then(Json::as_str).map(str::to_owned);
                let (name, source) = text("name").zip(text("template")).ok_or_else(wrong)?;
                templates.insert(name, source);
            }
        }
        Some(_) => return Err(wrong()),
    }
    Ok(templates)
}
