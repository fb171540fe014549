//! Guarantees checked by repeated sampling: pools are drawn from a population whose risk is known at
//! every threshold, and the share of pools whose threshold breaks the bound is counted.

use plimsoll_core::ScoreTable;
use plimsoll_router::Risk::{JointError, Regret, SelectiveError};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::*;
use crate::draw::{DrawOrder, DrawSpec};
use crate::prepared::DatasetSelection;
use crate::sample::WeightedSample;
use crate::tail::rows_needed;
use crate::testing::{SyntheticScores, table};

/// P(LLM right), whatever the SLM does.
const LLM_RIGHT: f64 = 0.85;
/// Pools per setting.
const RUNS: u64 = 1000;
/// Standard errors by which a share over the runs may exceed its expectation.
const MONTE_CARLO_ERRORS: f64 = 3.0;
const RISKS: [Risk; 3] = [SelectiveError, JointError, Regret];
const LEVELS: [(f64, f64); 3] = [(0.1, 0.1), (0.2, 0.05), (0.05, 0.2)];

/// The largest share that is still at or under `delta` but for the finite number of runs.
fn at_most(delta: f64, runs: u64) -> f64 {
    delta + MONTE_CARLO_ERRORS * (delta * (1.0 - delta) / runs as f64).sqrt()
}

/// Rows of one confidence.
#[derive(Debug, Clone, Copy)]
struct Level {
    confidence: Option<f64>,
    /// Share of the population.
    share: f64,
    /// P(SLM wrong).
    wrong: f64,
}

/// A population that is known in full.
#[derive(Debug, Clone)]
struct Population(Vec<Level>);

impl Population {
    /// P(wrong) falls with the confidence; 500 levels.
    fn smooth() -> Self {
        Self::from_curve(|c| 0.8 * (1.0 - c).powi(2))
    }

    /// The most confident answers are bad, too.
    fn overconfident() -> Self {
        Self::from_curve(|c| if c > 0.97 { 0.5 } else { 0.5 * (1.0 - c) })
    }

    fn from_curve(wrong: impl Fn(f64) -> f64) -> Self {
        let level = |k: u32| {
            let c = (f64::from(k) + 0.5) / 500.0;
            Level { confidence: Some(c), share: 0.95 / 500.0, wrong: wrong(c) }
        };
        let missing = Level { confidence: None, share: 0.05, wrong: 0.7 };
        Self((0..500).map(level).chain([missing]).collect())
    }

    /// Three values; keeping the upper two breaks the bound by a hundredth of it, so that a test
    /// with too small a price is caught.
    fn sharp(risk: Risk, alpha: f64) -> Self {
        let (alpha, sure) = (1.01 * alpha, 0.02);
        let wrong = match risk {
            SelectiveError => 2.0 * alpha - sure,
            JointError => alpha / 0.4 - sure,
            Regret => alpha / LLM_RIGHT / 0.4 - sure,
        };
        let level = |confidence, share, wrong| Level { confidence, share, wrong };
        Self(vec![
            level(Some(1.0), 0.4, sure),
            level(Some(0.5), 0.4, wrong),
            level(Some(0.1), 0.1, 0.9),
            level(None, 0.1, 0.5),
        ])
    }

    /// The risk at a threshold, from its definition; 0 where nothing is kept.
    fn risk(&self, risk: Risk, threshold: Threshold) -> f64 {
        let keeps =
            |level: &&Level| level.confidence.is_some_and(|c| threshold.keeps(Confidence::new(c).unwrap()));
        let kept: f64 = self.0.iter().filter(keeps).map(|level| level.share).sum();
        let wrong: f64 = self.0.iter().filter(keeps).map(|level| level.share * level.wrong).sum();
        match risk {
            SelectiveError if kept > 0.0 => wrong / kept,
            SelectiveError => 0.0,
            JointError => wrong,
            Regret => wrong * LLM_RIGHT,
        }
    }

    fn row(&self, rng: &mut ChaCha8Rng) -> SyntheticScores {
        let mut u: f64 = rng.random();
        let found = self.0.iter().find(|level| {
            u -= level.share;
            u < 0.0
        });
        let level = found.or(self.0.last()).unwrap();
        let slm = rng.random::<f64>() >= level.wrong;
        let llm = rng.random::<f64>() < LLM_RIGHT;
        SyntheticScores { confidence: level.confidence, ..SyntheticScores::new(0.5, slm, llm) }
    }

