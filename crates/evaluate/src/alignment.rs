//! Alignment: does a confidence rank the SLM's right answers first, and can it be read as a
//! probability once it is mapped?

use plimsoll_core::records::{AlignmentRow, MACRO, MapMetricRow, MapScheme, POOL};
use plimsoll_fit::bootstrap::Replicates;
use plimsoll_fit::intervals::Resampling;
use plimsoll_fit::{DatasetSelection, PreparedSeries};
use plimsoll_router::Confidence;
use plimsoll_router::thresholds::{Estimate, Method};

use crate::EvaluationSettings;
use crate::folds::{ApplyMap, FoldMaps, MAPS};
use crate::metrics::{AURC, BRIER, E_AURC, ECE, Metric, PRR, ROC_AUC, brier};
use crate::rows::{GradedRow, GradedRows};

/// Metrics of the raw confidence, in the order of their figures here.
const ORDER_METRICS: [&Metric; 4] = [&ROC_AUC, &PRR, &AURC, &E_AURC];
/// Metrics of the mapped confidence.
const PROBABILITY_METRICS: [&Metric; 2] = [&BRIER, &ECE];
/// All of them.
const FIGURES: usize = ORDER_METRICS.len() + PROBABILITY_METRICS.len();

/// Alignment of one series.
#[derive(Debug, Clone, Default)]
pub struct SeriesAlignment {
    /// Per dataset, then the pool (`*`), then `macro`.
    pub alignment: Vec<AlignmentRow>,
    /// Per scheme, dataset and pool, and map.
    pub map_metrics: Vec<MapMetricRow>,
}

/// Evaluates a series.
///
/// The mapped metrics (Brier, ECE) of `alignment` are those of the isotonic map: with `file`, of
/// the file's own; without, of maps fitted on the other datasets, or, with a single dataset, in
/// five folds by cluster. `map_metrics` holds every map under every scheme.
pub fn alignment(
    prepared: &PreparedSeries<'_>,
    file: Option<&Method>,
    settings: &EvaluationSettings,
) -> SeriesAlignment {
    let seed = settings.seed.derive("alignment").derive(prepared.series.method.as_str());
    let parts = parts(prepared);
    let schemes: Vec<FoldMaps> = match file {
        Some(method) => vec![FoldMaps::from_file(&method.maps)],
        None => {
            // The last of the parts is the pool. Of one dataset alone, leaving it out leaves no row to fit maps on.
            let datasets = parts.len() - 1;
            let leave_one_out = (datasets > 1).then_some(MapScheme::LeaveOneDatasetOut);
            let schemes = leave_one_out.into_iter().chain([MapScheme::FiveFold]);
            schemes.map(|scheme| FoldMaps::fitted(prepared, scheme, &seed)).collect()
        }
    };
    let resampling = |part: &str| Resampling { replicates: settings.bootstrap, seed: seed.derive(part) };
    let mut evaluated: Vec<PartAlignment> = parts
        .iter()
        .filter_map(|(name, selection)| {
            Some(PartAlignment::new(prepared, name, selection, schemes.first()?, resampling(name)))
        })
        .collect();
    let map_metrics = schemes
        .iter()
        .flat_map(|maps| parts.iter().map(move |(name, selection)| (maps, name, selection)))
        .flat_map(|(maps, name, selection)| map_metrics(prepared, name, selection, maps))
        .collect();
    evaluated.push(PartAlignment::mean(prepared, &evaluated));
    SeriesAlignment { alignment: evaluated.into_iter().map(PartAlignment::row).collect(), map_metrics }
}

