//! Loops over numbers that more than one crate needs, on slices of f32: the engine, the trainer of the pocket
//! and the probes.
//!
//! The same input gives the same bits, at any number of threads: sums run in a fixed order, and a product is cut
//! into pieces of its result, never into pieces of a sum.

pub mod adamw;
pub mod attention;
pub mod limits;
pub mod packed;
pub mod product;
pub mod rows;
pub mod simd;
