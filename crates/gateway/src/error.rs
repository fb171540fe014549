//! Why a gateway cannot start, or cannot take a new file.

use std::fmt;

use plimsoll_files::FileError;
use plimsoll_remote::openai::SpecProblem;

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// Settings that are missing, out of range, or contradict each other: all of them.
    #[error("the settings cannot be used: {}", list(.0))]
    Config(Vec<ConfigProblem>),
    /// The thresholds file is not valid, is of another model, or lacks the operating point.
    #[error("the thresholds file cannot be used")]
    Thresholds(#[source] plimsoll_router::Error),
    /// The decoding that a file records cannot be read.
    #[error("the thresholds file records a decoding that this program does not know")]
    Decoding(#[source] serde_json::Error),
    /// A method that needs more than one reply.
    #[error("a gateway cannot compute the method `{method}`: {problem}")]
    Method {
        /// The method's id.
        method: String,
        /// Why not.
        problem: &'static str,
    },
    /// The identity of the SLM was not verified, and nobody said that this is all right.
    #[error(
        "nothing verifies that the SLM is the one of the thresholds file in: {}. Compare them by hand, then say \
         `accept_unverified: true` (--accept-unverified)", fields.join(", ")
    )]
    Unverified {
        /// The fields.
        fields: Vec<&'static str>,
    },
    /// A state file is none.
    #[error("the state in `{file}` cannot be used; move it away to start anew")]
    State {
        /// The file.
        file: String,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file or folder.
    #[error(transparent)]
    File(#[from] FileError),
    /// An address that cannot be listened on, a thread that cannot be started, certificates that cannot be read.
    #[error("cannot {action}")]
    System {
        /// The operation, as it reads after "cannot".
        action: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

/// What is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct ConfigProblem {
    /// The key, with dots.
    pub key: String,
    /// What is wrong, without a value that may be secret.
    pub problem: String,
}

impl ConfigProblem {
    /// A problem of a key.
    pub fn new(key: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self { key: key.into(), problem: format!("{problem}") }
    }

    /// A problem that the reader of servers found, below `parent`.
    pub(crate) fn below(parent: &str, problem: &SpecProblem) -> Self {
        Self::new(format!("{parent}.{}", problem.key), &problem.problem)
    }
}

impl GatewayError {
    /// One bad setting.
    pub(crate) fn config(key: &str, problem: impl fmt::Display) -> Self {
        Self::Config(vec![ConfigProblem::new(key, problem)])
    }

    /// For `map_err`: the system refused `action`.
    pub(crate) fn system(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::System { action, source }
    }
}

fn list(problems: &[ConfigProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
