//! The rows of the tables that Plimsoll writes. A field is a column: `store` holds their Arrow
//! types, `--json` prints them under the same names. `None` is null: undefined, missing or not
//! applicable, never zero.

mod generations;
mod names;
mod questions;

use plimsoll_router::thresholds::Status;
use serde::{Deserialize, Serialize};

use crate::label::LabelReason;
use crate::table_row;

pub use generations::{FollowUpRow, GenerationRow, HiddenStateRow, TokenRow};
pub use names::{CostAxis, DrawPart, HoldOut, InDomainLabels, MapScheme};
pub use questions::{ConfidenceRow, DatasetRow, QuestionRow, ScoreRow};

/// The dataset name of rows over the whole pool.
pub const POOL: &str = "*";
/// The dataset name of rows that hold the mean over datasets.
pub const MACRO: &str = "macro";

table_row! {
    /// A row of `calibration`: one drawn question of one (SLM, LLM, method).
    #[derive(Debug, Clone, PartialEq, Serialize)]
    pub struct CalibrationRow {
        /// Small model.
        pub slm: String,
        /// Large model.
        pub llm: Option<String>,
        /// Method.
        pub method: String,
        /// Question.
        pub question_id: String,
        /// Its dataset.
        pub dataset: String,
        /// Its domain.
        pub domain: String,
        /// Key of its cluster, 16 hexadecimal digits.
        pub cluster: String,
        /// Confidence in [0, 1].
        pub confidence: f64,
        /// Grade of the SLM's answer; null = ungraded.
        pub slm_correct: Option<bool>,
        /// Grade of the LLM's answer; null = ungraded.
        pub llm_correct: Option<bool>,
        /// US dollars of the SLM's answer and its uncertainty.
        pub slm_cost: Option<f64>,
        /// US dollars of the LLM's answer.
        pub llm_cost: Option<f64>,
        /// Bin of the confidence, from 0.
        pub bin: u32,
        /// 1 / inclusion probability.
        pub weight: f64,
        /// `proportional` (enters guarantees) or `extra` (makes its bin non-empty).
        pub part: DrawPart,
    }
}

table_row! {
    /// A row of `alignment`: how well a confidence ranks the SLM's correct answers first.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct AlignmentRow {
        /// Small model.
        pub slm: String,
        /// Large model.
        pub llm: Option<String>,
        /// Method.
        pub method: String,
        /// Dataset, `*` for the pool, `macro` for the mean over datasets.
        pub dataset: String,
        /// All rows.
        pub rows: u64,
        /// Rows without a confidence.
        pub missing: u64,
        /// Rows whose SLM answer is ungraded.
        pub ungraded: u64,
        /// SLM accuracy over all rows, ungraded counted as wrong.
        pub accuracy: Option<f64>,
        /// ROC AUC over rows with score and label, ties half.
        pub roc_auc: Option<f64>,
        /// Lower 95 % limit.
        pub roc_auc_low: Option<f64>,
        /// Upper 95 % limit.
        pub roc_auc_high: Option<f64>,
        /// Prediction rejection ratio.
        pub prr: Option<f64>,
        /// Lower 95 % limit.
        pub prr_low: Option<f64>,
        /// Upper 95 % limit.
        pub prr_high: Option<f64>,
        /// Area under the risk-coverage curve.
        pub aurc: Option<f64>,
        /// Lower 95 % limit.
        pub aurc_low: Option<f64>,
        /// Upper 95 % limit.
        pub aurc_high: Option<f64>,
        /// AURC in excess of a perfect ranking's.
        pub e_aurc: Option<f64>,
        /// Lower 95 % limit.
        pub e_aurc_low: Option<f64>,
        /// Upper 95 % limit.
        pub e_aurc_high: Option<f64>,
        /// Brier score of the raw confidence read as a probability.
        pub brier_raw: Option<f64>,
        /// Brier score of the isotonic map, out of fold as `map_scheme` says.
        pub brier: Option<f64>,
        /// Lower 95 % limit.
        pub brier_low: Option<f64>,
        /// Upper 95 % limit.
        pub brier_high: Option<f64>,
        /// Expected calibration error of the isotonic map (equal-width bins), out of fold.
        pub ece: Option<f64>,
        /// Lower 95 % limit.
        pub ece_low: Option<f64>,
        /// Upper 95 % limit.
        pub ece_high: Option<f64>,
        /// `leave_one_dataset_out`, `five_fold`, or `file` (the map of a thresholds file).
        pub map_scheme: Option<MapScheme>,
    }
}

