//! The reply cache: replies, and refusals that would repeat, each in a file named by the hash of its request.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use plimsoll_core::MissingSignal;
use plimsoll_files::write_atomic;
use serde::{Deserialize, Serialize};

use super::error::OpenAiError;
use super::reply::Completion;

/// Version of the file format; files of other versions are rejected as damaged.
const VERSION: u32 = 2;
/// Maximum size of a file. A cached reply is larger than the response, by the spans of its tokens.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// A folder of replies. Several processes may use one.
#[derive(Debug)]
pub(super) struct ReplyCache {
    folder: PathBuf,
}

/// The outcome of a request, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheEntry {
    version: u32,
    /// Hash of the request.
    request: String,
    pub(super) attempts: u32,
    pub(super) latency_ms: f64,
    #[serde(rename = "came")]
    pub(super) outcome: CachedOutcome,
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CachedOutcome {
    /// A reply.
    Completion(Box<Completion>),
    /// A refusal for a reason of its row, stored by its name.
    Refused(#[serde(with = "reason_name")] MissingSignal),
}

/// A reason as its stable name.
mod reason_name {
    use plimsoll_core::MissingSignal;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(reason: &MissingSignal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(reason.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MissingSignal, D::Error> {
        let name = String::deserialize(deserializer)?;
        MissingSignal::from_name(&name).ok_or_else(|| D::Error::custom("an unknown reason"))
    }
}

impl CacheEntry {
    pub(super) fn reply(request: &str, completion: Completion, attempts: u32, latency_ms: f64) -> Self {
        Self::new(request, CachedOutcome::Completion(Box::new(completion)), attempts, latency_ms)
    }

    pub(super) fn refusal(request: &str, reason: MissingSignal, attempts: u32) -> Self {
        Self::new(request, CachedOutcome::Refused(reason), attempts, 0.0)
    }

    fn new(request: &str, outcome: CachedOutcome, attempts: u32, latency_ms: f64) -> Self {
        Self { version: VERSION, request: request.to_owned(), attempts, latency_ms, outcome }
    }
}

impl ReplyCache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The outcome of a request, if it is cached.
    pub(super) fn find(&self, request: &str) -> Result<Option<CacheEntry>, OpenAiError> {
        let path = self.path(request);
        let unreadable = |source| OpenAiError::CacheUnreadable { path: path.clone(), source };
        let damaged = |problem| OpenAiError::CacheDamaged { path: path.clone(), problem };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(damaged("it is too large"));
        }
        let entry: CacheEntry =
            serde_json::from_slice(&bytes).map_err(|_| damaged("it holds no cached reply"))?;
        if entry.version != VERSION {
            return Err(damaged("it is of another version"));
        }
        if entry.request != request {
            return Err(damaged("it holds the reply to another request"));
        }
        Ok(Some(entry))
    }

    /// Stores an outcome.
    pub(super) fn store(&self, entry: &CacheEntry) -> Result<(), OpenAiError> {
        let path = self.path(&entry.request);
        write_atomic(&path, |file| serde_json::to_writer(file, entry).map_err(io::Error::from))
            .map_err(OpenAiError::CacheWrite)
    }

    /// In one of 256 folders, so that none holds too many files.
    fn path(&self, request: &str) -> PathBuf {
        let (folder, _) = request.split_at_checked(2).unwrap_or((request, ""));
        self.folder.join(Path::new(folder)).join(format!("{request}.json"))
    }
}
