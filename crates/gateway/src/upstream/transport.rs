//! Connections to a server, with or without TLS. No redirect is followed: a key is for one host.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use plimsoll_remote::openai::ChatRequestError;

use crate::error::GatewayError;

/// A pool of connections.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

impl Transport {
    pub(crate) fn new(scheme: &str, connect: Duration) -> Result<Self, GatewayError> {
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(connect));
        http.set_nodelay(true);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(Duration::from_secs(30));
        if scheme == "http" {
            return Ok(Self::Plain(builder.build(http)));
        }
        http.enforce_http(false);
        let tls = HttpsConnectorBuilder::new().with_native_roots().map_err(GatewayError::system(
            "find root certificates: install ca-certificates, or set SSL_CERT_FILE",
        ))?;
        Ok(Self::Tls(builder.build(tls.https_only().enable_http1().wrap_connector(http))))
    }

    pub(crate) async fn request(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        match self {
            Self::Plain(client) => client.request(request).await,
            Self::Tls(client) => client.request(request).await,
        }
    }
}

/// Why a body was not read.
pub(super) enum BodyFailure {
    Cut,
    TooLarge { max: usize },
}

impl BodyFailure {
    pub(super) fn into_error(self, host: &str) -> ChatRequestError {
        let host = host.to_owned();
        match self {
            Self::Cut => ChatRequestError::Cut { host },
            Self::TooLarge { max } => ChatRequestError::TooLarge { host, max: max as u64 },
        }
    }
}

/// All of a body, up to `max` bytes.
pub(super) async fn collect(body: Incoming, max: usize) -> Result<Bytes, BodyFailure> {
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyFailure::TooLarge { max }),
        Err(_) => Err(BodyFailure::Cut),
    }
}
