//! A request until it is answered: kept replies, budget, pace, retries, what the server refuses, and the one
//! served model.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use plimsoll_core::MissingSignal;

use super::cache::{Cache, Came, Kept};
use super::client::Client;
use super::error::{Meaning, OpenAiError, RequestError};
use super::failures::{Failures, is_of_row};
use super::field::{Adapted, RefusedField};
use super::ledger::{Ledger, Reserve};
use super::pace::{self, Pace};
use super::reply::Completion;
use super::request::ChatRequest;
use super::served::ServedModel;
use super::spec::OpenAiSpec;
use plimsoll_backend::control::{BackendEvent, BackendObserver, Cancel};

/// All that the threads of a backend share.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) spec: OpenAiSpec,
    pub(super) served: ServedModel,
    pub(super) ledger: Ledger,
    pub(super) failures: Failures,
    client: Client,
    pace: Pace,
    cache: Option<Cache>,
    adapted: Mutex<Adapted>,
    /// Reasons for which a row failed, each told once.
    told: Mutex<BTreeSet<MissingSignal>>,
}

/// Why a row was not finished.
pub(super) enum Stop {
    /// The run ends, for a reason that is told elsewhere.
    Halted,
    /// The run ends for this reason.
    Failed(Box<OpenAiError>),
}

impl From<OpenAiError> for Stop {
    fn from(error: OpenAiError) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// A reply with how it came.
pub(super) struct Reply {
    pub(super) attempts: u32,
    pub(super) latency_ms: f64,
    pub(super) completion: Box<Completion>,
}

/// What came of a request.
pub(super) enum Outcome {
    Reply(Reply),
    /// No reply, for a reason of the row; with the error unless the refusal was kept.
    Failed {
        reason: MissingSignal,
        attempts: u32,
        error: Option<RequestError>,
    },
}

/// What goes with a request.
pub(super) struct Asking<'a> {
    pub(super) question_id: &'a str,
    pub(super) halt: &'a Cancel,
    pub(super) progress: &'a Arc<dyn BackendObserver>,
}

/// How a series of attempts ended.
enum Ended {
    Reply(Kept),
    Refused { error: RequestError, attempts: u32 },
}

impl Exchange {
    pub(super) fn new(spec: OpenAiSpec) -> Self {
        Self {
            served: ServedModel::new(spec.same_fingerprint),
            ledger: Ledger::new(spec.price, spec.budget_usd),
            failures: Failures::new(spec.network.max_failures_in_a_row),
            client: Client::new(&spec),
            pace: Pace::new(spec.requests_per_minute),
            cache: spec.cache.clone().map(Cache::new),
            adapted: Mutex::default(),
            told: Mutex::default(),
            spec,
        }
    }

    /// Asks; a server that refuses an optional field is asked again without it, or with less.
    pub(super) fn ask(&self, request: &ChatRequest, asking: &Asking<'_>) -> Result<Outcome, Stop> {
        // Each round leaves something out for good, so there are few.
        loop {
            let adapted = *self.adapted.lock().unwrap_or_else(PoisonError::into_inner);
            let body = request.body(&self.spec, adapted);
            let hash = request.hash(&self.spec, &body);
            if let Some(kept) = self.cache.as_ref().map(|cache| cache.find(&hash)).transpose()?.flatten() {
                return self.came(kept, asking);
            }
            match self.attempts(request, &body, &hash, asking)? {
                Ended::Reply(kept) => {
                    self.keep(&kept)?;
                    return self.came(kept, asking);
                }
                Ended::Refused { error: RequestError::FieldRefused { field, ref message, .. }, .. }
                    if self.adapt(adapted, (field, message), request, asking) => {}
                Ended::Refused { error, attempts } => return self.failed(error, &hash, attempts, asking),
            }
        }
    }

    /// What came of a request, now or in an earlier run.
    fn came(&self, kept: Kept, asking: &Asking<'_>) -> Result<Outcome, Stop> {
        let Kept { attempts, latency_ms, came, .. } = kept;
        let completion = match came {
            Came::Completion(completion) => completion,
            Came::Refused(reason) => {
                let reason = MissingSignal::from_name(&reason).unwrap_or(MissingSignal::RequestRefused);
                return Ok(Outcome::Failed { reason, attempts, error: None });
            }
        };
        let after = completion.served();
        self.served.see(&after).map_err(|change| {
            let (question_id, by_fingerprint) = (asking.question_id.to_owned(), change.by_fingerprint);
            OpenAiError::ServedChanged { before: change.before, after, question_id, by_fingerprint }
        })?;
        Ok(Outcome::Reply(Reply { attempts, latency_ms, completion }))
    }

