//! Isotonic regression by pooling adjacent violators.

use plimsoll_router::map::Isotonic;

use super::{GradedConfidence, MapProblem, TiedRows, levels};

/// Confidences closer than this are one (`numpy.finfo(float).resolution`), as in scikit-learn.
const RESOLUTION: f64 = 1e-15;

/// Fits the non-decreasing map of least squares.
///
/// Rows of one class are fine: the map is flat.
///
/// # Formula
/// min over y\_1 <= .. <= y\_m of sum of w\_i (m\_i - y\_i)^2, with m\_i the weighted share of right
/// rows at the i-th distinct confidence and `w_i` their weight (Ayer et al. 1955; Barlow et al.
/// 1972). The knots are the ends of the pooled blocks: the interior points of flat runs are left
/// out, which changes no value. The same as `X_thresholds_`, `y_thresholds_` of scikit-learn's
/// `IsotonicRegression`.
///
/// # Errors
/// [`MapProblem::NoRows`], [`MapProblem::Weight`].
///
/// ```
/// use plimsoll_fit::maps::{fit_isotonic, GradedConfidence};
/// use plimsoll_router::Confidence;
/// let row = |c, correct| Ok::<_, plimsoll_router::Error>(GradedConfidence {
///     confidence: Confidence::new(c)?, correct, weight: 1.0,
/// });
/// // 0.4 (right) and 0.6 (wrong) violate the order and are pooled to 1/2.
/// let rows = [row(0.2, false)?, row(0.4, true)?, row(0.6, false)?, row(0.8, true)?];
/// let map = fit_isotonic(&rows)?;
/// assert_eq!(map.x, [0.2, 0.4, 0.6, 0.8]);
/// assert_eq!(map.y, [0.0, 0.5, 0.5, 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit_isotonic(observations: &[GradedConfidence]) -> Result<Isotonic, MapProblem> {
    fit(&levels(observations)?)
}

pub(super) fn fit(levels: &[TiedRows]) -> Result<Isotonic, MapProblem> {
    if levels.is_empty() {
        return Err(MapProblem::NoRows);
    }
    let mut map = Isotonic::new(Vec::new(), Vec::new());
    for block in pool(&resolve(levels)) {
        map.x.push(block.first);
        map.y.push(block.mean());
        if block.last > block.first {
            map.x.push(block.last);
            map.y.push(block.mean());
        }
    }
    Ok(map)
}

/// Joins levels within [`RESOLUTION`] of the first of them, whose confidence they take.
fn resolve(levels: &[TiedRows]) -> Vec<TiedRows> {
    let mut resolved: Vec<TiedRows> = Vec::with_capacity(levels.len());
    for level in levels {
        match resolved.last_mut() {
            Some(last) if level.confidence.get() - last.confidence.get() < RESOLUTION => {
                last.absorb(level);
            }
            _ => resolved.push(*level),
        }
    }
    resolved
}

/// A run of confidences with one value.
#[derive(Debug, Clone, Copy)]
struct PooledBlock {
    first: f64,
    last: f64,
    right: f64,
    weight: f64,
}

impl PooledBlock {
    fn mean(&self) -> f64 {
        self.right / self.weight
    }

    fn join(self, next: Self) -> Self {
        Self {
            first: self.first,
            last: next.last,
            right: self.right + next.right,
            weight: self.weight + next.weight,
        }
    }
}

/// Blocks of strictly increasing mean.
fn pool(levels: &[TiedRows]) -> Vec<PooledBlock> {
    let mut blocks: Vec<PooledBlock> = Vec::new();
    for level in levels {
        let x = level.confidence.get();
        let mut block = PooledBlock { first: x, last: x, right: level.right, weight: level.weight() };
        while let Some(previous) = blocks.pop_if(|previous| previous.mean() >= block.mean()) {
            block = previous.join(block);
        }
        blocks.push(block);
    }
    blocks
}

#[cfg(test)]
mod tests {
    use plimsoll_router::Confidence;
    use proptest::prelude::*;

    use super::*;

    fn row(confidence: f64, correct: bool, weight: f64) -> GradedConfidence {
        GradedConfidence { confidence: Confidence::new(confidence).unwrap(), correct, weight }
    }

    #[test]
    fn one_class_is_flat_and_keeps_its_ends() {
        let map = fit_isotonic(&[row(0.1, true, 1.0), row(0.5, true, 2.0), row(0.9, true, 1.0)]).unwrap();
        assert_eq!((map.x, map.y), (vec![0.1, 0.9], vec![1.0, 1.0]));
        let map = fit_isotonic(&[row(0.4, false, 3.0)]).unwrap();
        assert_eq!((map.x, map.y), (vec![0.4], vec![0.0]));
    }

    #[test]
    fn weights_count_as_rows() {
        let map = fit_isotonic(&[row(0.1, true, 3.0), row(0.5, false, 1.0)]).unwrap();
        assert_eq!((map.x, map.y), (vec![0.1, 0.5], vec![0.75, 0.75]));
    }

    #[test]
    fn confidences_within_the_resolution_are_one() {
        let map = fit_isotonic(&[row(0.0, false, 1.0), row(5e-16, true, 1.0), row(0.5, true, 1.0)]).unwrap();
        assert_eq!((map.x, map.y), (vec![0.0, 0.5], vec![0.5, 1.0]));
    }

    /// The min-max formula of Barlow et al.: max over starts <= i of min over ends >= i of the mean.
    fn min_max(levels: &[TiedRows], i: usize) -> f64 {
        let mean = |from: usize, to: usize| {
            let run = &levels[from..=to];
            run.iter().map(|l| l.right).sum::<f64>() / run.iter().map(TiedRows::weight).sum::<f64>()
        };
        (0..=i)
            .map(|from| (i..levels.len()).map(|to| mean(from, to)).fold(f64::INFINITY, f64::min))
            .fold(f64::NEG_INFINITY, f64::max)
    }

    proptest! {
        #[test]
        fn agrees_with_the_min_max_formula(
            rows in prop::collection::vec((0u8..20, any::<bool>(), 0.1f64..5.0), 1..60)
        ) {
            /// Rounding of sums of at most 60 weights.
            const ROUNDING: f64 = 1e-12;
            let rows: Vec<_> = rows.iter().map(|(c, y, w)| row(f64::from(*c) / 19.0, *y, *w)).collect();
            let levels = levels(&rows).unwrap();
            let map = fit_isotonic(&rows).unwrap();
            prop_assert!(map.x.is_sorted_by(|a, b| a < b) && map.y.is_sorted());
            for (i, level) in levels.iter().enumerate() {
                let value = map.apply(level.confidence).unwrap();
                prop_assert!((value - min_max(&levels, i)).abs() < ROUNDING, "{i}");
            }
        }
    }
}
