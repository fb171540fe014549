//! # plimsoll-engine
//!
//! Language models in process, with everything observable that a confidence needs.
//!
//! ```no_run
//! use plimsoll_engine::{Model, Placement, Row};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Model::open("models/tiny".as_ref(), Placement::cpu_f32())?;
//! let mut cache = model.decoder().cache();
//! let outputs = model.decoder().step(&mut [Row::new(&[1, 15, 7], &mut cache)])?;
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
//! - **Caches.** [`Cache::fork`] shares a prefix without a copy. Between a step that fails and the next,
//!   nothing is lost.
//! - **Distrust.** Sizes are checked before anything is allocated; tensors that are missing, of another shape,
//!   not finite or without a place are errors that name them.

pub mod arch;
pub mod cache;
pub mod decoder;
pub mod identity;
pub mod model;
pub mod model_error;
mod product;
mod regular;
pub mod safetensors;
pub mod spec;
pub mod spec_error;
pub mod step;
pub mod weights;
pub mod weights_error;

pub use arch::{ARCHITECTURES, Architecture, ConfigError, read_config};
pub use cache::Cache;
pub use decoder::Decoder;
pub use identity::{FileIdentity, Identity};
pub use model::{Model, ModelFiles};
pub use model_error::ModelError;
pub use safetensors::Safetensors;
pub use spec::DecoderSpec;
pub use spec_error::SpecError;
pub use step::{Hidden, Positions, Row, RowOutput, StepError};
pub use weights::{Embedding, Linear, Placement, Rows, Tensors};
pub use weights_error::WeightsError;
