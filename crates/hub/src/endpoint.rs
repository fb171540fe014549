//! The address of a hub.

use std::fmt;

use url::Url;

use crate::error::HubError;

/// The public hub.
pub const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// Scheme, host, port and perhaps a path, under which a hub answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Reads an address such as `https://huggingface.co`.
    ///
    /// # Errors
    /// [`HubError::Variable`], naming `HF_ENDPOINT`, for anything that is not `http` or `https` and a
    /// host, and for an address with a password in it, which would be shown in messages.
    pub fn parse(text: &str) -> Result<Self, HubError> {
        let refused = |problem| HubError::Variable { variable: "HF_ENDPOINT", problem };
        let url = Url::parse(text.trim())
            .map_err(|_| refused("it is no address such as https://huggingface.co"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(refused("it does not begin with https:// or http:// and a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it holds a user name or a password; set HF_TOKEN instead"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("it holds `?` or `#`"));
        }
        Ok(Self(url))
    }

    /// An address below the endpoint; each part is escaped.
    pub(crate) fn address<'a>(&self, parts: impl Iterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        // `http` and `https` addresses always have segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }

    /// Whether an address is of this endpoint's scheme, host and port.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        self.0.origin() == url.origin()
    }

    pub(crate) fn scheme(&self) -> &str {
        self.0.scheme()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_escaped_and_stay_below_the_endpoint() {
        let endpoint = Endpoint::parse("https://mirror.example/hf/").unwrap();
        let url = endpoint.address(["datasets", "o", "n", "resolve", "refs/x", "a b?#%2F.txt"].into_iter());
        assert_eq!(
            url.as_str(),
            "https://mirror.example/hf/datasets/o/n/resolve/refs%2Fx/a%20b%3F%23%252F.txt"
        );
        assert_eq!(endpoint.to_string(), "https://mirror.example/hf");
    }

    #[test]
    fn only_the_same_scheme_host_and_port_are_its_own() {
        let endpoint = Endpoint::parse("https://hub.example").unwrap();
        for (address, own) in [
            ("https://hub.example/x", true),
            ("https://hub.example:443/x", true),
            ("https://HUB.example/x", true),
            ("http://hub.example/x", false),
            ("https://hub.example:8443/x", false),
            ("https://cdn.hub.example/x", false),
            ("https://hub.example.evil/x", false),
        ] {
            assert_eq!(endpoint.owns(&Url::parse(address).unwrap()), own, "{address}");
        }
    }

    #[test]
    fn an_endpoint_with_a_password_is_refused_without_showing_it() {
        for text in ["https://u:hunter2@h", "ftp://hunter2", "hunter2", "https://h/?hunter2", "http://"] {
            let error = Endpoint::parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{text}");
        }
    }
}
