//! # plimsoll-engine
//!
//! Language models in process, with everything observable that a confidence needs.
//!
//! ```no_run
//! use plimsoll_engine::{OpenedModel, Placement, StepRow};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = OpenedModel::open("models/tiny".as_ref())?.load(Placement::cpu_f32())?;
//! let prompt = model.encode_text("The ferry left at")?;
//! let mut cache = model.decoder().cache();
//! let outputs = model.decoder().step(&mut [StepRow::new(&prompt, &mut cache)])?;
//! println!("{:?}", outputs[0].logits);
//! # Ok(())
//! # }
//! ```
//!
//! What a user should know:
//!
//! - **One decoder.** An architecture is a mapping from its configuration to a [`DecoderSpec`]; [`Decoder`]
//!   knows no architecture, and no container of weights: those are behind the trait [`Tensors`], linear layers behind
//!   [`Linear`].
//! - **Observable.** A step gives logits at any position and the hidden state of any layer, in f32, as
//!   transformers counts and computes them; `tests/goldens/decoder` holds the proof.
//! - **Rows.** A step takes rows of different pasts and lengths. What a row gets does not depend on the rows
//!   beside it, beyond the rounding of f32 sums.
//! - **Caches.** [`KvCache::fork`] shares a prefix without a copy. After a step that fails they are as before.
//! - **Answers.** [`generation`] grows an answer from logits, [`sampling`] chooses its tokens, [`tokenizer`] and
//!   [`chat`] turn text into tokens and back; none of them knows a model.
//! - **Batches.** [`LocalBackend`] answers requests with all their signals: one pool of sequences over one decoder,
//!   shared prefixes, a budget of memory.
//! - **Distrust.** Sizes are checked before anything is allocated; tensors that are missing, of another shape,
//!   not finite or not used are errors that name them.

pub mod arch;
pub mod backend;
pub mod cache;
pub mod chat;
pub mod decoder;
pub mod error;
pub mod generation;
pub mod gguf;
mod kernel;
pub mod model;
mod product;
mod regular;
pub mod safetensors;
pub mod sampling;
pub mod spec;
pub mod spec_error;
pub mod step;
pub mod tokenizer;
pub mod weights;
pub mod weights_error;

pub use arch::{ARCHITECTURES, Architecture, ConfigError, read_config};
pub use backend::{LocalBackend, LocalLimits, TokenEstimate};
pub use cache::KvCache;
pub use decoder::Decoder;
pub use error::EngineError;
pub use model::{
    Encoded, Encoder, GenerationOptions, HashCache, LanguageModel, ModelDescription, ModelHashes, OpenedModel,
};
pub use safetensors::Safetensors;
pub use spec::DecoderSpec;
pub use spec_error::SpecError;
pub use step::{Hidden, Positions, RowOutput, StepError, StepRow};
pub use weights::{Embedding, EmbeddingRows, Linear, Placement, Tensors};
pub use weights_error::WeightsError;
