//! # plimsoll-engine
//!
//! Language models in process, with everything observable that a confidence needs.

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
