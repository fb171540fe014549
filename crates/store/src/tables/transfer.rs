//! `transfer`: thresholds on data that they were not fitted on.

use crate::table::{Column, Kind, Table};

/// The names of the columns.
pub mod columns {
    /// Small model.
    pub const SLM: &str = "slm";
    /// Large model.
    pub const LLM: &str = "llm";
    /// Method.
    pub const METHOD: &str = "method";
    /// `dataset` or `domain`.
    pub const BY: &str = "by";
    /// The dataset or domain that was held out.
    pub const HELD_OUT: &str = "held_out";
    /// Number of the repeat, from 0; each draws anew.
    pub const REPEAT: &str = "repeat";
    /// Kind of the target (`routing_ratio`).
    pub const TARGET_KIND: &str = "target_kind";
    /// Its value (ratio, accuracy, US dollars per 1,000 questions, alpha).
    pub const TARGET_VALUE: &str = "target_value";
    /// Its delta, for a risk.
    pub const TARGET_DELTA: &str = "target_delta";
    /// What the fit on the other data said (`reached`, `tied`, `infeasible`, ..).
    pub const STATUS: &str = "status";
    /// Rows held out.
    pub const ROWS: &str = "rows";
    /// Held-out rows without a confidence.
    pub const MISSING: &str = "missing";
    /// The threshold.
    pub const THRESHOLD: &str = "threshold";
    /// Routing ratio that the pool promised at this threshold.
    pub const PREDICTED_ROUTING_RATIO: &str = "predicted_routing_ratio";
    /// Routing ratio on the held-out data.
    pub const ACHIEVED_ROUTING_RATIO: &str = "achieved_routing_ratio";
    /// Lower 95 % limit.
    pub const ACHIEVED_ROUTING_RATIO_LOW: &str = "achieved_routing_ratio_low";
    /// Upper 95 % limit.
    pub const ACHIEVED_ROUTING_RATIO_HIGH: &str = "achieved_routing_ratio_high";
    /// Accuracy that the pool promised.
    pub const PREDICTED_ACCURACY: &str = "predicted_accuracy";
    /// Overall accuracy on the held-out data.
    pub const ACCURACY: &str = "accuracy";
    /// Lower 95 % limit.
    pub const ACCURACY_LOW: &str = "accuracy_low";
    /// Upper 95 % limit.
    pub const ACCURACY_HIGH: &str = "accuracy_high";
    /// Accuracy of random routing at the achieved ratio.
    pub const RANDOM_ACCURACY: &str = "random_accuracy";
    /// Accuracy of the held-out data's own best threshold for the same target.
    pub const ORACLE_ACCURACY: &str = "oracle_accuracy";
    /// Accuracy of the correctness oracle at the achieved ratio.
    pub const UPPER_BOUND_ACCURACY: &str = "upper_bound_accuracy";
    /// P(SLM wrong | kept) on the held-out data.
    pub const SELECTIVE_ERROR: &str = "selective_error";
    /// P(SLM wrong and kept) on the held-out data.
    pub const JOINT_ERROR: &str = "joint_error";
    /// P(SLM wrong, LLM right, kept) on the held-out data.
    pub const REGRET: &str = "regret";
    /// Mean US dollars per 1,000 questions on the held-out data.
    pub const USD_PER_1K_QUESTIONS: &str = "usd_per_1k_questions";
    /// For a risk target: whether the held-out risk exceeds alpha.
    pub const VIOLATED: &str = "violated";
    /// Root-mean-square distance of the accuracies at the pool's and at the own thresholds.
    pub const CURVE_RMSE: &str = "curve_rmse";
    /// The same distance of the random line.
    pub const RANDOM_CURVE_RMSE: &str = "random_curve_rmse";
    /// Two-sample Kolmogorov-Smirnov distance of pool and held-out confidences.
    pub const KS: &str = "ks";
    /// Population stability index of held-out against pool confidences.
    pub const PSI: &str = "psi";
    /// Whether the scores saw labels of the held-out data: `true`, `false` or `unknown`.
    pub const IN_DOMAIN_LABELS: &str = "in_domain_labels";
}

