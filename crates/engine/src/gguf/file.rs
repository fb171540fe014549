//! An open file: its header, and reads at any offset.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::error::GgufError;
use super::header::GgufHeader;
use super::vocabulary::Vocabulary;
use super::vocabulary_error::VocabularyError;

/// The largest `tokenizer.json` that is read, in bytes.
const MAX_TOKENIZER_BYTES: u64 = 128 << 20;

/// A GGUF file whose header was read. Nothing else of it is in memory.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    file: Mutex<File>,
    header: GgufHeader,
}

impl GgufFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// A file that cannot be read, a header that is damaged or of a kind that is not read, one part of a
    /// split model.
    pub fn open(path: &Path) -> Result<Self, GgufError> {
        let failed = || GgufError::io("open", path);
        // Before it is opened: opening a pipe waits for a writer.
        if !fs::metadata(path).map_err(failed())?.is_file() {
            return Err(GgufError::NoFile { path: path.to_owned() });
        }
        let file = File::open(path).map_err(failed())?;
        let length = file.metadata().map_err(failed())?.len();
        let header = GgufHeader::read(BufReader::new(&file), length);
        let path = path.to_owned();
        let header = match header {
            Ok(header) => header,
            Err(error) => {
                let source = Box::new(error);
                return Err(GgufError::Header { path, source });
            }
        };
        let count = header.metadata.count("split.count");
        match count {
            Ok(Some(count)) if count > 1 => return Err(GgufError::Split { path, count }),
            Ok(_) => {}
            Err(error) => {
                return Err(GgufError::spec(&path, error.into()));
            }
        }
        Ok(Self { path, file: Mutex::new(file), header })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says about itself.
    pub fn header(&self) -> &GgufHeader {
        &self.header
    }

    /// Appends so many bytes from byte `offset` on.
    pub(super) fn append(&self, offset: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<()> {
        // Whoever panicked with the lock held XX.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        // Not a slice to be filled: its bytes would be written twice.
        let read = Read::take(&mut *file, length as u64).read_to_end(buffer)?;
        if read < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// The vocabulary in the metadata.
    ///
    /// # Errors
    /// A vocabulary that is missing or damaged.
    pub fn vocabulary(&self) -> Result<Vocabulary<'_>, GgufError> {
        Vocabulary::new(&self.header.metadata).map_err(|source| self.vocabulary_error(source))
    }

    /// The content of a `tokenizer.json`: of the file of that name beside this one if there is one, since
    /// it is the model's own, else made from the metadata.
    ///
    /// # Errors
    /// A file beside that cannot be read or is over 128 MiB; without one, a vocabulary that is damaged or
    /// of a kind that is not read.
    pub fn tokenizer_json(&self) -> Result<String, GgufError> {
        if let Some(json) = self.tokenizer_beside()? {
            return Ok(json);
        }
        let json = self.vocabulary()?.tokenizer_json();
        json.map_err(|source| self.vocabulary_error(source))
    }

    /// The content of the `tokenizer.json` beside this file, if there is one.
    pub(crate) fn tokenizer_beside(&self) -> Result<Option<String>, GgufError> {
        let beside = self.path.with_file_name("tokenizer.json");
        match File::open(&beside) {
            Ok(file) => bounded_text(file).map(Some).map_err(GgufError::io("read", &beside)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(GgufError::io("read", &beside)(error)),
        }
    }

    pub(crate) fn vocabulary_error(&self, source: VocabularyError) -> GgufError {
        let (path, source) = (self.path.clone(), Box::new(source));
        GgufError::Vocabulary { path, source }
    }
}

fn bounded_text(file: File) -> io::Result<String> {
    let mut text = String::new();
    file.take(MAX_TOKENIZER_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_TOKENIZER_BYTES {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok(text)
}
