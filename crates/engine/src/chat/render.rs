//! Rendering within limits.
//!
//! Templates come with models, so they are programs of strangers. Three limits hold, in this order:
//!
//! 1. *Fuel* ([`FUEL`]): minijinja counts instructions, items visited and bytes made, so that a loop
//!    without end, or data that doubles, ends in an error. It is the same error on any machine, and
//!    bounds the memory to about 64 bytes a unit.
//! 2. *Length of the text* ([`MAX_TEXT`]), and of the template itself.
//! 3. *Wall time* ([`MAX_SECONDS`]), a last resort for what fuel does not count: minijinja compares two
//!    values in full, however often they hold the same ones. The thread is left behind with what it has,
//!    which does not grow, and the template is not rendered again, so it is one thread at most.
//!
//! Rendering runs on a thread with a stack of its own, since the nesting a template may build within its
//! fuel must not overflow the stack of a caller.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use minijinja::{Environment, Error, ErrorKind, Value};

use super::environment::{NAME, Raised, environment};
use super::error::ChatError;

/// Units of work of one rendering. A long chat with tools takes some thousands.
pub const FUEL: u64 = 500_000;
/// Bytes of the longest text.
pub const MAX_TEXT: usize = 16 << 20;
/// Bytes of the longest template. The longest known ones have some tens of thousands.
pub const MAX_SOURCE: usize = 1 << 20;
/// Seconds until a rendering is given up. Fuel ends after one at the latest, on any machine known.
pub const MAX_SECONDS: u64 = 10;
/// The same as a duration.
pub(super) const MAX_TIME: Duration = Duration::from_secs(MAX_SECONDS);
/// Calls of macros, and blocks, inside one another, in minijinja's measure.
pub(super) const RECURSION: usize = 400;

/// Address space, of which only what is used is taken.
const STACK_BYTES: usize = 256 << 20;

/// A compiled template, and whether a rendering of it was given up.
#[derive(Debug)]
pub(super) struct Program {
    environment: Environment<'static>,
    /// The names that it reads and does not set before, functions left out.
    pub(super) reads: BTreeSet<String>,
    given_up: AtomicBool,
}

/// Compiles a source.
pub(super) fn compile(source: String) -> Result<Arc<Program>, ChatError> {
    let (environment, reads) = within(MAX_TIME, move || {
        let environment = environment(source)?;
        let reads = reads(&environment);
        Ok((environment, reads))
    })?;
    Ok(Arc::new(Program { environment, reads, given_up: AtomicBool::new(false) }))
}

fn reads(environment: &Environment<'_>) -> BTreeSet<String> {
    let functions: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let template = environment.get_template(NAME).ok();
    let names = template.map(|template| template.undeclared_variables(false)).unwrap_or_default();
    names.into_iter().filter(|name| !functions.contains(name.as_str())).collect()
}

/// Renders, for at most `most`.
pub(super) fn render(program: &Arc<Program>, context: Value, most: Duration) -> Result<String, ChatError> {
    if program.given_up.load(Ordering::Relaxed) {
        return Err(ChatError::TooSlow { seconds: most.as_secs() });
    }
    let of_thread = Arc::clone(program);
    let result = within(most, move || rendered(&of_thread.environment, &context));
    if matches!(result, Err(ChatError::TooSlow { .. })) {
        program.given_up.store(true, Ordering::Relaxed);
    }
    result
}

/// Runs `work` on a large stack, for at most so long.
fn within<T: Send + 'static>(
    most: Duration,
    work: impl FnOnce() -> Result<T, ChatError> + Send + 'static,
) -> Result<T, ChatError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("chat template".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            // Nobody listens any more after the limit.
            let _ = sender.send(work());
        })
        .map_err(|_| ChatError::Thread { what: "could not be started" })?;
    match receiver.recv_timeout(most) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(ChatError::TooSlow { seconds: most.as_secs() }),
        Err(RecvTimeoutError::Disconnected) => Err(ChatError::Thread { what: "died" }),
    }
}

fn rendered(environment: &Environment<'_>, context: &Value) -> Result<String, ChatError> {
    let template = environment.get_template(NAME).map_err(|source| ChatError::Syntax { source })?;
    let mut text = Bounded { bytes: Vec::new(), full: false };
    let result = template.render_captured_to(context.clone(), &mut text).map(drop);
    if text.full {
        return Err(ChatError::TooMuchText { most: MAX_TEXT });
    }
    result.map_err(error)?;
    // A template writes nothing but strings.
    String::from_utf8(text.bytes).map_err(|_| ChatError::Thread { what: "wrote bytes that are no text" })
}

/// What minijinja's error means.
fn error(error: Error) -> ChatError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = cause {
        if let Some(Raised(message)) = current.downcast_ref() {
            return ChatError::Raised { message: message.clone() };
        }
        if current.downcast_ref::<Error>().is_some_and(|error| error.kind() == ErrorKind::OutOfFuel) {
            return ChatError::TooMuchWork { fuel: FUEL };
        }
        cause = current.source();
    }
    ChatError::Render { source: error }
}

/// A text that refuses to grow beyond [`MAX_TEXT`].
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_TEXT {
            self.full = true;
            return Err(io::Error::other("the text is full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Much longer than an honest rendering, much shorter than the comparison below.
    const PATIENCE: Duration = Duration::from_millis(300);
    /// Lists that hold the list before them twice: 2^26 comparisons.
    const LEVELS: usize = 26;

    #[test]
    fn what_fuel_does_not_count_is_given_up_once() {
        let doubled = |name: &str| {
            let step = |level: usize| format!("{{% set {name} = [{name}, {name}] %}}{{# {level} #}}");
            format!("{{% set {name} = [1] %}}") + &(0..LEVELS).map(step).collect::<Vec<_>>().concat()
        };
        let built = doubled("x") + &doubled("y");
        let honest = compile(built.clone() + "done").unwrap();
        assert_eq!(render(&honest, Value::from(()), PATIENCE).unwrap(), "done");
        let program = compile(built + "{{ x == y }}").unwrap();
        let slow = render(&program, Value::from(()), PATIENCE);
        assert!(matches!(slow, Err(ChatError::TooSlow { .. })), "{slow:?}");
        let start = Instant::now();
        let again = render(&program, Value::from(()), MAX_TIME);
        assert!(matches!(again, Err(ChatError::TooSlow { .. })), "{again:?}");
        assert!(start.elapsed() < PATIENCE, "it is not tried again");
    }
}
