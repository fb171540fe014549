//! The proxy that the environment names.

use std::ffi::OsString;
use std::fmt;

use ureq::ProxyBuilder;

/// A proxy: `HTTPS_PROXY` or `HTTP_PROXY`, by the scheme of the address, else `ALL_PROXY`; hosts in `NO_PROXY`
/// are reached without it.
#[derive(Clone)]
pub struct Proxy(ureq::Proxy);

/// Why the proxy cannot be used; never shows the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyProblem {
    /// A variable holds bytes that are no text.
    #[error("{variable} is not UTF-8")]
    NotText {
        /// The variable.
        variable: &'static str,
    },
    /// The address cannot be parsed.
    #[error("the proxy (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY) is no address such as http://proxy:3128")]
    NoAddress,
}

impl Proxy {
    /// A proxy at this address, not used for these hosts, separated by commas.
    ///
    /// # Errors
    /// [`ProxyProblem::NoAddress`].
    pub fn new(address: &str, exceptions: &str) -> Result<Self, ProxyProblem> {
        let proxy = ureq::Proxy::new(address).map_err(|_| ProxyProblem::NoAddress)?;
        let mut builder = ureq::Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
        if let Some(user) = proxy.username() {
            builder = builder.username(user);
        }
        if let Some(password) = proxy.password() {
            builder = builder.password(password);
        }
        let exceptions = exceptions.split(',').map(str::trim).filter(|exception| !exception.is_empty());
        let built = exceptions.fold(builder, ProxyBuilder::no_proxy).build();
        built.map(Self).map_err(|_| ProxyProblem::NoAddress)
    }

    /// The proxy for addresses of this scheme; variables that are empty count as unset.
    ///
    /// # Errors
    /// [`ProxyProblem`].
    pub fn from_variables(
        scheme: &str,
        variable: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, ProxyProblem> {
        let text = |names: [&'static str; 2]| -> Result<Option<String>, ProxyProblem> {
            let value = names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
            value
                .map(OsString::into_string)
                .transpose()
                .map_err(|_| ProxyProblem::NotText { variable: names[0] })
        };
        let of_scheme = match scheme {
            "https" => text(["HTTPS_PROXY", "https_proxy"])?,
            _ => text(["HTTP_PROXY", "http_proxy"])?,
        };
        let address = of_scheme.or(text(["ALL_PROXY", "all_proxy"])?);
        let exceptions = text(["NO_PROXY", "no_proxy"])?.unwrap_or_default();
        address.map(|address| Self::new(&address, &exceptions)).transpose()
    }

    /// The proxy in the form that the agent takes.
    pub(crate) fn get(&self) -> ureq::Proxy {
        self.0.clone()
    }
}

impl fmt::Debug for Proxy {
    /// The host alone: the address may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Proxy({}:{})", self.0.host(), self.0.port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_is_that_of_the_scheme_and_never_shown() {
        let variables =
            [("HTTPS_PROXY", "http://user:hunter2@p:1"), ("ALL_PROXY", "socks5://q:2"), ("http_proxy", "")];
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        let host = |scheme: &str| {
            let proxy = Proxy::from_variables(scheme, &find).unwrap().unwrap();
            assert!(!format!("{proxy:?}").contains("hunter2"));
            format!("{proxy:?}")
        };
        assert_eq!((host("https"), host("http")), ("Proxy(p:1)".to_owned(), "Proxy(q:2)".to_owned()));
        assert!(Proxy::from_variables("http", &|_| None).unwrap().is_none());
        let bad = |name: &str| (name == "ALL_PROXY").then(|| OsString::from("hunter2 is no proxy"));
        let problem = Proxy::from_variables("http", &bad).unwrap_err();
        assert!(!format!("{problem} {problem:?}").contains("hunter2"));
    }
}