table_row! {
    /// A row of `labels`: a [`Label`](crate::Label) with the question, model and prompt that it belongs to.
    #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct LabelRow {
        /// Question.
        pub question_id: String,
        /// Model that answered.
        pub model: String,
        /// SHA-256 of the prompt.
        pub prompt_hash: String,
        /// The extracted answer in the form of `gold`; null if nothing was found.
        pub answer: Option<String>,
        /// First byte of the answer in the generated text.
        pub span_start: Option<u64>,
        /// Byte after the last.
        pub span_end: Option<u64>,
        /// First token of the answer, where tokens are known.
        pub token_start: Option<u64>,
        /// Token after the last.
        pub token_end: Option<u64>,
        /// Whether the answer is right; null = ungraded.
        pub correct: Option<bool>,
        /// Who graded.
        pub grader: String,
        /// Rule by which the answer was found; empty if none was.
        pub rule: String,
        /// Why the answer is ungraded.
        pub reason: Option<LabelReason>,
    }
}

table_row! {
    /// A row of `map_metrics`: one map of one method, judged out of fold.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct MapMetricRow {
        /// Small model.
        pub slm: String,
        /// Large model.
        pub llm: Option<String>,
        /// Method.
        pub method: String,
        /// Dataset, or `*` for the pool.
        pub dataset: String,
        /// `isotonic`, `platt` or `beta`.
        pub map: String,
        /// `leave_one_dataset_out`, `five_fold` or `file`.
        pub scheme: MapScheme,
        /// Rows judged.
        pub rows: u64,
        /// Brier score.
        pub brier: Option<f64>,
        /// Expected calibration error.
        pub ece: Option<f64>,
    }
}

table_row! {
    /// A row of `other_slm`: the thresholds of one SLM and method, applied to the confidences of another SLM on the questions
    /// that both answered.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct OtherSlmRow {
        /// The SLM that the thresholds were fitted for.
        pub slm: String,
        /// The SLM whose confidences they are applied to.
        pub other_slm: String,
        /// Large model of both.
        pub llm: Option<String>,
        /// Method of both.
        pub method: String,
        /// Questions that both answered.
        pub questions: u64,
        /// Share of them that only one of the two has a confidence for, in [0, 1].
        pub one_missing: f64,
        /// Median distance of the two confidences of a question.
        pub median_distance: Option<f64>,
        /// Largest distance of the two confidences of a question.
        pub largest_distance: Option<f64>,
        /// Share of the questions whose two answers are graded otherwise, in [0, 1].
        pub other_grade: f64,
        /// Operating points with a threshold.
        pub points: u64,
        /// Mean distance of the two routing ratios at a point, in [0, 1].
        pub mean_ratio_shift: Option<f64>,
        /// Largest distance of the two routing ratios at a point.
        pub largest_ratio_shift: Option<f64>,
        /// Mean share of the questions that take the other route, in [0, 1].
        pub mean_rerouted: Option<f64>,
        /// Mean distance of the two accuracies at a point; null where no answer of the LLM is graded.
        pub mean_accuracy_shift: Option<f64>,
    }
}

