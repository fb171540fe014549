//! What goes to the terminal: results to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::arguments::Global;
use crate::failure::{Failure, Kind, OrFail as _};

/// The terminal.
#[derive(Debug)]
pub(crate) struct Console {
    json: bool,
    quiet: bool,
    progress: bool,
}

impl Console {
    /// As the command line wants it.
    pub(crate) fn new(global: &Global) -> Self {
        let progress = !global.quiet && io::stderr().is_terminal();
        Self { json: global.json, quiet: global.quiet, progress }
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

    /// Says something that is no error, to stderr.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            Self::to_stderr(format_args!("note: {}", harmless(&text.to_string())));
        }
    }

    /// Says what failed, to stderr; also when quiet.
    #[expect(clippy::unused_self, reason = "everything that is said goes through the console")]
    pub(crate) fn failure(&self, failure: &Failure) {
        Self::to_stderr(format_args!("error: {}", harmless(&failure.to_string())));
    }

    fn to_stderr(text: impl Display) {
        // Nobody is left to be told if stderr is closed.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Text for people; nothing if JSON is wanted.
    pub(crate) fn text(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        if self.json { Ok(()) } else { Self::to_stdout(text.as_ref().as_bytes()).map(|_| ()) }
    }

    /// A part of a text that grows on a terminal, which is told nothing by it.
    pub(crate) fn grow(text: &str) -> Result<(), Failure> {
        Self::to_stdout(harmless(text).as_bytes()).map(|_| ())
    }

    /// The one JSON document; nothing if text is wanted.
    pub(crate) fn document(&self, document: &impl Serialize) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        let mut bytes = serde_json::to_vec(document).or_fail(Kind::Stage)?;
        bytes.push(b'\n');
        Self::to_stdout(&bytes).map(|_| ())
    }

    /// Bytes as they are, at once; false if nobody listens any more.
    pub(crate) fn to_stdout(bytes: &[u8]) -> Result<bool, Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(true),
            // `plimsoll ... | head` is not a mistake.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error)
                .or_fail(Kind::Stage)
                .map_err(|failure| failure.during("cannot write to standard output")),
        }
    }
}

/// A text in which the control characters of strangers' files and models command no terminal: they are shown.
pub(crate) fn harmless(text: &str) -> String {
    let shown = |character: char| -> String {
        let is_plain = !character.is_control() || matches!(character, '\n' | '\t');
        if is_plain { character.to_string() } else { character.escape_debug().to_string() }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(harmless("a\u{1b}[31m\rb\u{9b}\n\té"), "a\\u{1b}[31m\\rb\\u{9b}\n\té");
    }
}