    fn pool(&self, rows: usize, rng: &mut ChaCha8Rng) -> Vec<SyntheticScores> {
        (0..rows).map(|_| self.row(rng)).collect()
    }
}

/// The test rows of a pool, and the same rows for the naive rule.
struct Fitted {
    tests: TestSet,
    tested: Vec<SyntheticScores>,
}

fn fit(table: &ScoreTable, fraction: f64, seed: &Seed) -> Fitted {
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let all = DatasetSelection::all(1);
    let order = DrawOrder::new(&prepared, 30, &seed.derive("order"));
    let draw = Draw::new(&order, &prepared, &all, DrawSpec { fraction, seed: seed.derive("start") });
    let (_, undrawn) = WeightedSample::drawn(&prepared, &all, &draw);
    let tests = TestSet::new(&prepared, &draw, &undrawn, &seed.derive("tests"));
    let rows = draw.rows.iter().filter(|row| row.proportional).map(|row| row.row).chain(draw.missing_tested);
    let tested = rows
        .map(|row| {
            let (slm, llm) = prepared.outcomes(row);
            let confidence = prepared.series.confidence(row as usize).map(Confidence::get);
            SyntheticScores {
                confidence,
                slm: slm.as_bool(),
                llm: llm.as_bool(),
                ..SyntheticScores::new(0.5, true, true)
            }
        })
        .collect();
    Fitted { tests, tested }
}

fn threshold_of(outcome: &TestOutcome) -> Option<Threshold> {
    match outcome {
        TestOutcome::Certified(threshold, _) => Some(*threshold),
        TestOutcome::Infeasible(_) => None,
    }
}

/// The rule that many use: the loosest threshold whose observed risk is at most alpha.
fn naive(rows: &[SyntheticScores], risk: Risk, alpha: f64) -> Option<Threshold> {
    let mut values: Vec<f64> = rows.iter().filter_map(|row| row.confidence).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    let mut scored: Vec<&SyntheticScores> = rows.iter().filter(|row| row.confidence.is_some()).collect();
    scored.sort_unstable_by(|a, b| b.confidence.partial_cmp(&a.confidence).unwrap());
    let (mut kept, mut losses, mut best) = (0usize, 0usize, None);
    for value in values.into_iter().rev() {
        while let Some(row) = scored.get(kept).filter(|row| row.confidence >= Some(value)) {
            kept += 1;
            losses += usize::from(row.slm == Some(false) && (risk != Regret || row.llm == Some(true)));
        }
        let trials = if risk == SelectiveError { kept } else { rows.len() };
        if losses as f64 / trials as f64 <= alpha {
            best = Threshold::new(value).ok();
        }
    }
    best
}

/// Share of the runs for which `broken` is true.
fn rate(runs: u64, label: &str, broken: impl Fn(&Seed) -> bool + Sync) -> f64 {
    let seed = Seed::new(2025).derive(label);
    let count = (0..runs).into_par_iter().filter(|run| broken(&seed.derive_index(*run))).count();
    count as f64 / runs as f64
}

/// Violation rates of our rule and of the naive one, one pool per run for all settings.
fn violations(
    population: &Population,
    settings: &[(Risk, f64, f64)],
    pool: (usize, f64),
    label: &str,
) -> Vec<(f64, f64)> {
    let seed = Seed::new(2025).derive(label);
    let (rows, fraction) = pool;
    let broken: Vec<Vec<(bool, bool)>> = (0..RUNS)
        .into_par_iter()
        .map(|run| {
            let seed = seed.derive_index(run);
            let fitted = fit(&table(&population.pool(rows, &mut seed.derive("pool").rng())), fraction, &seed);
            let breaks = |threshold: Option<Threshold>, risk, alpha| {
                threshold.is_some_and(|threshold| population.risk(risk, threshold) > alpha)
            };
            let one = |(risk, alpha, delta): &(Risk, f64, f64)| {
                let ours = threshold_of(&fitted.tests.test(*risk, *alpha, *delta));
                (breaks(ours, *risk, *alpha), breaks(naive(&fitted.tested, *risk, *alpha), *risk, *alpha))
            };
            settings.iter().map(one).collect()
        })
        .collect();
    let share = |setting: usize, of: fn(&(bool, bool)) -> bool| {
        broken.iter().filter(|run| of(&run[setting])).count() as f64 / RUNS as f64
    };
    (0..settings.len()).map(|setting| (share(setting, |b| b.0), share(setting, |b| b.1))).collect()
}

