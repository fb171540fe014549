//! The way to a server: proxy, patience, certificates.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Proxy, ProxyBuilder};

/// How requests are made and made again. No row depends on it.
#[derive(Debug, Clone)]
pub struct Network {
    /// The proxy: `HTTPS_PROXY` or `HTTP_PROXY`, after the server's scheme, else `ALL_PROXY`; hosts in
    /// `NO_PROXY` are reached without it.
    proxy: Option<HiddenProxy>,
    /// For how long a connection may take.
    pub connect_timeout: Duration,
    /// Within which time a reply must have come whole.
    pub timeout: Duration,
    /// How often a request that failed is made again.
    pub retries: u32,
    /// The wait before the first of these; each further one is twice as long.
    pub backoff: Duration,
    /// The longest wait that a server may ask for.
    pub longest_wait: Duration,
    /// The largest reply, in bytes.
    pub largest_reply: u64,
    /// So many questions in a row that the server failed stop the run.
    pub max_failures_in_a_row: u32,
}

/// An address that may hold a password.
#[derive(Clone)]
struct HiddenProxy(Proxy);

impl fmt::Debug for HiddenProxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Proxy(hidden)")
    }
}

impl Network {
    /// The defaults, with the proxy that the environment names for this scheme.
    pub(super) fn from_variables(
        scheme: &str,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, String> {
        let text = |names: [&str; 2]| -> Result<Option<String>, String> {
            let value = names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
            value.map(OsString::into_string).transpose().map_err(|_| format!("{} is not UTF-8", names[0]))
        };
        let own = match scheme {
            "https" => text(["HTTPS_PROXY", "https_proxy"])?,
            _ => text(["HTTP_PROXY", "http_proxy"])?,
        };
        let address = own.or(text(["ALL_PROXY", "all_proxy"])?);
        let exceptions = text(["NO_PROXY", "no_proxy"])?.unwrap_or_default();
        let proxy = address.map(|address| proxy(&address, &exceptions)).transpose()?;
        Ok(Self {
            proxy: proxy.map(HiddenProxy),
            connect_timeout: Duration::from_secs(20),
            timeout: Duration::from_mins(5),
            retries: 6,
            backoff: Duration::from_millis(500),
            longest_wait: Duration::from_mins(10),
            largest_reply: 32 << 20,
            max_failures_in_a_row: 20,
        })
    }

    /// A client, and whether this machine has certificates to know servers by.
    pub(super) fn agent(&self, connections: usize) -> (Agent, bool) {
        let certificates = rustls_native_certs::load_native_certs().certs;
        let knows_certificates = !certificates.is_empty();
        let roots: RootCerts = certificates.iter().map(|der| Certificate::from_der(der).to_owned()).into();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
            .root_certs(roots)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .proxy(self.proxy.as_ref().map(|proxy| proxy.0.clone()))
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .http_status_as_error(false)
            // A key must not follow a redirect, and a POST need not be repeated elsewhere.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .timeout_connect(Some(self.connect_timeout))
            .timeout_global(Some(self.timeout))
            .build()
            .new_agent();
        (agent, knows_certificates)
    }
}

fn proxy(address: &str, exceptions: &str) -> Result<Proxy, String> {
    let refused =
        |_| "the proxy (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY) is no address such as http://proxy:3128";
    let proxy = Proxy::new(address).map_err(refused)?;
    let mut builder = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(user) = proxy.username() {
        builder = builder.username(user);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    let exceptions = exceptions.split(',').map(str::trim).filter(|exception| !exception.is_empty());
    Ok(exceptions.fold(builder, ProxyBuilder::no_proxy).build().map_err(refused)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_that_of_the_scheme_and_never_shown() {
        let variables = [("HTTPS_PROXY", "http://user:hunter2@p:1"), ("ALL_PROXY", "socks5://q:2")];
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        let host = |scheme: &str| {
            let network = Network::from_variables(scheme, &find).unwrap();
            assert!(!format!("{network:?}").contains("hunter2"));
            network.proxy.unwrap().0.host().to_owned()
        };
        assert_eq!((host("https"), host("http")), ("p".to_owned(), "q".to_owned()));
        assert!(Network::from_variables("http", &|_| None).unwrap().proxy.is_none());
        let bad = |_: &str| Some(OsString::from("hunter2 is no proxy"));
        assert!(!Network::from_variables("http", &bad).unwrap_err().contains("hunter2"));
    }
}
