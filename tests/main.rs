//! Tests of the whole program: arguments in, files, text and exit codes out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![expect(clippy::format_collect, clippy::format_push_string, reason = "fixtures are small")]
#![expect(clippy::print_stdout, reason = "a test that cannot run here says so")]

mod asking;
mod cases;
mod datasets;
mod datasets_on_the_hub;
mod decisions;
mod determinism;
mod disk;
mod fixture;
mod harness;
mod help;
mod input_data;
mod limits;
mod made_model;
mod methods;
mod mmlu_pro;
mod models;
mod parquet_input;
mod plan_files;
mod real_confidences;
mod real_data;
mod report;
mod rows_needed;
mod schemas;
mod scores_alone;
mod shapes;
mod skipping;
mod table_cases;
mod thresholds_files;
mod tidy;
mod variables;

/// The hub that the tests of `hub` are made with.
#[path = "../crates/hub/tests/hub/server.rs"]
#[expect(dead_code, reason = "tests of `hub` use the rest")]
mod hub_server;

/// The benchmarks in the hub's form, as the tests of `ingest` have them.
#[path = "../crates/ingest/tests/ingest/hub_files.rs"]
#[expect(dead_code, reason = "tests of `ingest` use the rest")]
mod hub_files;

/// The chat server that the tests of `remote` are made with.
#[path = "../crates/remote/tests/backends/server.rs"]
#[expect(dead_code, reason = "tests of `remote` use the rest")]
mod chat_server;
