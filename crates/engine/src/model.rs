//! A model as a user has it: opened from a folder or a file, described, loaded.

mod encoder;
mod files;
mod identity;
mod language_model;
mod stop;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use encoder::{Encoded, Encoder};
pub(crate) use encoder::{shared_by_all, shared_prefix};
pub use files::{ModelFiles, WeightFiles};
use identity::LocalIdentity;
pub use identity::{HashCache, ModelHashes};
pub use language_model::{GenerationOptions, LanguageModel};

use candle_core::{DType, Device};

use crate::arch::read_config;
use crate::chat::{ChatForm, ChatTemplate, Moment, SpecialTokenTexts, TemplateVariables, Templates};
use crate::decoder::Decoder;
use crate::error::{EngineError, Result};
use crate::gguf::{GgufError, GgufFile, GgufWeights, Vocabulary};
use crate::safetensors::Safetensors;
use crate::spec::DecoderSpec;
use crate::tokenizer::{Tokenizer, TokenizerError};
use crate::weights::{Placement, Tensors};

/// A model whose headers and small files were read; its weights were not.
#[derive(Debug)]
pub struct OpenedModel {
    files: ModelFiles,
    spec: DecoderSpec,
    weights: Container,
    tokenizer: std::result::Result<Tokenizer, TokenizerError>,
    template: ChatTemplate,
    stop: Vec<u32>,
}

#[derive(Debug)]
enum Container {
    Safetensors(Safetensors),
    Gguf(Box<GgufWeights>),
}

impl Container {
    fn tensors(&self) -> &dyn Tensors {
        match self {
            Self::Safetensors(files) => files,
            Self::Gguf(weights) => &**weights,
        }
    }
}

/// What a model is, for people and for tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDescription {
    /// `model_type` of its configuration.
    pub architecture: String,
    /// Trained parameters; tied ones count once.
    pub parameters: u64,
    /// Blocks.
    pub layers: usize,
    /// Width of a hidden state.
    pub hidden: usize,
    /// Rows of the embedding.
    pub vocabulary: usize,
    /// Tokens of the longest sequence.
    pub context: usize,
    /// How the weights are stored: the type of most parameters (`BF16`, `Q4_K`), or the file's own name for its mixture
    /// (`Q4_K_M`).
    pub stored: String,
    /// How chats are written.
    pub form: ChatForm,
    /// SHA-256 of the chat template and its variables, in lower-case hexadecimal: [`ChatTemplate::sha256`].
    pub chat_template_sha256: String,
    /// Tokens that end an answer.
    pub stop_tokens: Vec<u32>,
    /// Why the tokenizer cannot be used, if it cannot.
    pub tokenizer_problem: Option<String>,
}

impl OpenedModel {
    /// Opens the model of a path: a folder with `config.json` and safetensors, a folder with one GGUF file,
    /// or a GGUF file.
    ///
    /// # Errors
    /// [`EngineError`] names the file that is missing or damaged. A tokenizer that cannot be used is an
    /// error of [`OpenedModel::load`] only: a model can be described without it.
    pub fn open(path: &Path) -> Result<Self> {
        let files = ModelFiles::find(path)?;
        match &files.weights {
            WeightFiles::Safetensors => Self::from_folder(files),
            WeightFiles::Gguf(path) => Self::from_gguf(files.clone(), path),
        }
    }

    fn from_folder(files: ModelFiles) -> Result<Self> {
        let path = files.folder.join("config.json");
        let text = text(&files, "config.json")?.ok_or_else(|| absent("config.json", &files))?;
        let spec = read_config(&text).map_err(|source| EngineError::Config { path, source })?;
        let weights = Container::Safetensors(Safetensors::open(&files.folder)?);
        let tokenizer = match files.read("tokenizer.json")? {
            Some(json) => Tokenizer::from_json(&json, spec.vocabulary),
            None => Err(TokenizerError::Unreadable { problem: "there is no tokenizer.json".to_owned() }),
        };
        let template = ChatTemplate::new(
            &Templates::from_folder(&files.folder)?,
            SpecialTokenTexts::from_folder(&files.folder)?,
        )?;
        let stop = stop::from_folder(&files, tokenizer.as_ref().ok())?;
        Ok(Self { files, spec, weights, tokenizer, template, stop })
    }

    fn from_gguf(files: ModelFiles, path: &Path) -> Result<Self> {
        let weights = GgufWeights::new(GgufFile::open(path)?)?;
        let spec = weights.spec().clone();
        let vocabulary = weights.file().vocabulary();
        let tokenizer = gguf_tokenizer(weights.file(), vocabulary.as_ref(), spec.vocabulary);
        let (template, stop) = stop::gguf_template_and_stop(weights.file(), vocabulary.as_ref().ok())?;
        Ok(Self { files, spec, weights: Container::Gguf(Box::new(weights)), tokenizer, template, stop })
    }

    /// The same model, whose chat template sees these variables.
    ///
    /// # Errors
    /// [`EngineError::Variable`] for one that the template does not read, or if there is no template.
    pub fn with_variables(self, variables: TemplateVariables) -> Result<Self> {
        Ok(Self { template: self.template.with_variables(variables)?, ..self })
    }

    /// The variables that its chat template reads and a user may set, by name.
    pub fn template_reads(&self) -> BTreeSet<String> {
        self.template.reads()
    }

