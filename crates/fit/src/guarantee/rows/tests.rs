//! Sufficient rows: what is estimated from few rows, and whether so many suffice.

use plimsoll_core::Seed;
use plimsoll_router::Risk;
use plimsoll_router::thresholds::Infeasible;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::*;
use crate::draw::{Draw, DrawOrder, DrawSpec};
use crate::guarantee::{TestOutcome, TestSet};
use crate::prepared::{DatasetSelection, PreparedSeries};
use crate::sample::WeightedSample;
use crate::tail::zero_error_rows;
use crate::testing::{SyntheticScores, table};

/// A bound: risk at most alpha with probability at least 1 - delta.
#[derive(Debug, Clone, Copy)]
struct Bound {
    alpha: f64,
    delta: f64,
}

const fn bound(alpha: f64, delta: f64) -> Bound {
    Bound { alpha, delta }
}

const BOUNDS: [Bound; 5] =
    [bound(0.2, 0.1), bound(0.1, 0.1), bound(0.05, 0.2), bound(0.05, 0.05), bound(0.3, 0.1)];

/// A pool to draw: so many rows, of which a fraction is drawn.
#[derive(Debug, Clone, Copy)]
struct Pool {
    rows: u64,
    fraction: f64,
}

/// Rows from the most confident, each of a confidence of its own.
fn distinct(losses: &[bool]) -> Vec<(Confidence, bool)> {
    let confidence = |index: usize| Confidence::new(1.0 - index as f64 / (losses.len() as f64 + 1.0));
    losses.iter().enumerate().map(|(index, loss)| (confidence(index).unwrap(), *loss)).collect()
}

/// So many rows, this share of them lost, evenly.
fn even(rows: u64, rate: f64) -> Vec<(Confidence, bool)> {
    let lost = |row: u64| ((row + 1) as f64 * rate).floor() > (row as f64 * rate).floor();
    distinct(&(0..rows).map(lost).collect::<Vec<_>>())
}

fn failed_test(scored: &[(Confidence, bool)], bound: Bound) -> FailedTest<'_> {
    let Bound { alpha, delta } = bound;
    FailedTest { scored, tested: scored.len() as u64, first: None, alpha, delta, tested_share: 0.1 }
}

#[test]
fn a_few_rows_without_a_loss_need_little_more_than_the_plan_says() {
    for Bound { alpha, delta } in BOUNDS {
        let (min_kept, mut before) = (min_rows(alpha, delta), u64::MAX);
        assert!(min_kept >= zero_error_rows(alpha, delta));
        let start = WalkStart::new(alpha, delta).unwrap();
        // With nothing known, as many as are needed at the rate with which the least number passes every second time.
        let max = rows_needed(start.rate, alpha, delta).unwrap();
        for rows in 0..min_kept {
            let needed = failed_test(&even(rows, 0.0), Bound { alpha, delta }).sufficient_rows().unwrap();
            assert!(needed >= min_kept && needed <= 2 * max, "{alpha} {delta} {rows}: {needed}");
            assert!(needed <= before, "one good row more needs more: {alpha} {delta} {rows}: {needed}");
            before = needed;
        }
        assert!(before <= 2 * min_kept, "{alpha} {delta}: {before}");
    }
}

#[test]
fn none_would_do_only_where_the_rows_say_so() {
    let needed = |losses: &[bool]| failed_test(&distinct(losses), bound(0.2, 0.1)).sufficient_rows();
    // A wrong answer or two are no evidence of a rate of 20 % or more; three of three are.
    for losses in [&[true][..], &[true, false, false], &[false, true], &[true, false, false, true, false]] {
        let found = needed(losses).unwrap();
        assert!((18..=10_000).contains(&found), "{losses:?}: {found}");
    }
    assert_eq!(needed(&[true; 30]), None);
    assert_eq!(needed(&[true; 100]), None);
    // However bad all of them are together, the most confident are good enough.
    let mut sorted = [true; 100];
    sorted[..40].fill(false);
    let found = needed(&sorted).unwrap();
    assert!((18 * 100 / 40..8 * 18 * 100 / 40).contains(&found), "{found}");
    // And the other way round they are not.
    sorted.reverse();
    assert_eq!(needed(&sorted), None);
}

