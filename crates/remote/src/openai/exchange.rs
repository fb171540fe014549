//! Sends requests: reply cache, budget, pace, retries, refused fields, and the check of the served model.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use plimsoll_core::MissingSignal;

use super::cache::{CacheEntry, CachedOutcome, ReplyCache};
use super::client::Client;
use super::error::{ChatRequestError, Meaning, OpenAiError};
use super::failures::{Failures, concerns_one_row};
use super::field::{Adaptation, RefusedField};
use super::greedy::UnlikelyToken;
use super::ledger::{Ledger, Reservation};
use super::pace::{self, Pace};
use super::reply::Completion;
use super::request::ChatRequest;
use super::served::ServedModelTracker;
use super::spec::OpenAiSpec;
use plimsoll_backend::control::{BackendEvent, BackendObserver, Cancel};

/// All that the threads of a backend share.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) spec: OpenAiSpec,
    pub(super) served: ServedModelTracker,
    pub(super) ledger: Ledger,
    pub(super) failures: Failures,
    client: Client,
    pace: Pace,
    cache: Option<ReplyCache>,
    adaptation: Mutex<Adaptation>,
    /// Reasons for which a row failed, each reported once.
    reported: Mutex<BTreeSet<MissingSignal>>,
    /// Whether it was reported that answers are not greedy.
    reported_sampling: AtomicBool,
}

/// Why a row was not finished.
pub(super) enum Interruption {
    /// The run ends, for a reason that is reported elsewhere.
    Halted,
    /// The run ends for this reason.
    Failed(Box<OpenAiError>),
}

impl From<OpenAiError> for Interruption {
    fn from(error: OpenAiError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// A reply with the number of attempts and its latency.
pub(super) struct ChatReply {
    pub(super) attempts: u32,
    pub(super) latency_ms: f64,
    pub(super) completion: Box<Completion>,
}

/// The outcome of a request.
pub(super) enum RequestOutcome {
    Reply(ChatReply),
    /// No reply, for a reason of the row; with the error unless the refusal was cached.
    Failed {
        reason: MissingSignal,
        attempts: u32,
        error: Option<ChatRequestError>,
    },
}

/// The question of a request, with cancellation and progress.
pub(super) struct RequestContext<'a> {
    pub(super) question_id: &'a str,
    pub(super) halt: &'a Cancel,
    pub(super) progress: &'a Arc<dyn BackendObserver>,
}

/// A field that the server refused, with its message.
struct FieldRefusal<'a> {
    field: RefusedField,
    message: &'a str,
}

/// How a series of attempts ended.
enum AttemptsResult {
    Reply(CacheEntry),
    Refused { error: ChatRequestError, attempts: u32 },
}

impl Exchange {
    pub(super) fn new(spec: OpenAiSpec) -> Self {
        Self {
            served: ServedModelTracker::new(spec.same_fingerprint),
            ledger: Ledger::new(spec.price, spec.budget_usd),
            failures: Failures::new(spec.network.max_failures_in_a_row),
            client: Client::new(&spec),
            pace: Pace::new(spec.requests_per_minute),
            cache: spec.cache.clone().map(ReplyCache::new),
            adaptation: Mutex::default(),
            reported: Mutex::default(),
            reported_sampling: AtomicBool::new(false),
            spec,
        }
    }

    /// Sends a request; if the server refuses an optional field, it is sent again without that field or with less.
    pub(super) fn send(
        &self,
        request: &ChatRequest,
        context: &RequestContext<'_>,
    ) -> Result<RequestOutcome, Interruption> {
        // Each round leaves a field out for good, so there are few rounds.
        loop {
            let adaptation = *self.adaptation.lock().unwrap_or_else(PoisonError::into_inner);
            let body = request.body(&self.spec, adaptation);
            let hash = request.hash(&self.spec, &body);
            if let Some(entry) = self.cache.as_ref().map(|cache| cache.find(&hash)).transpose()?.flatten() {
                return self.outcome(entry, context);
            }
            match self.attempts(request, &body, &hash, context)? {
                AttemptsResult::Reply(entry) => {
                    self.store(&entry)?;
                    return self.outcome(entry, context);
                }
                AttemptsResult::Refused {
                    error: ChatRequestError::FieldRefused { field, ref message, .. },
                    ..
                } if self.adapt(adaptation, &FieldRefusal { field, message }, request, context) => {}
                AttemptsResult::Refused { error, attempts } => {
                    return self.failed(error, &hash, attempts, context);
                }
            }
        }
    }

    /// The outcome of a request that was sent now or in an earlier run.
    fn outcome(
        &self,
        entry: CacheEntry,
        context: &RequestContext<'_>,
    ) -> Result<RequestOutcome, Interruption> {
        let CacheEntry { attempts, latency_ms, outcome, .. } = entry;
        let completion = match outcome {
            CachedOutcome::Completion(completion) => completion,
            CachedOutcome::Refused(reason) => {
                return Ok(RequestOutcome::Failed { reason, attempts, error: None });
            }
        };
        let after = completion.served();
        self.served.see(&after).map_err(|change| {
            let (question_id, by_fingerprint) = (context.question_id.to_owned(), change.by_fingerprint);
            OpenAiError::ServedChanged { before: change.before, after, question_id, by_fingerprint }
        })?;
        Ok(RequestOutcome::Reply(ChatReply { attempts, latency_ms, completion }))
    }

