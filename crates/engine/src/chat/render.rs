//! Rendering within limits.
//!
//! Templates come with models, so they are programs of strangers. Three limits hold, in this order:
//!
//! 1. *Fuel* ([`FUEL`]): minijinja counts instructions, items visited and bytes made, so that a loop
//!    without end, or data that doubles, ends in an error. It is the same error on any machine, and
//!    bounds the memory to about 64 bytes a unit.
//! 2. *Length of the text* ([`MOST_TEXT`]), and of the template itself.
//! 3. *Wall time* ([`MOST_SECONDS`]), a last resort for what fuel does not count. The thread is left
//!    behind: it holds the memory it has until it ends.
//!
//! Rendering runs on a thread with a stack of its own, since the nesting a template may build within its
//! fuel must not overflow the stack of a caller.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use minijinja::{Environment, Error, ErrorKind, Value};

use super::environment::{NAME, Raised};
use super::error::ChatError;

/// Units of work of one rendering. A long chat with tools takes some thousands.
pub const FUEL: u64 = 2_000_000;
/// Bytes of the longest text.
pub const MOST_TEXT: usize = 16 << 20;
/// Bytes of the longest template. The longest known ones have some tens of thousands.
pub const MOST_SOURCE: usize = 1 << 20;
/// Seconds until a rendering is given up.
pub const MOST_SECONDS: u64 = 3;
/// Calls of macros, and blocks, inside one another, in minijinja's measure.
pub(super) const RECURSION: usize = 400;

/// Address space, of which only what is used is taken.
const STACK_BYTES: usize = 256 << 20;

/// Renders in a thread of its own.
pub(super) fn render(environment: &Arc<Environment<'static>>, context: Value) -> Result<String, ChatError> {
    let environment = Arc::clone(environment);
    with_limits(move || rendered(&environment, &context))
}

/// Runs `work` on a large stack, for at most [`MOST_SECONDS`].
pub(super) fn with_limits<T: Send + 'static>(
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
    match receiver.recv_timeout(Duration::from_secs(MOST_SECONDS)) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(ChatError::TooSlow { seconds: MOST_SECONDS }),
        Err(RecvTimeoutError::Disconnected) => Err(ChatError::Thread { what: "died" }),
    }
}

fn rendered(environment: &Environment<'_>, context: &Value) -> Result<String, ChatError> {
    let template = environment.get_template(NAME).map_err(|source| ChatError::Syntax { source })?;
    let mut text = Bounded { bytes: Vec::new(), full: false };
    let result = template.render_captured_to(context.clone(), &mut text).map(drop);
    if text.full {
        return Err(ChatError::TooMuchText { most: MOST_TEXT });
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

/// A text that refuses to grow beyond [`MOST_TEXT`].
struct Bounded {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MOST_TEXT {
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
