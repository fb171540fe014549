//! Reading the small files that come with a model.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde_json::Value as Json;

use super::error::ChatError;

/// Bytes of the largest file read. `tokenizer_config.json` with thousands of added tokens has some
/// hundreds of thousands.
const MAX_BYTES: u64 = 64 << 20;

/// The text of a file, `None` if it is not there.
pub(super) fn read_text(path: &Path) -> Result<Option<String>, ChatError> {
    let io = |source| ChatError::Io { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ChatError::FileTooLarge { path: path.to_owned(), max: MAX_BYTES });
    }
    String::from_utf8(bytes).map(Some).map_err(|error| io(io::Error::new(io::ErrorKind::InvalidData, error)))
}

/// The JSON map of a file, `None` if it is not there.
pub(super) fn read_json(path: &Path) -> Result<Option<Json>, ChatError> {
    let Some(text) = read_text(path)? else { return Ok(None) };
    let json: Json =
        serde_json::from_str(&text).map_err(|source| ChatError::Json { path: path.to_owned(), source })?;
    if json.is_object() { Ok(Some(json)) } else { Err(JsonFile { path }.error("", "a map")) }
}

/// For errors about what a file holds.
#[derive(Clone, Copy)]
pub(super) struct JsonFile<'a> {
    /// The file.
    pub(super) path: &'a Path,
}

impl JsonFile<'_> {
    pub(super) fn error(self, key: &str, expected: &'static str) -> ChatError {
        ChatError::Shape { path: self.path.to_owned(), key: key.to_owned(), expected }
    }
}
