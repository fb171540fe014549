//! Messages as the tokens of a model's prompt.

use plimsoll_core::Missing;
use plimsoll_core::prompt::{FollowUp, Message, Prompt, Role};

use crate::chat::{Chat, ChatTemplate, Form, Moment};
use crate::error::{EngineError, Result};
use crate::tokenizer::Tokenizer;

/// What writes a model's prompts. It needs no weights.
#[derive(Debug, Clone, Copy)]
pub struct Encoder<'m> {
    /// The tokenizer.
    pub tokenizer: &'m Tokenizer,
    /// The chat template.
    pub template: &'m ChatTemplate,
    /// What templates take for now.
    pub now: Moment,
    /// The most tokens of a sequence.
    pub context: usize,
}

impl Encoder<'_> {
    /// The tokens of a chat that asks for a reply. The template writes special tokens itself.
    ///
    /// # Errors
    /// [`EngineError::Chat`] if the template refuses the messages, [`EngineError::Tokenizer`].
    pub fn encode(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let text = self.template.render(&Chat::new(messages, self.now))?;
        // The plain form is a text like any other: what the tokenizer puts before texts belongs before it.
        let special = self.template.form() == Form::Plain;
        let pieces = self.tokenizer.encode(&text, special)?;
        Ok(pieces.into_iter().map(|piece| piece.id).collect())
    }

    /// The tokens of a chat whose reply has room for a token, or why there are none.
    pub(super) fn fitting(&self, messages: &[Message]) -> std::result::Result<Vec<u32>, Missing> {
        let tokens = self.encode(messages).map_err(|error| match error {
            EngineError::Chat(_) => Missing::TemplateRefused,
            _ => Missing::TokenizerFailed,
        })?;
        match tokens.len() {
            0 => Err(Missing::TokenizerFailed),
            count if count >= self.context => Err(Missing::ContextTooLong),
            _ => Ok(tokens),
        }
    }

    /// The tokens of a second turn.
    pub(super) fn follow_up(
        &self,
        prompt: &Prompt,
        follow_up: &FollowUp,
        answer: &str,
    ) -> std::result::Result<Vec<u32>, Missing> {
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
pub(super) fn shared(one: &[u32], other: &[u32]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

/// How many tokens all sequences begin with alike; of one alone, none.
pub(super) fn shared_by_all<'t>(mut sequences: impl Iterator<Item = &'t [u32]>) -> usize {
    let Some(first) = sequences.next() else { return 0 };
    sequences.map(|other| shared(first, other)).reduce(usize::min).unwrap_or(0)
}
