//! Files of a source on this machine.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::HubError;

/// Bytes that are hashed at once.
const CHUNK: usize = 256 * 1024;

/// The files of a source, on this machine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Fetched {
    /// The branch or tag that was read; not always the one that was requested, see
    /// [`FileSelection::Parquet`](crate::FileSelection::Parquet). `None` for a local source.
    pub revision: Option<String>,
    /// The commit that it was. `None` for a local source.
    pub commit: Option<String>,
    /// The folder that the names of the files are relative to.
    pub folder: PathBuf,
    /// The files that were chosen, in the order of their names.
    pub files: Vec<FetchedFile>,
}

/// A file on this machine.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FetchedFile {
    /// Its name in the source, with folders, parted by `/`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The config that it is of, if it was chosen as Parquet and its name says so.
    pub config: Option<String>,
    /// The split that it is of, as the source spells it, if it was chosen as Parquet.
    pub split: Option<String>,
    pub(crate) known_sha256: Option<String>,
}

impl FetchedFile {
    pub(crate) fn new(name: String, path: PathBuf, bytes: u64) -> Self {
        Self { name, path, bytes, config: None, split: None, known_sha256: None }
    }

    /// The SHA-256 of its content, in lower-case hexadecimal. Where the hub lists it, it is
    /// not computed again: the file was verified when it was fetched, and its size each time since. To
    /// read the bytes whatever is listed, use [`sha256`].
    ///
    /// # Errors
    /// [`HubError::Io`] if it cannot be read.
    pub fn sha256(&self) -> Result<String, HubError> {
        self.known_sha256.clone().map_or_else(|| sha256(&self.path), Ok)
    }
}

/// The SHA-256 of a file's content, in lower-case hexadecimal, in bounded memory.
///
/// # Errors
/// [`HubError::Io`] if it cannot be read.
pub fn sha256(path: &Path) -> Result<String, HubError> {
    hash(path, Sha256::new())
}

/// Hashes a file's content after what the hasher has seen already.
pub(crate) fn hash(path: &Path, mut hasher: impl Digest) -> Result<String, HubError> {
    let failed = || HubError::io("read", path);
    let mut file = File::open(path).map_err(failed())?;
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer).map_err(failed())? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Ok(hexadecimal(&hasher.finalize()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 0xf)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}
