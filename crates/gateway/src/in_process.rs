//! A model in this process: a thread of its own asks it, since computing blocks. A request that is dropped is cancelled.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use plimsoll_backend::{
    Backend, BackendError, BackendObserver, Batch, Cancel, Control, Observation, Request,
};
use plimsoll_core::prompt::{Message, Prompt};
use plimsoll_core::records::GenerationRow;
use plimsoll_core::{Decoding, Finish, MissingSignal, QuestionId, Seed, SignalRequest};
use plimsoll_remote::openai::Price;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::GatewayError;
use crate::reason::NoConfidence;

/// A model in this process.
#[derive(Debug)]
pub struct InProcess {
    jobs: SyncSender<Job>,
    name: String,
    total: Duration,
    price: Option<Price>,
}

/// A request that waits for the thread.
struct Job {
    request: Request,
    signals: SignalRequest,
    decoding: Decoding,
    cancel: Cancel,
    reply: oneshot::Sender<Result<GenerationRow, NoConfidence>>,
}

/// Cancels what is computed once nobody waits for it any more.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// What is asked of the model.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The decision's id.
    pub id: &'a str,
    /// The messages.
    pub messages: &'a [Message],
    /// What is to be observed.
    pub signals: &'a SignalRequest,
    /// How the answer is decoded.
    pub decoding: Decoding,
}

impl InProcess {
    /// Starts the thread; so many requests may wait for it.
    ///
    /// # Errors
    /// [`GatewayError::System`].
    pub fn start(
        backend: Box<dyn Backend>,
        queue: usize,
        total: Duration,
        price: Option<Price>,
    ) -> Result<Self, GatewayError> {
        let (jobs, receiver) = sync_channel(queue);
        let name = backend.model().as_str().to_owned();
        let thread = std::thread::Builder::new().name(name.clone());
        let thread = thread.spawn(move || work(backend.as_ref(), &receiver));
        thread.map_err(GatewayError::system("start the thread of a model"))?;
        Ok(Self { jobs, name, total, price })
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Time for an answer, waiting included.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// What tokens cost.
    pub fn price(&self) -> Option<Price> {
        self.price
    }

    /// The model's answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn answer(&self, asked: Asked<'_>) -> Result<GenerationRow, NoConfidence> {
        let (reply, answered) = oneshot::channel();
        let cancel = CancelOnDrop(Cancel::new());
        let job = Job {
            request: request(asked)?,
            signals: asked.signals.clone(),
            decoding: asked.decoding,
            cancel: cancel.0.clone(),
            reply,
        };
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => NoConfidence::Busy,
            TrySendError::Disconnected(_) => self.lost(),
        })?;
        match timeout(self.total, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(self.lost()),
            Err(_) => Err(MissingSignal::TimedOut.into()),
        }
    }

    /// The thread is gone: it panicked over an earlier request.
    fn lost(&self) -> NoConfidence {
        tracing::error!("the thread of {} has ended; start the gateway anew", self.name);
        MissingSignal::ServerFailed.into()
    }
}

fn request(asked: Asked<'_>) -> Result<Request, NoConfidence> {
    let prompt = Prompt {
        version: "gateway".to_owned(),
        messages: asked.messages.to_vec(),
        follow_ups: Vec::new(),
        true_strings: Vec::new(),
        false_strings: Vec::new(),
    };
    let question_id =
        QuestionId::new(asked.id).map_err(|_| NoConfidence::from(MissingSignal::RequestRefused))?;
    Ok(Request { question_id, source_row: None, prompt })
}

fn work(backend: &dyn Backend, jobs: &Receiver<Job>) {
    let progress: Arc<dyn BackendObserver> = Arc::new(());
    while let Ok(job) = jobs.recv() {
        if job.cancel.is_cancelled() {
            continue;
        }
        let answer = answer(backend, &job, &progress);
        // Whoever asked may have gone meanwhile.
        let _ = job.reply.send(answer);
    }
}

fn answer(
    backend: &dyn Backend,
    job: &Job,
    progress: &Arc<dyn BackendObserver>,
) -> Result<GenerationRow, NoConfidence> {
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!("{} failed: {error}", backend.model().as_str());
        NoConfidence::from(MissingSignal::ServerFailed)
    };
    let requests = std::slice::from_ref(&job.request);
    // Greedy decoding needs no seed, and what is drawn otherwise is nobody's to repeat.
    let batch =
        Batch::new(requests, &job.signals, job.decoding, Seed::new(0)).map_err(|error| failed(&error))?;
    let mut observations: Vec<Observation> = Vec::new();
    let control = Control { cancel: &job.cancel, progress };
    match backend.answer(&batch, &mut observations, &control) {
        // Nobody waits for it any more.
        Err(BackendError::Cancelled) => return Err(MissingSignal::NoAnswer.into()),
        answered => answered.map_err(|error| failed(&error))?,
    }
    let row = observations.pop().and_then(|observation| observation.generations.into_iter().next());
    row.ok_or_else(|| NoConfidence::from(MissingSignal::NoText))
}