fn all_settings() -> Vec<(Risk, f64, f64)> {
    RISKS.iter().flat_map(|risk| LEVELS.iter().map(|(alpha, delta)| (*risk, *alpha, *delta))).collect()
}

#[test]
fn bounds_hold_on_a_smooth_population_and_the_naive_rule_breaks_them() {
    for (population, label) in
        [(Population::smooth(), "smooth"), (Population::overconfident(), "overconfident")]
    {
        let settings = all_settings();
        let rates = violations(&population, &settings, (1500, 0.4), label);
        for ((risk, alpha, delta), (ours, naive)) in settings.iter().zip(rates) {
            assert!(ours <= at_most(*delta, RUNS), "{label} {risk:?} {alpha} {delta}: {ours}");
            if label == "smooth" {
                assert!(naive > at_most(*delta, RUNS), "{risk:?} {alpha} {delta}: naive {naive}");
            }
        }
    }
}

#[test]
fn bounds_hold_where_one_threshold_breaks_them_by_a_hair() {
    for (risk, alpha, delta) in all_settings() {
        let population = Population::sharp(risk, alpha);
        let rates = violations(&population, &[(risk, alpha, delta)], (1200, 0.5), risk.name());
        let (ours, naive) = rates[0];
        assert!(ours <= at_most(delta, RUNS), "{risk:?} {alpha} {delta}: {ours}");
        assert!(naive > at_most(delta, RUNS), "{risk:?} {alpha} {delta}: naive {naive}");
        // The test spends its delta: it is not safe because it never keeps anything.
        assert!(ours > delta / 3.0, "{risk:?} {alpha} {delta}: {ours}");
    }
}

#[test]
fn bounds_hold_if_the_sequence_comes_from_a_third_of_the_draw() {
    let settings: Vec<_> = RISKS.iter().map(|risk| (*risk, 0.1, 0.1)).collect();
    for (population, label) in
        [(Population::smooth(), "set aside"), (Population::sharp(SelectiveError, 0.1), "sharp set aside")]
    {
        let rates = violations(&population, &settings, (700, 1.0), label);
        for ((risk, ..), (ours, _)) in settings.iter().zip(rates) {
            assert!(ours <= at_most(0.1, RUNS), "{label} {risk:?}: {ours}");
        }
    }
}

#[test]
fn one_row_per_cluster_holds_where_ignoring_clusters_fails() {
    const SIZE: usize = 8;
    let population = Population::sharp(SelectiveError, 0.1);
    let broken = |clustered: bool| {
        let population = &population;
        move |seed: &Seed| {
            let mut rng = seed.derive("pool").rng();
            let rows: Vec<SyntheticScores> = (0..300)
                .flat_map(|cluster| {
                    let cluster = clustered.then(|| format!("c{cluster}"));
                    vec![SyntheticScores { cluster, ..population.row(&mut rng) }; SIZE]
                })
                .collect();
            let fitted = fit(&table(&rows), 0.8, seed);
            let threshold = threshold_of(&fitted.tests.test(SelectiveError, 0.1, 0.1));
            threshold.is_some_and(|threshold| population.risk(SelectiveError, threshold) > 0.1)
        }
    };
    let (ours, ignored) = (rate(RUNS, "clusters", broken(true)), rate(RUNS, "clusters", broken(false)));
    assert!(ours <= at_most(0.1, RUNS), "{ours}");
    assert!(ignored > at_most(0.1, RUNS), "{ignored}");
}

#[test]
fn a_score_that_says_nothing_is_refused() {
    // The SLM is wrong a little more often than tolerated, at every confidence alike.
    for (wrong, alpha, delta) in [(0.4, 0.1, 0.1), (0.105, 0.1, 0.1), (0.22, 0.2, 0.05)] {
        let mut shuffled = Population::smooth();
        shuffled.0.iter_mut().for_each(|level| level.wrong = wrong);
        let keeps_something = |seed: &Seed| {
            let fitted = fit(&table(&shuffled.pool(1500, &mut seed.derive("pool").rng())), 0.4, seed);
            threshold_of(&fitted.tests.test(SelectiveError, alpha, delta))
                .is_some_and(|t| t != Threshold::DEFER_ALL)
        };
        let kept = rate(RUNS, "shuffled", keeps_something);
        assert!(kept <= at_most(delta, RUNS), "{wrong} {alpha} {delta}: {kept}");
    }
}

