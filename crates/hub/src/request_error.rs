//! Failed requests to a hub.

use std::error::Error;
use std::time::Duration;

use plimsoll_http::Retry;

/// A failed request. Hosts are named, addresses are not, since those of downloads are signed. Nothing here holds a
/// token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubRequestError {
    /// No connection, or a broken one.
    #[error(
        "cannot reach {host}: check the network and the proxy, set HF_ENDPOINT to a mirror, or set HF_HUB_OFFLINE=1 to use what is cached"
    )]
    Unreachable {
        /// Scheme, host and port.
        host: String,
        /// What the system says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The connection ended before the file did.
    #[error(
        "{host} closed the connection after {received} of {expected} bytes; run again to go on from there"
    )]
    Cut {
        /// Scheme, host and port.
        host: String,
        /// How many bytes there are by now.
        received: u64,
        /// How many there should be.
        expected: u64,
    },
    /// No answer in time.
    #[error("{host} did not answer within {} s: run again to go on, or set HF_ENDPOINT to a mirror", within.as_secs_f64())]
    Timeout {
        /// Scheme, host and port.
        host: String,
        /// How long the program waited.
        within: Duration,
    },
    /// The transfer is below the minimum rate.
    #[error(
        "{host} sends less than 1 KiB a second: run again later to go on, or set HF_ENDPOINT to a mirror"
    )]
    TooSlow {
        /// Scheme, host and port.
        host: String,
    },
    /// TLS failed.
    #[error(
        "cannot make a secure connection to {host}; if a proxy of your network opens connections, set SSL_CERT_FILE to its certificates"
    )]
    Tls {
        /// Scheme, host and port.
        host: String,
        /// The cause.
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
    #[error("{host} lets through no more requests (429){}; a token in HF_TOKEN raises the limit", wait_text(*wait))]
    RateLimited {
        /// Scheme, host and port.
        host: String,
        /// How long the server says to wait.
        wait: Option<Duration>,
    },
    /// The server failed, also when retried.
    #[error("{host} failed with status {status}{}", wait_text(*wait))]
    Server {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// How long the server says to wait.
        wait: Option<Duration>,
    },
    /// A licence has to be accepted first.
    #[error("the repository is gated: accept the licence at {page} and set HF_TOKEN to a token of that account ({})", token_text(*token_sent))]
    Gated {
        /// Where to accept it.
        page: String,
        /// Whether a token was sent.
        token_sent: bool,
    },
    /// 401 or 403 without a reason.
    #[error("{host} refuses access (status {status}; {}): check HF_TOKEN, and if the repository is gated accept its licence at {page}", token_text(*token_sent))]
    Denied {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The page of the repository.
        page: String,
        /// Whether a token was sent.
        token_sent: bool,
    },
    /// The repository is not there, or not for everyone to see.
    #[error("there is no repository {page}, or it is private ({}): check owner and name, or set HF_TOKEN to a token that may read it", token_text(*token_sent))]
    RepositoryNotFound {
        /// The page of the repository.
        page: String,
        /// Whether a token was sent.
        token_sent: bool,
    },
    /// The repository is there, the revision is not.
    #[error("the repository has no revision `{revision}`: see the branches and tags at {page}")]
    RevisionNotFound {
        /// The branch, tag or commit.
        revision: String,
        /// The page of the repository.
        page: String,
    },
    /// The file is not there.
    #[error("the repository has no such file at this revision")]
    FileNotFound,
    /// A status that no hub gives.
    #[error("{host} answers with status {status}, which means nothing here: check HF_ENDPOINT")]
    Status {
        /// Scheme, host and port.
        host: String,
        /// The HTTP status.
        status: u16,
    },
    /// A page for people instead of a file.
    #[error(
        "{host} answers with a web page instead of {wanted}: a proxy or a login page may stand between, or HF_ENDPOINT is no hub"
    )]
    WebPage {
        /// Scheme, host and port.
        host: String,
        /// The expected content.
        wanted: &'static str,
    },
    /// An answer that means nothing here.
    #[error("{host} answers what no hub does: {problem}")]
    Reply {
        /// Scheme, host and port.
        host: String,
        /// What is wrong with it.
        problem: &'static str,
        /// More of it, if there is more.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Too many redirects.
    #[error("{host} redirects more than {max} times")]
    Redirects {
        /// The last scheme, host and port.
        host: String,
        /// The limit.
        max: usize,
    },
    /// A redirect that is not followed.
    #[error("{host} redirects to an address that is not followed: {problem}")]
    RedirectRefused {
        /// Scheme, host and port.
        host: String,
        /// Why it is not.
        problem: &'static str,
    },
    /// Another number of bytes than announced.
    #[error("{host} offers {found} bytes where the repository has {expected}; nothing of it was stored")]
    WrongLength {
        /// Scheme, host and port.
        host: String,
        /// How many bytes there should be.
        expected: u64,
        /// How many there are, or at least so many.
        found: u64,
    },
    /// Other bytes than announced.
    #[error(
        "the file is damaged: its hash is {found}, and {expected} was announced; it was deleted, run again to fetch it anew"
    )]
    Hash {
        /// The hash that the hub announced.
        expected: String,
        /// The hash of the received bytes.
        found: String,
    },
    /// More than the options allow.
    #[error("the file has {bytes} bytes and at most {max} are fetched")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        max: u64,
    },
}

impl HubRequestError {
    /// Whether the same request may succeed later.
    pub(crate) fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { wait, .. } | Self::Server { wait, .. } => Retry::After(*wait),
            Self::Unreachable { .. } | Self::Cut { .. } | Self::Timeout { .. } | Self::TooSlow { .. } => {
                Retry::After(None)
            }
            _ => Retry::Never,
        }
    }
}

fn wait_text(wait: Option<Duration>) -> String {
    wait.map_or_else(|| ": run again later".to_owned(), |wait| format!(": run again in {} s", wait.as_secs()))
}

fn token_text(sent: bool) -> &'static str {
    if sent { "the token that was sent is not enough" } else { "no token was sent" }
}