/// Each dataset of the series, then the pool.
pub(crate) fn parts(prepared: &PreparedSeries<'_>) -> Vec<(String, DatasetSelection)> {
    let datasets = prepared.questions.datasets();
    let only = |index: usize| {
        DatasetSelection::from_flags((0..datasets.len()).map(|other| other == index).collect())
    };
    let mut present = vec![false; datasets.len()];
    for question in &prepared.series.question {
        present[prepared.questions.dataset_index(*question)] = true;
    }
    let mut parts: Vec<(String, DatasetSelection)> = datasets
        .iter()
        .enumerate()
        .filter(|(index, _)| present[*index])
        .map(|(index, dataset)| (dataset.id.to_string(), only(index)))
        .collect();
    parts.push((POOL.to_owned(), DatasetSelection::all(datasets.len())));
    parts
}

/// The figures of a dataset, the pool, or the mean over datasets.
struct PartAlignment {
    /// Everything but the figures.
    row: AlignmentRow,
    figures: [Option<f64>; FIGURES],
    brier_raw: Option<f64>,
    order_replicates: Option<Replicates>,
    probability_replicates: Option<Replicates>,
}

impl PartAlignment {
    fn new(
        prepared: &PreparedSeries<'_>,
        dataset: &str,
        selection: &DatasetSelection,
        maps: &FoldMaps,
        resampling: Resampling,
    ) -> Self {
        let raw = graded(prepared, selection, |confidence, _| Some(confidence));
        let probability = |confidence, row| mapped(prepared, maps, MAPS[0].1, confidence, row);
        let probabilities = graded(prepared, selection, probability);
        let (levels, mapped_levels) = (raw.levels(), probabilities.levels());
        let of = |levels: &[_], metrics: &[&Metric]| -> Vec<Option<f64>> {
            metrics.iter().map(|metric| (metric.compute)(levels)).collect()
        };
        let all = [of(&levels, &ORDER_METRICS), of(&mapped_levels, &PROBABILITY_METRICS)].concat();
        let map_scheme = (probabilities.len() > 0).then(|| maps.scheme());
        Self {
            row: AlignmentRow { map_scheme, ..counted(prepared, dataset, selection) },
            figures: std::array::from_fn(|index| all[index]),
            brier_raw: brier(&levels),
            order_replicates: raw.replicates(&ORDER_METRICS, resampling),
            probability_replicates: probabilities.replicates(&PROBABILITY_METRICS, resampling),
        }
    }

