//! The backend of a model in this process, on tiny models that the tests write.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod counts;
mod model;
mod plain;
mod real;
mod reasoning;
mod reasons;
mod same;
