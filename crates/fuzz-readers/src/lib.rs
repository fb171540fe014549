//! # plimsoll-fuzz-readers
//!
//! Every reader of bytes that others wrote, as a function of bytes alone. Whatever they are, a reader returns: with a
//! value that keeps its invariants, or with an error. Panics and broken invariants are found by `cargo fuzz` (folder
//! `fuzz/`), on stable by `examples/mutate.rs`, and bounded by count in `tests/corpus.rs`.
//!
//! | module | readers of |
//! |---|---|
//! | [`engine`] | model files: GGUF, safetensors, `tokenizer.json`, `config.json`, chat templates |
//! | [`gateway`] | requests of clients, streams of servers, settings and state of the gateway |
//! | [`hub`] | the hub's listing of files, and the texts that name sources |
//! | [`remote`] | replies and refusals of servers, recordings |
//! | `files` | score files, scores of other programs, benchmark files, pipeline files, decision logs (feature `tables`) |
//! | [`documents`] | thresholds files, answers of models |
//! | [`mutation`] | deterministic changes of a corpus |
#![expect(clippy::missing_panics_doc, reason = "every reader panics on a broken invariant")]
#![expect(clippy::panic, reason = "a broken invariant is a finding")]
#![expect(clippy::expect_used, reason = "without a temporary file nothing can be fuzzed")]

pub mod documents;
pub mod engine;
#[cfg(feature = "tables")]
pub mod files;
pub mod gateway;
pub mod hub;
pub mod mutation;
pub mod remote;
mod temporary;

/// Reads bytes; panics if that is how the reader fails, or if what it read breaks an invariant.
pub type Reader = fn(&[u8]);

/// All readers by the names of their fuzz targets.
pub const READERS: &[(&str, Reader)] = &[
    ("answer_extraction", documents::answer_extraction),
    #[cfg(feature = "tables")]
    ("benchmark_file", files::benchmark_file),
    ("chat_refusal", remote::chat_refusal),
    ("chat_reply", remote::chat_reply),
    ("chat_template", engine::chat_template),
    #[cfg(feature = "tables")]
    ("decision_log", files::decision_log),
    #[cfg(feature = "tables")]
    ("foreign_scores", files::foreign_scores),
    ("gateway_request", gateway::gateway_request),
    #[cfg(feature = "tables")]
    ("gateway_settings", gateway::gateway_settings),
    ("gateway_state", gateway::gateway_state),
    ("gateway_stream", gateway::gateway_stream),
    ("gguf_header", engine::gguf_header),
    ("hub_listing", hub::hub_listing),
    ("hub_source", hub::hub_source),
    ("model_config", engine::model_config),
    #[cfg(feature = "tables")]
    ("pipeline_file", files::pipeline_file),
    ("recording", remote::recording),
    ("safetensors_header", engine::safetensors_header),
    #[cfg(feature = "tables")]
    ("score_file", files::score_file),
    ("thresholds", documents::thresholds),
    ("tokenizer_json", engine::tokenizer_json),
];
