//! A gateway in front of scripted servers and models: routes and reasons, streams, limits, what is kept, and who leaves.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod fixture;
mod in_process_llm;
mod kept;
mod leaving;
mod limits;
mod routes;
mod streams;