    /// The mean over datasets of what is defined, each dataset counting alike.
    fn mean(prepared: &PreparedSeries<'_>, evaluated: &[Self]) -> Self {
        let (pool, datasets): (Vec<&Self>, Vec<&Self>) =
            evaluated.iter().partition(|evaluated| evaluated.row.dataset == POOL);
        let mean = |figure: &dyn Fn(&Self) -> Option<f64>| {
            let values: Vec<f64> = datasets.iter().filter_map(|evaluated| figure(evaluated)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let replicates = |of: &dyn Fn(&Self) -> Option<Replicates>| {
            let parts: Vec<Replicates> = datasets.iter().filter_map(|evaluated| of(evaluated)).collect();
            (!parts.is_empty()).then(|| Replicates::mean(&parts))
        };
        let counts = pool.first().map(|pool| pool.row.clone());
        Self {
            row: AlignmentRow {
                dataset: MACRO.to_owned(),
                accuracy: mean(&|evaluated| evaluated.row.accuracy),
                ..counts.unwrap_or_else(|| named(prepared, MACRO))
            },
            figures: std::array::from_fn(|index| mean(&|evaluated| evaluated.figures[index])),
            brier_raw: mean(&|evaluated| evaluated.brier_raw),
            order_replicates: replicates(&|evaluated| evaluated.order_replicates.clone()),
            probability_replicates: replicates(&|evaluated| evaluated.probability_replicates.clone()),
        }
    }

    /// The row of the table.
    fn row(self) -> AlignmentRow {
        let estimate = |index: usize| {
            let (replicates, figure) = match index.checked_sub(ORDER_METRICS.len()) {
                None => (&self.order_replicates, index),
                Some(figure) => (&self.probability_replicates, figure),
            };
            self.figures[index].map(|value| match replicates {
                Some(replicates) => replicates.estimate(value, figure),
                None => Estimate::new(value),
            })
        };
        let value = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.value);
        let low = |estimate: Option<Estimate>| estimate.and_then(|estimate| estimate.low);
        let high = |estimate: Option<Estimate>| estimate.and_then(|estimate| estimate.high);
        let [roc_auc, prr, aurc, e_aurc, brier, ece] = std::array::from_fn::<_, FIGURES, _>(estimate);
        AlignmentRow {
            roc_auc: value(roc_auc),
            roc_auc_low: low(roc_auc),
            roc_auc_high: high(roc_auc),
            prr: value(prr),
            prr_low: low(prr),
            prr_high: high(prr),
            aurc: value(aurc),
            aurc_low: low(aurc),
            aurc_high: high(aurc),
            e_aurc: value(e_aurc),
            e_aurc_low: low(e_aurc),
            e_aurc_high: high(e_aurc),
            brier_raw: self.brier_raw,
            brier: value(brier),
            brier_low: low(brier),
            brier_high: high(brier),
            ece: value(ece),
            ece_low: low(ece),
            ece_high: high(ece),
            ..self.row
        }
    }
}

/// The rows of a selection that have a grade and a value.
fn graded(
    prepared: &PreparedSeries<'_>,
    selection: &DatasetSelection,
    value: impl Fn(Confidence, u32) -> Option<Confidence>,
) -> GradedRows {
    let rows = prepared
        .scored(selection)
        .filter_map(|(confidence, row)| {
            let right = prepared.outcomes(row).0.as_bool()?;
            let value = value(confidence, row)?.get();
            Some(GradedRow { value, right, cluster: prepared.cluster(row) })
        })
        .collect();
    GradedRows::new(rows, prepared.independent())
}

fn mapped(
    prepared: &PreparedSeries<'_>,
    maps: &FoldMaps,
    apply: ApplyMap,
    confidence: Confidence,
    row: u32,
) -> Option<Confidence> {
    let probability = apply(maps.for_row(prepared, row)?, confidence)?;
    Confidence::new(probability).ok()
}

fn map_metrics(
    prepared: &PreparedSeries<'_>,
    dataset: &str,
    selection: &DatasetSelection,
    maps: &FoldMaps,
) -> Vec<MapMetricRow> {
    MAPS.iter()
        .map(|(name, apply)| {
            let rows = graded(prepared, selection, |confidence, row| {
                mapped(prepared, maps, *apply, confidence, row)
            });
            let levels = rows.levels();
            let AlignmentRow { slm, llm, method, dataset, .. } = named(prepared, dataset);
            MapMetricRow {
                slm,
                llm,
                method,
                dataset,
                map: (*name).to_owned(),
                scheme: maps.scheme(),
                rows: rows.len() as u64,
                brier: (BRIER.compute)(&levels),
                ece: (ECE.compute)(&levels),
            }
        })
        .collect()
}

/// A row with its keys alone.
fn named(prepared: &PreparedSeries<'_>, dataset: &str) -> AlignmentRow {
    AlignmentRow {
        slm: prepared.series.slm.to_string(),
        llm: prepared.series.llm.as_ref().map(ToString::to_string),
        method: prepared.series.method.to_string(),
        dataset: dataset.to_owned(),
        ..AlignmentRow::default()
    }
}

/// A row with its counts.
fn counted(prepared: &PreparedSeries<'_>, dataset: &str, selection: &DatasetSelection) -> AlignmentRow {
    let mut row = named(prepared, dataset);
    let mut correct = 0u64;
    row.missing = prepared.missing(selection).count() as u64;
    for index in prepared.scored(selection).map(|(_, row)| row).chain(prepared.missing(selection)) {
        let slm = prepared.outcomes(index).0;
        row.rows += 1;
        row.ungraded += u64::from(!slm.is_graded());
        correct += u64::from(slm.is_correct());
    }
    row.accuracy = (row.rows > 0).then(|| correct as f64 / row.rows as f64);
    row
}

#[cfg(test)]
mod tests;
