//! Probabilities of calibration maps for rows that the maps did not see.

use plimsoll_core::Seed;
use plimsoll_core::records::MapScheme;
use plimsoll_fit::maps::{GradedConfidence, fit_maps};
use plimsoll_fit::{DatasetSelection, PreparedSeries};
use plimsoll_router::Confidence;
use plimsoll_router::map::Maps;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

/// Number of folds of [`MapScheme::FiveFold`].
const FOLDS: usize = 5;

/// Applies a map of a set; `None` if the set lacks it.
pub type ApplyMap = fn(&Maps, Confidence) -> Option<f64>;

/// The maps, by name.
pub const MAPS: [(&str, ApplyMap); 3] = [("isotonic", isotonic), ("platt", platt), ("beta", beta)];

fn isotonic(maps: &Maps, confidence: Confidence) -> Option<f64> {
    maps.isotonic.as_ref().and_then(|map| map.apply(confidence))
}

fn platt(maps: &Maps, confidence: Confidence) -> Option<f64> {
    maps.platt.as_ref().map(|map| map.apply(confidence))
}

fn beta(maps: &Maps, confidence: Confidence) -> Option<f64> {
    maps.beta.as_ref().map(|map| map.apply(confidence))
}

/// Maps of a series, one set per fold.
#[derive(Debug)]
pub struct FoldMaps {
    scheme: MapScheme,
    seed: Seed,
    maps: Vec<Maps>,
}

impl FoldMaps {
    /// Fits the maps of every fold on the graded rows outside it.
    pub fn fitted(prepared: &PreparedSeries<'_>, scheme: MapScheme, seed: &Seed) -> Self {
        let folds = match scheme {
            MapScheme::LeaveOneDatasetOut => prepared.questions.datasets().len(),
            MapScheme::FiveFold => FOLDS,
            MapScheme::File => 0,
        };
        let mut fitted = Self { scheme, seed: seed.derive("folds"), maps: Vec::new() };
        fitted.maps =
            (0..folds).into_par_iter().map(|fold| fit_maps(&fitted.outside(prepared, fold))).collect();
        fitted
    }

    /// The maps of a thresholds file for every row.
    pub fn from_file(maps: &Maps) -> Self {
        Self { scheme: MapScheme::File, seed: Seed::new(0), maps: vec![maps.clone()] }
    }

    /// Where the maps come from.
    pub const fn scheme(&self) -> MapScheme {
        self.scheme
    }

    /// The maps for a row.
    pub fn for_row(&self, prepared: &PreparedSeries<'_>, row: u32) -> Option<&Maps> {
        self.maps.get(self.fold(prepared, row))
    }

    fn fold(&self, prepared: &PreparedSeries<'_>, row: u32) -> usize {
        match self.scheme {
            MapScheme::LeaveOneDatasetOut => prepared.dataset_index(row),
            MapScheme::FiveFold => {
                usize::try_from(self.seed.hash_key(prepared.cluster(row)) % FOLDS as u64).unwrap_or(0)
            }
            MapScheme::File => 0,
        }
    }

    fn outside(&self, prepared: &PreparedSeries<'_>, fold: usize) -> Vec<GradedConfidence> {
        let all = DatasetSelection::all(prepared.questions.datasets().len());
        prepared
            .scored(&all)
            .filter(|(_, row)| self.fold(prepared, *row) != fold)
            .filter_map(|(confidence, row)| {
                let correct = prepared.outcomes(row).0.as_bool()?;
                Some(GradedConfidence { confidence, correct, weight: 1.0 })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_fit::testing::{SyntheticScores, calibrated, table};

    #[test]
    fn no_row_is_mapped_by_a_map_that_saw_its_dataset() {
        // In dataset d0 everything is right, elsewhere everything is wrong: seen from outside, d0
        // must look hopeless and the others good where d0 is the only other.
        let rows: Vec<SyntheticScores> = (0..40)
            .map(|index| {
                let dataset = format!("d{}", index % 2);
                SyntheticScores {
                    dataset,
                    ..SyntheticScores::new(f64::from(index) / 40.0, index % 2 == 0, true)
                }
            })
            .collect();
        let table = table(&rows);
        let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
        let folds = FoldMaps::fitted(&prepared, MapScheme::LeaveOneDatasetOut, &Seed::new(1));
        for row in 0..40 {
            let own = f64::from(u8::from(prepared.outcomes(row).0.is_correct()));
            let confidence = prepared.series.confidence(row as usize).unwrap();
            let mapped = isotonic(folds.for_row(&prepared, row).unwrap(), confidence).unwrap();
            assert_eq!(mapped, 1.0 - own);
        }
    }

    #[test]
    fn rows_of_a_cluster_share_a_fold() {
        let mut rows = calibrated(200, 2, 1);
        for (index, row) in rows.iter_mut().enumerate() {
            row.cluster = Some(format!("c{}", index / 10));
        }
        let table = table(&rows);
        let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
        let folds = FoldMaps::fitted(&prepared, MapScheme::FiveFold, &Seed::new(1));
        let mut fold_by_cluster = std::collections::BTreeMap::new();
        for row in 0..200 {
            let fold = folds.fold(&prepared, row);
            assert_eq!(*fold_by_cluster.entry(prepared.cluster(row)).or_insert(fold), fold);
        }
        let used: std::collections::BTreeSet<usize> = fold_by_cluster.into_values().collect();
        assert_eq!(used.len(), FOLDS);
    }
}
