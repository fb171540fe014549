//! The router behind a C interface: what `include/plimsoll.h` declares, and every other language binds to.
//!
//! The header is the documentation of the functions. Here is what keeps its promises:
//!
//! | module | what it holds |
//! |---|---|
//! | `boundary` | pointers to references and back, and the one place where a panic is caught |
//! | `failure` | status codes, and the latest error message of a thread |
//! | `router`, `drift`, `exploration`, `tracker`, `error_monitor`, `confidence`, `streaming`, `text` | the functions |
//! | `memory` | WebAssembly alone: memory for arguments |
//!
//! This is the one crate with pointers of others, so `unsafe` is allowed in it; each block says why it is sound.
#![expect(unsafe_code, reason = "a C interface is made of raw pointers and names that are not mangled")]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod boundary;
mod failure;

pub mod confidence;
pub mod drift;
pub mod error_monitor;
pub mod exploration;
#[cfg(target_family = "wasm")]
pub mod memory;
pub mod router;
pub mod streaming;
pub mod text;
pub mod tracker;
