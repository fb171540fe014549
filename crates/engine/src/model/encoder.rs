//! Messages as the tokens of a model's prompt.

use plimsoll_core::prompt::{FollowUp, Message, Prompt, Role};
use plimsoll_core::{MissingSignal, reasoning};

use crate::chat::{Chat, ChatForm, ChatTemplate, Moment};
use crate::error::{EngineError, Result};
use crate::tokenizer::Tokenizer;

/// Writes messages as the tokens of a model's prompt. It needs no weights.
#[derive(Debug, Clone, Copy)]
pub struct Encoder<'m> {
    /// The tokenizer.
    pub tokenizer: &'m Tokenizer,
    /// The chat template.
    pub template: &'m ChatTemplate,
    /// The date that templates see.
    pub now: Moment,
    /// Maximum number of tokens of a sequence.
    pub context: usize,
}

/// A prompt as the model reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Whether it ends within reasoning that the template opened, so that the reply begins there.
    pub starts_in_reasoning: bool,
}

impl Encoder<'_> {
    /// The prompt of a chat that requires a reply. The template writes special tokens itself.
    ///
    /// # Errors
    /// [`EngineError::Chat`] if the template refuses the messages, [`EngineError::Tokenizer`].
    pub fn encode(&self, messages: &[Message]) -> Result<Encoded> {
        let chat = Chat::new(messages, self.now);
        let text = self.template.render(&chat)?;
        let starts_in_reasoning = self.opens_reasoning(chat, &text);
        // The plain form is ordinary text: the special tokens that the tokenizer puts before texts belong before it.
        let special = self.template.form() == ChatForm::Plain;
        let pieces = self.tokenizer.encode(&text, special)?;
        Ok(Encoded { tokens: pieces.into_iter().map(|piece| piece.id).collect(), starts_in_reasoning })
    }

    /// Whether the generation prompt that the template writes opens reasoning. Marks inside the messages are the
    /// user's text and open none.
    fn opens_reasoning(&self, chat: Chat, text: &str) -> bool {
        if !reasoning::ends_within(text) {
            return false;
        }
        let Ok(without_prompt) = self.template.render(&Chat { add_generation_prompt: false, ..chat }) else {
            return true;
        };
        let same = |(one, other): &(char, char)| one == other;
        let shared: usize =
            text.chars().zip(without_prompt.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
        reasoning::ends_within(&text[shared..])
    }

    /// The prompt of a chat whose reply has room for a token, or why there is none.
    pub(crate) fn fitting(&self, messages: &[Message]) -> std::result::Result<Encoded, MissingSignal> {
        let encoded = self.encode(messages).map_err(|error| match error {
            EngineError::Chat(_) => MissingSignal::TemplateRefused,
            _ => MissingSignal::TokenizerFailed,
        })?;
        match encoded.tokens.len() {
            0 => Err(MissingSignal::TokenizerFailed),
            count if count >= self.context => Err(MissingSignal::ContextTooLong),
            _ => Ok(encoded),
        }
    }

    /// The prompt of a second turn about an answer, without the reasoning before it.
    pub(crate) fn follow_up(
        &self,
        prompt: &Prompt,
        follow_up: &FollowUp,
        answer: &str,
    ) -> std::result::Result<Encoded, MissingSignal> {
        let mut messages = Vec::new();
        if follow_up.continues {
            messages.clone_from(&prompt.messages);
            messages.push(Message { role: Role::Assistant, text: answer.to_owned() });
        }
        messages.push(Message { role: Role::User, text: follow_up.text(answer) });
        self.fitting(&messages)
    }
}

/// How many tokens two sequences begin with alike.
pub(crate) fn shared_prefix(one: &[u32], other: &[u32]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// How many tokens all sequences begin with alike; of one alone, none.
pub(crate) fn shared_by_all<'t>(mut sequences: impl Iterator<Item = &'t [u32]>) -> usize {
    let Some(first) = sequences.next() else { return 0 };
    sequences.map(|other| shared_prefix(first, other)).reduce(usize::min).unwrap_or(0)
}
