//! Chats as one text, as `transformers` writes them.
//!
//! A [`ChatTemplate`] is compiled once from its Jinja source and renders any number of chats. What a
//! template may do is what `transformers` lets it do: `trim_blocks` and `lstrip_blocks`, loop controls,
//! `raise_exception`, `strftime_now`, `tojson` as Python's `json.dumps`, `generation` blocks, Python's
//! string methods, the special tokens by name. Three things differ on purpose:
//!
//! - `strftime_now` takes the moment from [`Chat::now`], never from the clock.
//! - A rendering has limits of work, length and time (see [`FUEL`], [`MAX_TEXT`], [`MAX_SECONDS`]).
//! - A model without a template gets a plain form, and [`ChatTemplate::form`] says so.
//!
//! What Jinja has and minijinja has not (`%` on strings, `varargs`, `autoescape` and little else) is an error
//! that says so; `tests/goldens/chat/features.py` lists all that is known to differ, and a test keeps the
//! list true.
//!
//! The text is encoded without adding special tokens, since the template wrote them; the tokenizer's
//! `encode_chat` does that.

mod arguments;
mod concatenation;
mod data;
mod environment;
mod error;
mod file;
mod filters;
mod fuel;
mod json;
mod limits;
mod literal;
mod methods;
mod moment;
mod number;
mod plain;
mod printed;
mod render;
mod source;
mod special;
mod stored;
mod templates;
mod text;
mod variables;

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::Value;
use plimsoll_core::canonical;
use plimsoll_core::prompt::Message;
use render::CompiledTemplate;
use sha2::{Digest as _, Sha256};

pub use data::Data;
pub use environment::MAX_MESSAGE_CHARS;
pub use error::ChatError;
pub use limits::{FUEL, MAX_SECONDS, MAX_SOURCE, MAX_TEXT};
pub use moment::{Moment, MomentError, TEMPLATE_DATE};
pub use special::{NAMES as SPECIAL_NAMES, SpecialTokenTexts};
pub use templates::Templates;
pub use variables::{TemplateVariables, VariableError};

/// How a model's chats are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatForm {
    /// By the model's own template.
    Template,
    /// `User: ` and `Assistant: `, since the model has none.
    Plain,
}

/// A chat template, ready to render.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    /// `None` for the plain form.
    program: Option<Arc<CompiledTemplate>>,
    special: SpecialTokenTexts,
    sha256: [u8; 32],
    reads_now: bool,
    variables: TemplateVariables,
}

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Chat {
    /// The messages: maps with `role` and `content`, and what else the template knows.
    pub messages: Vec<Data>,
    /// Whether the text ends where the model's reply begins.
    pub add_generation_prompt: bool,
    /// More variables: `tools`, `documents`, `enable_thinking`. Those named like a special token replace it.
    pub variables: Vec<(String, Data)>,
    /// What `strftime_now` takes for now.
    pub now: Moment,
}

impl Chat {
    /// A chat that requires a reply.
    pub fn new(messages: &[Message], now: Moment) -> Self {
        let messages = messages.iter().map(Data::from).collect();
        Self { messages, add_generation_prompt: true, variables: Vec::new(), now }
    }
}

impl ChatTemplate {
    /// The template of a model, or the plain form if it has none.
    ///
    /// # Errors
    /// If the template is too long or cannot be compiled, or if there are several and no default.
    pub fn new(templates: &Templates, special: SpecialTokenTexts) -> Result<Self, ChatError> {
        match templates.choose(false)? {
            Some(source) => Self::from_source(source, special),
            None => Ok(Self::plain()),
        }
    }

    /// A template from its source.
    ///
    /// ```
    /// use plimsoll_engine::chat::{Chat, ChatTemplate, Moment, SpecialTokenTexts};
    /// use plimsoll_core::prompt::{Message, Role};
    ///
    /// let source = "{% for message in messages %}[{{ message.role }}] {{ message.content }}{{ eos_token }}\n{% endfor %}";
    /// let special = SpecialTokenTexts::new([("eos_token", "</s>".to_owned())]);
    /// let template = ChatTemplate::from_source(source, special).unwrap();
    /// let messages = [Message { role: Role::User, text: "Hello".to_owned() }];
    /// let chat = Chat::new(&messages, Moment::date(2025, 2, 6).unwrap());
    /// assert_eq!(template.render(&chat).unwrap(), "[user] Hello</s>\n");
    /// ```
    ///
    /// # Errors
    /// If it is longer than [`MAX_SOURCE`] or cannot be compiled.
    pub fn from_source(source: &str, special: SpecialTokenTexts) -> Result<Self, ChatError> {
        if source.len() > MAX_SOURCE {
            return Err(ChatError::TooLong { bytes: source.len(), max: MAX_SOURCE });
        }
        let sha256 = Sha256::digest(source).into();
        let reads_now = source.contains("strftime_now");
        let program = Some(render::compile(source::adapt(source))?);
        Ok(Self { program, special, sha256, reads_now, variables: TemplateVariables::default() })
    }