#[test]
fn where_all_confidences_are_equal_the_rate_of_all_decides() {
    let constant = |losses: usize| {
        let confidence = Confidence::new(0.95).unwrap();
        let rows: Vec<_> = (0..100).map(|row| (confidence, row < losses)).collect();
        FailedTest { first: Some(100), ..failed_test(&rows, bound(0.2, 0.1)) }.sufficient_rows()
    };
    for (losses, share) in [(14, 0.12), (16, 0.14), (18, 0.16)] {
        let (found, at_most) = (constant(losses).unwrap(), losses as f64 / 100.0);
        let needed = |rate| rows_needed(rate, 0.2, 0.1).unwrap();
        assert!(found > 100 && found >= needed(share) && found <= needed(at_most), "{losses}: {found}");
    }
    assert_eq!((constant(40), constant(100)), (None, None));
}

#[test]
fn a_first_threshold_stricter_than_the_grid_leaves_a_number() {
    // Of 10,000 rows the first threshold kept fewer than a hundredth, and failed.
    let rows = even(10_000, 0.15);
    let needed =
        FailedTest { first: Some(38), ..failed_test(&rows, bound(0.2, 0.1)) }.sufficient_rows().unwrap();
    assert!((10_001..100_000).contains(&needed), "{needed}");
}

#[test]
fn many_rows_take_one_pass() {
    for rows in [even(1_000_000, 0.15), vec![(Confidence::new(0.5).unwrap(), true); 1_000_000]] {
        let failed_test = FailedTest { first: Some(10_000), ..failed_test(&rows, bound(0.2, 0.1)) };
        assert_eq!(failed_test.sufficient_rows().is_some(), rows[1].0 != rows[0].0);
    }
}

#[test]
fn what_cannot_be_tested_at_all_has_no_number() {
    let rows = even(10, 0.0);
    for (alpha, delta) in [(0.0, 0.1), (0.1, 0.0), (0.0, 0.0)] {
        assert_eq!(failed_test(&rows, bound(alpha, delta)).sufficient_rows(), None);
    }
    assert!(failed_test(&[], bound(0.2, 0.1)).sufficient_rows() >= Some(18));
    // Rows without a confidence are tested rows that no threshold keeps.
    let whole = failed_test(&rows, bound(0.2, 0.1));
    let half = FailedTest { tested: 20, ..whole };
    let (whole, half) = (whole.sufficient_rows().unwrap(), half.sufficient_rows().unwrap());
    assert!((18..=30).contains(&whole) && half == 2 * whole, "{whole} {half}");
}

#[test]
fn rows_below_the_sequence_are_counted_in() {
    for (tested_share, expected) in [(0.1, 0), (0.5, 1), (2.0 / 3.0, 2), (0.75, 3), (0.9, 10), (1.0, 1000)] {
        let rows = even(17, 0.0);
        let failed_test = FailedTest { tested_share, ..failed_test(&rows, bound(0.2, 0.1)) };
        assert_eq!(failed_test.sufficient_rows(), Some(18 + expected), "{tested_share}");
    }
}

/// A row of a population: its confidence, and whether it is lost.
type Row<'a> = &'a (dyn Fn(&mut ChaCha8Rng) -> (f64, bool) + Sync);

/// What it would take to bound the selective error on a pool of so many rows; `None` if it is bounded.
fn lacking(
    seed: Seed,
    Pool { rows, fraction }: Pool,
    Bound { alpha, delta }: Bound,
    row: Row<'_>,
) -> Option<Infeasible> {
    let mut rng = seed.derive("pool").rng();
    let pool: Vec<SyntheticScores> = (0..rows)
        .map(|_| {
            let (confidence, lost) = row(&mut rng);
            SyntheticScores::new(confidence, !lost, true)
        })
        .collect();
    let table = table(&pool);
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let all = DatasetSelection::all(1);
    let order = DrawOrder::new(&prepared, 30, &seed.derive("order"));
    let draw = Draw::new(&order, &prepared, &all, DrawSpec { fraction, seed: seed.derive("start") });
    let (_, undrawn) = WeightedSample::drawn(&prepared, &all, &draw);
    let tests = TestSet::new(&prepared, &draw, &undrawn, &seed.derive("tests"));
    match tests.test(Risk::SelectiveError, alpha, delta) {
        TestOutcome::Certified(..) => None,
        TestOutcome::Infeasible(infeasible) => Some(infeasible),
    }
}

