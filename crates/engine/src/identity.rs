//! What tells a model from others: the hashes of its files, and a few figures for people.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model_error::ModelError;
use crate::spec::DecoderSpec;

/// A file that was changed less long ago may change again under the same time stamp, so its hash is not kept.
const SETTLED: Duration = Duration::from_secs(2);
/// The longest entry that is read.
const MOST_ENTRY: u64 = 64 << 10;

/// What tells a model from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// As `model_type` of `config.json` spells it.
    pub architecture: String,
    /// Parameters, tied ones counted once.
    pub parameters: u64,
    /// How most weights are stored, as the file spells it (`BF16`).
    pub stored_type: String,
    /// SHA-256 of `config.json`, in lower-case hexadecimal.
    pub config_sha256: String,
    /// The weights, in the order of their names.
    pub weights: Vec<FileIdentity>,
}

/// A file by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    /// Its name, without folders.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, in lower-case hexadecimal.
    pub sha256: String,
}

/// What is kept of a file that was hashed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    path: PathBuf,
    stamp: Stamp,
    sha256: String,
}

/// What changes when a file does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stamp {
    bytes: u64,
    modified_s: u64,
    modified_ns: u32,
}

impl Identity {
    pub(crate) fn of(
        spec: &DecoderSpec,
        stored_type: &str,
        config: &Path,
        weights: &[PathBuf],
        cache: Option<&Path>,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            architecture: spec.architecture.clone(),
            parameters: spec.parameters(),
            stored_type: stored_type.to_owned(),
            config_sha256: hashed(config)?,
            weights: weights.iter().map(|path| FileIdentity::of(path, cache)).collect::<Result<_, _>>()?,
        })
    }

    /// One hash of all: SHA-256 over the hash of `config.json` and the names and hashes of the weights, each
    /// on a line of its own.
    pub fn sha256(&self) -> String {
        let mut lines = vec![self.config_sha256.clone()];
        lines.extend(self.weights.iter().map(|file| format!("{} {}", file.sha256, file.name)));
        hexadecimal((lines.join("\n") + "\n").as_bytes())
    }
}

impl FileIdentity {
    /// Hashes a file, or takes the hash that the folder `cache` keeps of it.
    ///
    /// # Errors
    /// [`ModelError`] if the file cannot be read or changes meanwhile, or the cache cannot be written.
    pub fn of(path: &Path, cache: Option<&Path>) -> Result<Self, ModelError> {
        // The hub's cache links names to content; the name is the link's.
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = fs::canonicalize(path).map_err(ModelError::io("open", path))?;
        let stamp = Stamp::of(&path)?;
        let entry = cache.map(|cache| cache.join(entry_name(&path)));
        if let Some(sha256) = entry.as_deref().and_then(|entry| kept(entry, &path, &stamp)) {
            return Ok(Self { name, bytes: stamp.bytes, sha256 });
        }
        let sha256 = hashed(&path)?;
        if Stamp::of(&path)? != stamp {
            return Err(ModelError::Changed { path });
        }
        if let Some(entry) = entry.filter(|_| stamp.has_settled()) {
            let bytes = stamp.bytes;
            let kept = Kept { path, stamp, sha256: sha256.clone() };
            write_whole(&entry, &kept)?;
            return Ok(Self { name, bytes, sha256 });
        }
        Ok(Self { name, bytes: stamp.bytes, sha256 })
    }
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, ModelError> {
        let read = || {
            let metadata = fs::metadata(path)?;
            Ok((metadata.len(), metadata.modified()?))
        };
        let (bytes, modified) = read().map_err(ModelError::io("look at", path))?;
        // Before 1970 nothing was written: such a time is only compared.
        let modified = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self { bytes, modified_s: modified.as_secs(), modified_ns: modified.subsec_nanos() })
    }

    fn has_settled(&self) -> bool {
        let modified = UNIX_EPOCH + Duration::new(self.modified_s, self.modified_ns);
        SystemTime::now().duration_since(modified).is_ok_and(|age| age > SETTLED)
    }
}

fn entry_name(path: &Path) -> String {
    format!("{}.json", hexadecimal(path.as_os_str().as_encoded_bytes()))
}

/// The hash that is kept, if it is of this file as it is now. An entry that cannot be read is none: the file is
/// hashed again and the entry replaced.
fn kept(entry: &Path, path: &Path, stamp: &Stamp) -> Option<String> {
    let mut text = String::new();
    File::open(entry).ok()?.take(MOST_ENTRY).read_to_string(&mut text).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok()?;
    (kept.path == path && kept.stamp == *stamp).then_some(kept.sha256)
}

/// Written beside and renamed, so that no reader sees half of it.
fn write_whole(entry: &Path, kept: &Kept) -> Result<(), ModelError> {
    let beside = entry.with_extension(format!("{}.tmp", process::id()));
    let write = || {
        if let Some(folder) = entry.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::create(&beside)?;
        file.write_all(serde_json::to_string(kept)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, entry)
    };
    write().map_err(ModelError::io("write", entry))
}

fn hashed(path: &Path) -> Result<String, ModelError> {
    plimsoll_hub::sha256(path)
        .map_err(|source| ModelError::Hash { path: path.to_owned(), source: Box::new(source) })
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}
