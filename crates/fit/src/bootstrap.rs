//! The cluster bootstrap: how far would a figure move on another sample of the same kind?
//!
//! Whole clusters are resampled, since questions about one passage are right and wrong together.
//! A figure sees a replicate as *counts of states*, a state being whatever makes two rows
//! interchangeable for it (the interval of thresholds, the grades, the weight). Clusters with the
//! same states are interchangeable too, so their numbers are drawn at once from a binomial; a
//! replicate of a million independent rows with a thousand states costs a thousand draws.
//!
//! Replicate b has its own generator, seeded by b, and results are gathered in the order of b:
//! the intervals are the same bits at any number of threads.

use std::collections::BTreeMap;

use plimsoll_core::Seed;
use plimsoll_router::thresholds::Estimate;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution as _};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::quantile::quantile_linear;

/// Share of replicates that may leave a figure undefined before its interval is undefined too.
const UNDEFINED_SHARE: f64 = 0.05;
/// The two-sided level of every interval.
const LEVEL: f64 = 0.95;

/// Clusters of states, ready to be resampled.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// Sets of states that several clusters share, with the number of those clusters.
    common: Vec<(Vec<u32>, u64)>,
    /// States of the clusters that are like no other.
    single: Vec<Vec<u32>>,
    states: usize,
}

impl Bootstrap {
    /// Groups rows, given as (cluster, state), into clusters. States are numbers below `states`.
    ///
    /// `independent` promises that no two rows share a cluster, which saves the grouping.
    pub fn new(rows: impl Iterator<Item = (u64, u32)>, states: usize, independent: bool) -> Self {
        if independent {
            let mut counts = vec![0u64; states];
            for (_, state) in rows {
                counts[state as usize] += 1;
            }
            let counted = counts.into_iter().zip(0u32..).filter(|(count, _)| *count > 0);
            let groups = counted.map(|(count, state)| (vec![state], count));
            return Self::from_groups(groups, states);
        }
        let mut rows: Vec<(u64, u32)> = rows.collect();
        rows.sort_unstable();
        let mut groups: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
        for cluster in rows.chunk_by(|a, b| a.0 == b.0) {
            *groups.entry(cluster.iter().map(|(_, state)| *state).collect()).or_default() += 1;
        }
        Self::from_groups(groups.into_iter(), states)
    }

    fn from_groups(groups: impl Iterator<Item = (Vec<u32>, u64)>, states: usize) -> Self {
        let (mut common, mut single) = (Vec::new(), Vec::new());
        for (members, count) in groups {
            if count > 1 {
                common.push((members, count));
            } else {
                single.push(members);
            }
        }
        Self { common, single, states }
    }

    /// Number of clusters.
    pub fn clusters(&self) -> u64 {
        self.common.iter().map(|(_, count)| count).sum::<u64>() + self.single.len() as u64
    }

    /// Figures of `replicates` resamples, one list per replicate; NaN stands for undefined.
    pub fn replicates<F>(&self, replicates: u32, seed: &Seed, figures: F) -> Replicates
    where
        F: Fn(&[u64]) -> Vec<f64> + Sync,
    {
        let rows: Vec<Vec<f64>> = (0..replicates)
            .into_par_iter()
            .map_init(
                || vec![0u64; self.states],
                |counts, replicate| {
                    counts.fill(0);
                    self.resample(&mut seed.derive_index(u64::from(replicate)).rng(), counts);
                    figures(counts)
                },
            )
            .collect();
        Replicates { rows }
    }

    /// One resample of as many clusters as there are, as counts of states.
    fn resample(&self, rng: &mut ChaCha8Rng, counts: &mut [u64]) {
        let mut clusters = self.clusters();
        let mut draws = clusters;
        for (members, count) in &self.common {
            let picked = binomial(rng, draws, *count, clusters);
            for state in members {
                counts[*state as usize] += picked;
            }
            draws -= picked;
            clusters -= count;
        }
        if self.single.is_empty() {
            return;
        }
        for _ in 0..draws {
            for state in &self.single[rng.random_range(0..self.single.len())] {
                counts[*state as usize] += 1;
            }
        }
    }
}

/// Of `draws` draws from `clusters` clusters, how many fall on `count` of them.
fn binomial(rng: &mut ChaCha8Rng, draws: u64, count: u64, clusters: u64) -> u64 {
    if count == clusters {
        return draws;
    }
    // The share is in (0, 1) here, for which the constructor cannot fail.
    Binomial::new(draws, count as f64 / clusters as f64).map_or(0, |distribution| distribution.sample(rng))
}

/// Figures of every replicate.
#[derive(Debug, Clone)]
pub struct Replicates {
    rows: Vec<Vec<f64>>,
}

