//! URLs of stores: a folder, or a bucket with a prefix.

use std::path::PathBuf;

use url::Url;

use crate::error::ObjectError;

/// Schemes of buckets.
const BUCKETS: [&str; 6] = ["s3", "s3a", "gs", "az", "abfs", "abfss"];

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAddress {
    /// A folder of this machine, or one that several machines share.
    Folder(PathBuf),
    /// A bucket and a prefix in it.
    Bucket(Url),
}

impl StoreAddress {
    /// Reads a URL; a text without a scheme is a folder.
    ///
    /// # Errors
    /// [`ObjectError::Address`] for a URL that names no store. A password is not repeated in the message, and none is
    /// taken: credentials come from the environment alone.
    pub fn parse(text: &str) -> Result<Self, ObjectError> {
        let problem = |url: &str, problem: &str| ObjectError::Address {
            url: url.to_owned(),
            problem: problem.to_owned(),
        };
        if text.is_empty() {
            return Err(problem(text, "it is empty"));
        }
        if !text.contains("://") {
            return Ok(Self::Folder(PathBuf::from(text)));
        }
        let shown = shown(text);
        let url = Url::parse(text).map_err(|error| problem(&shown, &error.to_string()))?;
        if url.password().is_some() {
            return Err(problem(&shown, "secrets belong into the environment, not into the URL"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(problem(&shown, "a store has neither `?` nor `#` in its URL"));
        }
        match url.scheme() {
            "file" => {
                let path = url.to_file_path();
                path.map(Self::Folder).map_err(|()| problem(&shown, "it names no folder of this machine"))
            }
            scheme if BUCKETS.contains(&scheme) => match url.host_str() {
                Some(host) if !host.is_empty() => Ok(Self::Bucket(url)),
                _ => Err(problem(&shown, "it names no bucket")),
            },
            _ => Err(problem(&shown, "known are a folder, file://, s3://, gs:// and az://")),
        }
    }
}

/// The text without what may be a secret: all before an `@`, and all from a `?` on.
fn shown(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_scheme_is_a_folder() {
        for text in ["store", "./a/b", "/shared/store"] {
            assert_eq!(StoreAddress::parse(text).unwrap(), StoreAddress::Folder(text.into()));
        }
        assert_eq!(
            StoreAddress::parse("file:///shared/x").unwrap(),
            StoreAddress::Folder("/shared/x".into())
        );
    }

    #[test]
    fn buckets_have_a_name() {
        for text in ["s3://bucket/a/b", "gs://bucket", "az://container/x"] {
            assert!(matches!(StoreAddress::parse(text).unwrap(), StoreAddress::Bucket(_)), "{text}");
        }
        for text in ["", "s3://", "s3:///x", "ftp://host/x", "http://host/x", "s3://b/x?y=1", "file://host/x"]
        {
            let error = StoreAddress::parse(text).unwrap_err();
            assert!(error.is_usage(), "{text}: {error}");
        }
    }

    #[test]
    fn a_secret_is_neither_taken_nor_shown() {
        for text in ["s3://key:hunter2@bucket/x", "s3://bucket/x?token=hunter2"] {
            let error = StoreAddress::parse(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && error.contains("s3://bucket/x"), "{error}");
        }
    }
}
