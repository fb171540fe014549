//! The way to a server: proxy, patience, certificates.

use std::ffi::OsString;
use std::time::Duration;

use plimsoll_http::{HttpAgent, Proxy, ProxyProblem, Timeouts};

/// How requests are made and made again. No row depends on it.
#[derive(Debug, Clone)]
pub struct Network {
    /// The proxy that the environment names for the server's scheme.
    proxy: Option<Proxy>,
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

impl Network {
    /// The defaults, with the proxy that the environment names for this scheme.
    pub(super) fn from_variables(
        scheme: &str,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ProxyProblem> {
        Ok(Self {
            proxy: Proxy::from_variables(scheme, variable)?,
            connect_timeout: Duration::from_secs(20),
            timeout: Duration::from_mins(5),
            retries: 6,
            backoff: Duration::from_millis(500),
            longest_wait: Duration::from_mins(10),
            largest_reply: 32 << 20,
            max_failures_in_a_row: 20,
        })
    }

    /// The agent for so many connections.
    pub(super) fn agent(&self, connections: usize) -> HttpAgent {
        let timeouts =
            Timeouts { connect: Some(self.connect_timeout), silence: None, total: Some(self.timeout) };
        HttpAgent::new(self.proxy.as_ref(), timeouts, connections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_is_none_is_told_at_once_and_never_shown() {
        let with = |address: &'static str| {
            let variable = move |name: &str| (name == "ALL_PROXY").then(|| OsString::from(address));
            Network::from_variables("https", &variable)
        };
        let network = with("http://user:hunter2@p:1").unwrap();
        assert!(network.proxy.is_some() && !format!("{network:?}").contains("hunter2"));
        assert!(!with("hunter2 is no proxy").unwrap_err().to_string().contains("hunter2"));
        assert!(Network::from_variables("http", &|_| None).unwrap().proxy.is_none());
    }
}
