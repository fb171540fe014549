//! The files of a repository at a revision, with the size and hash of each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::client::{HubClient, RequestKind};
use crate::name::{is_blob_name, is_commit, is_git_hash, is_sha256};
use crate::options::HubOptions;
use crate::request_error::HubRequestError;
use crate::source::HubSource;

/// Maximum size of a listing; a file takes some 200 bytes.
const MAX_LISTING_BYTES: usize = 64 << 20;

/// The files of a commit, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listing {
    /// The commit's hash.
    pub(crate) commit: String,
    /// The files; names are as the server gave them, and not yet checked.
    pub(crate) files: BTreeMap<String, ListedFile>,
}

/// What is known of a file before it is fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedFile {
    /// Its size.
    pub(crate) bytes: Option<u64>,
    /// Its name among the blobs of the cache.
    pub(crate) blob: Option<String>,
    /// What its content must hash to.
    pub(crate) digest: Option<Digest>,
}

/// A hash that the hub announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Digest {
    /// SHA-256 of the content; for files in large-file storage.
    Sha256(String),
    /// SHA-1 of git's header and the content; for all others.
    Git(String),
}

#[derive(Deserialize)]
struct Information {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<LargeFile>,
}

#[derive(Deserialize)]
struct LargeFile {
    #[serde(alias = "oid")]
    sha256: Option<String>,
    size: Option<u64>,
}

impl Listing {
    /// Fetches the listing.
    pub(crate) fn fetch(
        client: &HubClient<'_>,
        options: &HubOptions,
        source: &HubSource,
    ) -> Result<Self, HubRequestError> {
        let parts = source.api().chain(["revision", &source.revision]);
        let mut url = options.endpoint.address(parts);
        url.set_query(Some("blobs=true"));
        client.patiently(|| {
            let reply = match client.send(&url, RequestKind::Body { from: 0 }, source) {
                Err(HubRequestError::FileNotFound) => return Err(which_is_missing(client, options, source)?),
                reply => reply?,
            };
            let host = reply.host.clone();
            let refused = |problem| HubRequestError::Reply { host: host.clone(), problem, source: None };
            if reply.is_web_page() {
                return Err(HubRequestError::WebPage { host, wanted: "a list of files" });
            }
            let mut text = Vec::new();
            reply.read(options, |bytes| {
                text.extend_from_slice(bytes);
                let fits = text.len() <= MAX_LISTING_BYTES;
                if fits { Ok(()) } else { Err(refused("its list of files is longer than 64 MiB")) }
            })?;
            let information: Information =
                serde_json::from_slice(&text).map_err(|error| HubRequestError::Reply {
                    host: host.clone(),
                    problem: "its list of files cannot be read",
                    source: Some(Box::new(error)),
                })?;
            Self::from_information(information).map_err(refused)
        })
    }

    /// Reads a listing as a fuzzer gives it.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        Self::from_information(serde_json::from_slice(bytes).map_err(|_| "it cannot be read")?)
    }

    fn from_information(information: Information) -> Result<Self, &'static str> {
        if !is_commit(&information.sha) {
            return Err("its list of files has no commit hash");
        }
        let mut files = BTreeMap::new();
        for sibling in information.siblings {
            files.insert(sibling.rfilename.clone(), ListedFile::from_sibling(sibling)?);
        }
        Ok(Self { commit: information.sha, files })
    }

    /// Whether a listing from the cache is still intact.
    pub(crate) fn is_sound(&self, commit: &str) -> bool {
        let sound = |entry: &ListedFile| entry.blob.as_deref().is_none_or(is_blob_name);
        self.commit == commit && self.files.values().all(sound)
    }
}

