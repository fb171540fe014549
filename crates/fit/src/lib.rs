//! # plimsoll-fit
//!
//! From scores to thresholds, as pure functions: no IO, no clock, no global state; the same input
//! gives the same bits at any number of threads.
//!
//! ```text
//! ScoreSeries ── PreparedSeries ── DrawOrder ── Draw ── WeightedSample ── Curve ── TargetFit ── OperatingPoint
//!                                      │         └── GradedConfidence ── maps
//!                                      └── TestSet (guarantees)
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@pool_cdf`] | the pool scale, on which a tracker works |
//! | [`prepared`] | a series sorted once; which datasets a fit may look at |
//! | [`draw`] | the 30-bin draw with its weights |
//! | [`sample`], [`sums`] | weighted rows, and the sums that every figure is computed from |
//! | [`curve`] | candidate thresholds with ties, the routing curve |
//! | [`points`], [`guarantee`] | targets; risk control by fixed-sequence testing |
//! | [`traffic`] | unlabelled traffic on the pool's scale; what adapting or tracking would reach there |
//! | [`mod@dataset_guarantee`] | what can be promised about a dataset never seen |
//! | [`mod@t_bound`] | the same from few datasets, by Student's t |
//! | [`adapt`] | operating points for other traffic, from its confidences |
//! | [`decisions`] | a method fitted anew on a log of its own decisions, by inverse propensity |
//! | [`mod@check`] | whether a published point still holds on new rows |
//! | [`mod@audit`] | a guarantee without labels, by the disagreement of the two models |
//! | [`maps`] | isotonic, Platt and beta maps |
//! | [`bootstrap`], [`intervals`] | the cluster bootstrap and the intervals of achieved figures |
//! | [`drift_levels`] | alarm levels of the drift monitor |
//! | [`method`], [`mod@file`] | a method's entry, and the thresholds file of a pair |
//! | [`tail`], [`distance`], [`quantile`] | binomial tails, two-sample KS, quantiles |
//!
//! `examples/fit_csv.rs` goes from a CSV of scores to a thresholds file in a few lines.

pub mod adapt;
pub mod audit;
pub mod bootstrap;
pub mod check;
pub mod curve;
pub mod dataset_guarantee;
pub mod decisions;
pub mod distance;
pub mod draw;
pub mod drift_levels;
pub mod file;
pub mod guarantee;
pub mod intervals;
pub mod maps;
pub mod method;
pub mod points;
pub mod pool_cdf;
pub mod prepared;
pub mod quantile;
pub mod sample;
pub mod sums;
pub mod t_bound;
pub mod tail;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod traffic;

pub use bootstrap::Bootstrap;
pub use curve::{Curve, CurvePoint};
pub use draw::{Draw, DrawOrder, DrawSpec};
pub use file::{DatasetGrades, PairDatasets, ThresholdsFileSpec, pair_file, thresholds_file};
pub use intervals::{Resampling, achieved};
pub use method::{
    FitSpec, FittedMethod, FittedTargets, MethodIdentity, draw_series, fit_method, fit_targets,
};
pub use points::TargetFit;
pub use pool_cdf::{pool_cdf, selection_cdf};
pub use prepared::{DatasetSelection, PreparedSeries};
pub use sample::WeightedSample;
