//! Statistics over the rows of a pair, from which figures, tables and findings are made.

use plimsoll_core::records::{CurveRow, HoldOut};

use crate::inputs::{DatasetCounts, SeriesCounts};
use crate::view::MethodView;

/// The value of `by` in rows that hold out a dataset.
pub(crate) const DATASET: HoldOut = HoldOut::Dataset;
/// The kind of targets that are a routing ratio.
pub(crate) const ROUTING_RATIO: &str = "routing_ratio";
/// The missing reason of a row whose compared replies are too unlikely.
pub(crate) const TOO_SMALL: &str = "masses_too_small";

/// The mean of the finite values; `None` without any.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let finite = values.filter(|value| value.is_finite());
    let (sum, count) = finite.fold((0.0, 0u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// All datasets in one.
pub(crate) fn pooled(datasets: &[DatasetCounts]) -> DatasetCounts {
    let bins = datasets.first().map_or(0, |counts| counts.right.len());
    let mut pool = DatasetCounts::new("all datasets", bins);
    for counts in datasets {
        let sides = [
            (&mut pool.right, &counts.right),
            (&mut pool.wrong, &counts.wrong),
            (&mut pool.ungraded, &counts.ungraded),
        ];
        for (sum, own) in sides {
            for (sum, own) in sum.iter_mut().zip(own) {
                *sum += own;
            }
        }
        for (reason, rows) in &counts.missing {
            *pool.missing.entry(reason.clone()).or_default() += rows;
        }
        pool.answer_mass.rows += counts.answer_mass.rows;
        pool.answer_mass.sum += counts.answer_mass.sum;
        pool.slm_right += counts.slm_right;
        pool.slm_ungraded += counts.slm_ungraded;
        pool.llm_right += counts.llm_right;
        pool.llm_ungraded += counts.llm_ungraded;
    }
    pool
}

/// The row nearest to a ratio.
pub(crate) fn nearest<'a>(rows: &[&'a CurveRow], ratio: f64) -> Option<&'a CurveRow> {
    rows.iter().copied().min_by(|a, b| (a.grid_ratio - ratio).abs().total_cmp(&(b.grid_ratio - ratio).abs()))
}

/// ROC AUC of ranking every question by the SLM's accuracy on its dataset: what knowing only the dataset gives.
pub(crate) fn dataset_alone(counts: &SeriesCounts) -> Option<f64> {
    let mut groups: Vec<(u64, u64)> = counts
        .datasets
        .iter()
        .map(|dataset| (dataset.right.iter().sum(), dataset.wrong.iter().sum()))
        .filter(|(right, wrong): &(u64, u64)| right + wrong > 0)
        .collect();
    let accuracy = |(right, wrong): &(u64, u64)| *right as f64 / (right + wrong) as f64;
    groups.sort_by(|a, b| accuracy(a).total_cmp(&accuracy(b)));
    let rights: u64 = groups.iter().map(|(right, _)| right).sum();
    let wrongs: u64 = groups.iter().map(|(_, wrong)| wrong).sum();
    if rights == 0 || wrongs == 0 {
        return None;
    }
    let (mut below, mut won) = (0.0, 0.0);
    for tied in groups.chunk_by(|a, b| accuracy(a) == accuracy(b)) {
        let right: u64 = tied.iter().map(|(right, _)| right).sum();
        let wrong: u64 = tied.iter().map(|(_, wrong)| wrong).sum();
        won += right as f64 * (below + wrong as f64 / 2.0);
        below += wrong as f64;
    }
    Some(won / (rights as f64 * wrongs as f64))
}

/// Mean accuracy over random of a method's ratio targets on a held-out dataset.
pub(crate) fn accuracy_over_random(method: &MethodView<'_>, held_out: &str) -> Option<f64> {
    let rows = method
        .transfer
        .iter()
        .filter(|row| row.by == DATASET && row.target_kind == ROUTING_RATIO && row.held_out == held_out);
    mean(rows.filter_map(|row| Some(row.accuracy? - row.random_accuracy?)))
}

