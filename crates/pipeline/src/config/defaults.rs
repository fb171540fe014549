//! What is taken where a pipeline file says nothing. All of it is recorded in the configuration.

use plimsoll_label::{RawPolicy, References, SpanGrading, Treatment};
use plimsoll_remote::openai::Price;

/// Probe-training rows for each main row.
pub(super) const PROBE_ROWS: f64 = 0.2;
/// Questions of a chunk.
pub(super) const CHUNK: usize = 32;
/// Sequences at once.
pub(super) const SEQUENCES: usize = 32;
/// GiB for caches of keys and values.
pub(super) const CACHE_GIB: f64 = 2.0;
/// What a model in process costs.
pub(super) const FREE: Price = Price { input_per_mtok: 0.0, output_per_mtok: 0.0 };

/// What grades follow.
pub(super) const POLICY: RawPolicy = RawPolicy {
    refusal: Treatment::Wrong,
    truncated: Treatment::Ungraded,
    empty: Treatment::Wrong,
    ambiguous: Treatment::Ungraded,
    no_answer: Treatment::Ungraded,
    outside_choices: Treatment::Wrong,
    number_relative_tolerance: 0.0,
    span: SpanGrading::F1 { threshold: 0.5, references: References::Best },
};
