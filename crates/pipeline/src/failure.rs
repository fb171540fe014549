//! What goes wrong, and whose fault it is.

use std::error::Error;
use std::fmt;

type Cause = Box<dyn Error + Send + Sync + 'static>;

/// Whose fault it is. A program turns it into an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The pipeline file, or the arguments of a call.
    Usage,
    /// The data that is to be read.
    Input,
    /// The work itself: a write error, a server that is gone, an internal error.
    Stage,
    /// Nobody's, but a limit of the pipeline is broken. All outputs are written.
    Limit,
}

/// An error with its kind, and with what was being done when it happened.
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    /// What was being done, the innermost first.
    context: Vec<String>,
    cause: Cause,
}

impl Failure {
    /// A failure with a message and no other cause.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, context: Vec::new(), cause: message.into().into() }
    }

    /// An error of this kind.
    pub fn from_error(kind: FailureKind, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, context: Vec::new(), cause: error.into() }
    }

    /// The pipeline file or the arguments are at fault.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, message)
    }

    /// The data is at fault.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Input, message)
    }

    /// Whose fault it is.
    pub const fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The first error of this type among the causes.
    pub fn cause<E: Error + 'static>(&self) -> Option<&E> {
        self.causes().find_map(|cause| cause.downcast_ref())
    }

    /// The same failure, with what was being done put before it.
    #[must_use]
    pub fn during(mut self, what: impl fmt::Display) -> Self {
        self.context.push(what.to_string());
        self
    }

    fn causes(&self) -> impl Iterator<Item = &(dyn Error + 'static)> {
        let first: &(dyn Error + 'static) = self.cause.as_ref();
        std::iter::successors(Some(first), |cause| (*cause).source())
    }
}

/// The chain of causes; a cause that the text before it already holds is not repeated.
impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let context = self.context.iter().rev().cloned();
        let mut text = String::new();
        for part in context.chain(self.causes().map(ToString::to_string)) {
            if text.is_empty() {
                text = part;
            } else if !text.contains(part.as_str()) {
                text.push_str(": ");
                text.push_str(&part);
            }
        }
        formatter.write_str(&text)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.cause.as_ref())
    }
}

/// Gives an error its kind.
pub trait OrFail<T> {
    /// The error as a failure of this kind.
    ///
    /// # Errors
    /// The error, if there is one.
    fn or_fail(self, kind: FailureKind) -> Result<T, Failure>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> OrFail<T> for Result<T, E> {
    fn or_fail(self, kind: FailureKind) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_error(kind, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_named_once() {
        let cause = std::io::Error::other("disk full");
        let failure = Err::<(), _>(cause).or_fail(FailureKind::Stage).unwrap_err().during("cannot write `x`");
        assert_eq!(failure.to_string(), "cannot write `x`: disk full");
        assert!(failure.cause::<std::io::Error>().is_some());
        let again = failure.during("cannot write `x`: disk full (see above)");
        assert_eq!(again.to_string(), "cannot write `x`: disk full (see above)");
        assert_eq!(again.kind(), FailureKind::Stage);
    }
}
