//! The state of one request: its caches, its open tasks, and its rows as they fill.

use std::sync::Arc;

use plimsoll_backend::request::text_seed;
use plimsoll_backend::{Observation, Request, RowKey};
use plimsoll_core::reasoning::{AnswerPart, answer_part};
use plimsoll_core::signal::{FollowUpSignal, Position};
use plimsoll_core::{MissingSignal, ModelId, Seed};

use super::active_sequence::{ActiveSequence, Goal};
use super::outputs::{OutputSpec, layer};
use super::rows::{self, RowWriter};
use super::spellings::Spellings;
use crate::cache::KvCache;
use crate::error::{EngineError, Result};
use crate::generation::{Generated, GenerationError, Sequence, StopRules};
use crate::model::{Encoded, Encoder, LanguageModel, shared_prefix};
use crate::sampling::Sampling;

/// A task of a request, in the order in which tasks are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// Read the prompt.
    Prompt,
    /// Generate the answer (0) or a sample.
    Text(usize),
    /// Compute the hidden state at this index of the request's hidden-state signals.
    State(usize),
    /// Ask the follow-up at this index of the request's follow-up signals.
    FollowUp(usize),
}

/// What all requests of a batch share.
#[derive(Debug)]
pub(super) struct BatchContext<'a> {
    pub(super) id: &'a ModelId,
    pub(super) model: &'a LanguageModel,
    pub(super) encoder: Encoder<'a>,
    pub(super) outputs: OutputSpec<'a>,
    pub(super) seed: Seed,
    /// Whether texts continue from one reading of the prompt.
    pub(super) shares_prefixes: bool,
}

/// A request whose prompt fits into the context.
#[derive(Debug)]
pub(super) struct RequestState<'a> {
    request: &'a Request,
    prompt: Encoded,
    /// The cache of the prompt with the logits after it.
    base: Option<(KvCache, Vec<f32>)>,
    /// The cache of the prompt and the answer, as far as it was read.
    answer: Option<KvCache>,
    /// The tokens of the text without the one that stopped it.
    answer_tokens: Vec<u32>,
    /// Index of the last token of the answer, reasoning left out.
    last_of_answer: Option<usize>,
    /// Each follow-up signal, with its prompt.
    second_turns: Vec<(FollowUpSignal, Encoded)>,
    spellings: Option<Arc<Spellings>>,
    /// Bytes that its caches hold.
    pub(super) held_bytes: usize,
    /// Tasks that are queued or running.
    pub(super) open_tasks: usize,
    pub(super) rows: Observation,
}

/// A task that was started.
pub(super) struct Started<'a> {
    pub(super) sequence: ActiveSequence<'a>,
    /// Whether it has ended already.
    pub(super) has_ended: bool,
}

impl<'a> RequestState<'a> {
    pub(super) fn new(request: &'a Request, prompt: Encoded, batch: &BatchContext<'a>) -> Self {
        // What is never filled in had no answer.
        let key = RowKey::new(request, batch.id);
        let rows = rows::missing(&key, &request.question_id, &batch.outputs, MissingSignal::NoAnswer);
        let signals = batch.outputs.signals.follow_ups().values();
        Self {
            request,
            prompt,
            base: None,
            answer: None,
            answer_tokens: Vec::new(),
            last_of_answer: None,
            second_turns: signals.map(|signal| (*signal, Encoded::default())).collect(),
            spellings: None,
            held_bytes: 0,
            open_tasks: 0,
            rows,
        }
    }

    /// Maximum number of tokens that the cache of a task grows by, given a cached prefix of `prefix` tokens.
    pub(super) fn growth(&self, task: Task, prefix: usize, batch: &BatchContext<'_>) -> usize {
        match task {
            Task::Prompt => self.prompt.tokens.len() - prefix,
            Task::Text(index) => {
                let read = if batch.shares_prefixes { 0 } else { self.prompt.tokens.len() };
                read + batch.outputs.texts[index].max_tokens()
            }
            Task::State(_) => 1,
            Task::FollowUp(index) => {
                let (signal, Encoded { tokens, .. }) = &self.second_turns[index];
                tokens.len() - self.cached(tokens, batch) + signal.text_tokens.unwrap_or(0) as usize
            }
        }
    }

