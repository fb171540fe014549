//! Where unlabelled traffic stands on a pool's scale, and what a threshold would have achieved on it.
//!
//! A few confidences, without a label, say where a ratio lies on new traffic: the pool counts as five of them
//! ([`PRIOR_MASS`]), and the rest is what was seen.

use plimsoll_core::Seed;
use plimsoll_router::thresholds::DatasetSpread;
use plimsoll_router::{PoolCdf, Route, TieSeed, Tracker, TrackerSettings};

use crate::prepared::{DatasetSelection, PreparedSeries};

/// Equal bins of the scale; 1,024 are no better.
const BINS: usize = 64;
/// How many questions the pool's own distribution counts for.
pub const PRIOR_MASS: f64 = 5.0;

/// The distribution of some traffic on a pool's scale: a Dirichlet posterior whose prior is the pool.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficLevels {
    bins: [f64; BINS],
    missing: f64,
}

impl TrafficLevels {
    /// The pool itself: [`PRIOR_MASS`] questions, uniform on the scale but for the missing ones.
    pub fn from_pool(pool: &PoolCdf) -> Self {
        let scored = PRIOR_MASS * (1.0 - pool.missing());
        Self { bins: [scored / BINS as f64; BINS], missing: PRIOR_MASS * pool.missing() }
    }

    /// Nothing seen, and no prior.
    const EMPTY: Self = Self { bins: [0.0; BINS], missing: 0.0 };

    /// These questions without those of a part of them.
    fn without(&self, part: &Self) -> Self {
        let mut bins = self.bins;
        for (bin, of_part) in bins.iter_mut().zip(part.bins) {
            *bin -= of_part;
        }
        Self { bins, missing: self.missing - part.missing }
    }

    fn total(&self) -> f64 {
        self.missing + self.bins.iter().sum::<f64>()
    }

    /// Counts a question: its confidence on the scale, `None` = missing.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positions are in [0, 1]")]
    pub fn add(&mut self, z: Option<f64>) {
        match z {
            None => self.missing += 1.0,
            Some(z) => {
                let bin = ((z * BINS as f64) as usize).min(BINS - 1);
                self.bins[bin] += 1.0;
            }
        }
    }

    /// The position on the scale below which, with the missing ones, the share `ratio` of the traffic lies: 0 where
    /// missing ones alone are more.
    ///
    /// # Formula
    /// `G^-1(ratio)`, G = (missing + bins up to z) / (prior + counts), linear inside a bin.
    pub fn level(&self, ratio: f64) -> f64 {
        let total = self.total();
        let mut left = ratio * total - self.missing;
        if left <= 0.0 {
            return 0.0;
        }
        for (index, mass) in self.bins.iter().enumerate() {
            if left < *mass {
                return (index as f64 + left / mass) / BINS as f64;
            }
            left -= mass;
        }
        1.0
    }

    /// The share that is deferred at a position on the scale.
    ///
    /// # Formula
    /// G(z), the inverse of [`TrafficLevels::level`].
    pub fn ratio(&self, z: f64) -> f64 {
        let total = self.total();
        let share = |index: usize| (z * BINS as f64 - index as f64).clamp(0.0, 1.0);
        let below: f64 = self.bins.iter().enumerate().map(|(index, mass)| share(index) * mass).sum();
        (self.missing + below) / total
    }
}

