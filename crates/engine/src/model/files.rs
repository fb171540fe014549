//! Which files a model is made of.

use std::path::{Path, PathBuf};

use crate::error::{EngineError, Result};
use crate::safetensors::{INDEX, SINGLE};

/// The ending of a GGUF file.
const GGUF: &str = "gguf";

/// The largest of the small files (configurations, templates) that is read.
const MAX_SMALL: u64 = 64 << 20;

/// Where the weights are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WeightFiles {
    /// In the safetensors files of the folder.
    Safetensors,
    /// In one GGUF file, which may hold configuration and tokenizer too.
    Gguf(PathBuf),
}

/// The files of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFiles {
    /// Where they are.
    pub folder: PathBuf,
    /// The weights.
    pub weights: WeightFiles,
}

impl ModelFiles {
    /// The model of a path: a folder with safetensors or one GGUF file, or a GGUF file.
    ///
    /// # Errors
    /// [`EngineError::Absent`] if there is none, [`EngineError::Damaged`] if there are several.
    pub fn find(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(EngineError::io(path))?;
        if !metadata.is_dir() {
            return Self::from_file(path);
        }
        let folder = path.to_owned();
        if [SINGLE, INDEX].iter().any(|name| folder.join(name).is_file()) {
            return Ok(Self { folder, weights: WeightFiles::Safetensors });
        }
        let found = gguf_files(path)?;
        match found.as_slice() {
            [one] => Ok(Self { folder, weights: WeightFiles::Gguf(one.clone()) }),
            [] => {
                let what = "weights (model.safetensors, model.safetensors.index.json with its shards, or a .gguf file)";
                Err(EngineError::Absent { what, folder })
            }
            several => {
                let names: Vec<_> = several.iter().filter_map(|path| path.file_name()?.to_str()).collect();
                let problem = format!("holds several models ({}); name one of the files", names.join(", "));
                Err(EngineError::Damaged { path: folder, problem })
            }
        }
    }

    fn from_file(path: &Path) -> Result<Self> {
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(GGUF)) {
            let folder = path.parent().map(Path::to_owned).unwrap_or_default();
            return Ok(Self { folder, weights: WeightFiles::Gguf(path.to_owned()) });
        }
        let problem = "is no .gguf file; for safetensors name the folder".to_owned();
        Err(EngineError::Damaged { path: path.to_owned(), problem })
    }

    /// A file beside the weights, if it is there.
    pub fn beside(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.join(name)).filter(|path| path.is_file())
    }

    /// The content of a small file beside the weights, if it is there.
    ///
    /// # Errors
    /// [`EngineError::Io`]; [`EngineError::Damaged`] for a file of more than 64 MiB.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(path) = self.beside(name) else { return Ok(None) };
        let bytes = std::fs::metadata(&path).map_err(EngineError::io(&path))?.len();
        if bytes > MAX_SMALL {
            let problem = format!("has {bytes} bytes; at most {MAX_SMALL} are read");
            return Err(EngineError::Damaged { path, problem });
        }
        std::fs::read(&path).map(Some).map_err(EngineError::io(&path))
    }
}

/// The GGUF files of a folder, by name.
fn gguf_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(EngineError::io(folder))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(EngineError::io(folder))?.path();
        if path.is_file() && path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(GGUF)) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