/// Mean distance from the true curve: of the curve with transferred thresholds, and of the random line.
pub(crate) fn curve_rmse(method: &MethodView<'_>, held_out: &str) -> Option<(f64, f64)> {
    let rows = || method.transfer.iter().filter(|row| row.by == DATASET && row.held_out == held_out);
    let own = mean(rows().filter_map(|row| row.curve_rmse))?;
    Some((own, mean(rows().filter_map(|row| row.random_curve_rmse))?))
}

/// The datasets that were held out.
pub(crate) fn held_out_datasets<'a>(method: &MethodView<'a>) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        method.transfer.iter().filter(|row| row.by == DATASET).map(|row| row.held_out.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// How often a guarantee was violated on held-out datasets.
#[derive(Debug, Clone)]
pub(crate) struct Violations {
    pub(crate) method: String,
    pub(crate) kind: String,
    pub(crate) alpha: f64,
    pub(crate) delta: f64,
    /// Splits and repeats that had a threshold.
    pub(crate) with_threshold: usize,
    /// Of these, how many exceeded alpha.
    pub(crate) failed: usize,
    /// All splits and repeats.
    pub(crate) all: usize,
}

impl Violations {
    fn rate(&self) -> f64 {
        self.failed as f64 / self.with_threshold.max(1) as f64
    }

    pub(crate) fn excess(&self) -> f64 {
        self.rate() - self.delta
    }

    /// Whether it was violated more often than delta allows.
    pub(crate) fn broken(&self) -> bool {
        self.with_threshold > 0 && self.excess() > 0.0
    }

    /// The target in its usual notation.
    pub(crate) fn target(&self) -> String {
        format!("{}={}:{}", self.kind, self.alpha, self.delta)
    }
}

/// The guarantees of a method on held-out datasets, by target.
pub(crate) fn violations(method: &MethodView<'_>) -> Vec<Violations> {
    let mut all: Vec<Violations> = Vec::new();
    for row in method.transfer.iter().filter(|row| row.by == DATASET) {
        let Some(delta) = row.target_delta else { continue };
        let same = |of: &Violations| {
            (of.kind.as_str(), of.alpha, of.delta) == (&row.target_kind, row.target_value, delta)
        };
        let index = all.iter().position(same).unwrap_or_else(|| {
            all.push(Violations {
                method: method.id.to_owned(),
                kind: row.target_kind.clone(),
                alpha: row.target_value,
                delta,
                with_threshold: 0,
                failed: 0,
                all: 0,
            });
            all.len() - 1
        });
        if let Some(of) = all.get_mut(index) {
            of.all += 1;
            of.with_threshold += usize::from(row.violated.is_some());
            of.failed += usize::from(row.violated == Some(true));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::DatasetCounts;

    /// Rounding of a quotient.
    const ROUNDING: f64 = 1e-12;

    fn counts(groups: &[(u64, u64)]) -> SeriesCounts {
        let dataset = |(right, wrong): &(u64, u64)| {
            let mut counts = DatasetCounts::new("d", 1);
            (counts.right, counts.wrong) = (vec![*right], vec![*wrong]);
            counts
        };
        SeriesCounts { datasets: groups.iter().map(dataset).collect(), ..SeriesCounts::default() }
    }

    #[test]
    fn the_dataset_alone_by_hand() {
        // 3 right and 1 wrong against 1 right and 3 wrong: of 16 pairs, 9 won, 6 tied, 1 lost.
        let auc = dataset_alone(&counts(&[(3, 1), (1, 3)])).unwrap();
        assert!((auc - (9.0 + 3.0) / 16.0).abs() < ROUNDING);
        assert!((dataset_alone(&counts(&[(2, 2), (5, 5)])).unwrap() - 0.5).abs() < ROUNDING);
        assert_eq!(dataset_alone(&counts(&[(3, 0), (1, 0)])), None);
        assert_eq!(dataset_alone(&counts(&[])), None);
    }
}
