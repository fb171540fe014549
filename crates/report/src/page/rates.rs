//! Accuracies, missing confidences and ungraded answers as tables.

use crate::figures::Grid;
use crate::inputs::DatasetCounts;
use crate::text::{count, percent, share};
use crate::view::{Pair, is_summary};

/// Accuracies of the SLM and the LLM by dataset.
pub(crate) fn accuracies(pair: &Pair<'_>) -> Option<Grid> {
    let best = pair.best()?;
    if best.areas.is_empty() {
        return None;
    }
    let mut grid = Grid::new(&[
        "dataset",
        "questions",
        "with a graded LLM answer",
        "SLM right",
        "LLM right",
        "only the LLM",
        "only the SLM",
        "neither",
    ]);
    // `*`, the pool, comes first.
    for (dataset, row) in &best.areas {
        let name = if is_summary(dataset) { "all together" } else { dataset };
        grid.rows.push(vec![
            name.to_owned(),
            count(row.rows),
            count(row.paired_rows),
            share(row.always_slm_accuracy),
            share(row.always_llm_accuracy),
            share(row.only_llm_correct),
            share(row.only_slm_correct),
            share(row.neither_correct),
        ]);
    }
    Some(grid)
}

/// Missing confidences and ungraded answers by method, over all datasets.
pub(crate) fn by_method(pair: &Pair<'_>) -> Option<Grid> {
    let mut grid =
        Grid::new(&["method", "rows", "without confidence", "reasons", "SLM ungraded", "LLM ungraded"]);
    for (method, counts) in pair.methods.iter().filter_map(|(id, method)| Some((id, method.counts?))) {
        let pool = crate::figures::confidence::pooled(&counts.datasets);
        let reasons: Vec<String> =
            pool.missing.iter().map(|(reason, rows)| format!("{reason} {}", count(*rows))).collect();
        grid.rows.push(vec![
            (*method).to_owned(),
            count(pool.rows()),
            of(pool.missing(), &pool),
            reasons.join(", "),
            of(pool.slm_ungraded, &pool),
            of(pool.llm_ungraded, &pool),
        ]);
    }
    (!grid.rows.is_empty()).then_some(grid)
}

/// The same by dataset and method, where there is any.
pub(crate) fn by_dataset(pair: &Pair<'_>) -> Option<Grid> {
    let counted: Vec<_> =
        pair.methods.iter().filter_map(|(id, method)| Some((*id, method.counts?))).collect();
    let any = |counts: &DatasetCounts| counts.missing() + counts.slm_ungraded > 0;
    if !counted.iter().flat_map(|(_, counts)| &counts.datasets).any(any) {
        return None;
    }
    let mut grid = Grid::new(&["dataset"]);
    for (method, _) in &counted {
        grid.head.push(format!("{method}: without confidence"));
        grid.head.push(format!("{method}: SLM ungraded"));
    }
    for dataset in pair.datasets() {
        let mut cells = vec![dataset.to_owned()];
        for (_, counts) in &counted {
            let own = counts.datasets.iter().find(|own| own.dataset == dataset);
            cells.push(own.map_or_else(|| share(None), |own| percent(own.missing(), own.rows())));
            cells.push(own.map_or_else(|| share(None), |own| percent(own.slm_ungraded, own.rows())));
        }
        grid.rows.push(cells);
    }
    Some(grid)
}

fn of(part: u64, counts: &DatasetCounts) -> String {
    format!("{} ({})", count(part), percent(part, counts.rows()))
}
