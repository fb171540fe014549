//! One ask on its way: what is known of it, what is to be done, and its rows as they fill.

use std::sync::Arc;

use plimsoll_backend::request::text_seed;
use plimsoll_backend::{Observation, Request, RowKey};
use plimsoll_core::reasoning::{AnswerPart, answer_part};
use plimsoll_core::signal::{FollowUpSignal, Position};
use plimsoll_core::{MissingSignal, ModelId, Seed};

use super::encoder::{Encoded, Encoder, shared};
use super::rows::{self, Writing};
use super::running::{Aim, Running};
use super::spellings::Spellings;
use super::texts::{Texts, layer};
use crate::cache::Cache;
use crate::error::{EngineError, Result};
use crate::generation::{Generated, GenerationError, Sequence, Stop};
use crate::model::LanguageModel;
use crate::sampling::Sampling;

/// A piece of work of an ask, in the order in which it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// The prompt is read.
    Prompt,
    /// The answer (0) or a sample is written.
    Text(usize),
    /// The hidden state of this place in the request is looked at.
    State(usize),
    /// The follow-up of this place in the request is asked.
    FollowUp(usize),
}

/// What all asks of a batch share.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    pub(super) id: &'a ModelId,
    pub(super) model: &'a LanguageModel,
    pub(super) encoder: Encoder<'a>,
    pub(super) texts: Texts<'a>,
    pub(super) seed: Seed,
    /// Whether texts go on from one reading of the prompt.
    pub(super) shares: bool,
}

/// An ask whose prompt fits.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    request: &'a Request,
    prompt: Encoded,
    /// The prompt, read, with the logits behind it.
    base: Option<(Cache, Vec<f32>)>,
    /// The prompt with the answer, as far as it was read.
    answer: Option<Cache>,
    /// The tokens of the text without the one that stopped it.
    answer_tokens: Vec<u32>,
    /// Which of them is the last of the answer, reasoning left out.
    last_of_answer: Option<usize>,
    /// What is wanted of each follow-up, with its prompt.
    second_turns: Vec<(FollowUpSignal, Encoded)>,
    spellings: Option<Arc<Spellings>>,
    /// Bytes that its caches hold.
    pub(super) held: usize,
    /// Pieces of work that are not done.
    pub(super) open: usize,
    pub(super) rows: Observation,
}

/// What has begun.
pub(super) struct Begun<'a> {
    pub(super) running: Running<'a>,
    /// Whether it has ended already.
    pub(super) has_ended: bool,
}

impl<'a> Asked<'a> {
    pub(super) fn new(request: &'a Request, prompt: Encoded, shared: &Shared<'a>) -> Self {
        // Whatever is not filled in later had no answer to speak of.
        let key = RowKey::new(request, shared.id);
        let rows = rows::missing(&key, &request.question_id, &shared.texts, MissingSignal::NoAnswer);
        let wanted = shared.texts.signals.follow_ups().values();
        Self {
            request,
            prompt,
            base: None,
            answer: None,
            answer_tokens: Vec::new(),
            last_of_answer: None,
            second_turns: wanted.map(|signal| (*signal, Encoded::default())).collect(),
            spellings: None,
            held: 0,
            open: 0,
            rows,
        }
    }

    /// The most tokens that the cache of a piece of work grows by; the prompt begins with `prefix` tokens
    /// that are there.
    pub(super) fn growth(&self, work: Work, prefix: usize, with: &Shared<'_>) -> usize {
        match work {
            Work::Prompt => self.prompt.tokens.len() - prefix,
            Work::Text(index) => {
                let read = if with.shares { 0 } else { self.prompt.tokens.len() };
                read + with.texts.list[index].most_tokens()
            }
            Work::State(_) => 1,
            Work::FollowUp(index) => {
                let (signal, Encoded { tokens, .. }) = &self.second_turns[index];
                tokens.len() - self.known(tokens, with) + signal.text_tokens.unwrap_or(0) as usize
            }
        }
    }

    /// Tokens of the whole prompt that a text stands behind; `None` for work that makes none.
    pub(super) fn prompt_of(&self, work: Work) -> Option<usize> {
        match work {
            Work::Text(_) => Some(self.prompt.tokens.len()),
            Work::FollowUp(index) => Some(self.second_turns[index].1.tokens.len()),
            Work::Prompt | Work::State(_) => None,
        }
    }

    /// How many tokens of a second turn the answer's cache holds; the last is always read anew.
    fn known(&self, tokens: &[u32], with: &Shared<'_>) -> usize {
        let cache = self.answer.as_ref().filter(|_| with.shares);
        cache.map_or(0, |cache| shared(cache.tokens(), tokens).min(tokens.len().saturating_sub(1)))
    }