/// How the datasets of a selection differ in level: each dataset's ratio at the level of all others, over the ratios
/// .1 to .9.
///
/// # Formula
/// `level_sd` = root mean square over datasets k and ratios q of `G_k(G_others^-1(q)) - q`, on the scale of the whole
/// pool in 64 bins.
pub fn dataset_spread(
    prepared: &PreparedSeries<'_>,
    selection: &DatasetSelection,
    scale: Option<&PoolCdf>,
    ties: TieSeed,
) -> DatasetSpread {
    let mut datasets = vec![TrafficLevels::EMPTY; prepared.questions.datasets().len()];
    if let Some(scale) = scale {
        for (confidence, row) in prepared.scored(selection) {
            let z = scale.z(confidence, ties.uniform_key(prepared.key(row)));
            datasets[prepared.dataset_index(row)].add(Some(z));
        }
    }
    prepared.missing(selection).for_each(|row| datasets[prepared.dataset_index(row)].add(None));
    datasets.retain(|dataset| dataset.total() > 0.0);
    let k = datasets.len() as u64;
    if k < 2 || scale.is_none() {
        return DatasetSpread::new(k, None);
    }
    let mut all = TrafficLevels::EMPTY;
    for dataset in &datasets {
        for (bin, of_part) in all.bins.iter_mut().zip(dataset.bins) {
            *bin += of_part;
        }
        all.missing += dataset.missing;
    }
    let ratios = || (1..10u32).map(|tenth| f64::from(tenth) / 10.0);
    let miss = |dataset: &TrafficLevels, q: f64| dataset.ratio(all.without(dataset).level(q)) - q;
    let squares = datasets.iter().flat_map(|dataset| ratios().map(move |q| miss(dataset, q).powi(2)));
    let mean = squares.sum::<f64>() / (9.0 * datasets.len() as f64);
    DatasetSpread::new(k, Some(mean.sqrt().min(1.0)))
}

/// Expected distance of the ratio from `ratio` after adapting to `n` unlabelled questions.
///
/// # Formula
/// sqrt(2 / pi) sqrt((w s)^2 + (1 - w)^2 q (1 - q) / n), w = m / (m + n) with m = [`PRIOR_MASS`]: what is left of the
/// spread s between datasets, and the noise of n draws.
///
/// ```
/// use plimsoll_fit::traffic::expected_ratio_error;
/// assert!((expected_ratio_error(0.5, 0, 0.16) - 0.1277).abs() < 1e-4);
/// assert!(expected_ratio_error(0.5, 500, 0.16) < 0.02);
/// ```
pub fn expected_ratio_error(ratio: f64, n: u64, level_sd: f64) -> f64 {
    let weight = PRIOR_MASS / (PRIOR_MASS + n as f64);
    let noise = (1.0 - weight).powi(2) * ratio * (1.0 - ratio) / n.max(1) as f64;
    ((weight * level_sd).powi(2) + noise).sqrt() * std::f64::consts::FRAC_2_PI.sqrt()
}

/// Share of some traffic that a fixed position on the scale defers; missing ones and positions below it.
pub fn deferred_share(traffic: &[Option<f64>], z: f64) -> f64 {
    let deferred =
        traffic.iter().filter(|position| z >= 1.0 || position.is_none_or(|position| position < z)).count();
    deferred as f64 / traffic.len().max(1) as f64
}

/// Streams of one dataset that an estimate averages over.
const STREAMS: u64 = 8;

/// Mean absolute error of the ratio on this traffic after adapting to `n` of its questions, drawn with
/// replacement; NaN without traffic.
pub fn adapted_ratio_error(pool: &PoolCdf, traffic: &[Option<f64>], ratio: f64, n: u64, seed: &Seed) -> f64 {
    mean_over_streams(traffic, seed, |draw| {
        let mut levels = TrafficLevels::from_pool(pool);
        (0..n).for_each(|index| levels.add(draw(index)));
        (deferred_share(traffic, levels.level(ratio)) - ratio).abs()
    })
}

/// Mean absolute error of the ratio that a tracker reaches over the first `n` questions of this traffic, drawn
/// with replacement; NaN without traffic.
///
/// # Errors
/// What [`Tracker::new`] refuses.
pub fn tracked_ratio_error(
    pool: &PoolCdf,
    traffic: &[Option<f64>],
    ratio: f64,
    n: u64,
    seed: &Seed,
) -> Result<f64, plimsoll_router::Error> {
    let tracker = Tracker::new(ratio, pool.level(ratio), TrackerSettings::DEFAULT)?;
    Ok(mean_over_streams(traffic, seed, |draw| {
        let mut tracker = tracker;
        let routed = (0..n).filter(|index| tracker.decide(draw(*index)).decision.route == Route::Llm).count();
        (routed as f64 / n.max(1) as f64 - ratio).abs()
    }))
}