/// The table.
pub const TABLE: Table = Table {
    name: "transfer",
    version: 1,
    columns: &[
        Column::new(columns::SLM, Kind::Text, "Small model."),
        Column::nullable(columns::LLM, Kind::Text, "Large model."),
        Column::new(columns::METHOD, Kind::Text, "Method."),
        Column::new(columns::BY, Kind::Text, "`dataset` or `domain`."),
        Column::new(columns::HELD_OUT, Kind::Text, "The dataset or domain that was held out."),
        Column::new(columns::REPEAT, Kind::Index, "Number of the repeat, from 0; each draws anew."),
        Column::new(columns::TARGET_KIND, Kind::Text, "Kind of the target (`routing_ratio`)."),
        Column::new(
            columns::TARGET_VALUE,
            Kind::Number,
            "Its value (ratio, accuracy, US dollars per 1,000 questions, alpha).",
        ),
        Column::nullable(columns::TARGET_DELTA, Kind::Number, "Its delta, for a risk."),
        Column::new(
            columns::STATUS,
            Kind::Text,
            "What the fit on the other data said (`reached`, `tied`, `infeasible`, ..).",
        ),
        Column::new(columns::ROWS, Kind::Count, "Rows held out."),
        Column::new(columns::MISSING, Kind::Count, "Held-out rows without a confidence."),
        Column::nullable(columns::THRESHOLD, Kind::Number, "The threshold."),
        Column::nullable(
            columns::PREDICTED_ROUTING_RATIO,
            Kind::Number,
            "Routing ratio that the pool promised at this threshold.",
        ),
        Column::nullable(
            columns::ACHIEVED_ROUTING_RATIO,
            Kind::Number,
            "Routing ratio on the held-out data.",
        ),
        Column::nullable(columns::ACHIEVED_ROUTING_RATIO_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::ACHIEVED_ROUTING_RATIO_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(columns::PREDICTED_ACCURACY, Kind::Number, "Accuracy that the pool promised."),
        Column::nullable(columns::ACCURACY, Kind::Number, "Overall accuracy on the held-out data."),
        Column::nullable(columns::ACCURACY_LOW, Kind::Number, "Lower 95 % limit."),
        Column::nullable(columns::ACCURACY_HIGH, Kind::Number, "Upper 95 % limit."),
        Column::nullable(
            columns::RANDOM_ACCURACY,
            Kind::Number,
            "Accuracy of random routing at the achieved ratio.",
        ),
        Column::nullable(
            columns::ORACLE_ACCURACY,
            Kind::Number,
            "Accuracy of the held-out data's own best threshold for the same target.",
        ),
        Column::nullable(
            columns::UPPER_BOUND_ACCURACY,
            Kind::Number,
            "Accuracy of the correctness oracle at the achieved ratio.",
        ),
        Column::nullable(columns::SELECTIVE_ERROR, Kind::Number, "P(SLM wrong | kept) on the held-out data."),
        Column::nullable(columns::JOINT_ERROR, Kind::Number, "P(SLM wrong and kept) on the held-out data."),
        Column::nullable(
            columns::REGRET,
            Kind::Number,
            "P(SLM wrong, LLM right, kept) on the held-out data.",
        ),
        Column::nullable(
            columns::USD_PER_1K_QUESTIONS,
            Kind::Number,
            "Mean US dollars per 1,000 questions on the held-out data.",
        ),
        Column::nullable(
            columns::VIOLATED,
            Kind::Flag,
            "For a risk target: whether the held-out risk exceeds alpha.",
        ),
        Column::nullable(
            columns::CURVE_RMSE,
            Kind::Number,
            "Root-mean-square distance of the accuracies at the pool's and at the own thresholds.",
        ),
        Column::nullable(columns::RANDOM_CURVE_RMSE, Kind::Number, "The same distance of the random line."),
        Column::nullable(
            columns::KS,
            Kind::Number,
            "Two-sample Kolmogorov-Smirnov distance of pool and held-out confidences.",
        ),
        Column::nullable(
            columns::PSI,
            Kind::Number,
            "Population stability index of held-out against pool confidences.",
        ),
        Column::new(
            columns::IN_DOMAIN_LABELS,
            Kind::Text,
            "Whether the scores saw labels of the held-out data: `true`, `false` or `unknown`.",
        ),
    ],
};
