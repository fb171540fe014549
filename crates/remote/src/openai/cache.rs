//! Replies that were paid for, and refusals that would be met again, each in a file named by the hash of its
//! request.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use plimsoll_core::MissingSignal;
use plimsoll_files::write_atomic;
use serde::{Deserialize, Serialize};

use super::error::OpenAiError;
use super::reply::Completion;

/// Form of the files; one of another version is damaged to this program.
const VERSION: u32 = 2;
/// A kept reply is larger than what came, by the spans of its tokens; beyond this it is damaged.
const MAX_FILE: u64 = 256 << 20;

/// A folder of replies. Several processes may use one.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// What came of a request, with how it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    version: u32,
    /// Hash of the request.
    request: String,
    pub(super) attempts: u32,
    pub(super) latency_ms: f64,
    pub(super) came: Came,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Came {
    /// A reply.
    Completion(Box<Completion>),
    /// A refusal for a reason of its row: a name of [`MissingSignal`].
    Refused(String),
}

impl Kept {
    pub(super) fn reply(request: &str, completion: Completion, attempts: u32, latency_ms: f64) -> Self {
        Self::new(request, Came::Completion(Box::new(completion)), attempts, latency_ms)
    }

    pub(super) fn refusal(request: &str, reason: MissingSignal, attempts: u32) -> Self {
        Self::new(request, Came::Refused(reason.name().to_owned()), attempts, 0.0)
    }

    fn new(request: &str, came: Came, attempts: u32, latency_ms: f64) -> Self {
        Self { version: VERSION, request: request.to_owned(), attempts, latency_ms, came }
    }
}

impl Cache {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The reply to a request, if it is kept.
    pub(super) fn find(&self, request: &str) -> Result<Option<Kept>, OpenAiError> {
        let path = self.path(request);
        let unreadable = |source| OpenAiError::CacheUnreadable { path: path.clone(), source };
        let damaged = |problem| OpenAiError::CacheDamaged { path: path.clone(), problem };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(damaged("it is too large"));
        }
        let kept: Kept = serde_json::from_slice(&bytes).map_err(|_| damaged("it holds no kept reply"))?;
        if kept.version != VERSION {
            return Err(damaged("it is of another version"));
        }
        if matches!(&kept.came, Came::Refused(reason) if MissingSignal::from_name(reason).is_none()) {
            return Err(damaged("it holds a refusal for no known reason"));
        }
        if kept.request != request {
            return Err(damaged("it holds the reply to another request"));
        }
        Ok(Some(kept))
    }

    /// Keeps a reply.
    pub(super) fn keep(&self, kept: &Kept) -> Result<(), OpenAiError> {
        let path = self.path(&kept.request);
        write_atomic(&path, |file| serde_json::to_writer(file, kept).map_err(io::Error::from))
            .map_err(OpenAiError::CacheWrite)
    }

    /// 256 folders, so that none holds too much.
    fn path(&self, request: &str) -> PathBuf {
        let (folder, _) = request.split_at_checked(2).unwrap_or((request, ""));
        self.folder.join(Path::new(folder)).join(format!("{request}.json"))
    }
}
