//! Documents to tokens, each with its loss weight.

use std::collections::BTreeMap;

use plimsoll_core::prompt::{Message, Role};
use plimsoll_engine::tokenizer::Tokenizer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::TrainError;
use super::sample::TrainingSample;
use super::vocabulary::{ASSISTANT, BEGIN, END, SPECIAL, USER, WordSplitter};
use plimsoll_pocket::suite::TrainingDocument;

/// Loss weights of tokens by what they are part of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossWeights {
    /// In statements.
    pub statement: f32,
    /// In a user's message.
    pub prompt: f32,
    /// In a reply, its end included.
    pub reply: f32,
    /// In answers of exercises in recall.
    pub recall: f32,
}

/// Turns documents into samples. Words are looked up once each: a tokenizer is slow, and the suite has few words.
#[derive(Debug)]
pub struct DocumentReader {
    tokenizer: Tokenizer,
    words: WordSplitter,
    known: BTreeMap<String, Vec<u32>>,
    special: [u32; SPECIAL.len()],
}

impl DocumentReader {
    /// A reader with this `tokenizer.json`, of a model with so many tokens.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`] if it is none, or has not the special tokens.
    pub fn new(json: &Value, vocabulary: usize) -> Result<Self, TrainError> {
        let tokenizer = Tokenizer::from_json(json.to_string().as_bytes(), vocabulary);
        let tokenizer = tokenizer.map_err(TrainError::Tokenizer)?;
        let mut special = [0; SPECIAL.len()];
        for (id, text) in special.iter_mut().zip(SPECIAL) {
            let missing = || plimsoll_engine::tokenizer::TokenizerError::Unreadable {
                problem: format!("it has no token {text}"),
            };
            *id = tokenizer.token(text).ok_or_else(missing).map_err(TrainError::Tokenizer)?;
        }
        Ok(Self { tokenizer, words: WordSplitter::from_json(json), known: BTreeMap::new(), special })
    }

    fn special(&self, text: &str) -> u32 {
        SPECIAL.iter().position(|special| *special == text).map_or(0, |index| self.special[index])
    }

    /// The tokens of a text, without special ones.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn tokens(&mut self, text: &str) -> Result<Vec<u32>, TrainError> {
        let mut tokens = Vec::new();
        for word in self.words.split(text) {
            if let Some(known) = self.known.get(word) {
                tokens.extend_from_slice(known);
                continue;
            }
            let pieces = self.tokenizer.encode(word, false).map_err(TrainError::Tokenizer)?;
            let ids: Vec<u32> = pieces.into_iter().map(|piece| piece.id).collect();
            tokens.extend_from_slice(&ids);
            self.known.insert(word.to_owned(), ids);
        }
        Ok(tokens)
    }

    /// The text of tokens, special ones left out.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn text(&self, tokens: &[u32]) -> Result<String, TrainError> {
        self.tokenizer.decode(tokens).map_err(TrainError::Tokenizer)
    }

    /// A document as a sample.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn document(
        &mut self,
        document: &TrainingDocument,
        weights: &LossWeights,
    ) -> Result<TrainingSample, TrainError> {
        let mut sample = TrainingSample { tokens: Vec::new(), weights: Vec::new() };
        match document {
            TrainingDocument::Statements(text) => {
                sample.add(&[self.special(BEGIN)], 0.0);
                sample.add(&self.tokens(&format!(" {text}"))?, weights.statement);
                sample.add(&[self.special(END)], weights.statement);
            }
            TrainingDocument::Dialogue(dialogue) => {
                let messages = &dialogue.prompt.messages;
                sample = self.dialogue(messages, &[(&dialogue.reply, weights.reply)], weights.prompt)?;
            }
            TrainingDocument::Recall(recall) => {
                sample.add(&[self.special(BEGIN)], 0.0);
                let mut from = 0;
                for answer in &recall.answers {
                    sample.add(&self.tokens(&recall.text[from..answer.start])?, 0.0);
                    sample.add(&self.tokens(&recall.text[answer.clone()])?, weights.recall);
                    from = answer.end;
                }
                sample.add(&self.tokens(&recall.text[from..])?, 0.0);
            }
        }
        Ok(sample)
    }

    /// A chat with the reply to it, which comes in parts of different weights. Earlier replies of the
    /// assistant have weight 0.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn dialogue(
        &mut self,
        messages: &[Message],
        reply: &[(&str, f32)],
        prompt: f32,
    ) -> Result<TrainingSample, TrainError> {
        let mut sample = TrainingSample { tokens: Vec::new(), weights: Vec::new() };
        for message in messages {
            if message.role == Role::Assistant {
                sample.add(&[self.special(ASSISTANT)], 0.0);
                sample.add(&self.tokens(&format!(" {}", message.text.trim()))?, 0.0);
                sample.add(&[self.special(END)], 0.0);
            } else {
                sample.add(&[self.special(USER)], 0.0);
                sample.add(&self.tokens(&message.text)?, prompt);
            }
        }
        sample.add(&[self.special(ASSISTANT)], 0.0);
        let mut space = " ";
        let mut last = 0.0;
        for (part, weight) in reply {
            sample.add(&self.tokens(&format!("{space}{part}"))?, *weight);
            (space, last) = ("", *weight);
        }
        sample.add(&[self.special(END)], last);
        Ok(sample)
    }

    /// A chat that waits for a reply.
    ///
    /// # Errors
    /// [`TrainError::Tokenizer`].
    pub fn prompt(&mut self, messages: &[Message]) -> Result<Vec<u32>, TrainError> {
        let mut tokens = self.dialogue(messages, &[], 0.0)?.tokens;
        tokens.pop();
        Ok(tokens)
    }
}

impl TrainingSample {
    fn add(&mut self, tokens: &[u32], weight: f32) {
        self.tokens.extend_from_slice(tokens);
        self.weights.resize(self.tokens.len(), weight);
    }
}
