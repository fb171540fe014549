//! How sources are reached: the endpoint, the cache, the token, and for how long to wait.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use plimsoll_http::{Proxy, Secret};

use crate::endpoint::{DEFAULT_ENDPOINT, Endpoint};
use crate::error::HubError;

/// What the variables `HF_*` say, and the limits. [`HubOptions::from_env`] reads them; tests and embedders
/// set them one by one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HubOptions {
    /// Where the hub answers: `HF_ENDPOINT`.
    pub endpoint: Endpoint,
    /// The folder `hub` of the cache that all tools share: `HF_HUB_CACHE`, else `HF_HOME/hub`.
    pub cache: Option<PathBuf>,
    /// Sent to the endpoint and to no other host: `HF_TOKEN`, else the file `HF_HOME/token`.
    pub token: Option<Secret>,
    /// Whether only the cache may be used: `HF_HUB_OFFLINE`.
    pub offline: bool,
    /// The proxy that the environment names for the endpoint's scheme.
    pub proxy: Option<Proxy>,
    /// For how long a connection may take.
    pub connect_timeout: Duration,
    /// For how long a server may be silent.
    pub read_timeout: Duration,
    /// How often a failed request is retried.
    pub retries: u32,
    /// The wait before the first of these; each further one is twice as long.
    pub backoff: Duration,
    /// Maximum wait that a server may request.
    pub max_wait: Duration,
    /// For how long another process may hold a file without progress.
    pub lock_wait: Duration,
    /// Maximum size of a file, in bytes.
    pub max_file_bytes: u64,
}

impl HubOptions {
    /// The public hub without a token, with downloads kept in `cache`.
    ///
    /// # Errors
    /// None in practice; the public hub's address is read as any other.
    pub fn new(cache: Option<PathBuf>) -> Result<Self, HubError> {
        Ok(Self {
            endpoint: Endpoint::parse(DEFAULT_ENDPOINT)?,
            cache,
            token: None,
            offline: false,
            proxy: None,
            connect_timeout: Duration::from_secs(20),
            read_timeout: Duration::from_mins(1),
            retries: 4,
            backoff: Duration::from_millis(500),
            max_wait: Duration::from_secs(310),
            lock_wait: Duration::from_mins(10),
            max_file_bytes: 512 << 30,
        })
    }

    /// What the environment says.
    ///
    /// # Errors
    /// [`HubError::Variable`] for a value that cannot be used, [`HubError::Io`] for a token file that
    /// cannot be read.
    pub fn from_env() -> Result<Self, HubError> {
        Self::from_variables(&|name| std::env::var_os(name))
    }

    /// What variables say; one that is empty counts as unset.
    ///
    /// # Errors
    /// As [`HubOptions::from_env`].
    pub fn from_variables(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, HubError> {
        let variables = EnvironmentVariables(variable);
        let home = variables.hugging_face_home();
        let cache = variables.path("HF_HUB_CACHE").or_else(|| variables.path("HUGGINGFACE_HUB_CACHE"));
        let mut options = Self::new(cache.or_else(|| home.as_ref().map(|home| home.join("hub"))))?;
        if let Some(endpoint) = variables.text("HF_ENDPOINT")? {
            options.endpoint = Endpoint::parse(&endpoint)?;
        }
        let offline = variables.text("HF_HUB_OFFLINE")?.or(variables.text("TRANSFORMERS_OFFLINE")?);
        options.offline = offline.is_some_and(|text| is_true(&text));
        let silent = variables.text("HF_HUB_DISABLE_IMPLICIT_TOKEN")?.is_some_and(|text| is_true(&text));
        if !silent {
            options.token = variables.token(home.as_deref())?;
        }
        options.proxy =
            Proxy::from_variables(options.endpoint.scheme(), variable).map_err(HubError::Proxy)?;
        Ok(options)
    }

    /// The cache.
    pub(crate) fn cache(&self) -> Result<&Path, HubError> {
        self.cache.as_deref().ok_or(HubError::NoCacheFolder)
    }
}

/// As the hub's own tools read their switches.
fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE")
}

