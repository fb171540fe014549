//! Failed requests, and what they mean for the row and for the run.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use plimsoll_core::MissingSignal;
use plimsoll_files::FileError;
use plimsoll_http::Retry;

use super::field::RefusedField;
use super::served::Served;

/// A request that got no answer. Messages of servers are shortened, without the key and without control
/// characters.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChatRequestError {
    /// No connection, or one that broke before the reply began.
    #[error("cannot reach {host}: check `base_url`, the network and the proxy")]
    Unreachable {
        /// Scheme, host and port.
        host: String,
        /// What the system says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The connection ended before the reply did.
    #[error("{host} closed the connection within its reply")]
    Cut {
        /// Scheme, host and port.
        host: String,
    },
    /// No whole reply in time.
    #[error("{host} did not reply within {} s", within.as_secs_f64())]
    Timeout {
        /// Scheme, host and port.
        host: String,
        /// How long it had.
        within: Duration,
    },
    /// TLS failed.
    #[error(
        "cannot make a secure connection to {host}; if a proxy of your network opens connections, set SSL_CERT_FILE to its certificates"
    )]
    Tls {
        /// Scheme, host and port.
        host: String,
        /// What is wrong.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No root certificates found.
    #[error(
        "no root certificates found to verify {host}: install the package ca-certificates, or set SSL_CERT_FILE"
    )]
    NoCertificates {
        /// Scheme, host and port.
        host: String,
    },
    /// Too many requests, 429.
    #[error("{host} lets through no more requests (429): {message}")]
    RateLimited {
        /// Scheme, host and port.
        host: String,
        /// How long the server says to wait.
        wait: Option<Duration>,
        /// What the server says.
        message: String,
    },
    /// The account is empty, 429 or 402.
    #[error("{host} says that the account has no means left: {message}")]
    QuotaSpent {
        /// Scheme, host and port.
        host: String,
        /// What the server says.
        message: String,
    },
    /// The server failed: 408, 409, 425 or 5xx, or an error where an answer should be.
    #[error("{host} failed (status {status}): {message}")]
    Server {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status; 200 with an error in the body is an error.
        status: u16,
        /// How long the server says to wait.
        wait: Option<Duration>,
        /// What the server says.
        message: String,
    },
    /// 401 or 403.
    #[error("{host} refuses access (status {status}): {message}; check the key that `api_key_env` names")]
    Denied {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// 404 or 405.
    #[error("{host} has no such model or address (status {status}): {message}; check `base_url` and `model`")]
    NotFound {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// What the server says.
        message: String,
    },
    /// The server refuses this very request.
    #[error("{host} refuses the request (status {status}): {message}")]
    Refused {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The reason of the row.
        reason: MissingSignal,
        /// What the server says.
        message: String,
    },
    /// The server refuses an optional field of the request.
    #[error("{host} refuses a field of the request (status {status}): {message}")]
    FieldRefused {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The field.
        field: RefusedField,
        /// What the server says.
        message: String,
    },
    /// A redirect, which is not followed: the key is for this host.
    #[error(
        "{host} redirects (status {status}), which is not followed; set `base_url` to where the server is"
    )]
    Redirected {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// More than a reply can be.
    #[error("{host} replies with more than {max} bytes")]
    TooLarge {
        /// Scheme, host and port.
        host: String,
        /// The limit.
        max: u64,
    },
    /// A reply that is no chat completion.
    #[error("{host} replies what is no chat completion: {problem}")]
    Malformed {
        /// Scheme, host and port.
        host: String,
        /// What is wrong.
        problem: &'static str,
    },
}

/// What a failed request means once no more attempts are made.
pub(super) enum Meaning {
    /// The row has this reason.
    Row(MissingSignal),
    /// The run stops.
    Run,
}

impl ChatRequestError {
    /// Whether the same request may succeed later.
    pub fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { wait, .. } | Self::Server { wait, .. } => Retry::After(*wait),
            Self::Unreachable { .. }
            | Self::Cut { .. }
            | Self::Timeout { .. }
            | Self::TooLarge { .. }
            | Self::Malformed { .. } => Retry::After(None),
            _ => Retry::Never,
        }
    }

    /// Whether the server may have generated, and charged, all the same.
    pub(super) fn may_have_cost(&self) -> bool {
        matches!(
            self,
            Self::Cut { .. } | Self::Timeout { .. } | Self::TooLarge { .. } | Self::Malformed { .. }
        )
    }

    pub(super) fn meaning(&self) -> Meaning {
        match self {
            Self::Refused { reason, .. } => Meaning::Row(*reason),
            // Less was sent before, and nothing is left to leave out.
            Self::FieldRefused { .. } => Meaning::Row(MissingSignal::RequestRefused),
            Self::Server { .. } | Self::Cut { .. } => Meaning::Row(MissingSignal::ServerFailed),
            Self::Timeout { .. } => Meaning::Row(MissingSignal::TimedOut),
            Self::Malformed { .. } | Self::TooLarge { .. } => Meaning::Row(MissingSignal::MalformedReply),
            _ => Meaning::Run,
        }
    }
}

/// Why an OpenAI-compatible server cannot be used any longer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenAiError {
    /// A request failed in a way that every other would.
    #[error("question `{question_id}` was not answered")]
    Request {
        /// The question of the request.
        question_id: String,
        /// What the server did.
        #[source]
        source: ChatRequestError,
    },
    /// Questions in a row failed, with none answered in between.
    #[error("{questions} questions failed one after the other, the last of them `{question_id}`")]
    FailingThroughout {
        /// How many.
        questions: u32,
        /// The last question.
        question_id: String,
        /// What the server did.
        #[source]
        source: ChatRequestError,
    },
    /// The next request could cost more than is left.
    #[error(
        "the budget of {budget_usd} USD is spent: {spent_usd:.4} USD were, and the next request may cost {next_usd:.4}; raise `limits.budget_usd` to go on"
    )]
    BudgetSpent {
        /// The budget.
        budget_usd: f64,
        /// What was spent, lost replies counted at their upper bound.
        spent_usd: f64,
        /// Maximum cost of the next request.
        next_usd: f64,
    },
    /// A budget cannot be enforced without token counts.
    #[error(
        "the server does not report how many tokens it used, so that `limits.budget_usd` cannot be enforced"
    )]
    UsageUnknown,
    /// The served model changed within the run.
    #[error(
        "the server changed the model within the run: it was {before} and is {after} at question `{question_id}`; rows of both must not be mixed, start again in a new folder{}", if *by_fingerprint { ", or leave out `same_fingerprint`: hosted models alternate between fingerprints" } else { "" }
    )]
    ServedChanged {
        /// What it was.
        before: Served,
        /// What it is.
        after: Served,
        /// The question at which that was seen.
        question_id: String,
        /// Whether the names are the same and only the fingerprints differ.
        by_fingerprint: bool,
    },
    /// A file of the cache is not what this program wrote.
    #[error("`{}` is damaged: {problem}; delete it to send the request again", path.display())]
    CacheDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: &'static str,
    },
    /// The cache cannot be read.
    #[error("cannot read `{}`", path.display())]
    CacheUnreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The cache cannot be written.
    #[error("a reply cannot be cached")]
    CacheWrite(#[source] FileError),
    /// The system gives no thread.
    #[error("no thread could be started")]
    Thread(#[source] std::io::Error),
    /// A thread ended before its work.
    #[error("a thread ended before its work was done")]
    ThreadLost,
}
