//! A command of the program, run for Python: on a thread of its own, so that Ctrl-C is heard and progress is shown.

use std::ffi::OsString;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plimsoll_cli::{Call, CallResult};
use plimsoll_pipeline::score_files::InMemoryScores;
use plimsoll_pipeline::{Failure, FailureKind};
use pyo3::prelude::*;

use crate::arrow_stream;
use crate::failure::exception;
use crate::observer::{CallObserver, Shared};

/// How often Ctrl-C is looked for and progress shown.
const TICK: Duration = Duration::from_millis(100);

/// Runs a command. `scores` has `__arrow_c_stream__` and is read in place of `--scores`; `name` is what it is called.
/// `progress` is called with task, steps done, steps in all or `None`, and a message. Gives the JSON document and the
/// notes.
#[pyfunction]
#[pyo3(signature = (arguments, scores=None, name="data frame", progress=None))]
pub(crate) fn call(
    py: Python<'_>,
    arguments: Vec<OsString>,
    scores: Option<Bound<'_, PyAny>>,
    name: &str,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<(Option<String>, Vec<String>)> {
    let scores = scores.as_ref().map(arrow_stream::read).transpose()?;
    let scores = scores.map(|reader| InMemoryScores::new(name, Box::new(reader)));
    let shared = Arc::new(Shared::default());
    let call =
        Call { scores, observer: Box::new(CallObserver(Arc::clone(&shared))), cancel: shared.cancel.clone() };
    let (sender, receiver) = mpsc::channel();
    // Nobody waits for a command whose caller is gone.
    let worker = std::thread::spawn(move || drop(sender.send(plimsoll_cli::call(arguments, call))));
    let finished = wait(py, &Mutex::new(receiver), &shared, progress.as_ref());
    if finished.is_err() {
        // What the caller's thread raised ends the command; then nothing of it is left to run.
        shared.cancel.cancel();
    }
    // A panic of the command came back as its result.
    drop(py.detach(|| worker.join()));
    let CallResult { document, result } = finished?;
    match result {
        Ok(()) => Ok((document, shared.take_notes())),
        Err(failure) => Err(exception(py, &failure, document)),
    }
}

/// Waits for the command, hearing Ctrl-C and showing progress.
fn wait(
    py: Python<'_>,
    receiver: &Mutex<Receiver<CallResult>>,
    shared: &Shared,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<CallResult> {
    let gone = || CallResult {
        document: None,
        result: Err(Failure::new(FailureKind::Stage, "internal error: the command gave no result")),
    };
    loop {
        let heard = py.detach(|| {
            let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
            receiver.recv_timeout(TICK)
        });
        py.check_signals()?;
        if let Some(progress) = progress {
            let state = shared.state();
            progress.call1((state.task, state.done, state.total, state.message))?;
        }
        match heard {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(gone()),
        }
    }
}
