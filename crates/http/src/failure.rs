//! Why a request got no response.

use std::error::Error;
use std::io;

/// What went wrong on the way. Hosts and addresses stay out of it: each client names what it may show.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpFailure {
    /// No whole response in time.
    #[error("no response in time")]
    Timeout,
    /// More bytes than are read.
    #[error("more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// TLS failed.
    #[error("no secure connection")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// No root certificates found.
    #[error("no root certificates found")]
    NoCertificates,
    /// No connection, or one that could not be made.
    #[error("no connection")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// The connection ended before the response did.
    #[error("the connection was closed")]
    Cut(#[source] Box<dyn Error + Send + Sync>),
    /// The response is not HTTP.
    #[error("this is not HTTP")]
    NotHttp(#[source] Box<dyn Error + Send + Sync>),
    /// The request cannot be made.
    #[error("the request cannot be made")]
    NoRequest,
}

impl From<ureq::Error> for HttpFailure {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(_) => Self::Timeout,
            ureq::Error::BodyExceedsLimit(max) => Self::TooLarge { max },
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => Self::Tls(Box::new(error)),
            ureq::Error::Io(error) => error.into(),
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => Self::Unreachable(Box::new(error)),
            ureq::Error::ConnectProxyFailed(_) => Self::Unreachable("the proxy refused".into()),
            ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..) => {
                Self::NotHttp(Box::new(error))
            }
            _ => Self::NoRequest,
        }
    }
}

impl From<io::Error> for HttpFailure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::TimedOut => Self::Timeout,
            // What rustls finds wrong in a handshake.
            io::ErrorKind::InvalidData if is_tls(&error) => Self::Tls(Box::new(error)),
            io::ErrorKind::InvalidData => Self::NotHttp(Box::new(error)),
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe => Self::Cut(Box::new(error)),
            _ => Self::Unreachable(Box::new(error)),
        }
    }
}

fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>)
}
