//! What goes wrong, and the exit code that it becomes.

use std::fmt;

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command line or the plan.
    Usage,
    /// The data that is to be read.
    Input,
    /// The work itself: a write error, an internal error.
    Stage,
    /// Nobody's, but a limit of the plan is broken. All outputs are written.
    Limit,
}

impl Kind {
    /// The exit code.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Input => 3,
            Self::Stage => 4,
            Self::Limit => 5,
        }
    }
}

/// An error with its kind.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    error: anyhow::Error,
}

impl Failure {
    /// A failure that says this.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, error: anyhow::Error::msg(message.into()) }
    }

    /// An error of this kind.
    pub(crate) fn from_error(kind: Kind, error: impl Into<anyhow::Error>) -> Self {
        Self { kind, error: error.into() }
    }

    /// The command line or the plan is at fault.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// The data is at fault.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// Whose fault it is.
    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The error of this type among the causes.
    pub(crate) fn cause<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.error.chain().find_map(|cause| cause.downcast_ref())
    }

    /// The same failure, with what was being done put before it.
    #[must_use]
    pub(crate) fn during(self, what: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self { kind: self.kind, error: self.error.context(what) }
    }
}

/// The chain of causes; a cause that the text before it already holds is not said twice.
impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = String::new();
        for cause in self.error.chain() {
            let text = cause.to_string();
            if said.is_empty() {
                said = text;
            } else if !said.contains(text.as_str()) {
                said.push_str(": ");
                said.push_str(&text);
            }
        }
        formatter.write_str(&said)
    }
}

/// Gives an error its kind.
pub(crate) trait OrFail<T> {
    /// The error as a failure of this kind.
    fn or_fail(self, kind: Kind) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_fail(self, kind: Kind) -> Result<T, Failure> {
        self.map_err(|error| Failure::from_error(kind, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let cause = std::io::Error::other("disk full");
        let failure = Err::<(), _>(cause).or_fail(Kind::Stage).unwrap_err().during("cannot write `x`");
        assert_eq!(failure.to_string(), "cannot write `x`: disk full");
        let again = failure.during("cannot write `x`: disk full (see above)");
        assert_eq!(again.to_string(), "cannot write `x`: disk full (see above)");
        assert_eq!(again.kind().exit_code(), 4);
    }
}
