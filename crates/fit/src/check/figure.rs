//! The figures that points make claims about, on labelled rows.

use plimsoll_core::Outcome;
use plimsoll_router::thresholds::Estimate;
use plimsoll_router::{Risk, Target, Threshold};

use super::CheckedRow;
use crate::t_bound::t_quantile;
use crate::tail::{clopper_pearson_lower, clopper_pearson_upper};

/// Fewer costs than these have no interval: Student's t takes their mean to be near a normal distribution.
pub const MIN_COSTS: u64 = 100;
/// Of the intervals that are shown beside the answer.
const SHOWN_DELTA: f64 = 0.05;

/// A figure that a point makes a claim about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Share deferred.
    RoutingRatio,
    /// Overall accuracy.
    Accuracy,
    /// Accuracy of the LLM alone less that of the system.
    LlmGap,
    /// US dollars per 1,000 questions.
    Cost,
    /// P(SLM wrong | kept).
    SelectiveError,
    /// P(SLM wrong and kept).
    JointError,
    /// P(SLM wrong, LLM right, kept).
    Regret,
}

impl Figure {
    /// What a target speaks of; `None` for a kind that this version does not know.
    pub(super) fn of(target: &Target) -> Option<Self> {
        Some(match target {
            Target::RoutingRatio { .. } => Self::RoutingRatio,
            Target::Accuracy { .. } => Self::Accuracy,
            Target::LlmGap { .. } => Self::LlmGap,
            Target::Cost { .. } => Self::Cost,
            _ => match target.risk()?.0 {
                Risk::SelectiveError => Self::SelectiveError,
                Risk::JointError => Self::JointError,
                Risk::Regret => Self::Regret,
            },
        })
    }

    /// The name used in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RoutingRatio => "routing_ratio",
            Self::Accuracy => "accuracy",
            Self::LlmGap => "llm_gap",
            Self::Cost => "cost",
            Self::SelectiveError => "selective_error",
            Self::JointError => "joint_error",
            Self::Regret => "regret",
        }
    }
}

/// What a row says about a figure.
enum Said {
    /// The row does not enter it.
    Nothing,
    /// The row enters it, and a label is lacking.
    Unknown,
    /// One of +1, 0 and -1.
    Value(i8),
}

/// A figure of some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measured {
    /// Shares of +1 and of -1 among the rows; all but a gap have no -1.
    Shares { rows: f64, plus: f64, minus: f64, unlabelled: u64, signed: bool },
    /// Mean and standard deviation of what 1,000 questions like each row cost.
    Mean { rows: f64, mean: f64, sd: f64, unlabelled: u64 },
}

impl Measured {
    /// `None` where no row says anything, or some that would lack a label.
    pub(super) fn value(&self) -> Option<f64> {
        let known = self.rows() > 0 && self.unlabelled() == 0;
        known.then(|| match self {
            Self::Shares { rows, plus, minus, .. } => (plus - minus) / rows,
            Self::Mean { mean, .. } => *mean,
        })
    }

    /// Rows that enter the figure.
    pub(super) fn rows(&self) -> u64 {
        let (Self::Shares { rows, .. } | Self::Mean { rows, .. }) = self;
        whole(*rows)
    }

    /// Rows that would enter it, had they a label.
    pub(super) const fn unlabelled(&self) -> u64 {
        match self {
            Self::Shares { unlabelled, .. } | Self::Mean { unlabelled, .. } => *unlabelled,
        }
    }

    /// The same figure over more rows.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        let mut scaled = *self;
        match &mut scaled {
            Self::Shares { rows, plus, minus, .. } => {
                for count in [rows, plus, minus] {
                    *count = (*count * factor).round();
                }
            }
            Self::Mean { rows, .. } => *rows = (*rows * factor).round(),
        }
        scaled
    }

    /// An interval that misses the true figure with probability at most delta.
    pub(super) fn interval(&self, delta: f64) -> Option<(f64, f64)> {
        self.value()?;
        match *self {
            Self::Shares { rows, plus, minus, signed, .. } => {
                let side = if signed { delta / 4.0 } else { delta / 2.0 };
                let low = |count: f64| clopper_pearson_lower(whole(count), whole(rows), side);
                let high = |count: f64| clopper_pearson_upper(whole(count), whole(rows), side);
                let beneath = if signed { (low(minus), high(minus)) } else { (0.0, 0.0) };
                Some((low(plus) - beneath.1, high(plus) - beneath.0))
            }
            Self::Mean { rows, mean, sd, .. } => {
                let enough = whole(rows) >= MIN_COSTS;
                let quantile = enough.then(|| t_quantile(whole(rows) - 1, delta / 2.0)).flatten()?;
                let half = quantile * sd / rows.sqrt();
                Some((mean - half, mean + half))
            }
        }
    }
}

