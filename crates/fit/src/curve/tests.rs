//! Samples and curves against a slow and obvious reference: every threshold, every row, `decide`.

use plimsoll_core::{ScoreTable, Seed};
use plimsoll_router::{Route, decide};
use proptest::prelude::*;

use super::*;
use crate::draw::{Draw, DrawOrder, DrawSpec};
use crate::prepared::{DatasetSelection, PreparedSeries};
use crate::testing::{SyntheticScores, table};

/// Relative, of sums of at most a few hundred weighted rows.
const ROUNDING: f64 = 1e-12;

/// What a threshold does, counted row by row.
#[derive(Debug, Default)]
struct Counted {
    all: f64,
    deferred: f64,
    kept: f64,
    kept_wrong: f64,
    paired: f64,
    paired_right: f64,
    regret: f64,
    usd: f64,
}

impl Counted {
    /// Rows with their weights; every figure of DESIGN 16, "Whole sums", from its words.
    fn at(threshold: Threshold, rows: &[(SyntheticScores, f64)]) -> Self {
        let mut sums = Self::default();
        for (row, weight) in rows {
            let confidence = row.confidence.map(|c| Confidence::new(c).unwrap());
            let deferred = decide(threshold, confidence).route == Route::Llm;
            let (slm_cost, llm_cost) = row.costs.unwrap_or_default();
            let slm_right = row.slm == Some(true);
            sums.all += weight;
            sums.usd += weight * (slm_cost + if deferred { llm_cost } else { 0.0 });
            if deferred {
                sums.deferred += weight;
            } else {
                sums.kept += weight;
                sums.kept_wrong += if slm_right { 0.0 } else { *weight };
            }
            if let Some(llm_right) = row.llm {
                sums.paired += weight;
                sums.paired_right +=
                    if deferred && llm_right || !deferred && slm_right { *weight } else { 0.0 };
                sums.regret += if !deferred && !slm_right && llm_right { *weight } else { 0.0 };
            }
        }
        sums
    }

    fn figures(&self) -> [Option<f64>; 6] {
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        [
            share(self.deferred, self.all),
            share(self.paired_right, self.paired),
            share(self.kept_wrong, self.kept),
            share(self.kept_wrong, self.all),
            share(self.regret, self.paired),
            share(1000.0 * self.usd, self.all),
        ]
    }
}

fn figures(point: &CurvePoint) -> [Option<f64>; 6] {
    let (joint, usd) = (Some(point.joint_error), Some(point.usd_per_1k_questions));
    [Some(point.routing_ratio), point.accuracy, point.selective_error, joint, point.regret, usd]
}

fn agree(found: [Option<f64>; 6], expected: [Option<f64>; 6]) -> bool {
    found.iter().zip(expected).all(|pair| match pair {
        (Some(found), Some(expected)) => (found - expected).abs() <= ROUNDING * expected.abs().max(1.0),
        (found, expected) => found.is_none() && expected.is_none(),
    })
}

/// Few distinct confidences on dyadic grids, missing ones, ungraded ones, costs.
fn row(levels: u32) -> impl Strategy<Value = SyntheticScores> {
    let confidence =
        prop::option::weighted(0.9, (0..=levels).prop_map(move |k| f64::from(k) / f64::from(levels)));
    let grade = || prop::option::weighted(0.9, any::<bool>());
    (confidence, grade(), grade(), 0u8..4, 0u8..4).prop_map(|(confidence, slm, llm, a, b)| SyntheticScores {
        confidence,
        slm,
        llm,
        costs: Some((f64::from(a) / 8.0, f64::from(b))),
        ..SyntheticScores::new(0.5, true, true)
    })
}

fn rows() -> impl Strategy<Value = Vec<SyntheticScores>> {
    prop_oneof![prop::collection::vec(row(8), 1..80), prop::collection::vec(row(4096), 1..80)]
}

fn curve_of(table: &ScoreTable) -> Curve {
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    Curve::new(&WeightedSample::all(&prepared, &DatasetSelection::all(1)))
}

fn distinct(rows: &[SyntheticScores]) -> Vec<f64> {
    let mut values: Vec<f64> = rows.iter().filter_map(|row| row.confidence).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    values
}

#[test]
fn a_midpoint_lies_above_a_and_at_most_at_b() {
    let c = |value| Confidence::new(value).unwrap();
    let next = f64::from_bits(0.5f64.to_bits() + 1);
    for (a, b) in [(0.2, 0.4), (0.5, next), (0.0, f64::MIN_POSITIVE), (0.0, 5e-324)] {
        let t = midpoint(c(a), c(b)).get();
        assert!(a < t && t <= b, "{a} {t} {b}");
    }
}

