//! The generated suite: fourteen small datasets about an invented world, and what models are trained on
//! to answer them.

mod adapter;
mod arithmetic;
mod datasets;
mod draw;
mod error;
mod facts;
mod generator;
mod item;
mod phrases;
mod recall;
mod relations;
mod rows;
mod side;
mod stream;
mod world;

pub use datasets::DATASETS;
pub use error::SuiteError;
pub use phrases::fixed_phrases;
pub use recall::Recall;
pub use rows::{follow_up_questions, native_rows};
pub use stream::{Dialogue, Document, Mixture, Stream};
pub use world::World;

/// The seed of the world, of the sides and of the rows: another one is another suite.
pub const SEED: u64 = 14;

/// Splits that have rows. What models are trained on is endless and has none.
pub const SPLITS: &[&str] = &["validation", "test"];