impl Replicates {
    /// The 95 % percentile interval of a figure, (2.5 %, 97.5 %); `None` without replicates, or if
    /// the figure is undefined in more than 5 % of them.
    pub fn interval(&self, figure: usize) -> Option<(f64, f64)> {
        let mut values: Vec<f64> = self
            .rows
            .iter()
            .filter_map(|figures| figures.get(figure).copied())
            .filter(|value| value.is_finite())
            .collect();
        let undefined = self.rows.len() - values.len();
        if undefined as f64 > UNDEFINED_SHARE * self.rows.len() as f64 {
            return None;
        }
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - LEVEL) / 2.0;
        quantile_linear(&values, tail).zip(quantile_linear(&values, 1.0 - tail))
    }

    /// Replicate by replicate, the mean over several independent bootstraps with equally many
    /// replicates, such as those of the datasets of a mean over datasets. A figure that is
    /// undefined in a replicate of one part does not enter that replicate's mean.
    #[must_use]
    pub fn mean(parts: &[Self]) -> Self {
        let replicates = parts.iter().map(|part| part.rows.len()).min().unwrap_or(0);
        let figures = parts.iter().filter_map(|part| part.rows.first()).map(Vec::len).min().unwrap_or(0);
        let mean = |replicate: usize, figure: usize| {
            let values =
                parts.iter().map(|part| part.rows[replicate][figure]).filter(|value| value.is_finite());
            let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
            if count > 0 { sum / f64::from(count) } else { f64::NAN }
        };
        let rows = (0..replicates)
            .map(|replicate| (0..figures).map(|figure| mean(replicate, figure)).collect())
            .collect();
        Self { rows }
    }

    /// A point estimate with the interval of a figure.
    pub fn estimate(&self, value: f64, figure: usize) -> Estimate {
        let estimate = Estimate::new(value);
        self.interval(figure).map_or(estimate, |(low, high)| estimate.with_interval(low, high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_of_ones(counts: &[u64]) -> Vec<f64> {
        vec![counts[1] as f64 / (counts[0] + counts[1]) as f64]
    }

    #[test]
    fn the_interval_of_a_share_is_the_binomial_one() {
        let rows = (0..1000u64).map(|row| (row, u32::from(row.is_multiple_of(4))));
        let bootstrap = Bootstrap::new(rows, 2, true);
        let (low, high) = bootstrap.replicates(4000, &Seed::new(1), share_of_ones).interval(0).unwrap();
        let half = 1.96 * (0.25f64 * 0.75 / 1000.0).sqrt();
        /// Monte Carlo error of a percentile of 4,000 replicates, several times over.
        const MONTE_CARLO: f64 = 0.003;
        assert!((low - (0.25 - half)).abs() < MONTE_CARLO && (high - (0.25 + half)).abs() < MONTE_CARLO);
    }

    #[test]
    fn clusters_widen_the_interval() {
        // 200 clusters of 5 equal rows carry the information of 200 rows.
        let rows =
            |size: u64| (0..1000u64).map(move |row| (row / size, u32::from((row / size).is_multiple_of(4))));
        let width = |bootstrap: Bootstrap| {
            let (low, high) = bootstrap.replicates(2000, &Seed::new(2), share_of_ones).interval(0).unwrap();
            high - low
        };
        let ratio = width(Bootstrap::new(rows(5), 2, false)) / width(Bootstrap::new(rows(1), 2, true));
        /// Monte Carlo error of a ratio of two widths.
        const MONTE_CARLO: f64 = 0.25;
        assert!((ratio - 5f64.sqrt()).abs() < MONTE_CARLO, "{ratio}");
    }

    #[test]
    fn every_resample_has_as_many_clusters() {
        let rows = (0..300u64).map(|row| (row / 3, u32::try_from(row % 7).unwrap()));
        let bootstrap = Bootstrap::new(rows, 7, false);
        assert_eq!(bootstrap.clusters(), 100);
        let sizes = bootstrap.replicates(50, &Seed::new(3), |counts| vec![counts.iter().sum::<u64>() as f64]);
        assert!(sizes.rows.iter().all(|figures| figures[0] == 300.0));
    }

    #[test]
    fn one_thread_or_many_give_the_same_bits() {
        let rows = || (0..500u64).map(|row| (row / 2, u32::try_from(row % 11).unwrap()));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let bootstrap = Bootstrap::new(rows(), 11, false);
                bootstrap
                    .replicates(200, &Seed::new(4), |counts| vec![counts[0] as f64 / counts[1] as f64])
                    .rows
            })
        };
        let (one, four) = (run(1), run(4));
        assert!(one.iter().flatten().zip(four.iter().flatten()).all(|(a, b)| a.to_bits() == b.to_bits()));
    }

    #[test]
    fn a_figure_that_is_mostly_undefined_has_no_interval() {
        let bootstrap = Bootstrap::new((0..10u64).map(|row| (row, 0)), 1, true);
        assert!(bootstrap.replicates(100, &Seed::new(5), |_| vec![f64::NAN]).interval(0).is_none());
        assert!(bootstrap.replicates(0, &Seed::new(5), |_| vec![1.0]).interval(0).is_none());
    }
}
