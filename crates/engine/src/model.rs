//! A model's folder, as the hub lays it out: found, checked, loaded. Nothing is downloaded here.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::arch::read_config;
use crate::decoder::Decoder;
use crate::identity::Identity;
use crate::model_error::ModelError;
use crate::regular::open_regular;
use crate::safetensors::Safetensors;
use crate::spec::DecoderSpec;
use crate::weights::Placement;
use crate::weights_error::WeightsError;

/// The largest `config.json` that is read.
const MOST_CONFIG: u64 = 4 << 20;

/// The files of a model's folder beside its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelFiles {
    /// The folder.
    pub folder: PathBuf,
    /// `config.json`.
    pub config: PathBuf,
    /// `tokenizer.json`, if it is there.
    pub tokenizer: Option<PathBuf>,
    /// `tokenizer_config.json`, if it is there.
    pub tokenizer_config: Option<PathBuf>,
    /// `generation_config.json`, if it is there.
    pub generation_config: Option<PathBuf>,
    /// `chat_template.jinja`, if it is there.
    pub chat_template: Option<PathBuf>,
}

impl ModelFiles {
    /// Looks which files are there. Opens none.
    pub fn of(folder: &Path) -> Self {
        let there = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        Self {
            folder: folder.to_owned(),
            config: folder.join("config.json"),
            tokenizer: there("tokenizer.json"),
            tokenizer_config: there("tokenizer_config.json"),
            generation_config: there("generation_config.json"),
            chat_template: there("chat_template.jinja"),
        }
    }

    /// What `config.json` describes.
    ///
    /// # Errors
    /// [`ModelError`] if it is not there, too large, or gives no decoder.
    pub fn spec(&self) -> Result<DecoderSpec, ModelError> {
        let path = &self.config;
        let (file, bytes) = open_regular(path).map_err(ModelError::io("open", path))?;
        if bytes > MOST_CONFIG {
            return Err(ModelError::ConfigTooLarge { path: path.clone(), bytes, most: MOST_CONFIG });
        }
        let mut text = String::new();
        file.take(MOST_CONFIG).read_to_string(&mut text).map_err(ModelError::io("read", path))?;
        read_config(&text).map_err(|source| ModelError::Config { path: path.clone(), source })
    }
}

/// A model with weights in safetensors files, loaded.
#[derive(Debug)]
pub struct Model {
    decoder: Decoder,
    files: ModelFiles,
    weights: Vec<PathBuf>,
    stored_type: String,
}

impl Model {
    /// Opens `config.json` and the weights of a folder and loads the decoder.
    ///
    /// # Errors
    /// [`ModelError`] naming the file, and within it the field or tensor.
    pub fn open(folder: &Path, placement: Placement) -> Result<Self, ModelError> {
        let failed = |source: WeightsError| ModelError::Weights {
            folder: folder.to_owned(),
            source: Box::new(source),
        };
        let files = ModelFiles::of(folder);
        let spec = files.spec()?;
        let tensors = Safetensors::open(folder).map_err(failed)?;
        let decoder = Decoder::load(spec, &tensors, placement).map_err(failed)?;
        let stored_type = tensors.stored_type().unwrap_or_default().to_owned();
        Ok(Self { decoder, files, weights: tensors.files().to_vec(), stored_type })
    }

    /// The decoder.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The other files of its folder.
    pub fn files(&self) -> &ModelFiles {
        &self.files
    }

    /// What tells it from other models. Reads all weights once; where `cache` names a folder, hashes are kept
    /// there and used again as long as a file has the same path, size and time of change.
    ///
    /// # Errors
    /// [`ModelError`] if a file cannot be read or hashed, or `cache` cannot be written.
    pub fn identity(&self, cache: Option<&Path>) -> Result<Identity, ModelError> {
        Identity::of(self.decoder.spec(), &self.stored_type, &self.files.config, &self.weights, cache)
    }
}