/// A row as a server would have replied.
pub fn completion(id: &str, name: &str, row: &GenerationRow) -> Value {
    let finish = row.finish_reason.map_or("stop", Finish::name);
    let token = |token: &plimsoll_core::records::TokenRow| json!({"token": token.text, "logprob": token.logprob, "bytes": token.text.as_bytes(), "top_logprobs": []});
    let tokens = row.tokens.iter().flatten().filter(|token| token.is_answer());
    let (prompt, generated) = (row.prompt_tokens, row.completion_tokens);
    let usage = match (prompt, generated) {
        (Some(prompt), Some(generated)) => {
            json!({"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated})
        }
        _ => Value::Null,
    };
    json!({
        "id": id, "object": "chat.completion", "created": unix_seconds(), "model": name,
        "choices": [{
            "index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": row.text},
            "logprobs": {"content": tokens.map(token).collect::<Vec<_>>()},
        }],
        "usage": usage,
    })
}

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use plimsoll_backend::BackendError;
    use plimsoll_backend::conformance::{SCRIPTED_LOGPROB, SCRIPTED_PROMPT_TOKENS, Scripted};
    use plimsoll_core::MissingSignal;
    use plimsoll_core::prompt::Role;

    use super::*;

    /// Answers with what was asked; waits for ever where that is "wait", and panics where it is "panic".
    fn model(total: Duration) -> (InProcess, Arc<AtomicUsize>) {
        let cancelled = Arc::<AtomicUsize>::default();
        let count = cancelled.clone();
        let backend = Scripted::new("echo", move |request, _, control| {
            let text = request.prompt.messages[0].text.clone();
            assert!(text != "panic");
            if text == "wait" && control.cancel.sleep(Duration::from_secs(100)) {
                count.fetch_add(1, Ordering::SeqCst);
                return Err(BackendError::Cancelled);
            }
            Ok(text)
        });
        (InProcess::start(Box::new(backend), 1, total, None).unwrap(), cancelled)
    }

    async fn ask(model: &InProcess, text: &str) -> Result<GenerationRow, NoConfidence> {
        let messages = [Message { role: Role::User, text: text.to_owned() }];
        let signals = SignalRequest::answer().with_logprobs();
        let decoding = Decoding::new(0.0, 1.0, 8).unwrap();
        model.answer(Asked { id: "dec-1", messages: &messages, signals: &signals, decoding }).await
    }

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
            .block_on(test);
    }

    #[test]
    fn a_model_answers_as_a_server_would() {
        run(async {
            let (model, _) = model(Duration::from_secs(10));
            let row = ask(&model, "2 + 2").await.unwrap();
            let reply = completion("dec-1", model.name(), &row);
            assert_eq!(reply["choices"][0]["message"]["content"], "2 + 2");
            assert_eq!(reply["choices"][0]["logprobs"]["content"][0]["logprob"], SCRIPTED_LOGPROB);
            assert_eq!(reply["usage"]["total_tokens"], SCRIPTED_PROMPT_TOKENS + 1);
            assert_eq!(
                (&reply["model"], &reply["choices"][0]["finish_reason"]),
                (&json!("echo"), &json!("stop"))
            );
        });
    }

    #[test]
    fn who_leaves_or_waits_too_long_cancels_what_is_computed() {
        run(async {
            let (model, cancelled) = model(Duration::from_millis(50));
            assert_eq!(ask(&model, "wait").await.unwrap_err(), MissingSignal::TimedOut.into());
            let (patient, also_cancelled) = self::model(Duration::from_secs(100));
            let left = timeout(Duration::from_millis(50), ask(&patient, "wait")).await;
            assert!(left.is_err());
            // Both threads are free again.
            assert!(ask(&model, "next").await.is_ok() && ask(&patient, "next").await.is_ok());
            assert_eq!((cancelled.load(Ordering::SeqCst), also_cancelled.load(Ordering::SeqCst)), (1, 1));
        });
    }

    #[test]
    fn a_full_queue_is_busy_and_a_lost_thread_is_a_failure() {
        run(async {
            let (model, _) = model(Duration::from_secs(1));
            let (first, second, third) = tokio::join!(ask(&model, "wait"), ask(&model, "wait"), async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                (ask(&model, "wait").await, ask(&model, "wait").await)
            });
            let busy = [first.unwrap_err(), second.unwrap_err(), third.0.unwrap_err(), third.1.unwrap_err()];
            assert!(busy.contains(&NoConfidence::Busy), "{busy:?}");
            let (broken, _) = self::model(Duration::from_secs(10));
            for _ in 0..2 {
                assert_eq!(ask(&broken, "panic").await.unwrap_err(), MissingSignal::ServerFailed.into());
            }
        });
    }
}