/// A question of a stream, with the grades of both models' answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradedQuestion {
    /// Its position on the pool's scale, in [0, 1]; `None` = missing.
    pub position: Option<f64>,
    /// Whether the SLM's answer is right.
    pub slm_correct: bool,
    /// Whether the LLM's answer is right.
    pub llm_correct: bool,
}

impl GradedQuestion {
    /// The accuracy of the answer that is shown, 0 or 1.
    fn accuracy(&self, deferred: bool) -> f64 {
        f64::from(u8::from(if deferred { self.llm_correct } else { self.slm_correct }))
    }
}

/// Mean accuracy that a tracker reaches over the first `n` questions of this traffic, drawn with replacement, less that
/// of a fixed threshold which defers as many of the same questions; NaN without traffic.
///
/// # Errors
/// What [`Tracker::new`] refuses.
pub fn tracked_accuracy_cost(
    pool: &PoolCdf,
    traffic: &[GradedQuestion],
    ratio: f64,
    n: u64,
    seed: &Seed,
) -> Result<f64, plimsoll_router::Error> {
    let tracker = Tracker::new(ratio, pool.level(ratio), TrackerSettings::DEFAULT)?;
    Ok(mean_of_streams(traffic, seed, |draw| {
        let mut tracker = tracker;
        let mut stream: Vec<GradedQuestion> = (0..n).filter_map(draw).collect();
        let routed =
            |question: &GradedQuestion| tracker.decide(question.position).decision.route == Route::Llm;
        let decided: Vec<bool> = stream.iter().map(routed).collect();
        let tracked: f64 =
            stream.iter().zip(&decided).map(|(question, deferred)| question.accuracy(*deferred)).sum();
        // Missing ones come first: they are always deferred.
        let order = |question: &GradedQuestion| question.position.unwrap_or(-1.0);
        stream.sort_by(|left, right| order(left).total_cmp(&order(right)));
        let count = decided.iter().filter(|deferred| **deferred).count();
        let fixed: f64 =
            stream.iter().enumerate().map(|(index, question)| question.accuracy(index < count)).sum();
        (tracked - fixed) / n.max(1) as f64
    }))
}

fn mean_over_streams(
    traffic: &[Option<f64>],
    seed: &Seed,
    error: impl Fn(&dyn Fn(u64) -> Option<f64>) -> f64,
) -> f64 {
    mean_of_streams(traffic, seed, |draw| error(&|index| draw(index).flatten()))
}

