//! What a thresholds file does with another SLM than the one that it was fitted for: another quantisation, another runtime,
//! another model.
//!
//! Two SLMs that answered the same questions are compared question by question, and the thresholds of the one are applied to
//! the confidences of the other. It is what a deployment gets that does not bind a file to its model.

use plimsoll_core::records::OtherSlmRow;
use plimsoll_core::{ModelId, ScoreSeries, ScoreTable};
use plimsoll_router::{Confidence, Threshold, Thresholds};

/// Every pair of SLMs of a run that share LLM, method and questions, by the thresholds files.
pub fn other_slms(table: &ScoreTable, files: &[&Thresholds]) -> Vec<OtherSlmRow> {
    let mut found = Vec::new();
    for series in &table.series {
        let Some(thresholds) = thresholds_of(series, files) else { continue };
        let others = table.series.iter().filter(|other| {
            other.slm != series.slm && other.llm == series.llm && other.method == series.method
        });
        found.extend(others.filter_map(|other| compared(series, other, &thresholds)));
    }
    found
}

/// The thresholds of a series, one an operating point that has one; `None` if no file is about it.
fn thresholds_of(series: &ScoreSeries, files: &[&Thresholds]) -> Option<Vec<Threshold>> {
    let llm = series.llm.as_ref().map(ModelId::as_str);
    let is_of = |file: &&&Thresholds| {
        file.slm.id == series.slm.as_str() && file.llm.as_ref().map(|llm| llm.id.as_str()) == llm
    };
    let file = files.iter().find(is_of)?;
    let method = file.methods.iter().find(|method| method.id == series.method.as_str())?;
    Some(method.operating_points.iter().filter_map(|point| point.threshold).collect())
}

/// One question as both saw it.
struct Both {
    confidences: [Option<Confidence>; 2],
    is_correct: [bool; 2],
    /// Whether the LLM is right, by each series; `None` = not graded.
    llm: [Option<bool>; 2],
}

fn compared(made: &ScoreSeries, used: &ScoreSeries, thresholds: &[Threshold]) -> Option<OtherSlmRow> {
    let rows = shared(made, used);
    if rows.is_empty() {
        return None;
    }
    let share =
        |is: &dyn Fn(&Both) -> bool| rows.iter().filter(|row| is(row)).count() as f64 / rows.len() as f64;
    let mut distances: Vec<f64> = rows.iter().filter_map(distance).collect();
    distances.sort_unstable_by(f64::total_cmp);
    let points: Vec<PointShift> = thresholds.iter().map(|threshold| point_shift(&rows, *threshold)).collect();
    let mean = |figure: fn(&PointShift) -> Option<f64>| {
        let each: Option<Vec<f64>> = points.iter().map(figure).collect();
        each.filter(|each| !each.is_empty()).map(|each| each.iter().sum::<f64>() / each.len() as f64)
    };
    Some(OtherSlmRow {
        slm: made.slm.to_string(),
        other_slm: used.slm.to_string(),
        llm: made.llm.as_ref().map(ModelId::to_string),
        method: made.method.to_string(),
        questions: rows.len() as u64,
        one_missing: share(&|row| row.confidences[0].is_some() != row.confidences[1].is_some()),
        median_distance: median(&distances),
        largest_distance: distances.last().copied(),
        other_grade: share(&|row| row.is_correct[0] != row.is_correct[1]),
        points: points.len() as u64,
        mean_ratio_shift: mean(|point| Some(point.ratio)),
        largest_ratio_shift: points.iter().map(|point| point.ratio).max_by(f64::total_cmp),
        mean_rerouted: mean(|point| Some(point.rerouted)),
        mean_accuracy_shift: mean(|point| point.accuracy),
    })
}

/// The questions of both series, in their order.
fn shared(made: &ScoreSeries, used: &ScoreSeries) -> Vec<Both> {
    let mut rows = Vec::new();
    let mut other = 0;
    for (row, question) in made.question.iter().enumerate() {
        while used.question.get(other).is_some_and(|candidate| candidate < question) {
            other += 1;
        }
        if used.question.get(other) == Some(question) {
            let llm =
                |series: &ScoreSeries, row: usize| series.llm_outcome.get(row).and_then(|of| of.as_bool());
            let is_correct = |series: &ScoreSeries, row: usize| {
                series.slm_outcome.get(row).is_some_and(|of| of.is_correct())
            };
            rows.push(Both {
                confidences: [made.confidence(row), used.confidence(other)],
                is_correct: [is_correct(made, row), is_correct(used, other)],
                llm: [llm(made, row), llm(used, other)],
            });
        }
    }
    rows
}

fn distance(row: &Both) -> Option<f64> {
    let [made, used] = row.confidences;
    Some((made?.get() - used?.get()).abs())
}

fn median(sorted: &[f64]) -> Option<f64> {
    let (low, high) = (sorted.get(sorted.len().saturating_sub(1) / 2)?, sorted.get(sorted.len() / 2)?);
    Some((low + high) / 2.0)
}

/// What changes at one operating point.
struct PointShift {
    ratio: f64,
    rerouted: f64,
    accuracy: Option<f64>,
}

fn point_shift(rows: &[Both], threshold: Threshold) -> PointShift {
    let is_kept =
        |row: &Both, side: usize| row.confidences[side].is_some_and(|confidence| threshold.keeps(confidence));
    let deferred = [0, 1].map(|side| rows.iter().filter(|row| !is_kept(row, side)).count() as f64);
    let rerouted = rows.iter().filter(|row| is_kept(row, 0) != is_kept(row, 1)).count() as f64;
    let accuracy = [0, 1].map(|side| {
        let outcome = |row: &Both| {
            let llm = row.llm[side]?;
            Some(if is_kept(row, side) { row.is_correct[side] } else { llm })
        };
        let outcomes: Vec<bool> = rows.iter().filter_map(outcome).collect();
        let correct = outcomes.iter().filter(|correct| **correct).count() as f64;
        (!outcomes.is_empty()).then(|| correct / outcomes.len() as f64)
    });
    let all = rows.len() as f64;
    PointShift {
        ratio: (deferred[0] - deferred[1]).abs() / all,
        rerouted: rerouted / all,
        accuracy: accuracy[0].zip(accuracy[1]).map(|(made, used)| (made - used).abs()),
    }
}

#[cfg(test)]
mod tests;
