//! The trainer of the two models: decoders of the Llama architecture with a few million numbers, trained on
//! one thread of a processor.
//!
//! Three phases: exercises in recall until recall is there (nothing that must be found in a prompt is learnt
//! without it), documents of everything, then questions about the model's own answers, so that `True` and a
//! confidence mean something. [`plan`] has every number, [`trainer`] the order of things; [`network`] computes
//! gradients by hand, [`optimiser`] takes steps; what comes out is a folder that the engine loads like any
//! other ([`folder`]).

pub mod ask;
pub mod checkpoint;
pub mod error;
pub mod folder;
pub mod follow_ups;
pub mod held_out;
pub mod network;
pub mod numbers;
pub mod optimiser;
pub mod plan;
mod product;
pub mod reader;
pub mod sample;
pub mod shape;
mod simd;
pub mod toy;
pub mod trainer;
pub mod vocabulary;

pub use error::TrainError;
pub use plan::Plan;
pub use trainer::{Step, Trainer};