/// The mean of a figure over streams that are drawn with replacement; NaN without traffic.
fn mean_of_streams<T: Copy>(
    traffic: &[T],
    seed: &Seed,
    figure: impl Fn(&dyn Fn(u64) -> Option<T>) -> f64,
) -> f64 {
    let Ok(rows) = u64::try_from(traffic.len()) else { return f64::NAN };
    if rows == 0 {
        return f64::NAN;
    }
    let stream = |stream: u64| {
        let seed = seed.derive_index(stream);
        let row = |index: u64| usize::try_from(seed.hash_key(index) % rows).unwrap_or_default();
        figure(&|index| traffic.get(row(index)).copied())
    };
    (0..STREAMS).map(stream).sum::<f64>() / STREAMS as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pool(missing: f64) -> PoolCdf {
        PoolCdf::new(vec![0.0, 1.0], vec![0.0, 1.0], vec![0.0, 1.0], missing).unwrap()
    }

    /// Traffic whose level differs from the pool's.
    fn shifted(rows: u64, power: f64) -> Vec<Option<f64>> {
        let seed = TieSeed::new(11);
        (0..rows).map(|row| Some(seed.uniform(&row.to_string()).powf(power))).collect()
    }

    /// Rounding of sums of masses.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn the_pool_s_own_level_without_traffic() {
        for (missing, ratio) in [(0.0, 0.3), (0.2, 0.5), (0.2, 0.1), (0.0, 0.0), (0.1, 1.0)] {
            let pool = pool(missing);
            let level = TrafficLevels::from_pool(&pool).level(ratio);
            assert!((level - pool.level(ratio)).abs() < ROUNDING, "{missing} {ratio}: {level}");
        }
    }

    #[test]
    fn by_hand() {
        let mut levels = TrafficLevels::from_pool(&pool(0.0));
        (0..5).for_each(|_| levels.add(Some(0.0)));
        // Ten questions, five of them and 5 / 64 of the pool in the first bin: half of the mass of that bin is
        // 2.539.., reached at a ratio of 0.2539...
        let first = 5.0 + 5.0 / 64.0;
        assert!((levels.level(first / 2.0 / 10.0) - 0.5 / 64.0).abs() < ROUNDING);
        (0..10).for_each(|_| levels.add(None));
        assert_eq!(levels.level(0.5), 0.0, "ten of twenty are missing");
        assert_eq!(levels.level(1.0), 1.0);
    }

    proptest! {
        #[test]
        fn ratio_undoes_level(
            seen in prop::collection::vec(prop::option::weighted(0.8, 0.0f64..=1.0), 0..200),
            ratio in 0.0f64..=1.0, missing in 0.0f64..0.5,
        ) {
            let mut levels = TrafficLevels::from_pool(&pool(missing));
            for z in &seen {
                levels.add(*z);
            }
            let level = levels.level(ratio);
            prop_assert!((0.0..=1.0).contains(&level));
            if level > 0.0 && level < 1.0 {
                prop_assert!((levels.ratio(level) - ratio).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn errors_fall_with_what_is_known() {
        let (pool, traffic, seed) = (pool(0.0), shifted(2_000, 3.0), Seed::new(1));
        for ratio in [0.2, 0.5, 0.8] {
            let fixed = (deferred_share(&traffic, pool.level(ratio)) - ratio).abs();
            let adapted = |n| adapted_ratio_error(&pool, &traffic, ratio, n, &seed);
            let tracked = tracked_ratio_error(&pool, &traffic, ratio, 500, &seed).unwrap();
            assert!(fixed > 0.1, "{fixed}");
            assert!((adapted(0) - fixed).abs() < 0.02);
            assert!(adapted(500) < adapted(25) && adapted(25) < fixed, "{} {}", adapted(25), adapted(500));
            assert!(tracked < 0.02, "{tracked}");
        }
    }

    #[test]
    fn a_tracker_costs_accuracy_where_the_stream_is_even() {
        let (pool, seed) = (pool(0.0), Seed::new(2));
        let ties = TieSeed::new(12);
        let traffic: Vec<GradedQuestion> = (0..2_000)
            .map(|row| {
                let z = ties.uniform(&row.to_string());
                let slm_correct = ties.uniform(&format!("right {row}")) < z;
                GradedQuestion { position: Some(z), slm_correct, llm_correct: true }
            })
            .collect();
        let cost = tracked_accuracy_cost(&pool, &traffic, 0.5, 1_000, &seed).unwrap();
        // Never above the fixed threshold where the order of confidences is that of P(correct), and near it.
        assert!((-0.01..=0.005).contains(&cost), "{cost}");
        let none: Vec<GradedQuestion> =
            traffic.iter().map(|question| GradedQuestion { slm_correct: true, ..*question }).collect();
        assert_eq!(tracked_accuracy_cost(&pool, &none, 0.5, 1_000, &seed).unwrap(), 0.0);
    }

    #[test]
    fn without_traffic_there_is_no_figure() {
        assert!(adapted_ratio_error(&pool(0.0), &[], 0.3, 25, &Seed::new(1)).is_nan());
        assert!(tracked_ratio_error(&pool(0.0), &[], 0.3, 25, &Seed::new(1)).unwrap().is_nan());
    }
}
