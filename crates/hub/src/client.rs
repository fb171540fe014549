//! Requests to the hub: redirects, the token, retries, and what statuses mean.

use std::io::Read;
use std::time::{Duration, Instant, SystemTime};
use std::{io, thread};

use plimsoll_http::retry::retry_after;
use plimsoll_http::{HttpAgent, HttpFailure, Timeouts};
use ureq::Body;
use ureq::http::{HeaderMap, Response};
use url::Url;

use crate::options::HubOptions;
use crate::progress::{DownloadEvent, DownloadObserver};
use crate::request_error::HubRequestError;
use crate::retry;
use crate::source::HubSource;

/// The hub itself needs two or three.
const MAX_REDIRECTS: usize = 8;
/// A transfer that is slower than this counts as failed.
const MIN_BYTES_PER_SECOND: f64 = 1024.0;
/// Connections in the pool.
const CONNECTIONS: usize = 4;
/// Bytes that are read at once.
const CHUNK: usize = 128 * 1024;

/// A client of one hub.
pub(crate) struct HubClient<'a> {
    agent: HttpAgent,
    options: &'a HubOptions,
    progress: &'a dyn DownloadObserver,
}

/// What a request fetches.
#[derive(Clone, Copy)]
pub(crate) enum RequestKind {
    /// The headers, without leaving the endpoint.
    Headers,
    /// The body, from this byte on.
    Body { from: u64 },
}

/// A successful reply.
pub(crate) struct HubReply {
    pub(crate) status: u16,
    /// The host that replied: scheme, host and port.
    pub(crate) host: String,
    pub(crate) headers: HeaderMap,
    /// The headers of the endpoint's last answer, before it sent on to another host.
    pub(crate) endpoint_headers: HeaderMap,
    pub(crate) body: Body,
}

impl<'a> HubClient<'a> {
    pub(crate) fn new(options: &'a HubOptions, progress: &'a dyn DownloadObserver) -> Self {
        let timeouts = Timeouts {
            connect: Some(options.connect_timeout),
            silence: Some(options.read_timeout),
            total: None,
        };
        let agent = HttpAgent::new(options.proxy.as_ref(), timeouts, CONNECTIONS);
        Self { agent, options, progress }
    }

    /// Retries until there is a reply, with backoff after each transient failure.
    pub(crate) fn patiently<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, HubRequestError>,
    ) -> Result<T, HubRequestError> {
        let mut failures = 0;
        loop {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => {
                    failures += 1;
                    self.pause(failures, error)?;
                }
            }
        }
    }

    /// Waits before the next attempt, or gives the error back if there should be none.
    pub(crate) fn pause(&self, failures: u32, error: HubRequestError) -> Result<(), HubRequestError> {
        let Some(wait) = retry::wait(self.options, failures, &error) else { return Err(error) };
        self.progress.event(&DownloadEvent::Retrying { cause: &error, wait });
        thread::sleep(wait);
        Ok(())
    }

    /// Sends once. Error statuses become errors, except 416 for a range that cannot be served.
    pub(crate) fn send(
        &self,
        url: &Url,
        kind: RequestKind,
        source: &HubSource,
    ) -> Result<HubReply, HubRequestError> {
        let mut url = url.clone();
        let mut endpoint_headers = HeaderMap::new();
        for _ in 0..=MAX_REDIRECTS {
            let own = self.options.endpoint.owns(&url);
            let response = self.send_once(&url, kind)?;
            if own {
                endpoint_headers = response.headers().clone();
            }
            let next = match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => Some(next(&url, response.headers())?),
                _ => None,
            };
            match next {
                Some(next)
                    if matches!(kind, RequestKind::Body { .. }) || self.options.endpoint.owns(&next) =>
                {
                    url = next;
                }
                _ => return self.check(response, &url, endpoint_headers, source),
            }
        }
        Err(HubRequestError::Redirects { host: host(&url), max: MAX_REDIRECTS })
    }

    /// One request to one address. Here, and nowhere else, the token is sent: to the endpoint's own
    /// scheme, host and port.
    fn send_once(&self, url: &Url, kind: RequestKind) -> Result<Response<Body>, HubRequestError> {
        let failed = |failure| request_error(failure, &host(url), self.options.read_timeout);
        let agent = self.agent.for_scheme(url.scheme()).map_err(failed)?;
        let mut request = match kind {
            RequestKind::Headers => agent.head(url.as_str()),
            RequestKind::Body { .. } => agent.get(url.as_str()),
        };
        if let RequestKind::Body { from: from @ 1.. } = kind {
            request = request.header("range", format!("bytes={from}-"));
        }
        if let Some(token) = self.options.token.as_ref().filter(|_| self.options.endpoint.owns(url)) {
            request = request.header("authorization", token.bearer());
        }
        request.call().map_err(|error| failed(error.into()))
    }

    fn check(
        &self,
        response: Response<Body>,
        url: &Url,
        endpoint_headers: HeaderMap,
        source: &HubSource,
    ) -> Result<HubReply, HubRequestError> {
        let (parts, body) = response.into_parts();
        let status = parts.status.as_u16();
        match status {
            200 | 206 | 416 | 301 | 302 | 303 | 307 | 308 => {
                Ok(HubReply { status, host: host(url), headers: parts.headers, endpoint_headers, body })
            }
            _ => Err(self.refusal(status, &parts.headers, url, source)),
        }
    }

    /// What a status means, helped by the hub's own code for it.
    fn refusal(&self, status: u16, headers: &HeaderMap, url: &Url, source: &HubSource) -> HubRequestError {
        let own = self.options.endpoint.owns(url);
        let host = host(url);
        let token_sent = own && self.options.token.is_some();
        let page = || self.options.endpoint.address(source.page()).to_string();
        let wait = retry_after(headers, SystemTime::now());
        let code = headers.get("x-error-code").and_then(|code| code.to_str().ok()).unwrap_or_default();
        match (status, code) {
            (429, _) => HubRequestError::RateLimited { host, wait },
            (408 | 500..=599, _) => HubRequestError::Server { host, status, wait },
            // A signed address that ran out; the endpoint gives a new one.
            _ if !own => HubRequestError::Server { host, status, wait },
            (_, "GatedRepo") => HubRequestError::Gated { page: page(), token_sent },
            (_, "RepoNotFound") => HubRequestError::RepositoryNotFound { page: page(), token_sent },
            (_, "RevisionNotFound") => {
                HubRequestError::RevisionNotFound { revision: source.revision.clone(), page: page() }
            }
            (_, "EntryNotFound") | (404, _) => HubRequestError::FileNotFound,
            (401 | 403, _) => HubRequestError::Denied { host, status, page: page(), token_sent },
            _ => HubRequestError::Status { host, status },
        }
    }
}