#[test]
fn nine_values_have_ten_candidates() {
    // Shares of 0, .5, .6, .7, .8, .85, .9, .95 and 1 in 1,000 rows: 9, 26, 33, 90, 96, 287, 203, 44, 212.
    let shares = [
        (0.0, 9),
        (0.5, 26),
        (0.6, 33),
        (0.7, 90),
        (0.8, 96),
        (0.85, 287),
        (0.9, 203),
        (0.95, 44),
        (1.0, 212),
    ];
    let rows: Vec<SyntheticScores> =
        shares.iter().flat_map(|(c, count)| vec![SyntheticScores::new(*c, true, true); *count]).collect();
    let curve = curve_of(&table(&rows));
    let ratios: Vec<f64> = curve.points().iter().map(|point| point.routing_ratio).collect();
    assert_eq!(ratios, [0.0, 0.009, 0.035, 0.068, 0.158, 0.254, 0.541, 0.744, 0.788, 1.0]);
    assert_eq!(curve.points()[curve.nearest(0.4)].routing_ratio, 0.541);
    assert_eq!(curve.points()[4].threshold.get(), 0.75);
    assert_eq!(curve.points()[4].below.map(Confidence::get), Some(0.7));
    assert_eq!(curve.points()[4].below_rows, 90);
}

#[test]
fn nearest_takes_the_lower_on_a_tie() {
    let curve = curve_of(&table(&[(0.1); 4].map(|c| SyntheticScores::new(c, true, true))));
    let ratio = |target| curve.points()[curve.nearest(target)].routing_ratio;
    assert_eq!([ratio(0.0), ratio(0.5), ratio(0.500_001), ratio(1.0)], [0.0, 0.0, 1.0, 1.0]);
    let curve = curve_of(&table(&[0.1, 0.2, 0.3, 0.4, 0.5].map(|c| SyntheticScores::new(c, true, true))));
    for (target, expected) in [(0.1, 0.0), (0.3, 0.2), (0.7, 0.6), (0.71, 0.8), (0.2, 0.2), (0.4, 0.4)] {
        assert_eq!(curve.points()[curve.nearest(target)].routing_ratio, expected, "{target}");
    }
    let grid = curve.grid();
    assert_eq!((grid.len(), grid[0], grid[100]), (101, (0.0, 0), (1.0, 5)));
}

#[test]
fn without_a_scored_row_there_is_one_point() {
    let rows = vec![SyntheticScores { confidence: None, ..SyntheticScores::new(0.5, false, true) }; 3];
    let curve = curve_of(&table(&rows));
    assert_eq!(curve.points().len(), 1);
    assert_eq!((curve.keep_all().routing_ratio, curve.keep_all().accuracy), (1.0, Some(1.0)));
    assert_eq!(curve.nearest(0.3), 0);
}