impl ListedFile {
    fn from_sibling(sibling: Sibling) -> Result<Self, &'static str> {
        let large = sibling.lfs.and_then(|large| Some((large.sha256?, large.size)));
        match (large, sibling.blob_id) {
            (Some((hash, _)), _) if !is_sha256(&hash) => Err("a hash in its list of files is no SHA-256"),
            (Some((hash, size)), _) => Ok(Self {
                bytes: size.or(sibling.size),
                blob: Some(hash.clone()),
                digest: Some(Digest::Sha256(hash)),
            }),
            (None, Some(hash)) if is_git_hash(&hash) => {
                Ok(Self { bytes: sibling.size, blob: Some(hash.clone()), digest: Some(Digest::Git(hash)) })
            }
            (None, _) => Ok(Self { bytes: sibling.size, blob: None, digest: None }),
        }
    }
}

/// For a 404 without a reason: whether the repository exists at all.
fn which_is_missing(
    client: &HubClient<'_>,
    options: &HubOptions,
    source: &HubSource,
) -> Result<HubRequestError, HubRequestError> {
    let page = options.endpoint.address(source.page()).to_string();
    match client.send(&options.endpoint.address(source.api()), RequestKind::Body { from: 0 }, source) {
        Ok(_) => Ok(HubRequestError::RevisionNotFound { revision: source.revision.clone(), page }),
        Err(HubRequestError::FileNotFound) => {
            Ok(HubRequestError::RepositoryNotFound { page, token_sent: options.token.is_some() })
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn listing(text: &str) -> Result<Listing, &'static str> {
        Listing::from_information(serde_json::from_str(text).map_err(|_| "no JSON")?)
    }

    #[test]
    fn a_listing_is_read_as_the_hub_writes_it() {
        let (commit, git, large) = ("0".repeat(40), "1".repeat(40), "2".repeat(64));
        let text = format!(
            r#"{{"id": "o/n", "sha": "{commit}", "gated": false, "siblings": [
                {{"rfilename": "README.md", "size": 5, "blobId": "{git}"}},
                {{"rfilename": "x.parquet", "size": 9, "blobId": "{git}", "lfs": {{"sha256": "{large}", "size": 9, "pointerSize": 134}}}},
                {{"rfilename": "plain"}}]}}"#
        );
        let listing = listing(&text).unwrap();
        assert_eq!(listing.files["README.md"].digest, Some(Digest::Git(git.clone())));
        assert_eq!(
            listing.files["x.parquet"],
            ListedFile { bytes: Some(9), blob: Some(large.clone()), digest: Some(Digest::Sha256(large)) }
        );
        assert_eq!(listing.files["plain"], ListedFile::default());
        let again: Listing = serde_json::from_str(&serde_json::to_string(&listing).unwrap()).unwrap();
        assert_eq!(again, listing);
        assert!(again.is_sound(&commit) && !again.is_sound(&git));
    }

    #[test]
    fn hashes_that_are_none_are_refused_or_left_out() {
        let commit = "0".repeat(40);
        assert!(listing(r#"{"sha": "../../x", "siblings": []}"#).is_err());
        assert!(listing(r#"{"sha": "main"}"#).is_err());
        let bad = format!(
            r#"{{"sha": "{commit}", "siblings": [{{"rfilename": "x", "lfs": {{"sha256": "../x"}}}}]}}"#
        );
        assert!(listing(&bad).is_err());
        let odd = format!(r#"{{"sha": "{commit}", "siblings": [{{"rfilename": "x", "blobId": "../x"}}]}}"#);
        assert_eq!(listing(&odd).unwrap().files["x"].blob, None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(
            text in r#"\{"sha": "([0-9a-f]{40}|\PC{0,9})", "siblings": \[(\{"rfilename": "\PC{0,9}", "(size|blobId|lfs)": (-?[0-9]{1,25}|null|"[0-9a-f./]{0,64}"|\{"(sha256|oid)": "[0-9a-f./]{0,64}"\})\})?\]\}"#
        ) {
            if let Ok(listing) = listing(&text) {
                prop_assert!(listing.is_sound(&listing.commit));
            }
        }
    }
}