    /// Tokens of the whole prompt before a generated text; `None` for tasks that generate none.
    pub(super) fn prompt_length(&self, task: Task) -> Option<usize> {
        match task {
            Task::Text(_) => Some(self.prompt.tokens.len()),
            Task::FollowUp(index) => Some(self.second_turns[index].1.tokens.len()),
            Task::Prompt | Task::State(_) => None,
        }
    }

    /// How many tokens of a second turn the answer's cache holds; the last is always read again, for its logits.
    fn cached(&self, tokens: &[u32], batch: &BatchContext<'_>) -> usize {
        let cache = self.answer.as_ref().filter(|_| batch.shares_prefixes);
        cache.map_or(0, |cache| shared_prefix(cache.tokens(), tokens).min(tokens.len().saturating_sub(1)))
    }

    /// Starts a task; the prompt continues from `prefix`.
    pub(super) fn start(
        &mut self,
        task: Task,
        prefix: Option<&mut KvCache>,
        batch: &BatchContext<'a>,
    ) -> Result<Started<'a>> {
        let sequence = match task {
            Task::Prompt => {
                let cache = prefix.map_or_else(|| batch.model.decoder().cache(), KvCache::fork);
                let rest = self.prompt.tokens[cache.len()..].to_vec();
                ActiveSequence::new(Goal::Logits(Vec::new()), cache, rest)
            }
            Task::Text(index) => return self.start_text(index, batch),
            Task::State(index) => self.start_state(index, batch)?,
            Task::FollowUp(index) => self.start_follow_up(index, batch),
        };
        Ok(Started { sequence, has_ended: false })
    }

    fn start_text(&mut self, index: usize, batch: &BatchContext<'a>) -> Result<Started<'a>> {
        let text = &batch.outputs.texts[index];
        let seed = text_seed(batch.seed, batch.id, self.request, text.sample_index);
        // Of the answer alone: methods compare no samples by their tokens.
        let listed = if index == 0 { usize::from(batch.outputs.signals.top_logprobs()) } else { 0 };
        let generator = batch.sequence(text.sampling, text.max_tokens(), seed).listing(listed);
        let goal = Goal::Text(Box::new(generator));
        let Some((base, logits)) = &mut self.base else {
            let sequence =
                ActiveSequence::new(goal, batch.model.decoder().cache(), self.prompt.tokens.clone());
            return Ok(Started { sequence, has_ended: false });
        };
        let mut sequence = ActiveSequence::new(goal, base.fork(), Vec::new());
        let has_ended = sequence.continue_from(logits, batch.encoder.context)?;
        Ok(Started { sequence, has_ended })
    }

    /// Reads the token at the state's position again, alone, from the cache of the answer.
    fn start_state(&mut self, index: usize, batch: &BatchContext<'a>) -> Result<ActiveSequence<'a>> {
        let position =
            self.position_in_sequence(batch.outputs.states[index].position).ok_or(EngineError::NoTokens)?;
        let layer = batch.layer(index).ok_or(EngineError::NoTokens)?;
        let token = self.prompt.tokens.iter().chain(&self.answer_tokens).nth(position);
        let token = *token.ok_or(EngineError::NoTokens)?;
        let mut cache = self.answer.as_mut().ok_or(EngineError::NoTokens)?.fork();
        cache.truncate(position);
        Ok(ActiveSequence::new(Goal::State { layer, vector: Vec::new() }, cache, vec![token]))
    }

    /// Index of a state's token in the prompt and the answer.
    fn position_in_sequence(&self, position: Position) -> Option<usize> {
        let prompt = self.prompt.tokens.len();
        match position {
            Position::LastPromptToken => prompt.checked_sub(1),
            Position::LastAnswerToken => self.last_of_answer.map(|index| prompt + index),
        }
    }

    fn start_follow_up(&mut self, index: usize, batch: &BatchContext<'a>) -> ActiveSequence<'a> {
        let (signal, Encoded { tokens, .. }) = &self.second_turns[index];
        let cached = self.cached(tokens, batch);
        let rest = tokens[cached..].to_vec();
        let text = signal.text_tokens.map(|max_tokens| {
            // Greedy: nothing is drawn from the seed.
            Box::new(batch.sequence(Sampling::greedy(), max_tokens.max(1) as usize, batch.seed))
        });
        let spellings = self.spellings.clone().filter(|_| signal.masses);
        let mut cache = match &mut self.answer {
            Some(cache) if cached > 0 => cache.fork(),
            _ => batch.model.decoder().cache(),
        };
        cache.truncate(cached);
        ActiveSequence::new(Goal::Reply { spellings, masses: None, text }, cache, rest)
    }

    /// Takes the result of a task and gives the tasks that follow from it.
    pub(super) fn finish(
        &mut self,
        task: Task,
        sequence: ActiveSequence<'a>,
        batch: &BatchContext<'a>,
    ) -> Result<Vec<Task>> {
        let ActiveSequence { goal, cache, failure, .. } = sequence;
        match (task, goal) {
            (Task::Prompt, Goal::Logits(logits)) => {
                self.base = Some((cache, logits));
                Ok((0..batch.outputs.texts.len()).map(Task::Text).collect())
            }
            (Task::Text(index), Goal::Text(sequence)) => {
                self.finish_text(index, finished(*sequence, failure)?, batch).map_or_else(
                    || Ok(Vec::new()),
                    |generated| {
                        self.answer = Some(cache);
                        Ok(self.after_answer(&generated, batch))
                    },
                )
            }
            (Task::State(index), Goal::State { vector, .. }) => {
                rows::state(&mut self.rows.hidden_states[index], Ok(vector));
                Ok(Vec::new())
            }
            (Task::FollowUp(index), Goal::Reply { masses, text, .. }) => {
                let text = text.map(|sequence| finished(*sequence, failure)).transpose()?;
                let (_, prompt) = &self.second_turns[index];
                let row = &mut self.rows.generations[0].follow_ups[index];
                rows::reply(row, masses, text, prompt);
                Ok(Vec::new())
            }
            _ => Err(EngineError::NoTokens),
        }
    }

    /// Writes the row of a text. Returns the text if it is the answer.
    fn finish_text(
        &mut self,
        index: usize,
        text: std::result::Result<Generated, MissingSignal>,
        batch: &BatchContext<'_>,
    ) -> Option<Generated> {
        let row = &mut self.rows.generations[index];
        match text {
            Ok(generated) => {
                let logprobs = batch.outputs.signals.logprobs();
                let writer = RowWriter { tokenizer: batch.encoder.tokenizer, logprobs };
                writer.text(row, &generated, &self.prompt);
                Some(generated).filter(|_| index == 0)
            }
            Err(reason) => {
                (row.failure, row.attempts) = (Some(reason), 1);
                None
            }
        }
    }

    /// The tasks that need the answer: hidden states and follow-ups.
    fn after_answer(&mut self, generated: &Generated, batch: &BatchContext<'_>) -> Vec<Task> {
        self.answer_tokens = generated.tokens.iter().map(|token| token.id).collect();
        if self.answer_tokens.last().is_some_and(|last| batch.model.stop_tokens().contains(last)) {
            self.answer_tokens.pop();
        }
        let answer = answer_part(&generated.text, self.prompt.starts_in_reasoning);
        self.last_of_answer = last_of_answer(generated, &answer, self.answer_tokens.len());
        let mut tasks = Vec::new();
        for index in 0..batch.outputs.states.len() {
            match self.check_state(index, batch) {
                Ok(()) => tasks.push(Task::State(index)),
                Err(reason) => rows::state(&mut self.rows.hidden_states[index], Err(reason)),
            }
        }
        for (index, id) in batch.outputs.signals.follow_ups().keys().enumerate() {
            let prompt = self.second_turn(id, &generated.text, &answer, batch);
            let row = &mut self.rows.generations[0].follow_ups[index];
            row.missing_reason = None;
            match prompt {
                Err(reason) => row.missing_reason = Some(reason),
                Ok(prompt) => {
                    self.second_turns[index].1 = prompt;
                    tasks.extend(self.needs_follow_up(index, batch).then_some(Task::FollowUp(index)));
                }
            }
        }
        tasks
    }

    fn check_state(&self, index: usize, batch: &BatchContext<'_>) -> std::result::Result<(), MissingSignal> {
        batch.layer(index).ok_or(MissingSignal::NoSuchLayer)?;
        let position =
            self.position_in_sequence(batch.outputs.states[index].position).ok_or(MissingSignal::NoAnswer)?;
        // The last token of an answer that fills the context was never read.
        if position < batch.encoder.context { Ok(()) } else { Err(MissingSignal::ContextTooLong) }
    }

    /// The prompt of a follow-up. It holds the answer without the reasoning before it, as templates of reasoning models
    /// drop the reasoning of earlier turns.
    fn second_turn(
        &self,
        id: &str,
        text: &str,
        part: &AnswerPart,
        batch: &BatchContext<'_>,
    ) -> std::result::Result<Encoded, MissingSignal> {
        let follow_up = self.request.prompt.follow_up(id).ok_or(MissingSignal::NoSuchFollowUp)?;
        if part.reasoning_is_open {
            return Err(MissingSignal::NoAnswer);
        }
        let answer = text.get(part.range.clone()).unwrap_or_default();
        let answer = if part.range.start > 0 { answer.trim_start() } else { answer };
        batch.encoder.follow_up(&self.request.prompt, follow_up, answer)
    }

    /// Whether a follow-up has to be computed; masses that no token can show are missing from the start.
    fn needs_follow_up(&mut self, index: usize, batch: &BatchContext<'_>) -> bool {
        let signal = self.second_turns[index].0;
        if !signal.masses {
            return signal.text_tokens.is_some();
        }
        if self.spellings.is_none() {
            let prompt = &self.request.prompt;
            match Spellings::new(batch.encoder.tokenizer, &prompt.true_strings, &prompt.false_strings) {
                Ok(spellings) => self.spellings = Some(Arc::new(spellings)),
                Err(reason) => {
                    let row = &mut self.rows.generations[0].follow_ups[index];
                    row.missing_reason = Some(reason);
                    return signal.text_tokens.is_some();
                }
            }
        }
        true
    }
}

impl<'a> BatchContext<'a> {
    /// The engine's index of a state's layer, if the model has it.
    fn layer(&self, index: usize) -> Option<usize> {
        layer(self.outputs.states[index].layer, self.model.decoder().spec().layers.len())
    }

    fn sequence(&self, sampling: Sampling, max_tokens: usize, seed: Seed) -> Sequence<'a> {
        let stop = StopRules { tokens: self.model.stop_tokens().to_vec(), strings: Vec::new(), max_tokens };
        Sequence::new(self.model.tokenizer(), sampling, stop, seed)
    }
}

/// Index of the last of the first `count` tokens that belongs to the answer. Without reasoning it is the last token,
/// whether it is visible in the text or not.
fn last_of_answer(generated: &Generated, part: &AnswerPart, count: usize) -> Option<usize> {
    if part.reasoning_is_open {
        return None;
    }
    if part.range == (0..generated.text.len()) {
        return count.checked_sub(1);
    }
    let tokens = &generated.tokens[..count.min(generated.tokens.len())];
    tokens.iter().rposition(|token| {
        token.start < token.end && token.start < part.range.end && token.end > part.range.start
    })
}

/// The text of a sequence, or why there is none. A failing tokenizer makes this text missing, and no other.
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
