//! Alarm levels of the drift monitor, calibrated on the pool itself.

use plimsoll_core::Seed;
use plimsoll_router::thresholds::DriftLevels;
use plimsoll_router::{Histogram, WindowReport};
use rand::Rng as _;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::quantile::quantile_linear;

/// Decisions per window: long enough for 30 bins, short enough to be reached in a day.
pub const WINDOW: u32 = 500;
/// Windows drawn to set the levels, and again to measure how often they are exceeded.
const WINDOWS: u32 = 2000;
/// Probability that a window without drift raises one of the three alarms, at most.
const FALSE_ALARM: f64 = 0.01;

/// Levels that windows drawn from the pool exceed rarely; `None` for a pool of fewer than two
/// windows, whose histogram is no reference.
///
/// # Formula
/// The 1 - 0.01/3 quantile of PSI, of KS and of the missing share over windows of 500 rows drawn
/// from the pool; the false-alarm rate is measured on as many further windows.
pub fn drift_levels(reference: &Histogram, seed: &Seed) -> Option<DriftLevels> {
    if reference.total() < 2 * u64::from(WINDOW) {
        return None;
    }
    let mut levels = DriftLevels::new(WINDOW, WINDOWS);
    let reports = |label: &str, levels: DriftLevels| -> Vec<WindowReport> {
        let seed = seed.derive(label);
        (0..WINDOWS)
            .into_par_iter()
            .map(|number| {
                let window = draw_window(reference, &seed.derive_index(u64::from(number)));
                WindowReport::compare(u64::from(number), &window, reference, &levels)
            })
            .collect()
    };
    let drawn = reports("levels", levels);
    let level = |figure: fn(&WindowReport) -> f64| {
        let mut values: Vec<f64> = drawn.iter().map(figure).collect();
        values.sort_unstable_by(f64::total_cmp);
        quantile_linear(&values, 1.0 - FALSE_ALARM / 3.0).unwrap_or(0.0)
    };
    levels.psi = level(|report| report.psi);
    levels.ks = level(|report| report.ks);
    levels.missing_share = level(|report| report.missing_share);
    let alarms = reports("rate", levels).iter().filter(|report| report.alarm()).count();
    let per_window = alarms as f64 / f64::from(WINDOWS);
    levels.false_alarms_per_10k_decisions = per_window * 10_000.0 / f64::from(WINDOW);
    Some(levels)
}

/// A window of rows of the pool, drawn independently.
fn draw_window(reference: &Histogram, seed: &Seed) -> Histogram {
    let mut rng = seed.rng();
    let ends: Vec<u64> = reference
        .counts
        .iter()
        .scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        })
        .collect();
    let mut window = Histogram::new(reference.counts.len());
    for _ in 0..WINDOW {
        let row = rng.random_range(0..reference.total());
        match window.counts.get_mut(ends.partition_point(|end| *end <= row)) {
            Some(count) => *count += 1,
            None => window.missing += 1,
        }
    }
    window
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_rarely_exceeded_without_drift() {
        let reference = Histogram::from_counts((1..=30).map(|bin| bin * 40).collect(), 200);
        let levels = drift_levels(&reference, &Seed::new(7)).unwrap();
        // At most 1 % of windows of 500, so 0.2 alarms per 10,000 decisions, and Monte Carlo error.
        /// Half as much again.
        const MONTE_CARLO: f64 = 0.1;
        assert!(levels.false_alarms_per_10k_decisions <= 0.2 + MONTE_CARLO);
        assert!(levels.psi > 0.0 && levels.psi < 0.5 && levels.ks < 0.2 && levels.missing_share < 0.1);
        assert!(drift_levels(&Histogram::from_counts(vec![10; 30], 0), &Seed::new(7)).is_none());
    }
}