/// Measures a figure at a threshold.
pub(super) fn measure(figure: Figure, rows: &[CheckedRow], threshold: Threshold) -> Measured {
    if figure == Figure::Cost {
        return costs(rows, threshold);
    }
    let (mut count, mut plus, mut minus, mut unlabelled) = (0.0, 0.0, 0.0, 0);
    for row in rows {
        match said(figure, row, threshold) {
            Said::Nothing => {}
            Said::Unknown => unlabelled += 1,
            Said::Value(value) => {
                count += 1.0;
                plus += f64::from(value.max(0));
                minus -= f64::from(value.min(0));
            }
        }
    }
    Measured::Shares { rows: count, plus, minus, unlabelled, signed: figure == Figure::LlmGap }
}

/// Ratio, accuracy and the three risks with their 95 % intervals.
pub(super) fn figures(rows: &[CheckedRow], threshold: Threshold) -> [Option<Estimate>; 5] {
    const SHOWN: [Figure; 5] =
        [Figure::RoutingRatio, Figure::Accuracy, Figure::SelectiveError, Figure::JointError, Figure::Regret];
    SHOWN.map(|figure| {
        let measured = measure(figure, rows, threshold);
        let (low, high) = measured.interval(SHOWN_DELTA)?;
        measured.value().map(|value| Estimate::new(value).with_interval(low, high))
    })
}

fn said(figure: Figure, row: &CheckedRow, threshold: Threshold) -> Said {
    let kept = row.confidence.is_some_and(|confidence| threshold.keeps(confidence));
    let flag = |value: Option<bool>| value.map_or(Said::Unknown, |value| Said::Value(i8::from(value)));
    let slm_wrong = row.slm.map(|outcome| !outcome.is_correct());
    let llm_right = row.llm.map(Outcome::is_correct);
    let needs_llm = matches!(figure, Figure::Accuracy | Figure::Regret | Figure::LlmGap);
    match figure {
        _ if needs_llm && row.llm == Some(Outcome::Ungraded) => Said::Nothing,
        Figure::RoutingRatio => Said::Value(i8::from(!kept)),
        Figure::Accuracy => flag(if kept { slm_wrong.map(|wrong| !wrong) } else { llm_right }),
        Figure::SelectiveError if !kept => Said::Nothing,
        // A deferred question is no loss, whatever its label.
        Figure::JointError | Figure::Regret | Figure::LlmGap if !kept => Said::Value(0),
        Figure::SelectiveError | Figure::JointError => flag(slm_wrong),
        Figure::Regret => flag(slm_wrong.zip(llm_right).map(|(wrong, right)| wrong && right)),
        Figure::LlmGap => match slm_wrong.zip(llm_right) {
            Some((wrong, right)) => Said::Value(i8::from(right) - i8::from(!wrong)),
            None => Said::Unknown,
        },
        Figure::Cost => Said::Unknown,
    }
}

fn costs(rows: &[CheckedRow], threshold: Threshold) -> Measured {
    let cost = |row: &CheckedRow| {
        let kept = row.confidence.is_some_and(|confidence| threshold.keeps(confidence));
        row.costs_usd.map(|(slm, llm)| 1000.0 * if kept { slm } else { slm + llm })
    };
    let known: Vec<f64> = rows.iter().filter_map(cost).collect();
    let count = known.len() as f64;
    let mean = known.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = known.iter().map(|cost| (cost - mean).powi(2)).sum();
    let sd = (squares / (count - 1.0).max(1.0)).sqrt();
    Measured::Mean { rows: count, mean, sd, unlabelled: (rows.len() - known.len()) as u64 }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of rows")]
fn whole(count: f64) -> u64 {
    count.round() as u64
}