    fn store(&self, entry: &CacheEntry) -> Result<(), Interruption> {
        Ok(self.cache.as_ref().map_or(Ok(()), |cache| cache.store(entry))?)
    }

    /// Leaves out a refused field from now on; true if there is something else to send. The first thread that sees the
    /// refusal reports it.
    fn adapt(
        &self,
        sent: Adaptation,
        refusal: &FieldRefusal<'_>,
        request: &ChatRequest,
        context: &RequestContext<'_>,
    ) -> bool {
        let mut adaptation = self.adaptation.lock().unwrap_or_else(PoisonError::into_inner);
        if *adaptation != sent {
            return true;
        }
        let Some(note) = adaptation.learn(refusal.field, request.logprob_selection, &self.spec) else {
            return false;
        };
        drop(adaptation);
        let model = &self.spec.id;
        let text = format!("model `{model}`: {note}. The server says: {}", refusal.message);
        context.progress.event(&BackendEvent::Notice { text: &text });
        true
    }

    /// Reports, once, that the server does not decode greedily where it was asked to.
    pub(super) fn report_sampling(&self, token: UnlikelyToken, context: &RequestContext<'_>) {
        if self.reported_sampling.swap(true, Ordering::Relaxed) {
            return;
        }
        let UnlikelyToken { chosen, likeliest } = token;
        let (model, id) = (&self.spec.id, context.question_id);
        let text = format!(
            "model `{model}`: the answer to question `{id}` has a token that is not the likeliest (log-probability {chosen:.2}, \
             where {likeliest:.2} was listed), though it was asked for at temperature 0: the server samples by settings of its own, \
             such as a repetition penalty. `extra_body` turns them off, for llama.cpp's with {{repeat_penalty: 1.0, top_k: 0, min_p: 0.0}}"
        );
        context.progress.event(&BackendEvent::Notice { text: &text });
    }

    /// Sends a request until there is a reply or another attempt is pointless.
    fn attempts(
        &self,
        request: &ChatRequest,
        body: &str,
        hash: &str,
        context: &RequestContext<'_>,
    ) -> Result<AttemptsResult, Interruption> {
        let mut attempts = 0;
        loop {
            let reservation = self.begin(request, context)?;
            let start = Instant::now();
            let result = self.client.complete(body, request.decoding.max_new_tokens());
            let latency_ms = start.elapsed().as_secs_f64() * 1e3;
            attempts += 1;
            let error = match result {
                Ok(completion) => {
                    self.book(&reservation, &completion, context)?;
                    return Ok(AttemptsResult::Reply(CacheEntry::reply(
                        hash, completion, attempts, latency_ms,
                    )));
                }
                Err(error) => error,
            };
            self.ledger.book(&reservation, if error.may_have_cost() { None } else { Some(0.0) });
            let Some(wait) = pace::wait(&self.spec.network, attempts, &error) else {
                return Ok(AttemptsResult::Refused { error, attempts });
            };
            context.progress.event(&BackendEvent::Retrying { problem: &error.to_string(), wait });
            if matches!(error, ChatRequestError::RateLimited { .. }) {
                self.pace.hold(wait);
            } else if context.halt.sleep(wait) {
                return Err(Interruption::Halted);
            }
        }
    }

    /// Waits for this thread's turn and reserves the cost.
    fn begin(
        &self,
        request: &ChatRequest,
        context: &RequestContext<'_>,
    ) -> Result<Reservation, Interruption> {
        if self.pace.wait(context.halt) {
            return Err(Interruption::Halted);
        }
        let max_usd = self.ledger.max_usd(&request.texts(), request.decoding.max_new_tokens());
        self.ledger.reserve(max_usd, context.halt)?.ok_or(Interruption::Halted)
    }

    fn book(
        &self,
        reservation: &Reservation,
        completion: &Completion,
        context: &RequestContext<'_>,
    ) -> Result<(), Interruption> {
        let cost_usd = self.ledger.cost_usd(completion.prompt_tokens, completion.generated_tokens);
        self.ledger.book(reservation, cost_usd);
        if cost_usd.is_none() && self.ledger.has_budget() {
            return Err(OpenAiError::UsageUnknown.into());
        }
        if cost_usd.is_some() {
            context.progress.event(&BackendEvent::Spent { total_usd: self.ledger.spent_usd() });
        }
        Ok(())
    }

    /// The outcome when no attempt brought a reply. A refusal that the same request would get again is cached.
    fn failed(
        &self,
        error: ChatRequestError,
        hash: &str,
        attempts: u32,
        context: &RequestContext<'_>,
    ) -> Result<RequestOutcome, Interruption> {
        let Meaning::Row(reason) = error.meaning() else {
            let question_id = context.question_id.to_owned();
            return Err(OpenAiError::Request { question_id, source: error }.into());
        };
        if concerns_one_row(reason) {
            self.store(&CacheEntry::refusal(hash, reason, attempts))?;
        }
        if self.reported.lock().unwrap_or_else(PoisonError::into_inner).insert(reason) {
            let (model, id, name) = (&self.spec.id, context.question_id, reason.name());
            let text = format!(
                "model `{model}`: question `{id}` is missing with `{name}`, and so will others be that meet the \
                 same: {error}"
            );
            context.progress.event(&BackendEvent::Notice { text: &text });
        }
        Ok(RequestOutcome::Failed { reason, attempts, error: Some(error) })
    }
}