impl HubReply {
    /// A header of the endpoint, as text.
    pub(crate) fn endpoint_header(&self, name: &str) -> Option<&str> {
        self.endpoint_headers.get(name)?.to_str().ok()
    }

    /// A header of the host that replied, as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it is a page for people.
    pub(crate) fn is_web_page(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
    }

    /// Hands out the body as it comes, in bounded memory.
    pub(crate) fn read<E: From<HubRequestError>>(
        mut self,
        options: &HubOptions,
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut buffer = vec![0; CHUNK];
        let mut reader = self.body.as_reader();
        let (mut since, mut came) = (Instant::now(), 0.0);
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    return Err(request_error(error.into(), &self.host, options.read_timeout).into());
                }
            };
            sink(&buffer[..count])?;
            came += count as f64;
            let elapsed = since.elapsed();
            if elapsed >= options.read_timeout {
                if came < MIN_BYTES_PER_SECOND * elapsed.as_secs_f64() {
                    return Err(HubRequestError::TooSlow { host: self.host }.into());
                }
                (since, came) = (Instant::now(), 0.0);
            }
        }
    }
}

/// Where a redirect leads, if that is somewhere to go.
fn next(url: &Url, headers: &HeaderMap) -> Result<Url, HubRequestError> {
    let refused = |problem| HubRequestError::RedirectRefused { host: host(url), problem };
    let location = headers.get("location").and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| refused("none is given"))?;
    let mut next = url.join(location).map_err(|_| refused("it is none"))?;
    next.set_fragment(None);
    if !matches!(next.scheme(), "http" | "https") || !next.has_host() {
        return Err(refused("it is neither http nor https"));
    }
    if url.scheme() == "https" && next.scheme() == "http" {
        return Err(refused("it is not encrypted, and the one before was"));
    }
    if !next.username().is_empty() || next.password().is_some() {
        return Err(refused("it holds a user name or a password"));
    }
    Ok(next)
}

fn host(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What a failure on the way means. Addresses stay out of it.
fn request_error(failure: HttpFailure, host: &str, within: Duration) -> HubRequestError {
    let host = host.to_owned();
    match failure {
        HttpFailure::Timeout => HubRequestError::Timeout { host, within },
        HttpFailure::Tls(source) => HubRequestError::Tls { host, source },
        HttpFailure::NoCertificates => HubRequestError::NoCertificates { host },
        HttpFailure::Unreachable(source) | HttpFailure::Cut(source) => {
            HubRequestError::Unreachable { host, source }
        }
        HttpFailure::NotHttp(source) => {
            HubRequestError::Reply { host, problem: "this is not HTTP", source: Some(source) }
        }
        _ => HubRequestError::Reply { host, problem: "the request cannot be made", source: None },
    }
}
