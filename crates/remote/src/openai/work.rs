//! The asks of a batch on several threads.
//!
//! A thread that waits for a server cannot be woken, so threads are not joined: a cancelled batch returns
//! at once, and a reply that is still under way is kept by the cache and goes nowhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use plimsoll_core::{Decoding, Seed, SignalRequest};

use super::conversation::Conversation;
use super::error::OpenAiError;
use super::exchange::{Asking, Exchange, Stop};
use plimsoll_backend::backend::Sink;
use plimsoll_backend::control::{BackendObserver, Cancel, Control};
use plimsoll_backend::error::BackendError;
use plimsoll_backend::observation::Observation;
use plimsoll_backend::request::{Batch, Request};

/// How often the batch looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(20);

/// What the threads of a batch share.
struct Work {
    exchange: Arc<Exchange>,
    asks: Vec<Request>,
    signals: SignalRequest,
    decoding: Decoding,
    seed: Seed,
    next: AtomicUsize,
    halt: Cancel,
    progress: Arc<dyn BackendObserver>,
}

impl Work {
    /// Answers asks until there are none left or the batch ends.
    fn serve(&self, sender: &Sender<Result<Observation, OpenAiError>>) {
        while !self.halt.is_cancelled() {
            let Some(ask) = self.asks.get(self.next.fetch_add(1, Ordering::Relaxed)) else { return };
            let conversation = Conversation {
                exchange: &self.exchange,
                signals: &self.signals,
                decoding: self.decoding,
                seed: self.seed,
                asking: Asking {
                    question_id: ask.question_id.as_str(),
                    halt: &self.halt,
                    progress: &self.progress,
                },
            };
            let result = match conversation.answer(ask) {
                Ok(answered) => Ok(answered),
                Err(Stop::Halted) => return,
                Err(Stop::Failed(error)) => {
                    // Here, and not where it is read: meanwhile others would begin what fails alike.
                    self.halt.cancel();
                    Err(*error)
                }
            };
            // Nobody listens once the batch has ended.
            if sender.send(result).is_err() {
                return;
            }
        }
    }
}

/// Answers a batch. When a row stops the run, requests under way are finished, and the asks that they
/// complete reach the sink.
pub(super) fn run(
    exchange: &Arc<Exchange>,
    batch: &Batch<'_>,
    sink: &mut dyn Sink,
    control: &Control<'_>,
) -> Result<(), BackendError> {
    let work = Arc::new(Work {
        exchange: Arc::clone(exchange),
        asks: batch.requests().to_vec(),
        signals: batch.signals().clone(),
        decoding: batch.decoding(),
        seed: batch.seed(),
        next: AtomicUsize::new(0),
        halt: Cancel::new(),
        progress: Arc::clone(control.progress),
    });
    let (sender, receiver) = mpsc::channel();
    let gathered = start(&work, &sender).map_err(|error| stopped(&work, error));
    drop(sender);
    let gathered = gathered.and_then(|()| gather(&work, &receiver, sink, control));
    if gathered.is_err() {
        work.halt.cancel();
    }
    gathered
}

fn start(work: &Arc<Work>, sender: &Sender<Result<Observation, OpenAiError>>) -> Result<(), OpenAiError> {
    let threads = work.exchange.spec.concurrency.get().min(work.asks.len());
    for _ in 0..threads {
        let (work, sender) = (Arc::clone(work), sender.clone());
        let serve = move || work.serve(&sender);
        let _ = thread::Builder::new().name("ask".to_owned()).spawn(serve).map_err(OpenAiError::Thread)?;
    }
    Ok(())
}

/// Hands what comes to the sink until all threads are done.
fn gather(
    work: &Work,
    receiver: &Receiver<Result<Observation, OpenAiError>>,
    sink: &mut dyn Sink,
    control: &Control<'_>,
) -> Result<(), BackendError> {
    let (mut answered, mut failure) = (0, None);
    loop {
        match receiver.recv_timeout(LOOK) {
            Ok(Ok(rows)) => {
                take(work, sink, rows)?;
                answered += 1;
            }
            Ok(Err(error)) => {
                failure.get_or_insert(error);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if control.cancel.is_cancelled() {
            work.halt.cancel();
            receiver.try_iter().flatten().try_for_each(|rows| take(work, sink, rows))?;
            return Err(BackendError::Cancelled);
        }
    }
    match failure {
        Some(error) => Err(stopped(work, error)),
        None if answered < work.asks.len() => Err(stopped(work, OpenAiError::ThreadLost)),
        None => Ok(()),
    }
}

fn take(work: &Work, sink: &mut dyn Sink, rows: Observation) -> Result<(), BackendError> {
    let model = work.exchange.spec.id.clone();
    sink.take(rows).map_err(|source| BackendError::Sink { model, source })
}

fn stopped(work: &Work, source: OpenAiError) -> BackendError {
    BackendError::from_model(work.exchange.spec.id.clone(), source)
}
