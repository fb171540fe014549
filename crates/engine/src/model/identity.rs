//! Which model it is: hashes of its files, and one identity of all that its answers depend on.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use plimsoll_core::canonical::{canonical_sha256, hex};
use serde_json::json;

use super::ModelFiles;
use crate::chat::{ChatTemplate, Moment, TEMPLATE_DATE};
use crate::error::{EngineError, Result};
use crate::weights::Placement;

/// SHA-256 of what makes a model what it is, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelHashes {
    /// Of the weights: the file's own hash, or of several files the hash of the lines `HASH  NAME\n` by name, as
    /// `sha256sum * | sha256sum` gives it.
    pub weights_sha256: String,
    /// Of `tokenizer.json`; `None` where the tokenizer is part of the weights' file.
    pub tokenizer_sha256: Option<String>,
    /// Of `config.json`; `None` where the configuration is part of the weights' file.
    pub config_sha256: Option<String>,
}

/// How long a file must be unchanged before its hash is cached.
const SETTLED: Duration = Duration::from_secs(2);

/// Hashes of files that were read before, so that gigabytes are hashed once.
///
/// An entry counts for a file of the same path, size and time of change. A cache that cannot be written
/// or read is as good as none: hashes are then computed each time.
#[derive(Debug, Clone)]
pub struct HashCache {
    folder: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HashEntry {
    path: PathBuf,
    bytes: u64,
    modified_ns: u128,
    sha256: String,
}

impl ModelHashes {
    /// Hashes the files of a model, of which `paths` hold the weights.
    ///
    /// # Errors
    /// [`EngineError::Io`] if one cannot be read.
    pub fn from_files(files: &ModelFiles, paths: &[PathBuf], cache: &HashCache) -> Result<Self> {
        let mut lines = String::new();
        let mut only = None;
        for path in paths {
            let hash = cache.sha256(path)?;
            let name = path.file_name().ok_or_else(|| unnamed(path))?;
            lines.extend([&hash, "  ", &*name.to_string_lossy(), "\n"]);
            only = Some(hash);
        }
        let weights_sha256 = match (paths.len(), only) {
            (1, Some(hash)) => hash,
            _ => hex(&Sha256::digest(lines.as_bytes())),
        };
        let beside = |name: &str| files.beside(name).map(|path| cache.sha256(&path)).transpose();
        Ok(Self {
            weights_sha256,
            tokenizer_sha256: beside("tokenizer.json")?,
            config_sha256: beside("config.json")?,
        })
    }
}

fn unnamed(path: &Path) -> EngineError {
    EngineError::Damaged { path: path.to_owned(), problem: "has no file name".to_owned() }
}

/// All that the answers of a local model depend on beside the request.
#[derive(Debug)]
pub(super) struct LocalIdentity<'a> {
    pub(super) hashes: &'a ModelHashes,
    /// Its hash covers the variables that a user has set.
    pub(super) template: &'a ChatTemplate,
    pub(super) stop_tokens: &'a [u32],
    pub(super) placement: &'a Placement,
    pub(super) packed_products: Option<&'static str>,
    pub(super) now: Moment,
}

impl LocalIdentity<'_> {
    /// Lower-case hexadecimal SHA-256 of the canonical JSON of the parts. Cached chunks are addressed by it, and tables
    /// are made of chunks: its keys are a format. What has its usual value is left out.
    pub(super) fn sha256(&self) -> String {
        let mut identity = json!({
            // Raised when the engine's arithmetic changes what models answer.
            "backend": "candle 1",
            "weights": self.hashes.weights_sha256,
            "tokenizer": self.hashes.tokenizer_sha256,
            "config": self.hashes.config_sha256,
            "chat_template": hex(&self.template.sha256()),
            "stop_tokens": self.stop_tokens,
            "dtype": self.placement.dtype.as_str(),
            "device": self.placement.device_name(),
        });
        if let Some(products) = self.packed_products {
            identity["packed_products"] = products.into();
        }
        // A template that reads no date gives the same prompts on every date.
        if self.now != TEMPLATE_DATE && self.template.reads_now() {
            identity["template_date"] = self.now.to_string().into();
        }
        canonical_sha256(&identity)
    }
}

impl HashCache {
    /// A cache in a folder, which is made when it is first written to.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    /// No cache.
    pub fn none() -> Self {
        Self { folder: None }
    }

