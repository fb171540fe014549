//! # plimsoll-engine
//!
//! Language models in process, with everything observable that a confidence needs.

pub mod arch;
pub mod gguf;
pub mod safetensors;
pub mod spec;
pub mod spec_error;
pub mod weights;
pub mod weights_error;

pub use arch::{ARCHITECTURES, Architecture, ConfigError, read_config};
pub use spec::DecoderSpec;
pub use spec_error::SpecError;
pub use weights::{Embedding, Linear, Placement, Rows, Tensors};
pub use weights_error::WeightsError;