table_row! {
    /// A row of `curves`: one point of a routing curve.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct CurveRow {
        /// Small model.
        pub slm: String,
        /// Large model.
        pub llm: Option<String>,
        /// Method.
        pub method: String,
        /// Dataset, or `*` for the pool.
        pub dataset: String,
        /// The ratio that the point was asked for: 0, 0.01, .., 1.
        pub grid_ratio: f64,
        /// Share of questions deferred at the nearest candidate.
        pub routing_ratio: f64,
        /// The candidate threshold.
        pub threshold: f64,
        /// Overall accuracy, on rows with a graded LLM answer.
        pub accuracy: Option<f64>,
        /// Lower 95 % limit.
        pub accuracy_low: Option<f64>,
        /// Upper 95 % limit.
        pub accuracy_high: Option<f64>,
        /// Accuracy of deferring at random at this ratio.
        pub random_accuracy: Option<f64>,
        /// Accuracy of an oracle that may defer at most this ratio.
        pub oracle_accuracy: Option<f64>,
        /// Accuracy of the SLM alone, same rows.
        pub always_slm_accuracy: Option<f64>,
        /// Accuracy of the LLM alone, same rows.
        pub always_llm_accuracy: Option<f64>,
        /// Performance gap recovered.
        pub pgr: Option<f64>,
        /// SLM accuracy on the kept rows.
        pub kept_accuracy: Option<f64>,
        /// `kept_accuracy` over the SLM accuracy of all rows: what the most confident are worth.
        pub relative_accuracy: Option<f64>,
        /// Mean US dollars per 1,000 questions.
        pub usd_per_1k_questions: Option<f64>,
        /// Mean US dollars per 1,000 questions of random routing at this ratio.
        pub random_usd_per_1k_questions: Option<f64>,
    }
}

table_row! {
    /// A row of `curve_areas`: one routing curve in a few numbers.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct CurveAreaRow {
        /// Small model.
        pub slm: String,
        /// Large model.
        pub llm: Option<String>,
        /// Method.
        pub method: String,
        /// Dataset, or `*` for the pool.
        pub dataset: String,
        /// All rows.
        pub rows: u64,
        /// Rows with a graded LLM answer, on which the figures below stand.
        pub paired_rows: u64,
        /// Accuracy of the SLM alone.
        pub always_slm_accuracy: Option<f64>,
        /// Accuracy of the LLM alone.
        pub always_llm_accuracy: Option<f64>,
        /// Share of rows where both are right.
        pub both_correct: Option<f64>,
        /// Share of rows where only the SLM is right: deferring harms.
        pub only_slm_correct: Option<f64>,
        /// Share of rows where only the LLM is right: deferring helps.
        pub only_llm_correct: Option<f64>,
        /// Share of rows where neither is right.
        pub neither_correct: Option<f64>,
        /// Area under accuracy against routing ratio.
        pub area: Option<f64>,
        /// Area of random routing.
        pub random_area: Option<f64>,
        /// Area of the oracle.
        pub oracle_area: Option<f64>,
        /// Average performance gap recovered; null unless the LLM is better.
        pub apgr: Option<f64>,
        /// Lower 95 % limit.
        pub apgr_low: Option<f64>,
        /// Upper 95 % limit.
        pub apgr_high: Option<f64>,
        /// Smallest routing ratio that recovers 20 % of the gap.
        pub cpt_20: Option<f64>,
        /// Smallest routing ratio that recovers 50 % of the gap.
        pub cpt_50: Option<f64>,
        /// Smallest routing ratio that recovers 80 % of the gap.
        pub cpt_80: Option<f64>,
        /// Average improvement in quality: mean of the non-decreasing hull over the cost range.
        pub aiq: Option<f64>,
        /// What `aiq` has on its axis: `usd` or `routing_ratio`.
        pub aiq_axis: Option<CostAxis>,
    }
}