    /// The SHA-256 of a file's content.
    ///
    /// # Errors
    /// [`EngineError::Io`] if it cannot be read.
    pub fn sha256(&self, path: &Path) -> Result<String> {
        let path = &std::fs::canonicalize(path).map_err(EngineError::io(path))?;
        let metadata = std::fs::metadata(path).map_err(EngineError::io(path))?;
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified_ns = modified.map_or(0, |since| since.as_nanos());
        let known = self.entry_path(path).and_then(|entry| read(&entry));
        let same = |entry: &HashEntry| {
            entry.path == *path
                && entry.bytes == metadata.len()
                && entry.modified_ns == modified_ns
                && modified_ns > 0
        };
        if let Some(known) = known.filter(same) {
            return Ok(known.sha256);
        }
        let sha256 = plimsoll_hub::sha256(path)
            .map_err(|error| EngineError::Damaged { path: path.clone(), problem: error.to_string() })?;
        // A file that changed a moment ago may change again under the same time stamp.
        if modified.is_none_or(|since| !has_settled(since)) {
            return Ok(sha256);
        }
        let entry =
            HashEntry { path: path.clone(), bytes: metadata.len(), modified_ns, sha256: sha256.clone() };
        self.keep(&entry);
        Ok(sha256)
    }

    fn entry_path(&self, path: &Path) -> Option<PathBuf> {
        let name = hex(&Sha256::digest(path.as_os_str().as_encoded_bytes()));
        Some(self.folder.as_ref()?.join(format!("{name}.json")))
    }

    /// Writes an entry, whole or not at all. Without it the next run hashes again, so an error is no loss.
    fn keep(&self, entry: &HashEntry) {
        let Some(path) = self.entry_path(&entry.path) else { return };
        let Some(folder) = &self.folder else { return };
        let Ok(text) = serde_json::to_vec(entry) else { return };
        let written = std::fs::create_dir_all(folder).and_then(|()| {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&text)?;
            file.persist(&path).map(drop).map_err(|error| error.error)
        });
        if let Err(error) = written {
            tracing::debug!(%error, path = %path.display(), "hash not cached");
        }
    }
}

/// Whether a time of change, since 1970, is long enough ago that another change would have another.
fn has_settled(changed: Duration) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.checked_sub(changed).is_some_and(|age| age >= SETTLED)
}

/// An entry, if there is one that can be read.
fn read(path: &Path) -> Option<HashEntry> {
    /// No entry is longer.
    const MAX_ENTRY_BYTES: u64 = 64 * 1024;
    if std::fs::metadata(path).ok()?.len() > MAX_ENTRY_BYTES {
        return None;
    }
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use plimsoll_core::canonical::hex;

    #[test]
    fn a_hash_is_kept_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (file, cache_folder) = (folder.path().join("weights"), folder.path().join("cache"));
        std::fs::write(&file, "one").unwrap();
        let settled = SystemTime::now() - Duration::from_mins(1);
        File::options().write(true).open(&file).unwrap().set_modified(settled).unwrap();
        let cache = HashCache::new(cache_folder.clone());
        let one = cache.sha256(&file).unwrap();
        assert_eq!(one, hex(&Sha256::digest(b"one")));
        let entry = std::fs::read_dir(&cache_folder).unwrap().next().unwrap().unwrap().path();
        // The entry is used as long as the file is the same.
        let planted = std::fs::read_to_string(&entry).unwrap().replace(&one, &"0".repeat(64));
        std::fs::write(&entry, planted).unwrap();
        assert_eq!(cache.sha256(&file).unwrap(), "0".repeat(64));
        // Changed just now: hashed again, and not cached.
        std::fs::write(&file, "three").unwrap();
        assert_eq!(cache.sha256(&file).unwrap(), HashCache::none().sha256(&file).unwrap());
        assert!(std::fs::read_to_string(&entry).unwrap().contains(&"0".repeat(64)));
        for broken in ["", "{", "[]", "{\"path\":1}"] {
            std::fs::write(&entry, broken).unwrap();
            assert_eq!(cache.sha256(&file).unwrap(), HashCache::none().sha256(&file).unwrap());
        }
        assert!(cache.sha256(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        // A file stands where the folder should be.
        let cache = HashCache::new(file.join("cache"));
        assert_eq!(cache.sha256(&file).unwrap(), HashCache::none().sha256(&file).unwrap());
    }
}
