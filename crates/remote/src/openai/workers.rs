//! Answers the requests of a batch on several threads.
//!
//! A thread that waits for a server cannot be woken, so threads are not joined: a cancelled batch returns
//! at once, and a reply that is still in flight goes into the cache and nowhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use plimsoll_core::{Decoding, Seed, SignalRequest};

use super::conversation::Conversation;
use super::error::OpenAiError;
use super::exchange::{Exchange, Interruption, RequestContext};
use plimsoll_backend::backend::Sink;
use plimsoll_backend::control::{BackendObserver, Cancel, Control};
use plimsoll_backend::error::BackendError;
use plimsoll_backend::observation::Observation;
use plimsoll_backend::request::{Batch, Request};

/// How often the batch checks for cancellation.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What the threads of a batch share.
struct SharedBatch {
    exchange: Arc<Exchange>,
    requests: Vec<Request>,
    signals: SignalRequest,
    decoding: Decoding,
    seed: Seed,
    next: AtomicUsize,
    halt: Cancel,
    progress: Arc<dyn BackendObserver>,
}

impl SharedBatch {
    /// Answers requests until there are none left or the batch ends.
    fn serve(&self, sender: &Sender<Result<Observation, OpenAiError>>) {
        while !self.halt.is_cancelled() {
            let Some(request) = self.requests.get(self.next.fetch_add(1, Ordering::Relaxed)) else { return };
            let conversation = Conversation {
                exchange: &self.exchange,
                signals: &self.signals,
                decoding: self.decoding,
                seed: self.seed,
                context: RequestContext {
                    question_id: request.question_id.as_str(),
                    halt: &self.halt,
                    progress: &self.progress,
                },
            };
            let result = match conversation.answer(request) {
                Ok(observation) => Ok(observation),
                Err(Interruption::Halted) => return,
                Err(Interruption::Failed(error)) => {
                    // Here, and not where it is received: other threads would start requests that fail alike.
                    self.halt.cancel();
                    Err(*error)
                }
            };
            // The receiver is gone once the batch has ended.
            if sender.send(result).is_err() {
                return;
            }
        }
    }
}

/// Answers a batch. When a row stops the run, requests in flight are finished, and the observations that
/// they complete reach the sink.
pub(super) fn answer_batch(
    exchange: &Arc<Exchange>,
    batch: &Batch<'_>,
    sink: &mut dyn Sink,
    control: &Control<'_>,
) -> Result<(), BackendError> {
    let shared = Arc::new(SharedBatch {
        exchange: Arc::clone(exchange),
        requests: batch.requests().to_vec(),
        signals: batch.signals().clone(),
        decoding: batch.decoding(),
        seed: batch.seed(),
        next: AtomicUsize::new(0),
        halt: Cancel::new(),
        progress: Arc::clone(control.progress),
    });
    let (sender, receiver) = mpsc::channel();
    let gathered = start(&shared, &sender).map_err(|error| stopped(&shared, error));
    drop(sender);
    let gathered = gathered.and_then(|()| gather(&shared, &receiver, sink, control));
    if gathered.is_err() {
        shared.halt.cancel();
    }
    gathered
}

fn start(
    shared: &Arc<SharedBatch>,
    sender: &Sender<Result<Observation, OpenAiError>>,
) -> Result<(), OpenAiError> {
    let threads = shared.exchange.spec.concurrency.get().min(shared.requests.len());
    for _ in 0..threads {
        let (shared, sender) = (Arc::clone(shared), sender.clone());
        let serve = move || shared.serve(&sender);
        let _ =
            thread::Builder::new().name("request".to_owned()).spawn(serve).map_err(OpenAiError::Thread)?;
    }
    Ok(())
}

/// Passes observations to the sink until all threads are done.
fn gather(
    shared: &SharedBatch,
    receiver: &Receiver<Result<Observation, OpenAiError>>,
    sink: &mut dyn Sink,
    control: &Control<'_>,
) -> Result<(), BackendError> {
    let (mut count, mut failure) = (0, None);
    loop {
        match receiver.recv_timeout(POLL_INTERVAL) {
            Ok(Ok(rows)) => {
                take(shared, sink, rows)?;
                count += 1;
            }
            Ok(Err(error)) => {
                failure.get_or_insert(error);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if control.cancel.is_cancelled() {
            shared.halt.cancel();
            receiver.try_iter().flatten().try_for_each(|rows| take(shared, sink, rows))?;
            return Err(BackendError::Cancelled);
        }
    }
    match failure {
        Some(error) => Err(stopped(shared, error)),
        None if count < shared.requests.len() => Err(stopped(shared, OpenAiError::ThreadLost)),
        None => Ok(()),
    }
}

fn take(shared: &SharedBatch, sink: &mut dyn Sink, rows: Observation) -> Result<(), BackendError> {
    let model = shared.exchange.spec.id.clone();
    sink.take(rows).map_err(|source| BackendError::Sink { model, source })
}

fn stopped(shared: &SharedBatch, source: OpenAiError) -> BackendError {
    BackendError::from_model(shared.exchange.spec.id.clone(), source)
}
