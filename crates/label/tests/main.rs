//! One binary of integration tests: synthetic answers, real answers, hostile input, goldens.

#![expect(clippy::unwrap_used, reason = "the tests' own data; a panic is how a test fails")]

#[path = "all/answers.rs"]
mod answers;
#[path = "all/cases.rs"]
mod cases;
#[path = "all/goldens.rs"]
mod goldens;
#[path = "all/hostile.rs"]
mod hostile;
#[path = "all/properties.rs"]
mod properties;
#[path = "all/questions.rs"]
mod questions;
#[path = "all/real.rs"]
mod real;
