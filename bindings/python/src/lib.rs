//! The router for Python: the module `plimsoll_router._native`, which the package re-exports.
//!
//! `python/plimsoll_router/_native.pyi` is the documentation of what is here. The rest is `crates/router`.

mod confidence;
mod decision;
mod failure;
mod logprobs;
mod monitor;
mod router;
mod streaming;
mod tracker;

/// The module.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use crate::confidence::{
        average_token_probability, jaccard_degree, min_token_probability, p_true, perplexity, token_entropy,
        token_margin,
    };
    #[pymodule_export]
    use crate::decision::{Decision, Drift, ExploredDecision, TrackedDecision, WindowReport};
    #[pymodule_export]
    use crate::failure::PlimsollError;
    #[pymodule_export]
    use crate::monitor::{ErrorMonitor, Evidence};
    #[pymodule_export]
    use crate::router::Router;
    #[pymodule_export]
    use crate::streaming::Accumulator;
    #[pymodule_export]
    use crate::tracker::Tracker;

    /// The version of the package.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name is Python's")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
