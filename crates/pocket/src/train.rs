//! The trainer.

pub mod network;
pub mod numbers;
pub mod optimiser;
mod product;
pub mod sample;
pub mod shape;
mod simd;
pub mod toy;
