//! Accuracies, transfer, missing confidences and ungraded answers as tables.

use crate::figures::Grid;
use crate::inputs::DatasetCounts;
use crate::statistics::{
    DATASET, ROUTING_RATIO, TOO_SMALL, accuracy_over_random, curve_rmse, held_out_datasets, mean, pooled,
};
use crate::text::{NONE, count, percent, probability, share};
use crate::view::{PairView, is_summary};

/// Accuracies of the SLM and the LLM by dataset.
pub(crate) fn accuracies(pair: &PairView<'_>) -> Option<Grid> {
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

/// Transfer in a few numbers per method.
pub(crate) fn transfer(pair: &PairView<'_>) -> Option<Grid> {
    let mut grid = Grid::new(&[
        "method",
        "mean |achieved − target| routing ratio",
        "mean accuracy over random",
        "datasets above random",
        "curve rmse",
        "random line's rmse",
        "datasets with a nearer curve",
        "mean KS to the pool",
    ]);
    for method in pair.methods.values() {
        let names = held_out_datasets(method);
        let dataset_rows = || method.transfer.iter().filter(|row| row.by == DATASET);
        let ratios = dataset_rows().filter(|row| row.target_kind == ROUTING_RATIO);
        let missed = ratios.filter_map(|row| Some((row.achieved_routing_ratio? - row.target_value).abs()));
        let over: Vec<f64> = names.iter().filter_map(|name| accuracy_over_random(method, name)).collect();
        let distances: Vec<(f64, f64)> = names.iter().filter_map(|name| curve_rmse(method, name)).collect();
        let nearer = distances.iter().filter(|(own, random)| own < random).count();
        if names.is_empty() {
            continue;
        }
        grid.rows.push(vec![
            method.id.to_owned(),
            share(mean(missed)),
            share(mean(over.iter().copied())),
            part_of(over.iter().filter(|over| **over > 0.0).count(), over.len()),
            share(mean(distances.iter().map(|(own, _)| *own))),
            share(mean(distances.iter().map(|(_, random)| *random))),
            part_of(nearer, distances.len()),
            share(mean(dataset_rows().filter_map(|row| row.ks))),
        ]);
    }
    (!grid.rows.is_empty()).then_some(grid)
}

fn part_of(part: usize, all: usize) -> String {
    if all == 0 { NONE.to_owned() } else { format!("{part} of {all}") }
}

/// Missing confidences and ungraded answers by method, over all datasets.
pub(crate) fn by_method(pair: &PairView<'_>) -> Option<Grid> {
    let mut grid =
        Grid::new(&["method", "rows", "without confidence", "reasons", "SLM ungraded", "LLM ungraded"]);
    for (method, counts) in pair.methods.iter().filter_map(|(id, method)| Some((id, method.counts?))) {
        let pool = pooled(&counts.datasets);
        let reasons: Vec<String> =
            pool.missing.iter().map(|(reason, rows)| format!("{reason} {}", count(*rows))).collect();
        grid.rows.push(vec![
            (*method).to_owned(),
            count(pool.rows()),
            count_and_percent(pool.missing(), &pool),
            reasons.join(", "),
            count_and_percent(pool.slm_ungraded, &pool),
            count_and_percent(pool.llm_ungraded, &pool),
        ]);
    }
    (!grid.rows.is_empty()).then_some(grid)
}

/// The same by dataset and method, where there is any.
pub(crate) fn by_dataset(pair: &PairView<'_>) -> Option<Grid> {
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

/// How likely the replies were that methods compare, by method and dataset; `None` if none does.
pub(crate) fn answer_masses(pair: &PairView<'_>) -> Option<Grid> {
    let mut grid = Grid::new(&[
        "method",
        "dataset",
        "rows",
        "mean probability of the replies",
        "too little for a confidence",
    ]);
    for (method, counts) in pair.methods.iter().filter_map(|(id, method)| Some((id, method.counts?))) {
        let pool = pooled(&counts.datasets);
        let all = std::iter::once(("all together", &pool));
        let each = counts.datasets.iter().map(|own| (own.dataset.as_str(), own));
        for (dataset, own) in all.chain(each).filter(|(_, own)| own.answer_mass.rows > 0) {
            grid.rows.push(vec![
                (*method).to_owned(),
                dataset.to_owned(),
                count(own.answer_mass.rows),
                probability(own.answer_mass.mean()),
                count_and_percent(own.missing.get(TOO_SMALL).copied().unwrap_or(0), own),
            ]);
        }
    }
    (!grid.rows.is_empty()).then_some(grid)
}

fn count_and_percent(part: u64, counts: &DatasetCounts) -> String {
    format!("{} ({})", count(part), percent(part, counts.rows()))
}
