//! One request: the answer, its follow-ups, the samples.

use plimsoll_core::prompt::{FollowUp, Role};
use plimsoll_core::reasoning::answer_text;
use plimsoll_core::records::{FollowUpRow, GenerationRow};
use plimsoll_core::signal::FollowUpSignal;
use plimsoll_core::{Decoding, MissingSignal, Seed, SignalRequest};

use super::error::{ChatRequestError, OpenAiError};
use super::exchange::{ChatReply, Exchange, Interruption, RequestContext, RequestOutcome};
use super::greedy::first_unlikely;
use super::logprob_selection::LogprobSelection;
use super::masses;
use super::request::{ChatRequest, Turn};
use plimsoll_backend::observation::{Observation, RowKey, sample_decoding};
use plimsoll_backend::request::{Request, text_seed};

/// Answers requests.
pub(super) struct Conversation<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) signals: &'a SignalRequest,
    pub(super) decoding: Decoding,
    pub(super) seed: Seed,
    pub(super) context: RequestContext<'a>,
}

impl Conversation<'_> {
    /// Every row of a request.
    pub(super) fn answer(&self, request: &Request) -> Result<Observation, Interruption> {
        let key = RowKey::new(request, &self.exchange.spec.id);
        let (mut answer, refused) = self.answer_row(request, &key)?;
        for (id, signal) in self.signals.follow_ups() {
            let row = self.follow_up(request, answer.text.as_deref(), id, *signal)?;
            answer.follow_ups.push(row);
        }
        let mut generations = vec![answer];
        for samples in self.signals.samples() {
            let decoding = sample_decoding(self.decoding, samples);
            for index in 1..=samples.count {
                generations.push(match refused {
                    // Without an answer that they could be compared with, samples are not worth their cost.
                    Some(reason) => failed(key.generation(&decoding, index), reason, 0),
                    None => self.sample(request, &key, decoding, index)?,
                });
            }
        }
        let hidden_states = key.missing_states(self.signals, MissingSignal::HiddenStatesUnsupported);
        Ok(Observation { question_id: request.question_id.clone(), generations, hidden_states })
    }

    /// The answer, and why the server gave none.
    fn answer_row(
        &self,
        request: &Request,
        key: &RowKey,
    ) -> Result<(GenerationRow, Option<MissingSignal>), Interruption> {
        let wants_logprobs = self.signals.logprobs();
        let listed = self.signals.top_logprobs().min(self.exchange.spec.top_logprobs);
        let logprob_selection = match (wants_logprobs, listed) {
            (true, 0) => LogprobSelection::Chosen,
            (true, listed) => LogprobSelection::ChosenAndTop(listed),
            (false, _) => LogprobSelection::Nothing,
        };
        let request = self.first_request(request, self.decoding, logprob_selection, 0);
        let mut row = key.generation(&self.decoding, 0);
        match self.exchange.send(&request, &self.context)? {
            RequestOutcome::Reply(reply) => {
                self.exchange.failures.answered();
                self.fill(&mut row, reply, wants_logprobs);
                self.check_greedy(&row);
                Ok((row, None))
            }
            RequestOutcome::Failed { reason, attempts, error } => {
                self.count(reason, error)?;
                let mut row = failed(row, reason, attempts);
                row.logprobs_missing = wants_logprobs.then_some(MissingSignal::NoAnswer);
                Ok((row, Some(reason)))
            }
        }
    }

    /// A server's own samplers show where the likeliest tokens are listed, and only in answers that should be greedy.
    fn check_greedy(&self, answer: &GenerationRow) {
        let is_greedy = self.decoding.temperature() == 0.0;
        let unlikely = answer.tokens.as_deref().filter(|_| is_greedy).and_then(first_unlikely);
        if let Some(token) = unlikely {
            self.exchange.report_sampling(token, &self.context);
        }
    }

    /// Counts a question that was not answered. A cached refusal was counted when it was received.
    fn count(&self, reason: MissingSignal, error: Option<ChatRequestError>) -> Result<(), Interruption> {
        let Some(source) = error else { return Ok(()) };
        let question_id = self.context.question_id.to_owned();
        match self.exchange.failures.failed(reason) {
            Some(questions) => Err(OpenAiError::FailingThroughout { questions, question_id, source }.into()),
            None => Ok(()),
        }
    }

    fn sample(
        &self,
        request: &Request,
        key: &RowKey,
        decoding: Decoding,
        index: u32,
    ) -> Result<GenerationRow, Interruption> {
        let request = self.first_request(request, decoding, LogprobSelection::Nothing, index);
        let mut row = key.generation(&decoding, index);
        match self.exchange.send(&request, &self.context)? {
            RequestOutcome::Reply(reply) => self.fill(&mut row, reply, false),
            RequestOutcome::Failed { reason, attempts, .. } => row = failed(row, reason, attempts),
        }
        Ok(row)
    }

    fn first_request(
        &self,
        request: &Request,
        decoding: Decoding,
        logprob_selection: LogprobSelection,
        sample_index: u32,
    ) -> ChatRequest {
        let seed = self.seed(request, sample_index);
        ChatRequest { turns: first_turn(request), decoding, logprob_selection, seed, sample_index }
    }

    fn fill(&self, row: &mut GenerationRow, reply: ChatReply, wants_logprobs: bool) {
        let completion = reply.completion;
        row.cost_usd = self.exchange.ledger.cost_usd(completion.prompt_tokens, completion.generated_tokens);
        row.attempts = reply.attempts;
        row.latency_ms = Some(reply.latency_ms);
        completion.fill(row, wants_logprobs, self.signals.top_logprobs());
    }

    fn follow_up(
        &self,
        request: &Request,
        answer: Option<&str>,
        id: &str,
        signal: FollowUpSignal,
    ) -> Result<FollowUpRow, Interruption> {
        let mut row = FollowUpRow { id: id.to_owned(), ..FollowUpRow::default() };
        let Some(follow_up) = request.prompt.follow_up(id) else {
            return Ok(FollowUpRow { missing_reason: Some(MissingSignal::NoSuchFollowUp), ..row });
        };
        // Follow-ups show the answer without the reasoning: templates leave it out of earlier turns too.
        let answer = answer.map(|text| answer_text(text, false)).filter(|answer| !answer.trim().is_empty());
        let Some(answer) = answer else {
            return Ok(FollowUpRow { missing_reason: Some(MissingSignal::NoAnswer), ..row });
        };
        let reply =
            match self.exchange.send(&self.second_turn(request, follow_up, answer, signal), &self.context)? {
                RequestOutcome::Reply(reply) => reply,
                RequestOutcome::Failed { reason, .. } => {
                    return Ok(FollowUpRow { missing_reason: Some(reason), ..row });
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
            match masses::read(&completion.first, &request.prompt.true_strings, &request.prompt.false_strings)
            {
                Ok(masses) => {
                    row.true_mass = Some(masses.true_mass);
                    row.false_mass = Some(masses.false_mass);
                    row.censored = Some(masses.censored);
                }
                Err(reason) => row.missing_reason = Some(reason),
            }
        }
        Ok(row)
    }

    fn second_turn(
        &self,
        request: &Request,
        follow_up: &FollowUp,
        answer: &str,
        signal: FollowUpSignal,
    ) -> ChatRequest {
        let mut turns = Vec::new();
        if follow_up.continues {
            turns = first_turn(request);
            turns.push(Turn::new(Role::Assistant, answer));
        }
        turns.push(Turn::new(Role::User, &follow_up.text(answer)));
        let max_tokens = signal.text_tokens.unwrap_or(1).max(1);
        ChatRequest {
            turns,
            decoding: greedy(max_tokens),
            logprob_selection: if signal.masses {
                LogprobSelection::Top(self.exchange.spec.top_logprobs)
            } else {
                LogprobSelection::Nothing
            },
            seed: self.seed(request, 0),
            sample_index: 0,
        }
    }

    fn seed(&self, request: &Request, index: u32) -> u32 {
        let bits = text_seed(self.seed, &self.exchange.spec.id, request, index).bits();
        // 31 bits: some servers store the seed in a signed integer.
        (bits >> 33) as u32
    }
}

/// A row without a text, for a reason.
fn failed(mut row: GenerationRow, reason: MissingSignal, attempts: u32) -> GenerationRow {
    row.attempts = attempts;
    row.failure = Some(reason);
    row
}

/// Greedy decoding, whatever the answer's parameters.
#[expect(clippy::expect_used, reason = "temperature 0, top-p 1 and at least one token are valid")]
fn greedy(max_tokens: u32) -> Decoding {
    Decoding::new(0.0, 1.0, max_tokens.max(1)).expect("valid parameters")
}

fn first_turn(request: &Request) -> Vec<Turn> {
    request.prompt.messages.iter().map(|message| Turn::new(message.role, &message.text)).collect()
}