    fn keep(&self, kept: &Kept) -> Result<(), Stop> {
        Ok(self.cache.as_ref().map_or(Ok(()), |cache| cache.keep(kept))?)
    }

    /// Leaves out what was refused, from now on; says whether there is something else to send. The first thread
    /// that meets a refusal tells of it.
    fn adapt(
        &self,
        sent: Adapted,
        (field, message): (RefusedField, &str),
        request: &ChatRequest,
        asking: &Asking<'_>,
    ) -> bool {
        let mut adapted = self.adapted.lock().unwrap_or_else(PoisonError::into_inner);
        if *adapted != sent {
            return true;
        }
        let Some(note) = adapted.learn(field, request.listing, &self.spec) else { return false };
        drop(adapted);
        let model = &self.spec.id;
        let text = format!("model `{model}`: {note}. The server says: {message}");
        asking.progress.event(&BackendEvent::Notice { text: &text });
        true
    }

    /// Makes a request until there is a reply or no sense in another attempt.
    fn attempts(
        &self,
        request: &ChatRequest,
        body: &str,
        hash: &str,
        asking: &Asking<'_>,
    ) -> Result<Ended, Stop> {
        let mut attempts = 0;
        loop {
            let reserve = self.begin(request, asking)?;
            let start = Instant::now();
            let got = self.client.complete(body, request.decoding.max_new_tokens());
            let latency_ms = start.elapsed().as_secs_f64() * 1e3;
            attempts += 1;
            let error = match got {
                Ok(completion) => {
                    self.book(&reserve, &completion, asking)?;
                    return Ok(Ended::Reply(Kept::reply(hash, completion, attempts, latency_ms)));
                }
                Err(error) => error,
            };
            self.ledger.book(&reserve, if error.may_have_cost() { None } else { Some(0.0) });
            let Some(wait) = pace::wait(&self.spec.network, attempts, &error) else {
                return Ok(Ended::Refused { error, attempts });
            };
            asking.progress.event(&BackendEvent::Retrying { problem: &error.to_string(), wait });
            if matches!(error, RequestError::RateLimited { .. }) {
                self.pace.hold(wait);
            } else if asking.halt.sleep(wait) {
                return Err(Stop::Halted);
            }
        }
    }

    /// Waits for this thread's turn, with the money for it set aside.
    fn begin(&self, request: &ChatRequest, asking: &Asking<'_>) -> Result<Reserve, Stop> {
        if self.pace.wait(asking.halt) {
            return Err(Stop::Halted);
        }
        let most_usd = self.ledger.most_usd(&request.texts(), request.decoding.max_new_tokens());
        self.ledger.reserve(most_usd, asking.halt)?.ok_or(Stop::Halted)
    }

    fn book(&self, reserve: &Reserve, completion: &Completion, asking: &Asking<'_>) -> Result<(), Stop> {
        let cost_usd = self.ledger.cost_usd(completion.prompt_tokens, completion.generated_tokens);
        self.ledger.book(reserve, cost_usd);
        if cost_usd.is_none() && self.ledger.has_budget() {
            return Err(OpenAiError::UsageUnknown.into());
        }
        if cost_usd.is_some() {
            asking.progress.event(&BackendEvent::Spent { total_usd: self.ledger.spent_usd() });
        }
        Ok(())
    }

    /// What it means that no attempt brought a reply. What the same request would meet again is kept like a reply.
    fn failed(
        &self,
        error: RequestError,
        hash: &str,
        attempts: u32,
        asking: &Asking<'_>,
    ) -> Result<Outcome, Stop> {
        let Meaning::Row(reason) = error.meaning() else {
            let question_id = asking.question_id.to_owned();
            return Err(OpenAiError::Request { question_id, source: error }.into());
        };
        if is_of_row(reason) {
            self.keep(&Kept::refusal(hash, reason, attempts))?;
        }
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(reason) {
            let (model, id, name) = (&self.spec.id, asking.question_id, reason.name());
            let text = format!(
                "model `{model}`: question `{id}` is missing with `{name}`, and so will others be that meet the \
                 same: {error}"
            );
            asking.progress.event(&BackendEvent::Notice { text: &text });
        }
        Ok(Outcome::Failed { reason, attempts, error: Some(error) })
    }
}
