//! A loaded model: prompts in, answers out.

use candle_core::Tensor;
use plimsoll_core::Seed;
use plimsoll_core::prompt::Message;

use super::encoder::Encoder;
use super::identity::{LocalIdentity, ModelHashes};
use crate::chat::{ChatTemplate, Moment};
use crate::decoder::Decoder;
use crate::error::{EngineError, Result};
use crate::generation::{Generated, Sequence, StopRules};
use crate::sampling::{Sampling, token_logprob};
use crate::step::{Positions, StepRow};
use crate::tokenizer::{EncodedToken, Tokenizer};

/// A decoder with its tokenizer, its chat template and the tokens that end its answers.
#[derive(Debug)]
pub struct LanguageModel {
    decoder: Decoder,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    stop: Vec<u32>,
    products: Option<&'static str>,
}

/// How an answer is decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationOptions {
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Maximum number of tokens, the one that ends it included.
    pub max_tokens: usize,
    /// Strings that end it.
    pub stop_strings: Vec<String>,
    /// What samples are drawn from.
    pub seed: Seed,
}

impl LanguageModel {
    pub(super) fn new(
        decoder: Decoder,
        tokenizer: Tokenizer,
        template: ChatTemplate,
        stop: Vec<u32>,
        products: Option<&'static str>,
    ) -> Self {
        Self { decoder, tokenizer, template, stop, products }
    }

    /// The decoder.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The chat template.
    pub fn template(&self) -> &ChatTemplate {
        &self.template
    }

    /// As [`OpenedModel::packed_products`](crate::OpenedModel::packed_products).
    pub fn packed_products(&self) -> Option<&'static str> {
        self.products
    }

    /// As [`OpenedModel::identity`](crate::OpenedModel::identity): the model is the same before and after its weights are read.
    pub fn identity(&self, hashes: &ModelHashes, now: Moment) -> String {
        let (template, stop_tokens) = (&self.template, self.stop.as_slice());
        let (placement, packed_products) = (self.decoder.placement(), self.products);
        LocalIdentity { hashes, template, stop_tokens, placement, packed_products, now }.sha256()
    }

    /// Tokens that end an answer.
    pub fn stop_tokens(&self) -> &[u32] {
        &self.stop
    }

    /// The tokens of a chat that requires a reply. The template writes special tokens itself.
    ///
    /// # Errors
    /// [`EngineError::Chat`] if the template refuses the messages, [`EngineError::Tokenizer`].
    pub fn encode_chat(&self, messages: &[Message], now: Moment) -> Result<Vec<u32>> {
        Ok(self.encoder(now).encode(messages)?.tokens)
    }

    /// The encoder of its prompts.
    pub fn encoder(&self, now: Moment) -> Encoder<'_> {
        let context = self.decoder.spec().context;
        Encoder { tokenizer: &self.tokenizer, template: &self.template, now, context }
    }

    /// The tokens of a plain text, with the special ones that the tokenizer adds.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn encode_text(&self, text: &str) -> Result<Vec<u32>> {
        Ok(ids(self.tokenizer.encode(text, true)?))
    }

    /// One answer to a prompt. `observer` receives, with each token, the part of the text that later tokens cannot
    /// change.
    ///
    /// # Errors
    /// [`EngineError::NoTokens`] for an empty prompt, [`EngineError::Step`] beyond the context,
    /// [`EngineError::Generation`] for logits that are NaN or infinite.
    pub fn generate(
        &self,
        prompt: &[u32],
        answer: &GenerationOptions,
        observer: &mut dyn FnMut(&str),
    ) -> Result<Generated> {
        if prompt.is_empty() {
            return Err(EngineError::NoTokens);
        }
        let stop = StopRules {
            tokens: self.stop.clone(),
            strings: answer.stop_strings.clone(),
            max_tokens: answer.max_tokens,
        };
        let mut sequence = Sequence::new(&self.tokenizer, answer.sampling, stop, answer.seed);
        let mut cache = self.decoder.cache();
        let mut logits = self.last_logits(&mut StepRow::new(prompt, &mut cache))?;
        while let Some(token) = sequence.advance(&logits)? {
            observer(sequence.settled());
            // An answer that fills the context ends there, by its length.
            if cache.len() >= self.decoder.spec().context {
                break;
            }
            logits = self.last_logits(&mut StepRow::new(&[token], &mut cache))?;
        }
        Ok(sequence.finish()?)
    }

    /// Each token of a text with its natural-log probability given those before it; the first has none.
    ///
    /// # Errors
    /// [`EngineError::NoTokens`] for a text without tokens, [`EngineError::Step`] beyond the context.
    pub fn logprobs(&self, tokens: &[u32]) -> Result<Vec<Option<f64>>> {
        if tokens.is_empty() {
            return Err(EngineError::NoTokens);
        }
        let mut cache = self.decoder.cache();
        let mut found = Vec::with_capacity(tokens.len());
        let mut previous: Option<Vec<f32>> = None;
        // Piece by piece: the logits of a whole long text are vocabulary times as large as the text.
        for piece in tokens.chunks(PIECE) {
            let mut row = StepRow { logits: Positions::All, ..StepRow::new(piece, &mut cache) };
            let logits = self.logits(&mut row)?;
            for (token, current) in piece.iter().zip(logits.to_vec2::<f32>()?) {
                found.push(previous.map(|previous| token_logprob(&previous, *token)).transpose()?);
                previous = Some(current);
            }
        }
        Ok(found)
    }

    fn last_logits(&self, row: &mut StepRow<'_>) -> Result<Vec<f32>> {
        Ok(self.logits(row)?.flatten_all()?.to_vec1()?)
    }

    /// The logits that a row wants, from a step of its own.
    fn logits(&self, row: &mut StepRow<'_>) -> Result<Tensor> {
        let output = self.decoder.step(std::slice::from_mut(row))?.into_iter().next();
        output.and_then(|output| output.logits).ok_or(EngineError::NoTokens)
    }
}

/// Tokens of a text whose logits are in memory at once.
const PIECE: usize = 256;

fn ids(pieces: Vec<EncodedToken>) -> Vec<u32> {
    pieces.into_iter().map(|piece| piece.id).collect()
}