/// The share of pools of this size with a bound.
fn bounded(runs: u64, pool: Pool, bound: Bound, row: Row<'_>) -> f64 {
    let seed = Seed::new(7).derive("would do");
    let is_bounded = |run: &u64| lacking(seed.derive_index(*run), pool, bound, row).is_none();
    (0..runs).into_par_iter().filter(is_bounded).count() as f64 / runs as f64
}

/// Every second time, but for the finite number of runs: three standard errors.
fn every_second_time(runs: u64) -> f64 {
    0.5 - 3.0 * (0.25 / runs as f64).sqrt()
}

#[test]
fn so_many_rows_of_a_rate_do_every_second_time_and_half_of_them_do_not() {
    const RUNS: u64 = 300;
    for bound in BOUNDS {
        let WalkStart { min_kept, rate, .. } = WalkStart::new(bound.alpha, bound.delta).unwrap();
        for (share, fraction) in [(0.0, 1.0), (0.7, 1.0), (1.0, 1.0), (0.0, 0.5), (0.7, 0.1), (1.0, 0.1)] {
            let tested_share = if fraction < 1.0 { fraction } else { 2.0 / 3.0 };
            // One less than can be tested, with this rate; the confidence says nothing.
            let scored = even(min_kept - 1, share * rate);
            let losses = scored.iter().filter(|(_, loss)| *loss).count() as f64;
            let true_rate = losses / scored.len() as f64;
            let failed_test = FailedTest { tested_share, ..failed_test(&scored, bound) };
            let pool = scale_up(failed_test.sufficient_rows().unwrap(), 1.0 / tested_share);
            let row = move |rng: &mut ChaCha8Rng| (rng.random(), rng.random::<f64>() < true_rate);
            let whole = bounded(RUNS, Pool { rows: pool, fraction }, bound, &row);
            let half = bounded(RUNS, Pool { rows: pool / 2, fraction }, bound, &row);
            let what =
                format!("{bound:?}, rate {true_rate}, fraction {fraction}, {pool} rows: {whole}, {half}");
            assert!(whole >= every_second_time(RUNS) && half < every_second_time(RUNS), "{what}");
        }
    }
}