#[test]
fn a_verdict_by_hand() {
    // 100 trials: 60 sure ones of which 2 are wrong, 30 of which 15 are, 10 missing.
    let rows = [(Some(0.9), 60, 2), (Some(0.4), 30, 15), (None, 10, 5)];
    let rows: Vec<SyntheticScores> = rows
        .iter()
        .flat_map(|(confidence, count, wrong)| {
            (0..*count).map(move |i| SyntheticScores {
                confidence: *confidence,
                ..SyntheticScores::new(0.5, i >= *wrong, i % 2 == 0)
            })
        })
        .collect();
    let scores = table(&rows);
    let prepared = PreparedSeries::new(&scores.questions, &scores.series[0]);
    let trials = (0..100).map(|row| trial(&prepared, row)).collect();
    let sequence = [0.9, 0.4].iter().map(|t| Threshold::new(*t).unwrap()).collect();
    let tests = TestSet { trials, sequence, pool_rows_per_trial: 10.0, tested_share: 0.1 };
    assert_eq!(tests.trials(), 100);

    let TestOutcome::Certified(threshold, guarantee) = tests.test(SelectiveError, 0.15, 0.1) else {
        panic!("infeasible")
    };
    assert_eq!(threshold.get(), 0.9);
    assert_eq!((guarantee.trials, guarantee.losses, guarantee.rows_tested), (60, 2, 100));
    assert_eq!((guarantee.thresholds_in_sequence, guarantee.thresholds_passed), (2, 1));
    assert_eq!(guarantee.p_value, binomial_cdf(2, 60, 0.15));
    assert_eq!(guarantee.upper_bound, clopper_pearson_upper(2, 60, 0.1));
    assert_eq!(guarantee.min_trials, min_rows(0.15, 0.1));

    // 17 losses in 100 trials, the missing ones without a loss.
    let TestOutcome::Certified(threshold, guarantee) = tests.test(JointError, 0.25, 0.1) else {
        panic!("infeasible")
    };
    assert_eq!(threshold.get(), 0.4);
    assert_eq!((guarantee.trials, guarantee.losses), (100, 17));
    // Deferring all, 0.9 and 0.4: three thresholds, all passed.
    assert_eq!((guarantee.thresholds_in_sequence, guarantee.thresholds_passed), (3, 3));

    // Of the wrong ones the LLM gets those with an even number: 0, and 0, 2, .., 14.
    let TestOutcome::Certified(threshold, guarantee) = tests.test(Regret, 0.15, 0.1) else {
        panic!("infeasible")
    };
    assert_eq!((threshold.get(), guarantee.trials, guarantee.losses), (0.4, 100, 9));

    // Two wrong in 60 are no proof of 4 %, but 3.3 % would be of enough rows.
    let TestOutcome::Infeasible(infeasible) = tests.test(SelectiveError, 0.04, 0.1) else { panic!("holds") };
    // (Two rows at the rate of a curve through all of them are counted in.)
    let needed = |losses: f64| Some((rows_needed(losses / 60.0, 0.04, 0.1).unwrap() * 100).div_ceil(60));
    assert_eq!(infeasible.rows_tested, 100);
    assert!(infeasible.rows_tested_needed > needed(1.0) && infeasible.rows_tested_needed < needed(2.2));
    assert_eq!(infeasible.rows_pool_needed, infeasible.rows_tested_needed.map(|rows| rows * 10));

    let TestOutcome::Infeasible(infeasible) = tests.test(SelectiveError, 0.005, 0.1) else { panic!("holds") };
    assert_eq!((infeasible.rows_tested_needed, infeasible.rows_pool_needed), (None, None));

    // 100 rows cannot show a joint error of 1 % even without a loss; 230 could.
    let TestOutcome::Infeasible(infeasible) = tests.test(JointError, 0.01, 0.1) else { panic!("holds") };
    assert_eq!(infeasible.best_observed_risk, None);
}

#[test]
fn the_walk_ends_at_the_first_failure() {
    // 0.5 fails, though 0.2 would pass again: nothing after a failure may be taken.
    let group = |confidence: f64, count: usize, wrong: usize| -> Vec<SyntheticScores> {
        (0..count).map(|i| SyntheticScores::new(confidence, i >= wrong, true)).collect()
    };
    let rows = [group(0.9, 100, 0), group(0.5, 100, 40), group(0.2, 2000, 0)].concat();
    let scores = table(&rows);
    let prepared = PreparedSeries::new(&scores.questions, &scores.series[0]);
    let trials = (0..2200).map(|row| trial(&prepared, row)).collect();
    let sequence = [0.9, 0.5, 0.2].iter().map(|t| Threshold::new(*t).unwrap()).collect();
    let tests = TestSet { trials, sequence, pool_rows_per_trial: 1.0, tested_share: 0.1 };
    let TestOutcome::Certified(threshold, guarantee) = tests.test(SelectiveError, 0.1, 0.1) else {
        panic!("infeasible")
    };
    assert_eq!((threshold.get(), guarantee.thresholds_passed), (0.9, 1));
}

