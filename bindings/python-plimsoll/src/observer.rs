//! What a call hears of its command: notes, and how far it is.

use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plimsoll_backend::{BackendEvent, BackendObserver, Cancel};
use plimsoll_core::ModelId;
use plimsoll_pipeline::observer::{Observer, Progress, RequestProgress};
use plimsoll_pipeline::stage::{Stage, StageReport};
use plimsoll_pipeline::{Failure, FailureKind};

/// How far a command is.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) task: String,
    pub(crate) done: u64,
    /// `None` where it is not known before.
    pub(crate) total: Option<u64>,
    pub(crate) message: String,
}

/// What the caller's thread and the command's share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) cancel: Cancel,
    notes: Mutex<Vec<String>>,
    state: Mutex<State>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn state(&self) -> State {
        locked(&self.state).clone()
    }

    pub(crate) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.notes))
    }

    /// Ends the command where it is, if that is wanted: whatever it holds is dropped, and no file is left half-written.
    /// It is no panic, and nothing is printed.
    fn end_if_cancelled(&self) {
        if self.cancel.is_cancelled() {
            panic::resume_unwind(Box::new("cancelled"));
        }
    }
}

/// Receives notes and progress of one command.
#[derive(Debug)]
pub(crate) struct CallObserver(pub(crate) Arc<Shared>);

impl CallObserver {
    fn begin(&self, task: &str, total: Option<u64>, message: &str) -> Task {
        let state = State { task: task.to_owned(), done: 0, total, message: message.to_owned() };
        *locked(&self.0.state) = state;
        Task { shared: Arc::clone(&self.0), done: AtomicU64::new(0) }
    }
}

impl Observer for CallObserver {
    fn note(&self, text: &str) {
        locked(&self.0.notes).push(text.to_owned());
    }

    fn stage(&self, report: &StageReport) -> Result<(), Failure> {
        if self.0.cancel.is_cancelled() {
            return Err(Failure::new(FailureKind::Stage, "cancelled"));
        }
        self.begin(report.stage.name(), None, "");
        Ok(())
    }

    fn steps(&self, stage: Stage, steps: u64) -> Box<dyn Progress> {
        Box::new(self.begin(stage.name(), Some(steps), ""))
    }

    fn rows(&self, task: &'static str) -> Box<dyn Progress> {
        Box::new(self.begin(task, None, "rows"))
    }

    fn requests(&self, model: &ModelId, total: u64) -> Arc<dyn RequestProgress> {
        Arc::new(self.begin(Stage::Infer.name(), Some(total), model.as_str()))
    }
}

/// One piece of work.
#[derive(Debug)]
struct Task {
    shared: Arc<Shared>,
    done: AtomicU64,
}

impl Task {
    fn add(&self, steps: u64) {
        let done = self.done.fetch_add(steps, Ordering::Relaxed) + steps;
        locked(&self.shared.state).done = done;
    }
}

impl Progress for Task {
    fn step(&self) {
        self.add(1);
        self.shared.end_if_cancelled();
    }

    fn rows(&self, total: u64) {
        locked(&self.shared.state).done = total;
        self.shared.end_if_cancelled();
    }

    fn message(&self, text: &str) {
        text.clone_into(&mut locked(&self.shared.state).message);
        self.shared.end_if_cancelled();
    }
}

// A run that asks models ends in good order by its own token.
impl RequestProgress for Task {
    fn cached(&self, requests: u64) {
        self.add(requests);
    }

    fn dataset(&self, dataset: &str) {
        dataset.clone_into(&mut locked(&self.shared.state).message);
    }
}

impl BackendObserver for Task {
    fn event(&self, event: &BackendEvent<'_>) {
        match event {
            BackendEvent::RequestAnswered => self.add(1),
            BackendEvent::Notice { text } => locked(&self.shared.notes).push((*text).to_owned()),
            _ => {}
        }
    }
}
