//! # plimsoll-engine
//!
//! Language models in process, with everything observable that a confidence needs.
//!
//! ```no_run
//! use plimsoll_engine::{Opened, Placement, Row};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Opened::open("models/tiny".as_ref())?.load(Placement::cpu_f32())?;
//! let prompt = model.encode_text("The ferry left at")?;
//! let mut cache = model.decoder().cache();
//! let outputs = model.decoder().step(&mut [Row::new(&prompt, &mut cache)])?;
//! println!("{:?}", outputs[0].logits);
//! # Ok(())
//! # }
//! ```
//!
//! What a user should know:
//!
//! - **One decoder.** An architecture is a mapping from its configuration to a [`DecoderSpec`]; [`Decoder`]
//!   knows no architecture, and no container of weights: those stand behind [`Tensors`], linear layers behind
//!   [`Linear`].
//! - **Observable.** A step gives logits at any position and the hidden state of any layer, in f32, as
//!   transformers counts and computes them; `tests/goldens/decoder` holds the proof.
//! - **Rows.** A step takes rows of different pasts and lengths. What a row gets does not depend on the rows
//!   beside it, beyond the rounding of f32 sums.
//! - **Caches.** [`Cache::fork`] shares a prefix without a copy. After a step that fails they are as before.
//! - **Answers.** [`generation`] grows an answer from logits, [`sampling`] chooses its tokens, [`tokenizer`] and
//!   [`chat`] turn text into tokens and back; none of them knows a model.
//! - **Batches.** [`LocalBackend`] answers asks with all their signals: one pool of sequences over one decoder,
//!   shared prefixes, a budget of memory.
//! - **Distrust.** Sizes are checked before anything is allocated; tensors that are missing, of another shape,
//!   not finite or without a place are errors that name them.

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
pub use backend::{Encoded, Encoder, Estimate, LocalBackend, LocalLimits};
pub use cache::Cache;
pub use decoder::Decoder;
pub use error::EngineError;
pub use model::{Answer, Description, HashCache, LanguageModel, ModelHashes, Opened};
pub use safetensors::Safetensors;
pub use spec::DecoderSpec;
pub use spec_error::SpecError;
pub use step::{Hidden, Positions, Row, RowOutput, StepError};
pub use weights::{Embedding, Linear, Placement, Rows, Tensors};
pub use weights_error::WeightsError;
