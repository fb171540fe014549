//! Rendering within limits.
//!
//! Templates come with models and are untrusted input. Three limits hold, in this order:
//!
//! 1. *Fuel* ([`FUEL`]): minijinja counts instructions, items visited and bytes made, so that a loop
//!    without end, or data that doubles, ends in an error. It is the same error on any machine, and
//!    bounds the memory to about 64 bytes a unit.
//! 2. *Length of the text* ([`MAX_TEXT`]), and of the template itself.
//! 3. *Wall time* ([`MAX_TIME`]), a last resort for what fuel does not count: minijinja compares two
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
use super::limits::{FUEL, MAX_TEXT, MAX_TIME};

/// Address space, of which only what is used is taken.
const STACK_BYTES: usize = 256 << 20;

/// A compiled template, and whether a rendering of it was given up.
#[derive(Debug)]
pub(super) struct CompiledTemplate {
    environment: Environment<'static>,
    /// The names that it reads and does not set before, functions left out.
    pub(super) reads: BTreeSet<String>,
    given_up: AtomicBool,
}

/// Compiles a source.
pub(super) fn compile(source: String) -> Result<Arc<CompiledTemplate>, ChatError> {
    let (environment, reads) = within(MAX_TIME, move || {
        let environment = environment(source)?;
        let reads = reads(&environment)?;
        Ok((environment, reads))
    })?;
    Ok(Arc::new(CompiledTemplate { environment, reads, given_up: AtomicBool::new(false) }))
}

fn reads(environment: &Environment<'_>) -> Result<BTreeSet<String>, ChatError> {
    let functions: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let template = environment.get_template(NAME).map_err(|source| ChatError::Syntax { source })?;
    let names = template.undeclared_variables(false).into_iter();
    Ok(names.filter(|name| !functions.contains(name.as_str())).collect())
}

impl CompiledTemplate {
    /// Runs `work` within the time limit. After work that took longer nothing runs any more, so that at most one thread
    /// is left behind.
    fn limited<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> Result<T, ChatError> + Send + 'static,
    ) -> Result<T, ChatError> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(ChatError::TooSlow { seconds: limit.as_secs() });
        }
        let result = within(limit, work);
        if matches!(result, Err(ChatError::TooSlow { .. })) {
            self.given_up.store(true, Ordering::Relaxed);
        }
        result
    }
}

/// Renders within the time limit.
pub(super) fn render(
    program: &Arc<CompiledTemplate>,
    context: Value,
    limit: Duration,
) -> Result<String, ChatError> {
    let of_thread = Arc::clone(program);
    program.limited(limit, move || rendered(&of_thread.environment, &context))
}

/// Runs `work` on a thread with a large stack, within the time limit.
fn within<T: Send + 'static>(
    limit: Duration,
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
    match receiver.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(ChatError::TooSlow { seconds: limit.as_secs() }),
        Err(RecvTimeoutError::Disconnected) => Err(ChatError::Thread { what: "died" }),
    }
}

fn rendered(environment: &Environment<'_>, context: &Value) -> Result<String, ChatError> {
    let template = environment.get_template(NAME).map_err(|source| ChatError::Syntax { source })?;
    let mut text = Bounded { bytes: Vec::new(), full: false };
    let result = template.render_captured_to(context.clone(), &mut text).map(drop);
    if text.full {
        return Err(ChatError::TooMuchText { max: MAX_TEXT });
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
    use super::*;

    /// Lists that hold the list before them twice: 2^20 comparisons, more than a fuel of 500,000 pays for.
    const LEVELS: usize = 20;

    #[test]
    fn comparisons_cost_no_fuel_and_so_need_the_time_limit() {
        let doubled = |name: &str| {
            let step = |level: usize| format!("{{% set {name} = [{name}, {name}] %}}{{# {level} #}}");
            format!("{{% set {name} = [1] %}}") + &(0..LEVELS).map(step).collect::<Vec<_>>().concat()
        };
        let program = compile(doubled("x") + &doubled("y") + "{{ x == y }}").unwrap();
        assert_eq!(render(&program, Value::from(()), MAX_TIME).unwrap().to_lowercase(), "true");
    }

    #[test]
    fn what_takes_too_long_is_given_up_once_and_nothing_runs_after_it() {
        let program = compile("done".to_owned()).unwrap();
        assert_eq!(render(&program, Value::from(()), MAX_TIME).unwrap(), "done");
        // Work that ends when this test does, and not before.
        let (release, blocked) = mpsc::channel::<()>();
        let slow = program.limited(Duration::ZERO, move || {
            let _ = blocked.recv();
            Ok(())
        });
        assert!(matches!(slow, Err(ChatError::TooSlow { .. })), "{slow:?}");
        let ran = Arc::new(AtomicBool::new(false));
        let started = Arc::clone(&ran);
        let again = program.limited(MAX_TIME, move || {
            started.store(true, Ordering::Relaxed);
            Ok(())
        });
        assert!(matches!(again, Err(ChatError::TooSlow { .. })), "{again:?}");
        let rendering = render(&program, Value::from(()), MAX_TIME);
        assert!(matches!(rendering, Err(ChatError::TooSlow { .. })), "{rendering:?}");
        assert!(!ran.load(Ordering::Relaxed), "it is not tried again");
        drop(release);
    }
}