struct EnvironmentVariables<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl EnvironmentVariables<'_> {
    fn raw(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &'static str) -> Result<Option<String>, HubError> {
        let refused = |_| HubError::Variable { variable: name, problem: "it is not UTF-8" };
        self.raw(name).map(OsString::into_string).transpose().map_err(refused)
    }

    fn either(&self, first: &'static str, second: &'static str) -> Result<Option<String>, HubError> {
        Ok(self.text(first)?.or(self.text(second)?))
    }

    /// A path; `~` is the user's home.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from(self.raw(name)?);
        match (path.strip_prefix("~"), self.user_home()) {
            (Ok(rest), Some(home)) => Some(home.join(rest)),
            _ => Some(path),
        }
    }

    fn user_home(&self) -> Option<PathBuf> {
        self.raw("HOME").or_else(|| self.raw("USERPROFILE")).map(PathBuf::from)
    }

    fn hugging_face_home(&self) -> Option<PathBuf> {
        self.path("HF_HOME").or_else(|| {
            let cache = self.path("XDG_CACHE_HOME").or_else(|| Some(self.user_home()?.join(".cache")))?;
            Some(cache.join("huggingface"))
        })
    }

    fn token(&self, home: Option<&Path>) -> Result<Option<Secret>, HubError> {
        if let Some(token) = self.either("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")? {
            return checked_token(&token, "HF_TOKEN");
        }
        let Some(path) = self.path("HF_TOKEN_PATH").or_else(|| Some(home?.join("token"))) else {
            return Ok(None);
        };
        match fs::read_to_string(&path) {
            Ok(token) => checked_token(&token, "the token file"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(HubError::io("read the token file", &path)(error)),
        }
    }
}

/// A token without the white space around it, which must fit into a header.
fn checked_token(text: &str, variable: &'static str) -> Result<Option<Secret>, HubError> {
    match text.trim() {
        "" => Ok(None),
        token if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Some(Secret::new(token))),
        _ => Err(HubError::Variable { variable, problem: "it holds characters that no token has" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(variables: &[(&str, &str)]) -> Result<HubOptions, HubError> {
        let variables: Vec<(String, OsString)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        HubOptions::from_variables(&move |name| {
            variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn the_cache_is_where_the_hub_s_own_tools_have_it() {
        for (variables, cache) in [
            (&[][..], None),
            (&[("HOME", "/me")][..], Some("/me/.cache/huggingface/hub")),
            (&[("HOME", "/me"), ("XDG_CACHE_HOME", "/c")], Some("/c/huggingface/hub")),
            (&[("HOME", "/me"), ("HF_HOME", "/big")], Some("/big/hub")),
            (&[("HOME", "/me"), ("HF_HOME", "~/big")], Some("/me/big/hub")),
            (&[("HF_HOME", "/big"), ("HF_HUB_CACHE", "/other")], Some("/other")),
            (&[("HOME", "/me"), ("HF_HOME", "")], Some("/me/.cache/huggingface/hub")),
        ] {
            assert_eq!(options(variables).unwrap().cache, cache.map(PathBuf::from), "{variables:?}");
        }
    }

    #[test]
    fn switches_endpoint_and_proxy_are_read() {
        let plain = options(&[("HOME", "/h"), ("ALL_PROXY", "socks5://p:1")]).unwrap();
        assert_eq!(plain.endpoint.to_string(), DEFAULT_ENDPOINT);
        assert!(!plain.offline && plain.token.is_none());
        assert_eq!(format!("{:?}", plain.proxy.unwrap()), "Proxy(p:1)");
        for (text, offline) in [("1", true), ("true", true), ("ON", true), ("0", false), ("no", false)] {
            assert_eq!(options(&[("HF_HUB_OFFLINE", text)]).unwrap().offline, offline, "{text}");
        }
        let mirror =
            options(&[("HF_ENDPOINT", "http://m:8080/"), ("HTTPS_PROXY", "a"), ("http_proxy", "b")]).unwrap();
        assert_eq!(mirror.endpoint.to_string(), "http://m:8080");
        assert!(format!("{:?}", mirror.proxy.unwrap()).starts_with("Proxy(b:"));
        assert!(matches!(
            options(&[("HF_ENDPOINT", "mirror")]),
            Err(HubError::Variable { variable: "HF_ENDPOINT", .. })
        ));
    }

    #[test]
    fn the_token_comes_from_the_variable_or_the_file_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        assert_eq!(options(&[("HF_HOME", home)]).unwrap().token, None);
        fs::write(folder.path().join("token"), "hf_fromfile\n").unwrap();
        let file = options(&[("HF_HOME", home)]).unwrap();
        assert_eq!(file.token, Some(Secret::new("hf_fromfile")));
        let variable = options(&[("HF_HOME", home), ("HF_TOKEN", " hf_secret ")]).unwrap();
        assert_eq!(variable.token, Some(Secret::new("hf_secret")));
        let hidden = options(&[("HF_HOME", home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]).unwrap();
        assert_eq!(hidden.token, None);
        let shown = format!("{file:?} {variable:?}");
        assert!(!shown.contains("hf_"), "{shown}");
        let error = options(&[("HF_TOKEN", "hf_sec\nret")]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hf_sec"));
    }
}
