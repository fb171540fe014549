//! # plimsoll-pocket
//!
//! The embedded default: a generated benchmark suite in the formats of real ones, and the trainer of two
//! tiny language models that answer it, so that the whole chain runs without a GPU, a key or a download.
//! They are honest miniatures; no figure of theirs is a figure of a real model.
//!
//! | module | what it holds |
//! |---|---|
//! | [`suite`] | the fourteen datasets, their rows, and what models are trained on |
//! | [`train`] | the trainer of the two models |

pub mod suite;
pub mod train;

pub use suite::DATASETS;
