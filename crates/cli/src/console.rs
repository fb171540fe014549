//! What goes to the terminal: results to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use plimsoll_backend::Cancel;
use plimsoll_pipeline::score_files::{InMemoryScores, ScoreFiles};
use plimsoll_pipeline::{Failure, FailureKind, Observer, OrFail as _};
use serde::Serialize;

use crate::call::Call;

/// The terminal, or what a call has instead.
#[derive(Debug)]
pub(crate) struct Console {
    json: bool,
    quiet: bool,
    progress: bool,
    call: Option<CallState>,
}

/// What a call has instead of a terminal.
#[derive(Debug)]
struct CallState {
    scores: Mutex<Option<InMemoryScores>>,
    observer: Box<dyn Observer>,
    cancel: Cancel,
    document: Mutex<Option<Vec<u8>>>,
}

impl Console {
    /// `json`: stdout takes one JSON document. `quiet`: no notes and no progress.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let progress = !quiet && io::stderr().is_terminal();
        Self { json, quiet, progress, call: None }
    }

    /// Takes one JSON document, and passes notes and progress on.
    pub(crate) fn for_call(call: Call) -> Self {
        let Call { scores, observer, cancel } = call;
        let call = CallState { scores: Mutex::new(scores), observer, cancel, document: Mutex::default() };
        Self { json: true, quiet: false, progress: false, call: Some(call) }
    }

    /// The document that a call's command wrote.
    pub(crate) fn into_document(self) -> Option<String> {
        let document = self.call?.document.into_inner().unwrap_or_else(PoisonError::into_inner)?;
        String::from_utf8(document).ok()
    }

    /// What observes in a call.
    pub(crate) fn observer(&self) -> Option<&dyn Observer> {
        self.call.as_ref().map(|call| &*call.observer)
    }

    /// What cancels a call; in the program that is Ctrl-C.
    pub(crate) fn cancel(&self) -> Option<&Cancel> {
        self.call.as_ref().map(|call| &call.cancel)
    }

    /// The scores of a call, or the files that are named.
    pub(crate) fn scores(&self, patterns: &[String]) -> Result<ScoreFiles, Failure> {
        let given = |call: &CallState| call.scores.lock().unwrap_or_else(PoisonError::into_inner).take();
        match self.call.as_ref().and_then(given) {
            Some(scores) => Ok(ScoreFiles::in_memory(scores)),
            None => ScoreFiles::find(patterns),
        }
    }

    /// Whether stdout takes one JSON document instead of text.
    pub(crate) const fn json(&self) -> bool {
        self.json
    }

    /// Whether progress is shown.
    pub(crate) const fn progress(&self) -> bool {
        self.progress
    }

    /// Whether text for people goes to a terminal, where it may be shown bit by bit.
    pub(crate) fn streams(&self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// A note, which is no error, to stderr.
    pub(crate) fn note(&self, text: impl Display) {
        if let Some(observer) = self.observer() {
            observer.note(&text.to_string());
        } else if !self.quiet {
            Self::to_stderr(format_args!("note: {}", escaped(&text.to_string())));
        }
    }

    /// The failure, to stderr; also when quiet.
    #[expect(clippy::unused_self, reason = "all output goes through the console")]
    pub(crate) fn failure(&self, failure: &Failure) {
        Self::to_stderr(format_args!("error: {}", escaped(&failure.to_string())));
    }

    fn to_stderr(text: impl Display) {
        // There is nowhere to report that stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Text for people; nothing if JSON is wanted.
    pub(crate) fn text(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        if self.json { Ok(()) } else { Self::to_stdout(text.as_ref().as_bytes()).map(|_| ()) }
    }

    /// A chunk of a text that is streamed, with control characters escaped.
    pub(crate) fn stream(text: &str) -> Result<(), Failure> {
        Self::to_stdout(escaped(text).as_bytes()).map(|_| ())
    }

    /// The one JSON document; nothing if text is wanted.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        let mut bytes = serde_json::to_vec(document).or_fail(FailureKind::Stage)?;
        bytes.push(b'\n');
        if let Some(call) = &self.call {
            *call.document.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
            return Ok(());
        }
        Self::to_stdout(&bytes).map(|_| ())
    }

    /// Bytes as they are, at once; false if the reader has closed the pipe.
    pub(crate) fn to_stdout(bytes: &[u8]) -> Result<bool, Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(true),
            // `plimsoll ... | head` is not a mistake.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error)
                .or_fail(FailureKind::Stage)
                .map_err(|failure| failure.during("cannot write to standard output")),
        }
    }
}

/// Untrusted text for a terminal: control characters but line breaks and tabs are escaped.
pub(crate) fn escaped(text: &str) -> String {
    let shown = |character: char| -> String {
        let is_plain = !character.is_control() || matches!(character, '\n' | '\t');
        if is_plain { character.to_string() } else { character.escape_debug().to_string() }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escaped("a\u{1b}[31m\rb\u{9b}\n\té"), "a\\u{1b}[31m\\rb\\u{9b}\n\té");
    }
}
