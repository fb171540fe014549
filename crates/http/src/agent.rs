//! The agent that sends requests.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::failure::HttpFailure;
use crate::proxy::Proxy;

/// How long an agent waits; `None` = as long as it takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timeouts {
    /// For the name of a host, and for a connection to it.
    pub connect: Option<Duration>,
    /// For the first byte of a response, and between any two.
    pub silence: Option<Duration>,
    /// For all of it.
    pub total: Option<Duration>,
}

/// Sends requests. It verifies servers by the system's certificates, follows no redirect (a key is for one host),
/// asks for no compression (sizes and hashes are of the bytes as served), and treats every status as a response.
#[derive(Debug)]
pub struct HttpAgent {
    agent: Agent,
    has_certificates: bool,
}

impl HttpAgent {
    /// An agent with a pool of so many connections.
    pub fn new(proxy: Option<&Proxy>, timeouts: Timeouts, connections: usize) -> Self {
        let certificates = rustls_native_certs::load_native_certs().certs;
        let has_certificates = !certificates.is_empty();
        let roots: RootCerts = certificates.iter().map(|der| Certificate::from_der(der).to_owned()).into();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(roots)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy.map(Proxy::get))
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .timeout_resolve(timeouts.connect)
            .timeout_connect(timeouts.connect)
            .timeout_recv_response(timeouts.silence)
            .timeout_per_read(timeouts.silence)
            .timeout_per_write(timeouts.silence)
            .timeout_global(timeouts.total)
            .build()
            .new_agent();
        Self { agent, has_certificates }
    }

    /// The agent, for a request to an address of this scheme.
    ///
    /// # Errors
    /// [`HttpFailure::NoCertificates`] where a server could not be verified.
    pub fn for_scheme(&self, scheme: &str) -> Result<&Agent, HttpFailure> {
        if scheme == "https" && !self.has_certificates {
            return Err(HttpFailure::NoCertificates);
        }
        Ok(&self.agent)
    }
}
