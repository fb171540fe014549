//! Proxy, timeouts and retries of a server's requests.

use std::ffi::OsString;
use std::time::Duration;

use plimsoll_http::{HttpAgent, Proxy, ProxyProblem, Timeouts};

/// How requests are sent and retried. No row depends on it.
#[derive(Debug, Clone)]
pub struct NetworkSettings {
    /// The proxy that the environment names for the server's scheme.
    proxy: Option<Proxy>,
    /// Timeout of a connection.
    pub connect_timeout: Duration,
    /// Timeout of a whole reply.
    pub timeout: Duration,
    /// How often a failed request is retried.
    pub retries: u32,
    /// The wait before the first of these; each further one is twice as long.
    pub backoff: Duration,
    /// Maximum wait that a server may request.
    pub max_wait: Duration,
    /// Maximum size of a reply, in bytes.
    pub max_reply_bytes: u64,
    /// The run stops after so many failed questions in a row.
    pub max_failures_in_a_row: u32,
}

impl NetworkSettings {
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
            max_wait: Duration::from_mins(10),
            max_reply_bytes: 32 << 20,
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
    fn an_invalid_proxy_is_reported_at_once_and_never_shown() {
        let with = |address: &'static str| {
            let variable = move |name: &str| (name == "ALL_PROXY").then(|| OsString::from(address));
            NetworkSettings::from_variables("https", &variable)
        };
        let network = with("http://user:hunter2@p:1").unwrap();
        assert!(network.proxy.is_some() && !format!("{network:?}").contains("hunter2"));
        assert!(!with("hunter2 is no proxy").unwrap_err().to_string().contains("hunter2"));
        assert!(NetworkSettings::from_variables("http", &|_| None).unwrap().proxy.is_none());
    }
}