    /// The plain form, for a model without a template.
    pub fn plain() -> Self {
        let sha256 = Sha256::digest(PLAIN_NAME).into();
        let (special, variables) = (SpecialTokenTexts::default(), TemplateVariables::default());
        Self { program: None, special, sha256, reads_now: false, variables }
    }

    /// The same template, which sees these variables in every chat that does not set them itself.
    ///
    /// # Errors
    /// [`VariableError::Unread`] for a variable that the template does not read, which is mostly a slip of the pen, and
    /// [`VariableError::NoTemplate`] for a model without one.
    pub fn with_variables(self, variables: TemplateVariables) -> Result<Self, VariableError> {
        let Some((name, _)) = variables.iter().next() else { return Ok(self) };
        if self.program.is_none() {
            return Err(VariableError::NoTemplate { name: name.to_owned() });
        }
        let read = self.reads();
        match variables.first_unread(&read) {
            Some(name) => {
                Err(VariableError::Unread { name: name.to_owned(), read: read.into_iter().collect() })
            }
            None => Ok(Self { variables, ..self }),
        }
    }

    /// The variables that the template reads and a user may set, by name.
    pub fn reads(&self) -> BTreeSet<String> {
        let names = self.program.iter().flat_map(|program| &program.reads);
        names.filter(|name| variables::reserved(name).is_none()).cloned().collect()
    }

    /// The variables that a user has set.
    pub fn variables(&self) -> &TemplateVariables {
        &self.variables
    }

    /// How chats are written.
    pub fn form(&self) -> ChatForm {
        if self.program.is_some() { ChatForm::Template } else { ChatForm::Plain }
    }

    /// Whether chats can depend on [`Chat::now`].
    pub fn reads_now(&self) -> bool {
        self.reads_now
    }

    /// SHA-256 of the template's source, or of the plain form's name: a change of either changes prompts. Variables
    /// that a user has set change them too: with any, it is that of the canonical JSON (RFC 8785) of
    /// `{"chat_template_sha256": HASH OF THE SOURCE, "template_variables": {NAME: VALUE, ..}}`.
    pub fn sha256(&self) -> [u8; 32] {
        if self.variables.is_empty() {
            return self.sha256;
        }
        let together = serde_json::json!({
            "chat_template_sha256": canonical::hex(&self.sha256),
            "template_variables": self.variables.json(),
        });
        Sha256::digest(canonical::canonical_json(&together)).into()
    }

    /// Writes a chat as one text.
    ///
    /// # Errors
    /// If there is no message, if the template refuses the messages or fails on them, or at a limit.
    pub fn render(&self, chat: &Chat) -> Result<String, ChatError> {
        if chat.messages.is_empty() {
            return Err(ChatError::NoMessages);
        }
        let messages = chat
            .messages
            .iter()
            .enumerate()
            .map(|(index, message)| data::shown(message).ok_or(ChatError::MessageShape { index }))
            .collect::<Result<Vec<_>, _>>()?;
        match &self.program {
            Some(program) => render::render(program, self.context(chat, messages), limits::MAX_TIME),
            None => plain::write(&messages, chat.add_generation_prompt),
        }
    }

    fn context(&self, chat: &Chat, messages: Vec<Value>) -> Value {
        let special = self.special.iter().map(|(name, text)| (name.to_owned(), Value::from(text)));
        let fixed = [
            ("tools".to_owned(), Value::from(())),
            ("documents".to_owned(), Value::from(())),
            ("messages".to_owned(), Value::from(messages)),
            ("add_generation_prompt".to_owned(), Value::from(chat.add_generation_prompt)),
            (environment::MOMENT.to_owned(), Value::from_object(chat.now)),
        ];
        let variables = self.variables.data().chain(chat.variables.iter().cloned());
        let variables = variables.map(|(name, value)| (name, value.0));
        // The later of two with the same name stands.
        Value::from_pairs(special.chain(fixed).chain(variables))
    }
}

/// The plain form's name, with its version.
const PLAIN_NAME: &str = "plimsoll plain chat 1";
