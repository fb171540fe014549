//! Rows that would do: what few rows say, and whether so many do.

use plimsoll_core::Seed;
use plimsoll_router::Risk;
use plimsoll_router::thresholds::Infeasible;
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::*;
use crate::draw::{Draw, DrawOrder, DrawSpec};
use crate::guarantee::{TestSet, Verdict};
use crate::prepared::{DatasetSelection, Prepared};
use crate::sample::Sample;
use crate::tail::zero_error_rows;
use crate::testing::{SyntheticScores, table};

const LEVELS: [(f64, f64); 5] = [(0.2, 0.1), (0.1, 0.1), (0.05, 0.2), (0.05, 0.05), (0.3, 0.1)];

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

fn seen(scored: &[(Confidence, bool)], (alpha, delta): (f64, f64)) -> Seen<'_> {
    Seen { scored, tested: scored.len() as u64, first: None, alpha, delta, tested_share: 0.1 }
}

#[test]
fn a_few_rows_without_a_loss_need_little_more_than_the_plan_says() {
    for (alpha, delta) in LEVELS {
        let (least, mut before) = (least_rows(alpha, delta), u64::MAX);
        assert!(least >= zero_error_rows(alpha, delta));
        let start = Start::new(alpha, delta).unwrap();
        // With nothing known, as many as are needed at the rate with which the least number passes every second time.
        let most = rows_needed(start.rate, alpha, delta).unwrap();
        for rows in 0..least {
            let needed = seen(&even(rows, 0.0), (alpha, delta)).rows_that_would_do().unwrap();
            assert!(needed >= least && needed <= 2 * most, "{alpha} {delta} {rows}: {needed}");
            assert!(needed <= before, "one good row more needs more: {alpha} {delta} {rows}: {needed}");
            before = needed;
        }
        assert!(before <= 2 * least, "{alpha} {delta}: {before}");
    }
}

#[test]
fn none_would_do_only_where_the_rows_say_so() {
    let needed = |losses: &[bool]| seen(&distinct(losses), (0.2, 0.1)).rows_that_would_do();
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
        Seen { first: Some(100), ..seen(&rows, (0.2, 0.1)) }.rows_that_would_do()
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
    let needed = Seen { first: Some(38), ..seen(&rows, (0.2, 0.1)) }.rows_that_would_do().unwrap();
    assert!((10_001..100_000).contains(&needed), "{needed}");
}

#[test]
fn many_rows_take_one_pass() {
    for rows in [even(1_000_000, 0.15), vec![(Confidence::new(0.5).unwrap(), true); 1_000_000]] {
        let seen = Seen { first: Some(10_000), ..seen(&rows, (0.2, 0.1)) };
        assert_eq!(seen.rows_that_would_do().is_some(), rows[1].0 != rows[0].0);
    }
}

#[test]
fn what_cannot_be_tested_at_all_has_no_number() {
    let rows = even(10, 0.0);
    for level in [(0.0, 0.1), (0.1, 0.0), (0.0, 0.0)] {
        assert_eq!(seen(&rows, level).rows_that_would_do(), None);
    }
    assert!(seen(&[], (0.2, 0.1)).rows_that_would_do() >= Some(18));
    // Rows without a confidence are tested rows that no threshold keeps.
    let whole = seen(&rows, (0.2, 0.1));
    let half = Seen { tested: 20, ..whole };
    let (whole, half) = (whole.rows_that_would_do().unwrap(), half.rows_that_would_do().unwrap());
    assert!((18..=30).contains(&whole) && half == 2 * whole, "{whole} {half}");
}

#[test]
fn rows_below_the_sequence_are_counted_in() {
    for (tested_share, expected) in [(0.1, 0), (0.5, 1), (2.0 / 3.0, 2), (0.75, 3), (0.9, 10), (1.0, 1000)] {
        let rows = even(17, 0.0);
        let seen = Seen { tested_share, ..seen(&rows, (0.2, 0.1)) };
        assert_eq!(seen.rows_that_would_do(), Some(18 + expected), "{tested_share}");
    }
}

/// A row of a population: its confidence, and whether it is lost.
type Row<'a> = &'a (dyn Fn(&mut ChaCha8Rng) -> (f64, bool) + Sync);

/// What it would take to bound the selective error on a pool of so many rows; `None` if it is bounded.
fn lacking(
    (seed, rows, fraction): (Seed, u64, f64),
    (alpha, delta): (f64, f64),
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
    let prepared = Prepared::new(&table.questions, &table.series[0]);
    let all = DatasetSelection::all(1);
    let order = DrawOrder::new(&prepared, 30, &seed.derive("order"));
    let draw = Draw::new(&order, &prepared, &all, DrawSpec { fraction, seed: seed.derive("start") });
    let (_, undrawn) = Sample::drawn(&prepared, &all, &draw);
    let tests = TestSet::new(&prepared, &draw, &undrawn, &seed.derive("tests"));
    match tests.test(Risk::SelectiveError, alpha, delta) {
        Verdict::Holds(..) => None,
        Verdict::Fails(infeasible) => Some(infeasible),
    }
}