table_row! {
    /// A row of `transfer`: one threshold, fitted without the held-out data and applied to it.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct TransferRow {
        /// Small model.
        pub slm: String,
        /// Large model.
        pub llm: Option<String>,
        /// Method.
        pub method: String,
        /// `dataset` or `domain`.
        pub by: HoldOut,
        /// The dataset or domain that was held out.
        pub held_out: String,
        /// Number of the repeat, from 0; each draws anew.
        pub repeat: u32,
        /// Kind of the target (`routing_ratio`).
        pub target_kind: String,
        /// Its value (ratio, accuracy, US dollars per 1,000 questions, alpha).
        pub target_value: f64,
        /// Its delta, for a risk.
        pub target_delta: Option<f64>,
        /// What the fit on the other data said (`reached`, `tied`, `infeasible`, ..).
        pub status: Status,
        /// Rows held out.
        pub rows: u64,
        /// Held-out rows without a confidence.
        pub missing: u64,
        /// The threshold.
        pub threshold: Option<f64>,
        /// Routing ratio that the pool promised at this threshold.
        pub predicted_routing_ratio: Option<f64>,
        /// Routing ratio on the held-out data.
        pub achieved_routing_ratio: Option<f64>,
        /// Lower 95 % limit.
        pub achieved_routing_ratio_low: Option<f64>,
        /// Upper 95 % limit.
        pub achieved_routing_ratio_high: Option<f64>,
        /// For a routing ratio: mean distance from it after adapting to 25 unlabelled questions of the held-out data.
        pub adapted_ratio_error_25: Option<f64>,
        /// The same after 50.
        pub adapted_ratio_error_50: Option<f64>,
        /// The same after 100.
        pub adapted_ratio_error_100: Option<f64>,
        /// The same after 500.
        pub adapted_ratio_error_500: Option<f64>,
        /// The same after 1,000.
        pub adapted_ratio_error_1000: Option<f64>,
        /// For a routing ratio: mean distance from it of what a tracker routed of the first 50 questions.
        pub tracked_ratio_error_50: Option<f64>,
        /// The same of the first 100.
        pub tracked_ratio_error_100: Option<f64>,
        /// The same of the first 500.
        pub tracked_ratio_error_500: Option<f64>,
        /// The same of the first 1,000.
        pub tracked_ratio_error_1000: Option<f64>,
        /// Mean accuracy of a tracker over 1,000 questions, less that of a fixed threshold which defers as many of them.
        pub tracked_accuracy_cost_1000: Option<f64>,
        /// For an accuracy or a gap to the LLM that lies between keeping everything and the best: mean distance from it on the
        /// held-out data after adapting to 500 of its questions without a label.
        pub label_error_0: Option<f64>,
        /// The same after adapting to 20 labelled questions besides.
        pub label_error_20: Option<f64>,
        /// The same after adapting to 50 labelled questions besides.
        pub label_error_50: Option<f64>,
        /// The same after adapting to 100 labelled questions besides.
        pub label_error_100: Option<f64>,
        /// The same after adapting to 200 labelled questions besides.
        pub label_error_200: Option<f64>,
        /// Share of such adaptations that reach the target where it is chosen with one standard deviation to spare, without a
        /// label.
        pub cautious_reached_0: Option<f64>,
        /// The same with 20 labelled questions.
        pub cautious_reached_20: Option<f64>,
        /// The same with 50 labelled questions.
        pub cautious_reached_50: Option<f64>,
        /// The same with 100 labelled questions.
        pub cautious_reached_100: Option<f64>,
        /// The same with 200 labelled questions.
        pub cautious_reached_200: Option<f64>,
        /// Mean routing ratio on the held-out data of that cautious choice, without a label.
        pub cautious_ratio_0: Option<f64>,
        /// The same with 20 labelled questions.
        pub cautious_ratio_20: Option<f64>,
        /// The same with 50 labelled questions.
        pub cautious_ratio_50: Option<f64>,
        /// The same with 100 labelled questions.
        pub cautious_ratio_100: Option<f64>,
        /// The same with 200 labelled questions.
        pub cautious_ratio_200: Option<f64>,
        /// Accuracy that the pool promised.
        pub predicted_accuracy: Option<f64>,
        /// Overall accuracy on the held-out data.
        pub accuracy: Option<f64>,
        /// Lower 95 % limit.
        pub accuracy_low: Option<f64>,
        /// Upper 95 % limit.
        pub accuracy_high: Option<f64>,
        /// Accuracy of random routing at the achieved ratio.
        pub random_accuracy: Option<f64>,
        /// Accuracy of the held-out data's own best threshold for the same target.
        pub oracle_accuracy: Option<f64>,
        /// Accuracy of the correctness oracle at the achieved ratio.
        pub upper_bound_accuracy: Option<f64>,
        /// P(SLM wrong | kept) on the held-out data.
        pub selective_error: Option<f64>,
        /// P(SLM wrong and kept) on the held-out data.
        pub joint_error: Option<f64>,
        /// P(SLM wrong, LLM right, kept) on the held-out data.
        pub regret: Option<f64>,
        /// Mean US dollars per 1,000 questions on the held-out data.
        pub usd_per_1k_questions: Option<f64>,
        /// For a risk target: whether the held-out risk exceeds alpha.
        pub violated: Option<bool>,
        /// For a risk target with one dataset held out: kind of the guarantee about a new dataset that the other
        /// datasets give, `worst_of_k` or `order_statistic`; null where the pool has one dataset.
        pub dataset_guarantee_kind: Option<String>,
        /// Datasets of the pool.
        pub dataset_guarantee_k: Option<u64>,
        /// Probability with which it promises that the risk of a new dataset is at most alpha.
        pub dataset_guarantee_promise: Option<f64>,
        /// Its threshold.
        pub dataset_guarantee_threshold: Option<f64>,
        /// Routing ratio of this threshold on the held-out dataset.
        pub dataset_guarantee_ratio: Option<f64>,
        /// Whether the held-out risk at this threshold exceeds alpha.
        pub dataset_guarantee_violated: Option<bool>,
        /// Routing ratio on the held-out dataset of the threshold that the worst of the pool's datasets bears.
        pub worst_of_k_ratio: Option<f64>,
        /// Whether the held-out risk at that threshold exceeds alpha.
        pub worst_of_k_violated: Option<bool>,
        /// Routing ratio on the held-out dataset of the bound by Student's t; null with fewer than four datasets.
        pub t_bound_ratio: Option<f64>,
        /// Whether the held-out risk at that bound exceeds alpha.
        pub t_bound_violated: Option<bool>,
        /// Root-mean-square distance of the accuracies at the pool's and at the own thresholds.
        pub curve_rmse: Option<f64>,
        /// The same distance of the random line.
        pub random_curve_rmse: Option<f64>,
        /// Two-sample Kolmogorov-Smirnov distance of pool and held-out confidences.
        pub ks: Option<f64>,
        /// Population stability index of held-out against pool confidences.
        pub psi: Option<f64>,
        /// Whether the scores saw labels of the held-out data: `true`, `false` or `unknown`.
        pub in_domain_labels: InDomainLabels,
    }
}

