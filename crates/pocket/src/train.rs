//! The trainer of the two models: decoders of the Llama architecture with a few million numbers, trained on
//! one thread of a processor.
//!
//! Three phases: exercises in recall until recall is there (nothing that must be found in a prompt is learnt
//! without it), documents of everything, then questions about the model's own answers, so that `True` and a
//! confidence mean something. [`plan`] has every number, [`trainer`] the order of things; [`network`] computes
//! gradients by hand, [`optimiser`] takes steps; what comes out is a folder that the engine loads like any
//! other ([`folder`]).
//!
//! What is known of it, from one thread of a 2-core AMD EPYC (Zen 2) without AVX-512:
//!
//! | what | found |
//! |---|---|
//! | a step of 2,048 tokens, 2.0 M numbers, in processor time | gradient 6,400 tokens/s (76 GFLOP/s), with the optimiser 5,100 |
//! | recall of one of five pairs in the toy (`examples/recall.rs`), 4 layers | .99 at step 400, 1.00 at step 450 |
//! | the same with 9 layers | .96 at step 250, .99 at step 300 |
//!
//! Neither model was trained to its end yet: what accuracy the plans reach is not known, and the larger one's
//! length and mixture are a judgement.

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
pub mod toy;
pub mod trainer;
pub mod vocabulary;

pub use error::TrainError;
pub use plan::Plan;
pub use trainer::{Step, Trainer};