/// The share of pools of this size with a bound.
fn bounded((runs, rows, fraction): (u64, u64, f64), level: (f64, f64), row: Row<'_>) -> f64 {
    let seed = Seed::new(7).derive("would do");
    let is_bounded = |run: &u64| lacking((seed.derive_index(*run), rows, fraction), level, row).is_none();
    (0..runs).into_par_iter().filter(is_bounded).count() as f64 / runs as f64
}

/// Every second time, but for the finite number of runs: three standard errors.
fn every_second_time(runs: u64) -> f64 {
    0.5 - 3.0 * (0.25 / runs as f64).sqrt()
}

#[test]
fn so_many_rows_of_a_rate_do_every_second_time_and_half_of_them_do_not() {
    const RUNS: u64 = 300;
    for level in LEVELS {
        let Start { least, rate, .. } = Start::new(level.0, level.1).unwrap();
        for (share, fraction) in [(0.0, 1.0), (0.7, 1.0), (1.0, 1.0), (0.0, 0.5), (0.7, 0.1), (1.0, 0.1)] {
            let tested_share = if fraction < 1.0 { fraction } else { 2.0 / 3.0 };
            // One less than can be tested, with this rate; the confidence says nothing.
            let scored = even(least - 1, share * rate);
            let losses = scored.iter().filter(|(_, loss)| *loss).count() as f64;
            let true_rate = losses / scored.len() as f64;
            let seen = Seen { tested_share, ..seen(&scored, level) };
            let pool = scale_up(seen.rows_that_would_do().unwrap(), 1.0 / tested_share);
            let row = move |rng: &mut ChaCha8Rng| (rng.random(), rng.random::<f64>() < true_rate);
            let whole = bounded((RUNS, pool, fraction), level, &row);
            let half = bounded((RUNS, pool / 2, fraction), level, &row);
            let what =
                format!("{level:?}, rate {true_rate}, fraction {fraction}, {pool} rows: {whole}, {half}");
            assert!(whole >= every_second_time(RUNS) && half < every_second_time(RUNS), "{what}");
        }
    }
}

#[test]
fn as_many_rows_as_a_pool_names_do_every_second_time() {
    const LEVEL: (f64, f64) = (0.3, 0.1);
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
                let named = lacking((seed.derive("few"), ROWS, 0.5), LEVEL, row)?.rows_pool_needed;
                // More than anybody would gather says nothing wrong, and takes too long here.
                let rows = named.filter(|rows| *rows <= 100_000)?;
                Some(lacking((seed.derive("many"), rows, 0.5), LEVEL, row).is_none())
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
    for (fraction, most) in [(1.0, 90), (0.5, 110), (0.1, 500)] {
        let mut before = u64::MAX;
        for rows in 1..=25 {
            let Some(lacks) = lacking((Seed::new(3), rows, fraction), (0.2, 0.1), &right) else { continue };
            let (tested, pool) = (lacks.rows_tested_needed.unwrap(), lacks.rows_pool_needed.unwrap());
            assert!(tested > lacks.rows_tested && tested >= 18, "{rows} {fraction}: {tested}");
            assert!(pool > rows && pool <= most, "{rows} {fraction}: {pool}");
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
        let seen = Seen { tested, tested_share, ..seen(&scored, (alpha, delta)) };
        match seen.rows_that_would_do() {
            Some(rows) => {
                prop_assert!(rows > tested && rows >= least_rows(alpha, delta));
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
        // `least_rows`, the rule by which a walk starts, is not monotone in alpha by itself.
        let scored = even(rows, 0.0);
        let needed = |alpha: f64, delta: f64| {
            seen(&scored, (alpha, delta)).rows_that_would_do().unwrap_or(u64::MAX)
        };
        let starts_no_later = |looser: (f64, f64)| least_rows(looser.0, looser.1) <= least_rows(alpha, delta);
        for looser in [(alpha, (delta * times).min(0.9)), ((alpha * times).min(0.9), delta)] {
            prop_assume!(starts_no_later(looser));
            let (strict, loose) = (needed(alpha, delta), needed(looser.0, looser.1));
            /// Where the start itself moves, so does the rate that is assumed of few rows, by as much at most.
            const ROUGH: f64 = 1.5;
            prop_assert!(loose as f64 <= ROUGH * strict as f64, "{strict} {loose} {looser:?}");
        }
    }
}
