//! A request until it is answered: kept replies, budget, pace, retries, and the one served model.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use plimsoll_core::Missing;

use super::cache::{Cache, Kept};
use super::client::Client;
use super::error::{Meaning, OpenAiError, RequestError};
use super::ledger::{Ledger, Reserve};
use super::pace::{self, Pace};
use super::reply::Completion;
use super::request::{ChatRequest, Listing};
use super::served::ServedModel;
use super::spec::OpenAiSpec;
use crate::control::{Cancel, Event, Progress};

/// All that the threads of a backend share.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) spec: OpenAiSpec,
    pub(super) served: ServedModel,
    pub(super) ledger: Ledger,
    client: Client,
    pace: Pace,
    cache: Option<Cache>,
    failures_in_a_row: AtomicU32,
    /// Whether the server refused to list the log-probs of chosen tokens, or of the likeliest.
    refuses_chosen: AtomicBool,
    refuses_top: AtomicBool,
}

/// Why a row was not finished.
pub(super) enum Stop {
    /// The run ends, for a reason that is told elsewhere.
    Halted,
    /// The run ends for this reason.
    Failed(OpenAiError),
}

impl From<OpenAiError> for Stop {
    fn from(error: OpenAiError) -> Self {
        Self::Failed(error)
    }
}

/// What came of a request.
pub(super) enum Outcome {
    Reply(Box<Kept>),
    Failed { reason: Missing, attempts: u32 },
}

/// What goes with a request.
pub(super) struct Asking<'a> {
    pub(super) question_id: &'a str,
    pub(super) halt: &'a Cancel,
    pub(super) progress: &'a Arc<dyn Progress>,
}

/// How a series of attempts ended.
enum Ended {
    Reply(Box<Kept>),
    Refused { error: RequestError, attempts: u32 },
}

impl Exchange {
    pub(super) fn new(spec: OpenAiSpec) -> Self {
        Self {
            served: ServedModel::default(),
            ledger: Ledger::new(spec.price, spec.budget_usd),
            client: Client::new(&spec),
            pace: Pace::new(spec.requests_per_minute),
            cache: spec.cache.clone().map(Cache::new),
            failures_in_a_row: AtomicU32::new(0),
            refuses_chosen: AtomicBool::new(false),
            refuses_top: AtomicBool::new(false),
            spec,
        }
    }

    /// Asks; a server that refuses log-probs is asked again without.
    pub(super) fn ask(&self, request: &ChatRequest, asking: &Asking<'_>) -> Result<Outcome, Stop> {
        let listing = match request.listing {
            Listing::Chosen if self.refuses_chosen.load(Ordering::Relaxed) => Listing::Nothing,
            Listing::Top(_) if self.refuses_top.load(Ordering::Relaxed) => Listing::Nothing,
            wanted => wanted,
        };
        let request = ChatRequest { listing, ..request.clone() };
        let body = request.body(&self.spec);
        let hash = request.hash(&self.spec, &body);
        if let Some(kept) = self.cache.as_ref().map(|cache| cache.find(&hash)).transpose()?.flatten() {
            return self.seen(Box::new(kept), asking).map(Outcome::Reply);
        }
        match self.attempts(&request, &body, &hash, asking)? {
            Ended::Reply(kept) => {
                self.failures_in_a_row.store(0, Ordering::Relaxed);
                if let Some(cache) = &self.cache {
                    cache.keep(&kept)?;
                }
                self.seen(kept, asking).map(Outcome::Reply)
            }
            Ended::Refused { error: RequestError::Refused { reason: Missing::NoLogprobs, .. }, .. }
                if listing != Listing::Nothing =>
            {
                let refuses =
                    if listing == Listing::Chosen { &self.refuses_chosen } else { &self.refuses_top };
                refuses.store(true, Ordering::Relaxed);
                self.ask(&request, asking)
            }
            Ended::Refused { error, attempts } => self.failed(error, attempts, asking),
        }
    }

    /// A reply of the model that this run is of.
    fn seen(&self, kept: Box<Kept>, asking: &Asking<'_>) -> Result<Box<Kept>, Stop> {
        let after = kept.completion.served();
        self.served.see(&after).map_err(|before| {
            let question_id = asking.question_id.to_owned();
            Stop::Failed(OpenAiError::ServedChanged { before, after, question_id })
        })?;
        Ok(kept)
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
            let got = self.client.complete(body);
            let latency_ms = start.elapsed().as_secs_f64() * 1e3;
            attempts += 1;
            let error = match got {
                Ok(completion) => {
                    self.book(&reserve, &completion, asking)?;
                    return Ok(Ended::Reply(Box::new(Kept::new(hash, completion, attempts, latency_ms))));
                }
                Err(error) => error,
            };
            self.ledger.book(&reserve, if error.may_have_cost() { None } else { Some(0.0) });
            let Some(wait) = pace::wait(&self.spec.network, attempts, &error) else {
                return Ok(Ended::Refused { error, attempts });
            };
            asking.progress.event(&Event::Retrying { problem: &error.to_string(), wait });
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
            return Err(Stop::Failed(OpenAiError::UsageUnknown));
        }
        if cost_usd.is_some() {
            asking.progress.event(&Event::Spent { total_usd: self.ledger.spent_usd() });
        }
        Ok(())
    }

    /// What it means that no attempt brought a reply.
    fn failed(&self, error: RequestError, attempts: u32, asking: &Asking<'_>) -> Result<Outcome, Stop> {
        let question_id = asking.question_id.to_owned();
        let Meaning::Row(reason) = error.meaning() else {
            return Err(Stop::Failed(OpenAiError::Request { question_id, source: error }));
        };
        let rows = self.failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if rows >= self.spec.network.most_failures_in_a_row {
            return Err(Stop::Failed(OpenAiError::FailingThroughout { rows, question_id, source: error }));
        }
        Ok(Outcome::Failed { reason, attempts })
    }
}
