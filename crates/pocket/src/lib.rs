//! # plimsoll-pocket
//!
//! The pocket suite: synthetic benchmark datasets in the formats of real ones, so that a whole run needs no GPU, no
//! key and no download. No figure measured on it is a figure of a real benchmark or a real model.
//!
//! | module | what it holds |
//! |---|---|
//! | [`suite`] | the fourteen datasets, their rows, and the documents that models are trained on |
//!
//! The two models that answer it lie in `models/pocket`; `tools/toy-trainer` trains them.

pub mod suite;

pub use suite::DATASETS;
