//! Limits of a plan: how much may be missing or ungraded.

use plimsoll_core::{ScoreSeries, ScoreTable};
use serde::Serialize;

use super::fitting::series_name;
use crate::failure::{Failure, Kind};
use crate::pipeline::plan::Limits;

/// Broken limits that a message shows.
const SHOWN: usize = 10;

/// A broken limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Broken {
    slm: String,
    llm: Option<String>,
    method: String,
    dataset: String,
    limit: &'static str,
    share: f64,
    most: f64,
    #[serde(skip)]
    series: String,
}

/// Rows of one series and dataset.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    rows: u64,
    missing: u64,
    ungraded_slm: u64,
    ungraded_llm: u64,
}

/// Limits that a table breaks, the worst first.
pub(crate) fn broken(table: &ScoreTable, limits: Limits) -> Vec<Broken> {
    let mut all = Vec::new();
    if limits == Limits::default() {
        return all;
    }
    for series in &table.series {
        for (counts, dataset) in count(table, series).into_iter().zip(table.questions.datasets()) {
            let share = |count: u64| if counts.rows == 0 { 0.0 } else { count as f64 / counts.rows as f64 };
            let shares = [
                ("missing", counts.missing, limits.missing),
                ("ungraded", counts.ungraded_slm.max(counts.ungraded_llm), limits.ungraded),
            ];
            for (limit, count, most) in shares {
                let Some(most) = most.filter(|most| share(count) > *most) else { continue };
                all.push(Broken {
                    slm: series.slm.to_string(),
                    llm: series.llm.as_ref().map(ToString::to_string),
                    method: series.method.to_string(),
                    dataset: dataset.id.to_string(),
                    limit,
                    share: share(count),
                    most,
                    series: series_name(series),
                });
            }
        }
    }
    all.sort_by(|a, b| (b.share - b.most).total_cmp(&(a.share - a.most)));
    all
}

fn count(table: &ScoreTable, series: &ScoreSeries) -> Vec<Counts> {
    let mut counts = vec![Counts::default(); table.questions.datasets().len()];
    for (row, question) in series.question.iter().enumerate() {
        let count = &mut counts[table.questions.dataset_index(*question)];
        count.rows += 1;
        count.missing += u64::from(series.confidence(row).is_none());
        count.ungraded_slm += u64::from(!series.slm_outcome[row].is_graded());
        count.ungraded_llm += u64::from(series.llm.is_some() && !series.llm_outcome[row].is_graded());
    }
    counts
}

/// The failure that broken limits become.
pub(crate) fn check(broken: &[Broken]) -> Result<(), Failure> {
    if broken.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = broken
        .iter()
        .take(SHOWN)
        .map(|b| {
            format!("\n  {}, dataset {}: {:.4} {}, limit {}", b.series, b.dataset, b.share, b.limit, b.most)
        })
        .collect();
    let more = broken.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    Err(Failure::new(
        Kind::Limit,
        format!(
            "all outputs are written, but {} {} broken:{}{more}",
            broken.len(),
            if broken.len() == 1 { "limit is" } else { "limits are" },
            lines.concat()
        ),
    ))
}
