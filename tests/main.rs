//! Tests of the whole program: arguments in, files, text and exit codes out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]
#![expect(clippy::format_collect, clippy::format_push_string, reason = "fixtures are small")]
#![expect(clippy::print_stdout, reason = "a test that cannot run here says so")]

mod asking;
mod audit;
mod cases;
mod checks;
mod datasets;
mod datasets_on_the_hub;
mod decision_logs;
mod decisions;
mod determinism;
mod disk;
mod docs;
mod fixture;
mod foreign;
mod harness;
mod help;
mod input_data;
mod limits;
mod made_model;
mod methods;
mod mmlu_pro;
mod models;
mod parquet_input;
mod pipeline_files;
mod real_confidences;
mod real_data;
mod report;
mod sample_size;
mod schemas;
mod scores_alone;
mod serving;
mod shapes;
mod shared_series;
mod skipping;
mod table_cases;
mod thresholds_files;
mod tidy;
mod tracking;
mod variables;