    /// Begins a piece of work; `prefix` is what the prompt goes on from.
    pub(super) fn begin(
        &mut self,
        work: Work,
        prefix: Option<&mut Cache>,
        with: &Shared<'a>,
    ) -> Result<Begun<'a>> {
        let running = match work {
            Work::Prompt => {
                let cache = prefix.map_or_else(|| with.model.decoder().cache(), Cache::fork);
                let rest = self.prompt.tokens[cache.len()..].to_vec();
                Running::new(Aim::Logits(Vec::new()), cache, rest)
            }
            Work::Text(index) => return self.begin_text(index, with),
            Work::State(index) => self.begin_state(index, with)?,
            Work::FollowUp(index) => self.begin_follow_up(index, with),
        };
        Ok(Begun { running, has_ended: false })
    }

    fn begin_text(&mut self, index: usize, with: &Shared<'a>) -> Result<Begun<'a>> {
        let text = &with.texts.list[index];
        let seed = text_seed(with.seed, with.id, self.request, text.sample_index);
        let sequence = with.sequence(text.sampling, text.most_tokens(), seed);
        let aim = Aim::Text(Box::new(sequence));
        let Some((base, logits)) = &mut self.base else {
            let running = Running::new(aim, with.model.decoder().cache(), self.prompt.tokens.clone());
            return Ok(Begun { running, has_ended: false });
        };
        let mut running = Running::new(aim, base.fork(), Vec::new());
        let has_ended = running.go_on(logits, with.encoder.context)?;
        Ok(Begun { running, has_ended })
    }

    /// Reads the token of a place once more, alone, from the cache of the answer.
    fn begin_state(&mut self, index: usize, with: &Shared<'a>) -> Result<Running<'a>> {
        let place = self.place(with.texts.states[index].position).ok_or(EngineError::NoTokens)?;
        let layer = with.layer(index).ok_or(EngineError::NoTokens)?;
        let token = self.prompt.tokens.iter().chain(&self.answer_tokens).nth(place);
        let token = *token.ok_or(EngineError::NoTokens)?;
        let mut cache = self.answer.as_mut().ok_or(EngineError::NoTokens)?.fork();
        cache.truncate(place);
        Ok(Running::new(Aim::State { layer, vector: Vec::new() }, cache, vec![token]))
    }

    /// Where in the prompt and the answer a state is looked at.
    fn place(&self, position: Position) -> Option<usize> {
        let prompt = self.prompt.tokens.len();
        match position {
            Position::LastPromptToken => prompt.checked_sub(1),
            Position::LastAnswerToken => self.last_of_answer.map(|index| prompt + index),
        }
    }

    fn begin_follow_up(&mut self, index: usize, with: &Shared<'a>) -> Running<'a> {
        let (signal, Encoded { tokens, .. }) = &self.second_turns[index];
        let known = self.known(tokens, with);
        let rest = tokens[known..].to_vec();
        let text = signal.text_tokens.map(|most| {
            // Greedy: nothing is drawn from the seed.
            Box::new(with.sequence(Sampling::greedy(), most.max(1) as usize, with.seed))
        });
        let spellings = self.spellings.clone().filter(|_| signal.masses);
        let mut cache = match &mut self.answer {
            Some(cache) if known > 0 => cache.fork(),
            _ => with.model.decoder().cache(),
        };
        cache.truncate(known);
        Running::new(Aim::Reply { spellings, masses: None, text }, cache, rest)
    }

    /// Takes what has ended and says what is to be done because of it.
    pub(super) fn end(&mut self, work: Work, running: Running<'a>, with: &Shared<'a>) -> Result<Vec<Work>> {
        let Running { aim, cache, failure, .. } = running;
        match (work, aim) {
            (Work::Prompt, Aim::Logits(logits)) => {
                self.base = Some((cache, logits));
                Ok((0..with.texts.list.len()).map(Work::Text).collect())
            }
            (Work::Text(index), Aim::Text(sequence)) => {
                self.end_text(index, finished(*sequence, failure)?, with).map_or_else(
                    || Ok(Vec::new()),
                    |generated| {
                        self.answer = Some(cache);
                        Ok(self.behind_answer(&generated, with))
                    },
                )
            }
            (Work::State(index), Aim::State { vector, .. }) => {
                rows::state(&mut self.rows.hidden_states[index], Ok(vector));
                Ok(Vec::new())
            }
            (Work::FollowUp(index), Aim::Reply { masses, text, .. }) => {
                let text = text.map(|sequence| finished(*sequence, failure)).transpose()?;
                let (_, prompt) = &self.second_turns[index];
                let row = &mut self.rows.generations[0].follow_ups[index];
                rows::reply(row, masses, text, prompt);
                Ok(Vec::new())
            }
            _ => Err(EngineError::NoTokens),
        }
    }

    /// Writes the row of a text. Gives it back if it is the answer.
    fn end_text(
        &mut self,
        index: usize,
        text: std::result::Result<Generated, MissingSignal>,
        with: &Shared<'_>,
    ) -> Option<Generated> {
        let row = &mut self.rows.generations[index];
        match text {
            Ok(generated) => {
                let logprobs = with.texts.signals.logprobs();
                let writing = Writing { tokenizer: with.encoder.tokenizer, logprobs };
                writing.text(row, &generated, &self.prompt);
                Some(generated).filter(|_| index == 0)
            }
            Err(reason) => {
                (row.failure, row.attempts) = (Some(rows::name(reason)), 1);
                None
            }
        }
    }

    /// What is asked of, and looked at in, an answer.
    fn behind_answer(&mut self, generated: &Generated, with: &Shared<'_>) -> Vec<Work> {
        self.answer_tokens = generated.tokens.iter().map(|token| token.id).collect();
        if self.answer_tokens.last().is_some_and(|last| with.model.stop_tokens().contains(last)) {
            self.answer_tokens.pop();
        }
        let said = answer_part(&generated.text, self.prompt.starts_in_reasoning);
        self.last_of_answer = last_of_answer(generated, &said, self.answer_tokens.len());
        let mut work = Vec::new();
        for index in 0..with.texts.states.len() {
            match self.can_look(index, with) {
                Ok(()) => work.push(Work::State(index)),
                Err(reason) => rows::state(&mut self.rows.hidden_states[index], Err(reason)),
            }
        }
        for (index, id) in with.texts.signals.follow_ups().keys().enumerate() {
            let prompt = self.second_turn(id, &generated.text, &said, with);
            let row = &mut self.rows.generations[0].follow_ups[index];
            row.missing_reason = None;
            match prompt {
                Err(reason) => row.missing_reason = Some(rows::name(reason)),
                Ok(prompt) => {
                    self.second_turns[index].1 = prompt;
                    work.extend(self.wanted_of(index, with).then_some(Work::FollowUp(index)));
                }
            }
        }
        work
    }

    fn can_look(&self, index: usize, with: &Shared<'_>) -> std::result::Result<(), MissingSignal> {
        with.layer(index).ok_or(MissingSignal::NoSuchLayer)?;
        let place = self.place(with.texts.states[index].position).ok_or(MissingSignal::NoAnswer)?;
        // The last token of an answer that fills the context was never read.
        if place < with.encoder.context { Ok(()) } else { Err(MissingSignal::ContextTooLong) }
    }

    /// The prompt of a follow-up. It shows what was said and not the reasoning before it, as templates of models that
    /// reason do with what stands in a history.
    fn second_turn(
        &self,
        id: &str,
        text: &str,
        said: &AnswerPart,
        with: &Shared<'_>,
    ) -> std::result::Result<Encoded, MissingSignal> {
        let follow_up = self.request.prompt.follow_up(id).ok_or(MissingSignal::NoSuchFollowUp)?;
        if said.reasoning_is_open {
            return Err(MissingSignal::NoAnswer);
        }
        let answer = text.get(said.range.clone()).unwrap_or_default();
        let answer = if said.range.start > 0 { answer.trim_start() } else { answer };
        with.encoder.follow_up(&self.request.prompt, follow_up, answer)
    }

    /// Whether a follow-up has to be computed; masses that no token could tell are missing before.
    fn wanted_of(&mut self, index: usize, with: &Shared<'_>) -> bool {
        let signal = self.second_turns[index].0;
        if !signal.masses {
            return signal.text_tokens.is_some();
        }
        if self.spellings.is_none() {
            let prompt = &self.request.prompt;
            match Spellings::new(with.encoder.tokenizer, &prompt.true_strings, &prompt.false_strings) {
                Ok(spellings) => self.spellings = Some(Arc::new(spellings)),
                Err(reason) => {
                    let row = &mut self.rows.generations[0].follow_ups[index];
                    row.missing_reason = Some(rows::name(reason));
                    return signal.text_tokens.is_some();
                }
            }
        }
        true
    }
}

impl<'a> Shared<'a> {
    /// The engine's number of a state's layer, if the model has it.
    fn layer(&self, index: usize) -> Option<usize> {
        layer(self.texts.states[index].layer, self.model.decoder().spec().layers.len())
    }

    fn sequence(&self, sampling: Sampling, most_tokens: usize, seed: Seed) -> Sequence<'a> {
        let stop = Stop { tokens: self.model.stop_tokens().to_vec(), strings: Vec::new(), most_tokens };
        Sequence::new(self.model.tokenizer(), sampling, stop, seed)
    }
}

/// Which of the first `count` tokens of a text is the last of its answer. Of a text without reasoning it is the last
/// of all, whether the text shows it or not.
fn last_of_answer(generated: &Generated, said: &AnswerPart, count: usize) -> Option<usize> {
    if said.reasoning_is_open {
        return None;
    }
    if said.range == (0..generated.text.len()) {
        return count.checked_sub(1);
    }
    let tokens = &generated.tokens[..count.min(generated.tokens.len())];
    tokens.iter().rposition(|token| {
        token.start < token.end && token.start < said.range.end && token.end > said.range.start
    })
}

/// The text of a sequence, or why there is none. Tokens without a text spoil this text only.
fn finished(
    sequence: Sequence<'_>,
    failure: Option<MissingSignal>,
) -> Result<std::result::Result<Generated, MissingSignal>> {
    if let Some(reason) = failure {
        return Ok(Err(reason));
    }
    match sequence.finish() {
        Ok(generated) => Ok(Ok(generated)),
        Err(GenerationError::Tokenizer(_)) => Ok(Err(MissingSignal::TokenizerFailed)),
        Err(error) => Err(error.into()),
    }
}