#[test]
fn as_many_rows_as_a_pool_names_do_every_second_time() {
    const BOUND: Bound = bound(0.3, 0.1);
    const RUNS: u64 = 120;
    /// Rows of the pools that name a number, half of them tested.
    const ROWS: u64 = 600;
    // Confidences that say nothing, that have few values, that are constant, and that rank well; errors near alpha.
    let nothing = |rng: &mut ChaCha8Rng| (rng.random(), rng.random::<f64>() < 0.225);
    let few = |rng: &mut ChaCha8Rng| ((rng.random::<f64>() * 4.0).ceil() / 4.0, rng.random::<f64>() < 0.225);
    let constant = |rng: &mut ChaCha8Rng| (0.95, rng.random::<f64>() < 0.24);
    let ranks = |rng: &mut ChaCha8Rng| {
        let confidence: f64 = rng.random();
        (confidence, rng.random::<f64>() < 1.0 - confidence * confidence)
    };
    let populations: [(&str, Row<'_>); 4] =
        [("nothing", &nothing), ("few", &few), ("constant", &constant), ("ranks", &ranks)];
    for (name, row) in populations {
        let seed = Seed::new(11).derive(name);
        let done: Vec<bool> = (0..RUNS)
            .into_par_iter()
            .filter_map(|run| {
                let seed = seed.derive_index(run);
                let named = lacking(seed.derive("few"), Pool { rows: ROWS, fraction: 0.5 }, BOUND, row)?
                    .rows_pool_needed;
                // More than anybody would gather says nothing wrong, and takes too long here.
                let rows = named.filter(|rows| *rows <= 100_000)?;
                Some(lacking(seed.derive("many"), Pool { rows, fraction: 0.5 }, BOUND, row).is_none())
            })
            .collect();
        let (named, did) = (done.len() as u64, done.iter().filter(|did| **did).count() as f64);
        assert!(named >= 10, "{name}: {named}");
        assert!(did / named as f64 >= every_second_time(named), "{name}: {did} of {named}");
    }
}

#[test]
fn pools_of_a_few_good_rows_name_what_the_plan_says() {
    let right = |rng: &mut ChaCha8Rng| (rng.random(), false);
    for (fraction, max) in [(1.0, 90), (0.5, 110), (0.1, 500)] {
        let mut before = u64::MAX;
        for rows in 1..=25 {
            let Some(lacks) = lacking(Seed::new(3), Pool { rows, fraction }, bound(0.2, 0.1), &right) else {
                continue;
            };
            let (tested, pool) = (lacks.rows_tested_needed.unwrap(), lacks.rows_pool_needed.unwrap());
            assert!(tested > lacks.rows_tested && tested >= 18, "{rows} {fraction}: {tested}");
            assert!(pool > rows && pool <= max, "{rows} {fraction}: {pool}");
            // Which rows are tested is chance, so that the number may rise by a step.
            assert!(pool <= before.saturating_mul(3), "{rows} {fraction}: {pool} after {before}");
            before = pool;
        }
    }
}

/// Rows from the most confident, some tied.
fn rows() -> impl Strategy<Value = Vec<(Confidence, bool)>> {
    prop::collection::vec((0u32..20, any::<bool>(), 0u32..4), 0..120).prop_map(|mut rows| {
        rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.0));
        let row = |(level, lost, rare): (u32, bool, u32)| {
            (Confidence::new(f64::from(level) / 20.0).unwrap(), lost && rare == 0)
        };
        rows.into_iter().map(row).collect()
    })
}

proptest! {
    #[test]
    fn a_number_is_more_than_was_tested_and_than_the_plan_says(
        scored in rows(), more in 0u64..50, alpha in 0.02f64..0.5, delta in 0.02f64..0.5, tested_share in 0.01f64..=0.9,
    ) {
        let tested = scored.len() as u64 + more;
        let failed_test = FailedTest { tested, tested_share, ..failed_test(&scored, Bound { alpha, delta }) };
        match failed_test.sufficient_rows() {
            Some(rows) => {
                prop_assert!(rows > tested && rows >= min_rows(alpha, delta));
                prop_assert!(rows >= zero_error_rows(alpha, delta));
            }
            // No number is given only against evidence.
            None => {
                let lost = scored.iter().filter(|(_, loss)| *loss).count() as u64;
                prop_assert!(clopper_pearson_lower(lost, scored.len() as u64, delta) >= alpha);
            }
        }
    }

    #[test]
    fn a_stricter_promise_needs_no_fewer_rows(rows in 0u64..200, alpha in 0.02f64..0.4, delta in 0.01f64..0.4, times in 1.0f64..3.0) {
        // `min_rows`, the rule by which a walk starts, is not monotone in alpha by itself.
        let scored = even(rows, 0.0);
        let needed = |alpha: f64, delta: f64| {
            failed_test(&scored, Bound { alpha, delta }).sufficient_rows().unwrap_or(u64::MAX)
        };
        let starts_no_later = |looser: (f64, f64)| min_rows(looser.0, looser.1) <= min_rows(alpha, delta);
        for looser in [(alpha, (delta * times).min(0.9)), ((alpha * times).min(0.9), delta)] {
            prop_assume!(starts_no_later(looser));
            let (strict, loose) = (needed(alpha, delta), needed(looser.0, looser.1));
            /// Where the start itself moves, so does the rate that is assumed of few rows, by as much at most.
            const ROUGH: f64 = 1.5;
            prop_assert!(loose as f64 <= ROUGH * strict as f64, "{strict} {loose} {looser:?}");
        }
    }
}