proptest! {
    #[test]
    fn midpoints_separate(a in 0.0f64..=1.0, b in 0.0f64..=1.0) {
        prop_assume!(a < b);
        let t = midpoint(Confidence::new(a).unwrap(), Confidence::new(b).unwrap());
        prop_assert!(!t.keeps(Confidence::new(a).unwrap()) && t.keeps(Confidence::new(b).unwrap()));
    }

    #[test]
    fn every_point_is_what_decide_does(rows in rows()) {
        let curve = curve_of(&table(&rows));
        let weighted: Vec<(SyntheticScores, f64)> = rows.iter().map(|row| (row.clone(), 1.0)).collect();
        for point in curve.points() {
            let counted = Counted::at(point.threshold, &weighted);
            prop_assert_eq!(point.routing_ratio, counted.deferred / counted.all, "exactly");
            let expected = counted.figures();
            prop_assert!(agree(figures(point), expected), "{:?} {:?}", point, expected);
            prop_assert_eq!(curve.at(point.threshold), point);
        }
    }

    #[test]
    fn one_candidate_per_gap_and_none_elsewhere(rows in rows()) {
        let curve = curve_of(&table(&rows));
        let values = distinct(&rows);
        let thresholds: Vec<f64> = curve.points().iter().map(|point| point.threshold.get()).collect();
        prop_assert_eq!(thresholds[0], 0.0);
        prop_assert_eq!(thresholds.len(), values.len() + 1);
        for (gap, threshold) in values.windows(2).zip(&thresholds[1..]) {
            prop_assert!(gap[0] < *threshold && *threshold <= gap[1]);
        }
        if !values.is_empty() {
            prop_assert_eq!(thresholds[values.len()], Threshold::DEFER_ALL.get());
        }
        prop_assert!(thresholds.windows(2).all(|pair| pair[0] < pair[1]));
        let rising = curve.points().windows(2).all(|pair| pair[0].routing_ratio < pair[1].routing_ratio);
        prop_assert!(rising, "the routing ratio rises with the threshold");
        let missing = rows.iter().filter(|row| row.confidence.is_none()).count() as f64;
        prop_assert_eq!(curve.keep_all().routing_ratio, missing / rows.len() as f64);
        prop_assert_eq!(curve.points().last().unwrap().routing_ratio, 1.0);
    }

    #[test]
    fn no_threshold_does_better_than_a_candidate(rows in rows(), t in 0.0f64..=1.0) {
        let curve = curve_of(&table(&rows));
        let weighted: Vec<(SyntheticScores, f64)> = rows.iter().map(|row| (row.clone(), 1.0)).collect();
        let counted = Counted::at(Threshold::new(t).unwrap(), &weighted);
        let twin = curve.points().iter().find(|point| point.routing_ratio == counted.deferred / counted.all);
        let twin = twin.unwrap();
        prop_assert!(agree(figures(twin), counted.figures()));
        prop_assert_eq!(curve.at(Threshold::new(t).unwrap()), twin);
    }

    #[test]
    fn split_is_the_curve(rows in rows()) {
        let table = table(&rows);
        let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
        let sample = WeightedSample::all(&prepared, &DatasetSelection::all(1));
        let curve = Curve::new(&sample);
        let mut thresholds: Vec<Threshold> = curve.points().iter().map(|point| point.threshold).collect();
        thresholds.reverse();
        for (threshold, split) in thresholds.iter().zip(sample.splits(&thresholds)) {
            prop_assert_eq!(split, sample.split(*threshold));
        }
        for point in curve.points() {
            let split = sample.split(point.threshold);
            prop_assert_eq!(split.routing_ratio().unwrap_or(0.0), point.routing_ratio);
            prop_assert_eq!(split.accuracy(), point.accuracy);
        }
    }

    #[test]
    fn a_strictly_increasing_map_changes_thresholds_only(rows in rows()) {
        let mapped: Vec<SyntheticScores> = rows
            .iter()
            .map(|row| SyntheticScores { confidence: row.confidence.map(|c| 0.125 + c * (1.0 + c) / 4.0), ..row.clone() })
            .collect();
        let (before, after) = (curve_of(&table(&rows)), curve_of(&table(&mapped)));
        let all = |curve: &Curve| curve.points().iter().map(figures).collect::<Vec<_>>();
        prop_assert_eq!(all(&before), all(&after));
    }

    #[test]
    fn the_order_of_tied_rows_does_not_matter(rows in prop::collection::vec(row(4), 1..60)) {
        // Row i is question i, whose key decides the order inside: turning the list permutes the ties.
        let mut turned = rows.clone();
        turned.reverse();
        let (a, b) = (curve_of(&table(&rows)), curve_of(&table(&turned)));
        prop_assert_eq!(a.points(), b.points());
    }

    #[test]
    fn nearest_is_the_nearest(rows in rows(), target in 0.0f64..=1.0) {
        let curve = curve_of(&table(&rows));
        let found = curve.points()[curve.nearest(target)].routing_ratio;
        let distance = |ratio: f64| (ratio - target).abs();
        for point in curve.points() {
            let (other, own) = (distance(point.routing_ratio), distance(found));
            prop_assert!(own <= other + RATIO_ROUNDING);
            if (own - other).abs() <= RATIO_ROUNDING {
                prop_assert!(found <= point.routing_ratio, "the lower on a tie");
            }
        }
    }

    #[test]
    fn a_drawn_sample_is_the_weighted_reference(rows in rows(), fraction in 0.05f64..=1.0, seed in 0u64..100) {
        let table = table(&rows);
        let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
        let (all, seed) = (DatasetSelection::all(1), Seed::new(seed));
        let order = DrawOrder::new(&prepared, 30, &seed);
        let draw = Draw::new(&order, &prepared, &all, DrawSpec { fraction, seed });
        let (sample, undrawn) = WeightedSample::drawn(&prepared, &all, &draw);

        let synthetic = |row: u32| {
            let id = prepared.questions.id(prepared.series.question[row as usize]);
            rows[id[1..].parse::<usize>().unwrap()].clone()
        };
        let weights: f64 = draw.rows.iter().map(|row| row.weight).sum();
        let scale = draw.pool.scored() as f64 / weights;
        let mut weighted: Vec<(SyntheticScores, f64)> =
            draw.rows.iter().map(|row| (synthetic(row.row), row.weight * scale)).collect();
        weighted.extend(rows.iter().filter(|row| row.confidence.is_none()).map(|row| (row.clone(), 1.0)));
        prop_assert!((sample.pool_rows() - rows.len() as f64).abs() <= ROUNDING * rows.len() as f64);
        for point in Curve::new(&sample).points() {
            let expected = Counted::at(point.threshold, &weighted).figures();
            prop_assert!(agree(figures(point), expected), "{:?} {:?}", point, expected);
        }

        // Type 1: the smallest confidence x of the undrawn rows with F(x) >= k / 100.
        let drawn: Vec<u32> = draw.rows.iter().map(|row| row.row).collect();
        let left: Vec<Confidence> =
            prepared.scored(&all).filter(|(_, row)| !drawn.contains(row)).map(|(c, _)| c).collect();
        let mut naive: Vec<Confidence> = Vec::new();
        for k in 0..100 {
            let reaches = |x: &&Confidence| 100 * left.iter().filter(|c| c <= x).count() >= k * left.len();
            naive.extend(left.iter().find(reaches));
        }
        naive.dedup();
        prop_assert_eq!(undrawn.quantiles, naive);
    }
}
