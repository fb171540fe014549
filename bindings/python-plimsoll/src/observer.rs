//! Notes and progress of a command that a call runs.

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
    /// Pieces of work that are going on, in the order in which they began: one may be a part of another.
    tasks: Mutex<Vec<Arc<TaskState>>>,
    /// The last one that is shown, also when none is going on.
    shown: Mutex<State>,
}

/// How far one piece of work is.
#[derive(Debug)]
struct TaskState {
    task: String,
    total: Option<u64>,
    done: AtomicU64,
    message: Mutex<String>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// How far the work is that began last, and so is a part of what began before.
    pub(crate) fn state(&self) -> State {
        let last = locked(&self.tasks).last().cloned();
        let mut shown = locked(&self.shown);
        if let Some(task) = last {
            *shown = State {
                task: task.task.clone(),
                done: task.done.load(Ordering::Relaxed),
                total: task.total,
                message: locked(&task.message).clone(),
            };
        }
        shown.clone()
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
        let message = Mutex::new(message.to_owned());
        let state = Arc::new(TaskState { task: task.to_owned(), total, done: AtomicU64::new(0), message });
        locked(&self.0.tasks).push(Arc::clone(&state));
        Task { shared: Arc::clone(&self.0), state }
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
        *locked(&self.0.shown) = State { task: report.stage.name().to_owned(), ..State::default() };
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

/// One piece of work, until it is dropped.
#[derive(Debug)]
struct Task {
    shared: Arc<Shared>,
    state: Arc<TaskState>,
}

impl Task {
    fn add(&self, steps: u64) {
        self.state.done.fetch_add(steps, Ordering::Relaxed);
    }

    fn show(&self, text: &str) {
        text.clone_into(&mut locked(&self.state.message));
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        locked(&self.shared.tasks).retain(|task| !Arc::ptr_eq(task, &self.state));
    }
}

impl Progress for Task {
    fn step(&self) {
        self.add(1);
        self.shared.end_if_cancelled();
    }

    fn rows(&self, total: u64) {
        self.state.done.store(total, Ordering::Relaxed);
        self.shared.end_if_cancelled();
    }

    fn message(&self, text: &str) {
        self.show(text);
        self.shared.end_if_cancelled();
    }
}

// A run that asks models ends in good order by its own token.
impl RequestProgress for Task {
    fn cached(&self, requests: u64) {
        self.add(requests);
    }

    fn dataset(&self, dataset: &str) {
        self.show(dataset);
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
