//! One ask: the answer, the follow-ups that speak of it, the samples.

use plimsoll_core::prompt::{FollowUp, Role};
use plimsoll_core::reasoning::answer_text;
use plimsoll_core::records::{FollowUpRow, GenerationRow};
use plimsoll_core::signal::FollowUpSignal;
use plimsoll_core::{Decoding, MissingSignal, Seed, SignalRequest};

use super::error::{OpenAiError, RequestError};
use super::exchange::{Asking, Exchange, Outcome, Reply, Stop};
use super::masses;
use super::request::{ChatRequest, Listing, Turn};
use plimsoll_backend::observation::{Observation, RowKey, sample_decoding};
use plimsoll_backend::request::{Request, text_seed};

/// How asks are answered.
pub(super) struct Conversation<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) signals: &'a SignalRequest,
    pub(super) decoding: Decoding,
    pub(super) seed: Seed,
    pub(super) asking: Asking<'a>,
}

impl Conversation<'_> {
    /// Every row of an ask.
    pub(super) fn answer(&self, ask: &Request) -> Result<Observation, Stop> {
        let key = RowKey::new(ask, &self.exchange.spec.id);
        let (mut answer, refused) = self.answer_row(ask, &key)?;
        for (id, signal) in self.signals.follow_ups() {
            let row = self.follow_up(ask, answer.text.as_deref(), id, *signal)?;
            answer.follow_ups.push(row);
        }
        let mut generations = vec![answer];
        for samples in self.signals.samples() {
            let decoding = sample_decoding(self.decoding, samples);
            for index in 1..=samples.count {
                generations.push(match refused {
                    // Without an answer that they could be compared with, samples are not worth their cost.
                    Some(reason) => failed(key.generation(&decoding, index), reason, 0),
                    None => self.sample(ask, &key, decoding, index)?,
                });
            }
        }
        let hidden_states = key.missing_states(self.signals, MissingSignal::HiddenStatesUnsupported);
        Ok(Observation { question_id: ask.question_id.clone(), generations, hidden_states })
    }

    /// The answer, and why the server gave none.
    fn answer_row(
        &self,
        ask: &Request,
        key: &RowKey,
    ) -> Result<(GenerationRow, Option<MissingSignal>), Stop> {
        let wants_logprobs = self.signals.logprobs();
        let listing = if wants_logprobs { Listing::Chosen } else { Listing::Nothing };
        let request = self.first_request(ask, self.decoding, listing, 0);
        let mut row = key.generation(&self.decoding, 0);
        match self.exchange.ask(&request, &self.asking)? {
            Outcome::Reply(reply) => {
                self.exchange.failures.answered();
                self.fill(&mut row, reply, wants_logprobs);
                Ok((row, None))
            }
            Outcome::Failed { reason, attempts, error } => {
                self.count(reason, error)?;
                let mut row = failed(row, reason, attempts);
                row.logprobs_missing = wants_logprobs.then(|| MissingSignal::NoAnswer.name().to_owned());
                Ok((row, Some(reason)))
            }
        }
    }

    /// Counts a question that was not answered. A refusal that was kept was counted when it came.
    fn count(&self, reason: MissingSignal, error: Option<RequestError>) -> Result<(), Stop> {
        let Some(source) = error else { return Ok(()) };
        let question_id = self.asking.question_id.to_owned();
        match self.exchange.failures.failed(reason) {
            Some(questions) => Err(OpenAiError::FailingThroughout { questions, question_id, source }.into()),
            None => Ok(()),
        }
    }

    fn sample(
        &self,
        ask: &Request,
        key: &RowKey,
        decoding: Decoding,
        index: u32,
    ) -> Result<GenerationRow, Stop> {
        let request = self.first_request(ask, decoding, Listing::Nothing, index);
        let mut row = key.generation(&decoding, index);
        match self.exchange.ask(&request, &self.asking)? {
            Outcome::Reply(reply) => self.fill(&mut row, reply, false),
            Outcome::Failed { reason, attempts, .. } => row = failed(row, reason, attempts),
        }
        Ok(row)
    }

    fn first_request(
        &self,
        ask: &Request,
        decoding: Decoding,
        listing: Listing,
        sample_index: u32,
    ) -> ChatRequest {
        let seed = self.seed(ask, sample_index);
        ChatRequest { turns: first_turn(ask), decoding, listing, seed, sample_index }
    }

    fn fill(&self, row: &mut GenerationRow, reply: Reply, wants_logprobs: bool) {
        let completion = reply.completion;
        row.cost_usd = self.exchange.ledger.cost_usd(completion.prompt_tokens, completion.generated_tokens);
        row.attempts = reply.attempts;
        row.latency_ms = Some(reply.latency_ms);
        row.logprobs_missing = match (&completion.text, wants_logprobs) {
            (_, false) => None,
            (None, true) => Some(MissingSignal::NoAnswer.name().to_owned()),
            (Some(_), true) => completion.no_tokens,
        };
        row.text = completion.text;
        row.failure = completion.no_text;
        row.tokens = completion.tokens.filter(|_| wants_logprobs && row.text.is_some());
        row.finish_reason = completion.finish_reason;
        row.prompt_tokens = completion.prompt_tokens;
        row.completion_tokens = completion.generated_tokens;
        row.served_model = completion.model;
        row.system_fingerprint = completion.system_fingerprint;
    }

    fn follow_up(
        &self,
        ask: &Request,
        answer: Option<&str>,
        id: &str,
        signal: FollowUpSignal,
    ) -> Result<FollowUpRow, Stop> {
        let mut row = FollowUpRow { id: id.to_owned(), ..FollowUpRow::default() };
        let missing = |reason: MissingSignal| Some(reason.name().to_owned());
        let Some(follow_up) = ask.prompt.follow_up(id) else {
            return Ok(FollowUpRow { missing_reason: missing(MissingSignal::NoSuchFollowUp), ..row });
        };
        // What a model reasoned is no part of what it is asked about: templates leave it out of earlier turns too.
        let answer = answer.map(|text| answer_text(text, false)).filter(|answer| !answer.trim().is_empty());
        let Some(answer) = answer else {
            return Ok(FollowUpRow { missing_reason: missing(MissingSignal::NoAnswer), ..row });
        };
        let reply =
            match self.exchange.ask(&self.second_turn(ask, follow_up, answer, signal), &self.asking)? {
                Outcome::Reply(reply) => reply,
                Outcome::Failed { reason, .. } => {
                    return Ok(FollowUpRow { missing_reason: missing(reason), ..row });
                }
            };
        let completion = reply.completion;
        row.prompt_tokens = completion.prompt_tokens;
        row.completion_tokens = completion.generated_tokens;
        row.cost_usd = self.exchange.ledger.cost_usd(completion.prompt_tokens, completion.generated_tokens);
        if signal.text_tokens.is_some() {
            row.missing_reason = completion.no_text;
            row.text = completion.text;
            row.finish_reason = completion.finish_reason;
        }
        if signal.masses {
            match masses::read(&completion.first, &ask.prompt.true_strings, &ask.prompt.false_strings) {
                Ok(masses) => {
                    row.true_mass = Some(masses.true_mass);
                    row.false_mass = Some(masses.false_mass);
                    row.censored = Some(masses.censored);
                }
                Err(reason) => row.missing_reason = missing(reason),
            }
        }
        Ok(row)
    }

    fn second_turn(
        &self,
        ask: &Request,
        follow_up: &FollowUp,
        answer: &str,
        signal: FollowUpSignal,
    ) -> ChatRequest {
        let mut turns = Vec::new();
        if follow_up.continues {
            turns = first_turn(ask);
            turns.push(Turn::new(Role::Assistant, answer));
        }
        turns.push(Turn::new(Role::User, &follow_up.text(answer)));
        let most = signal.text_tokens.unwrap_or(1).max(1);
        ChatRequest {
            turns,
            // Greedy, whatever the answer's parameters: one token at least, so these numbers are valid.
            decoding: Decoding::new(0.0, 1.0, most).unwrap_or(self.decoding),
            listing: if signal.masses {
                Listing::Top(self.exchange.spec.top_logprobs)
            } else {
                Listing::Nothing
            },
            seed: self.seed(ask, 0),
            sample_index: 0,
        }
    }

    fn seed(&self, ask: &Request, index: u32) -> u32 {
        let bits = text_seed(self.seed, &self.exchange.spec.id, ask, index).bits();
        // 31 bits: some servers keep the seed in a signed integer.
        u32::try_from(bits >> 33).unwrap_or_default()
    }
}

/// A row that no attempt brought a text for.
fn failed(mut row: GenerationRow, reason: MissingSignal, attempts: u32) -> GenerationRow {
    row.attempts = attempts;
    row.failure = Some(reason.name().to_owned());
    row
}

fn first_turn(ask: &Request) -> Vec<Turn> {
    ask.prompt.messages.iter().map(|message| Turn::new(message.role, &message.text)).collect()
}
