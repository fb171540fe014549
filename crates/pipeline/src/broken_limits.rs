//! Limits of a pipeline: how much may be missing or ungraded.

use plimsoll_core::{ScoreSeries, ScoreTable};
use serde::Serialize;

use crate::config::pipeline_config::LimitsConfig;
use crate::failure::{Failure, FailureKind};
use crate::series_name::series_name;

/// Broken limits that a message shows.
const SHOWN: usize = 10;

/// A broken limit. Its serialised form is part of what `plimsoll run --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BrokenLimit {
    slm: String,
    llm: Option<String>,
    method: String,
    dataset: String,
    limit: &'static str,
    share: f64,
    /// The limit: the largest share that would do.
    #[serde(rename = "most")]
    max: f64,
    #[serde(skip)]
    series: String,
}

/// Rows of one series and dataset.
#[derive(Debug, Clone, Copy, Default)]
struct RowCounts {
    rows: u64,
    missing: u64,
    ungraded_slm: u64,
    ungraded_llm: u64,
}

/// Limits that a table breaks, the worst first.
pub(crate) fn broken_limits(table: &ScoreTable, limits: LimitsConfig) -> Vec<BrokenLimit> {
    let mut all = Vec::new();
    if limits == LimitsConfig::default() {
        return all;
    }
    for series in &table.series {
        for (counts, dataset) in count(table, series).into_iter().zip(table.questions.datasets()) {
            let share = |count: u64| if counts.rows == 0 { 0.0 } else { count as f64 / counts.rows as f64 };
            let shares = [
                ("missing", counts.missing, limits.missing),
                ("ungraded", counts.ungraded_slm.max(counts.ungraded_llm), limits.ungraded),
            ];
            for (limit, count, max) in shares {
                let Some(max) = max.filter(|max| share(count) > *max) else { continue };
                all.push(BrokenLimit {
                    slm: series.slm.to_string(),
                    llm: series.llm.as_ref().map(ToString::to_string),
                    method: series.method.to_string(),
                    dataset: dataset.id.to_string(),
                    limit,
                    share: share(count),
                    max,
                    series: series_name(series),
                });
            }
        }
    }
    all.sort_by(|a, b| (b.share - b.max).total_cmp(&(a.share - a.max)));
    all
}

fn count(table: &ScoreTable, series: &ScoreSeries) -> Vec<RowCounts> {
    let mut counts = vec![RowCounts::default(); table.questions.datasets().len()];
    for (row, question) in series.question.iter().enumerate() {
        let count = &mut counts[table.questions.dataset_index(*question)];
        count.rows += 1;
        count.missing += u64::from(series.confidence(row).is_none());
        count.ungraded_slm += u64::from(!series.slm_outcome[row].is_graded());
        count.ungraded_llm += u64::from(series.llm.is_some() && !series.llm_outcome[row].is_graded());
    }
    counts
}

/// Fails if limits are broken.
///
/// # Errors
/// A failure of kind [`FailureKind::Limit`] that lists them.
pub fn check(broken: &[BrokenLimit]) -> Result<(), Failure> {
    if broken.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = broken
        .iter()
        .take(SHOWN)
        .map(|b| {
            format!("\n  {}, dataset {}: {:.4} {}, limit {}", b.series, b.dataset, b.share, b.limit, b.max)
        })
        .collect();
    let more = broken.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    Err(Failure::new(
        FailureKind::Limit,
        format!(
            "all outputs are written, but {} {} broken:{}{more}",
            broken.len(),
            if broken.len() == 1 { "limit is" } else { "limits are" },
            lines.concat()
        ),
    ))
}
