//! # plimsoll-engine
//!
//! Language models in process, with everything observable that a confidence needs.

pub mod chat;