    /// What it is.
    pub fn description(&self) -> ModelDescription {
        let sha256 = self.template.sha256();
        ModelDescription {
            architecture: self.spec.architecture.clone(),
            parameters: self.spec.parameters(),
            layers: self.spec.layers.len(),
            hidden: self.spec.hidden,
            vocabulary: self.spec.vocabulary,
            context: self.spec.context,
            stored: self.stored(),
            form: self.template.form(),
            chat_template_sha256: plimsoll_core::canonical::hex(&sha256),
            stop_tokens: self.stop.clone(),
            tokenizer_problem: self.tokenizer.as_ref().err().map(ToString::to_string),
        }
    }

    /// Which model it is. Gigabytes are hashed once, see [`HashCache`].
    ///
    /// # Errors
    /// [`EngineError::Io`] if a file cannot be read.
    pub fn hashes(&self, cache: &HashCache) -> Result<ModelHashes> {
        ModelHashes::from_files(&self.files, &self.weight_files(), cache)
    }

    /// The identity of the model as it will be loaded: lower-case hexadecimal SHA-256 of all that its answers depend on
    /// beside the request. These are the files' hashes, the chat template with its variables, the tokens that end an
    /// answer, the engine's version, dtype, device, how packed matrices are multiplied and, if the template reads it,
    /// the date `now`. [`LanguageModel::identity`] gives the same after loading.
    pub fn identity(&self, hashes: &ModelHashes, placement: &Placement, now: Moment) -> String {
        let (template, stop_tokens) = (&self.template, self.stop.as_slice());
        let packed_products = self.packed_products(&placement.device);
        LocalIdentity { hashes, template, stop_tokens, placement, packed_products, now }.sha256()
    }

    /// The files that hold the weights, in order.
    pub fn weight_files(&self) -> Vec<PathBuf> {
        match &self.weights {
            Container::Safetensors(files) => files.files().to_vec(),
            Container::Gguf(weights) => vec![weights.file().path().to_owned()],
        }
    }

    /// The type in which a model of this kind computes unless another is requested: bf16 where the weights are
    /// stored so and nothing else speaks for f32, otherwise f32.
    pub fn natural_dtype(&self) -> DType {
        match &self.weights {
            Container::Safetensors(files) if files.stored_type() == Some("BF16") => DType::BF16,
            _ => DType::F32,
        }
    }

    /// How rows are multiplied with its packed matrices, if it has any. Answers depend on it, so it belongs to the
    /// identity. `None` on devices, where candle multiplies, or where nothing is packed.
    pub fn packed_products(&self, device: &Device) -> Option<&'static str> {
        let Container::Gguf(weights) = &self.weights else { return None };
        let mut tensors = weights.file().header().tensors.values();
        (device.is_cpu() && tensors.any(|info| !info.format.is_float())).then_some("8-bit rows")
    }

    /// The encoder of its prompts, for estimates that are made before the weights are read.
    ///
    /// # Errors
    /// The problem of a tokenizer that cannot be used.
    pub fn encoder(&self, now: Moment) -> std::result::Result<Encoder<'_>, &TokenizerError> {
        let (template, context) = (&self.template, self.spec.context);
        self.tokenizer.as_ref().map(|tokenizer| Encoder { tokenizer, template, now, context })
    }

    /// Reads the weights.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`] if the tokenizer cannot be used, before anything large is read; otherwise as
    /// [`Decoder::load`].
    pub fn load(self, placement: Placement) -> Result<LanguageModel> {
        let products = self.packed_products(&placement.device);
        let Self { spec, weights, tokenizer, template, stop, .. } = self;
        let tokenizer = tokenizer?;
        let decoder = Decoder::load(spec, weights.tensors(), placement)?;
        Ok(LanguageModel::new(decoder, tokenizer, template, stop, products))
    }

    /// Reads the weights of the decoder alone, for callers that work on tokens.
    ///
    /// # Errors
    /// As [`Decoder::load`].
    pub fn load_decoder(&self, placement: Placement) -> Result<Decoder> {
        Ok(Decoder::load(self.spec.clone(), self.weights.tensors(), placement)?)
    }

    fn stored(&self) -> String {
        match &self.weights {
            Container::Safetensors(files) => files.stored_type().unwrap_or("?").to_owned(),
            Container::Gguf(weights) => stop::file_type(weights),
        }
    }
}

/// The tokenizer of a GGUF file whose vocabulary was looked at, for a model of so many tokens.
fn gguf_tokenizer(
    file: &GgufFile,
    vocabulary: std::result::Result<&Vocabulary<'_>, &GgufError>,
    size: usize,
) -> std::result::Result<Tokenizer, TokenizerError> {
    let unreadable = |error: &dyn std::error::Error| TokenizerError::Unreadable { problem: chain(error) };
    if let Some(json) = file.tokenizer_beside().map_err(|error| unreadable(&error))? {
        return Tokenizer::from_json(json.as_bytes(), size);
    }
    let parts = vocabulary.map_err(|error| unreadable(error))?.tokenizer();
    let parts = parts.map_err(|error| unreadable(&file.vocabulary_error(error)))?;
    Tokenizer::from_parts(&parts, size)
}

/// A small text file beside the weights.
fn text(files: &ModelFiles, name: &str) -> Result<Option<String>> {
    let Some(bytes) = files.read(name)? else { return Ok(None) };
    let damaged =
        |_| EngineError::Damaged { path: files.folder.join(name), problem: "is not UTF-8".to_owned() };
    String::from_utf8(bytes).map(Some).map_err(damaged)
}

fn absent(what: &'static str, files: &ModelFiles) -> EngineError {
    EngineError::Absent { what, folder: files.folder.clone() }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

#[cfg(test)]
mod tests;
