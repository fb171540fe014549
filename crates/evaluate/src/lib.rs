//! # plimsoll-evaluate
//!
//! Evaluates confidences, routing curves and thresholds; fits nothing by itself: where a fit is
//! needed, it calls `plimsoll-fit` on the pool side of a split.
//!
//! ```text
//! PreparedSeries ─┬─ alignment ── AlignmentRow, MapMetricRow   does the confidence rank right answers first?
//!           ├─ curves ───── CurveRow, CurveAreaRow       what does routing by it buy?
//!           └─ transfer ─── TransferRow, TransferCurveRow  do thresholds hold on data never seen?
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`metrics`] | one file per alignment metric, and the registry |
//! | [`mod@alignment`] | the metrics per dataset, pool and mean, with intervals |
//! | [`folds`] | probabilities of calibration maps, out of fold |
//! | [`mod@curves`] | routing curves with their baselines, and their areas |
//! | [`mod@transfer`] | leave-one-dataset-out and leave-one-domain-out |
//! | [`summary`] | transfer in a few numbers per method |
//! | [`other_slm`] | thresholds applied to another SLM than they were fitted for |

pub mod alignment;
pub mod curves;
pub mod folds;
pub mod metrics;
pub mod other_slm;
mod rows;
pub mod summary;
pub mod transfer;

pub use alignment::{SeriesAlignment, alignment};
pub use curves::{SeriesCurves, curves};
pub use other_slm::other_slms;
pub use summary::{LabelsSummary, NewDatasetSummary, TransferSummary, summarise};
pub use transfer::{
    CrossFittedScores, CrossFittedSeries, HoldOut, InDomainLabels, SeriesTransfer, TransferError,
    TransferScores, TransferSpec, transfer, transfer_steps,
};

use plimsoll_core::Seed;

/// How intervals are computed.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationSettings {
    /// Bootstrap replicates; 0 = no intervals.
    pub bootstrap: u32,
    /// Seed of the pipeline.
    pub seed: Seed,
}

/// The documents for users: their Rust compiles and runs as tests of this crate, which depends on all that they name.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/deploying.md")]
    struct Deploying;
    #[doc = include_str!("../../../docs/thresholds-file.md")]
    struct ThresholdsFile;
}