table_row! {
    /// A row of `transfer_curves`: one point of a routing curve as it was predicted without the held-out data,
    /// and as it is.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    pub struct TransferCurveRow {
        /// Small model.
        pub slm: String,
        /// Large model.
        pub llm: Option<String>,
        /// Method.
        pub method: String,
        /// `dataset` or `domain`.
        pub by: HoldOut,
        /// The dataset or domain that was held out.
        pub held_out: String,
        /// Number of the repeat whose draw made the prediction; only the first, 0, is kept.
        pub repeat: u32,
        /// The ratio that the point was asked for: 0, 0.01, .., 1.
        pub grid_ratio: f64,
        /// The pool's threshold for this ratio.
        pub threshold: f64,
        /// Routing ratio that the pool promised at this threshold.
        pub predicted_routing_ratio: f64,
        /// Routing ratio on the held-out data at this threshold.
        pub achieved_routing_ratio: f64,
        /// Accuracy that the pool promised at this threshold.
        pub predicted_accuracy: Option<f64>,
        /// Accuracy on the held-out data at this threshold.
        pub transferred_accuracy: Option<f64>,
        /// Accuracy on the held-out data at their own threshold for this ratio: the true curve.
        pub own_accuracy: Option<f64>,
        /// Accuracy on the held-out data of random routing at this ratio.
        pub random_accuracy: Option<f64>,
    }
}
