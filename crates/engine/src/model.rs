//! A model as a user has it: a folder or a file, what is in it, and which model it is.

mod files;
mod identity;

pub use files::{ModelFiles, Weights};
pub use identity::{HashCache, ModelHashes};