#[test]
fn the_walk_starts_where_enough_rows_are_kept() {
    // 30 sure rows, all wrong, are below the minimum for (0.1, 0.1), which is 38: they are
    // walked past without a test, and count where they are joined by others.
    assert_eq!(min_rows(0.1, 0.1), 38);
    let rows: Vec<SyntheticScores> =
        (0..1030).map(|i| SyntheticScores::new(if i < 30 { 0.9 } else { 0.5 }, i >= 30, true)).collect();
    let scores = table(&rows);
    let prepared = PreparedSeries::new(&scores.questions, &scores.series[0]);
    let trials = (0..1030).map(|row| trial(&prepared, row)).collect();
    let sequence = [0.9, 0.5].iter().map(|t| Threshold::new(*t).unwrap()).collect();
    let tests = TestSet { trials, sequence, pool_rows_per_trial: 1.0, tested_share: 0.1 };
    let TestOutcome::Certified(threshold, guarantee) = tests.test(SelectiveError, 0.1, 0.1) else {
        panic!("infeasible")
    };
    assert_eq!((threshold.get(), guarantee.trials, guarantee.losses), (0.5, 1030, 30));
}

#[test]
fn rows_set_aside_are_not_tested() {
    let rows = Population::smooth().pool(900, &mut Seed::new(1).rng());
    let fitted = fit(&table(&rows), 1.0, &Seed::new(4));
    let share = fitted.tests.trials() as f64 / 900.0;
    /// Of a third of 900 rows.
    const MONTE_CARLO: f64 = 0.06;
    assert!((share - 2.0 / 3.0).abs() < MONTE_CARLO, "{share}");
    assert!(fitted.tests.sequence.len() <= 100 && !fitted.tests.sequence.is_empty());
    assert!(fitted.tests.sequence.windows(2).all(|pair| pair[0] > pair[1]), "from strict to loose");
    // With something left over, every drawn row is tested.
    let fitted = fit(&table(&rows), 0.5, &Seed::new(4));
    assert_eq!(fitted.tests.trials(), fitted.tested.len() as u64);
}

#[test]
fn clusters_stay_whole_when_a_third_is_set_aside() {
    let mut rows = Population::smooth().pool(600, &mut Seed::new(1).rng());
    for (index, row) in rows.iter_mut().enumerate() {
        row.cluster = Some(format!("c{}", index / 3));
    }
    let fitted = fit(&table(&rows), 1.0, &Seed::new(4));
    let share = fitted.tests.trials() as f64 / 200.0;
    /// Of a third of 200 clusters.
    const MONTE_CARLO: f64 = 0.12;
    assert!((share - 2.0 / 3.0).abs() < MONTE_CARLO, "one row per cluster that is left: {share}");
}

#[test]
fn as_many_rows_as_named_often_do() {
    // What is needed is estimated from few rows; a pool of that size succeeds about as often as not.
    let population = Population::smooth();
    let (mut named, mut feasible) = (0u32, 0u32);
    for run in 0..60 {
        let seed = Seed::new(77).derive_index(run);
        let mut rng = seed.derive("pool").rng();
        let small = fit(&table(&population.pool(300, &mut rng)), 0.4, &seed);
        let TestOutcome::Infeasible(infeasible) = small.tests.test(SelectiveError, 0.03, 0.1) else {
            continue;
        };
        let Some(rows) = infeasible.rows_pool_needed else { continue };
        assert!(infeasible.rows_tested_needed.unwrap() > infeasible.rows_tested);
        assert!(rows > 300);
        if rows > 30_000 {
            continue;
        }
        named += 1;
        let large = fit(&table(&population.pool(usize::try_from(rows).unwrap(), &mut rng)), 0.4, &seed);
        feasible += u32::from(threshold_of(&large.tests.test(SelectiveError, 0.03, 0.1)).is_some());
    }
    assert!(named >= 20, "{named}");
    /// Of the runs with a number: the estimate is rough, but neither hopeless nor idle.
    const OFTEN: f64 = 0.5;
    assert!(f64::from(feasible) >= OFTEN * f64::from(named), "{feasible} of {named}");
}
