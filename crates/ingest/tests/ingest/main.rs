//! Tests of the crate as its users see it: one binary.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, also in what they share, and say what they skipped"
)]

mod hostile;
mod own_tables;
mod real;
mod registry;
mod sources;
