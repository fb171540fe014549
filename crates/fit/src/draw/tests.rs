//! The draw: who gets in, with which probability and which weight.

use std::collections::BTreeMap;

use plimsoll_core::{RawScore, ScoreTable, ScoreTableBuilder};
use plimsoll_router::Confidence;
use proptest::prelude::*;

use super::*;

const BINS: u32 = 30;

/// A question of dataset `dataset` with an id of its own.
#[derive(Debug, Clone)]
struct Question {
    id: String,
    dataset: String,
    confidence: Option<f64>,
}

fn table(rows: &[Question]) -> ScoreTable {
    let mut builder = ScoreTableBuilder::new();
    for row in rows {
        let raw = RawScore {
            question_id: &row.id,
            dataset: &row.dataset,
            method: "method",
            confidence: row.confidence,
            slm_correct: Some(true),
            ..RawScore::default()
        };
        builder.push(&raw).unwrap();
    }
    builder.finish()
}

fn one_dataset(confidences: &[Option<f64>]) -> ScoreTable {
    let rows: Vec<Question> = confidences
        .iter()
        .enumerate()
        .map(|(i, confidence)| Question {
            id: format!("q{i}"),
            dataset: "d".to_owned(),
            confidence: *confidence,
        })
        .collect();
    table(&rows)
}

/// A bin of 200 rows, one of 35, of 11, of 10 (exactly 1 / fraction), of 9, of 3 and of 1, and both edges.
fn uneven() -> Vec<Option<f64>> {
    let bins = [(3u32, 200u32), (7, 35), (11, 11), (12, 10), (13, 9), (20, 3), (25, 1)];
    let inside =
        |bin: u32, row: u32, rows: u32| (f64::from(bin) + (f64::from(row) + 0.5) / f64::from(rows)) / 30.0;
    let mut confidences: Vec<Option<f64>> = bins
        .iter()
        .flat_map(|(bin, rows)| (0..*rows).map(move |row| Some(inside(*bin, row, *rows))))
        .collect();
    confidences.extend([Some(0.0), Some(1.0), Some(1.0)]);
    confidences.extend([None; 23]);
    confidences
}

fn draw_all(prepared: &PreparedSeries<'_>, fraction: f64, seed: &Seed) -> Draw {
    let order = DrawOrder::new(prepared, BINS, &seed.derive("order"));
    let selection = DatasetSelection::all(prepared.questions.datasets().len());
    Draw::new(&order, prepared, &selection, DrawSpec { fraction, seed: seed.derive("start") })
}

/// Rows of each bin.
fn bins_of(prepared: &PreparedSeries<'_>) -> BTreeMap<u32, Vec<u32>> {
    let all = DatasetSelection::all(prepared.questions.datasets().len());
    let mut bins: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (confidence, row) in prepared.scored(&all) {
        let c = confidence.get();
        let bin = (0..BINS).rfind(|bin| c >= f64::from(*bin) / f64::from(BINS)).unwrap();
        bins.entry(bin).or_default().push(row);
    }
    bins
}

#[test]
fn inclusion_probabilities_and_estimates_over_seeds() {
    const SEEDS: u64 = 6000;
    const FRACTION: f64 = 0.1;
    /// Standard errors of a share over the seeds; the worst of 300 rows is compared.
    const SHARE_ERRORS: f64 = 5.0;
    let monte_carlo = |share: f64| SHARE_ERRORS * (share * (1.0 - share) / SEEDS as f64).sqrt();
    let table = one_dataset(&uneven());
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let rows = prepared.series.len();
    // A figure that depends on the confidence and on nothing the draw knows.
    let figure = |row: usize| prepared.series.confidence(row).map_or(0.0, |c| c.get() + (row % 5) as f64);
    let truth: f64 = (0..rows).map(figure).sum();
    let (mut drawn, mut proportional, mut tested) = (vec![0u64; rows], vec![0u64; rows], vec![0u64; rows]);
    let (mut sum, mut squares, mut weights) = (0.0, 0.0, 0.0);
    for number in 0..SEEDS {
        let draw = draw_all(&prepared, FRACTION, &Seed::new(11).derive_index(number));
        let estimate: f64 = draw.rows.iter().map(|r| r.weight * figure(r.row as usize)).sum();
        sum += estimate;
        squares += estimate * estimate;
        weights += draw.rows.iter().map(|r| r.weight).sum::<f64>();
        for row in &draw.rows {
            drawn[row.row as usize] += 1;
            proportional[row.row as usize] += u64::from(row.proportional);
        }
        draw.missing_tested.iter().for_each(|row| tested[*row as usize] += 1);
    }
    let share = |count: u64| count as f64 / SEEDS as f64;
    for (bin, members) in bins_of(&prepared) {
        let included = FRACTION.max(1.0 / members.len() as f64);
        for row in &members {
            let row = *row as usize;
            assert!(
                (share(drawn[row]) - included).abs() <= monte_carlo(included),
                "bin {bin}: {}",
                share(drawn[row])
            );
            assert!((share(proportional[row]) - FRACTION).abs() <= monte_carlo(FRACTION), "bin {bin}");
            assert_eq!(tested[row], 0);
        }
    }
    for row in prepared.missing(&DatasetSelection::all(1)) {
        let row = row as usize;
        assert_eq!(drawn[row], 0, "a missing confidence is never drawn");
        assert!((share(tested[row]) - FRACTION).abs() <= monte_carlo(FRACTION));
    }
    let mean = sum / SEEDS as f64;
    let error = ((squares / SEEDS as f64 - mean * mean) / SEEDS as f64).sqrt();
    /// Standard errors of the mean of the estimates.
    const MONTE_CARLO_ERRORS: f64 = 4.0;
    assert!((mean - truth).abs() <= MONTE_CARLO_ERRORS * error, "{mean} for {truth}, standard error {error}");
    /// Relative, of the mean number of rows that the weights stand for.
    const MONTE_CARLO_WEIGHT: f64 = 0.005;
    let scored = (rows - 23) as f64;
    assert!((weights / SEEDS as f64 / scored - 1.0).abs() < MONTE_CARLO_WEIGHT);
}

#[test]
fn sparse_bins_give_one_row_that_stands_for_all() {
    let table = one_dataset(&uneven());
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let bins = bins_of(&prepared);
    let mut extra = 0;
    for number in 0..200 {
        let draw = draw_all(&prepared, 0.1, &Seed::new(3).derive_index(number));
        for (bin, members) in &bins {
            let drawn_in_bin: Vec<&DrawnRow> = draw.rows.iter().filter(|row| row.bin == *bin).collect();
            if members.len() < 10 {
                assert_eq!(drawn_in_bin.len(), 1, "bin {bin}");
                assert_eq!(drawn_in_bin[0].weight, members.len() as f64);
                extra += u64::from(!drawn_in_bin[0].proportional);
            } else {
                assert!(drawn_in_bin.iter().all(|row| row.proportional && row.weight == 10.0), "bin {bin}");
            }
        }
    }
    // Bins of 9, 3, 1, 1 and 2 rows are missed with probability 0.1, 0.7, 0.9, 0.9 and 0.8.
    /// Out of 200 draws of 5 bins.
    const MONTE_CARLO: f64 = 60.0;
    assert!((f64::from(u32::try_from(extra).unwrap()) - 200.0 * 3.4).abs() < MONTE_CARLO, "{extra}");
}

#[test]
fn the_edges_are_in_the_first_and_the_last_bin() {
    let table = one_dataset(&[Some(0.0), Some(1.0)]);
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let draw = draw_all(&prepared, 0.1, &Seed::new(1));
    assert_eq!(draw.rows.iter().map(|row| row.bin).collect::<Vec<_>>(), [0, 29]);
    assert_eq!((draw.pool.counts[0], draw.pool.counts[29], draw.pool.total()), (1, 1, 2));
}

#[test]
fn the_whole_is_drawn_with_weight_one() {
    let table = one_dataset(&uneven());
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    for number in 0..50 {
        let draw = draw_all(&prepared, 1.0, &Seed::new(number));
        assert_eq!(draw.rows.len() as u64, draw.pool.scored());
        assert!(draw.rows.iter().all(|row| row.proportional && row.weight == 1.0));
        assert_eq!(draw.missing_tested.len(), 23);
    }
}

#[test]
fn nothing_is_drawn_from_nothing() {
    let table = one_dataset(&[None, None]);
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    let draw = draw_all(&prepared, 0.5, &Seed::new(1));
    assert!(draw.rows.is_empty());
    assert_eq!((draw.pool.scored(), draw.pool.missing, draw.missing_tested.len()), (0, 2, 1));
}

#[test]
fn leaving_a_dataset_out_is_the_draw_of_a_table_without_it() {
    let rows: Vec<Question> = (0..900)
        .map(|i| Question {
            id: format!("q{i}"),
            dataset: format!("d{}", i % 3),
            confidence: (i % 17 > 0).then(|| f64::from(i * 7919 % 1000) / 999.0),
        })
        .collect();
    let without: Vec<Question> = rows.iter().filter(|row| row.dataset != "d1").cloned().collect();
    let (full, reduced) = (table(&rows), table(&without));
    let (full, reduced) = (
        PreparedSeries::new(&full.questions, &full.series[0]),
        PreparedSeries::new(&reduced.questions, &reduced.series[0]),
    );
    let spec = DrawSpec { fraction: 0.1, seed: Seed::new(5) };
    let names = |prepared: &PreparedSeries<'_>, draw: &Draw| -> Vec<(String, u32, u64, bool)> {
        let name = |row: u32| prepared.questions.id(prepared.series.question[row as usize]).to_owned();
        draw.rows.iter().map(|r| (name(r.row), r.bin, r.weight.to_bits(), r.proportional)).collect()
    };
    let seed = Seed::new(8);
    let (order, reduced_order) = (DrawOrder::new(&full, BINS, &seed), DrawOrder::new(&reduced, BINS, &seed));
    let selection = DatasetSelection::from_flags(vec![true, false, true]);
    let left_out = Draw::new(&order, &full, &selection, spec);
    let never_there = Draw::new(&reduced_order, &reduced, &DatasetSelection::all(2), spec);
    assert_eq!(names(&full, &left_out), names(&reduced, &never_there));
    assert_eq!(left_out.pool, never_there.pool);
    assert_eq!(left_out.missing_tested.len(), never_there.missing_tested.len());
    assert!(left_out.rows.iter().all(|row| full.dataset_index(row.row) != 1));
}

#[test]
fn another_seed_draws_others() {
    let table = one_dataset(&uneven());
    let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
    assert_eq!(draw_all(&prepared, 0.1, &Seed::new(1)), draw_all(&prepared, 0.1, &Seed::new(1)));
    assert_ne!(draw_all(&prepared, 0.1, &Seed::new(1)), draw_all(&prepared, 0.1, &Seed::new(2)));
}

fn pools() -> impl Strategy<Value = Vec<Option<f64>>> {
    let confidence = prop_oneof![
        1 => Just(None),
        3 => (0u8..=30).prop_map(|edge| Some(f64::from(edge) / 30.0)),
        5 => (0.0f64..=1.0).prop_map(|c| Some(c * c * c)),
    ];
    prop::collection::vec(confidence, 1..200)
}

proptest! {
    #[test]
    fn what_every_draw_keeps_to(pool in pools(), fraction in 0.01f64..=1.0, seed in 0u64..1000) {
        let table = one_dataset(&pool);
        let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
        let draw = draw_all(&prepared, fraction, &Seed::new(seed));
        let mut rows: Vec<u32> = draw.rows.iter().map(|row| row.row).collect();
        rows.sort_unstable();
        prop_assert!(rows.windows(2).all(|pair| pair[0] < pair[1]), "no row twice");
        let bins = bins_of(&prepared);
        for row in &draw.rows {
            prop_assert!(bins[&row.bin].contains(&row.row));
            prop_assert!(row.weight >= 1.0);
        }
        for (bin, members) in &bins {
            prop_assert_eq!(draw.pool.counts[*bin as usize], members.len() as u64);
            let drawn_in_bin: Vec<&DrawnRow> = draw.rows.iter().filter(|row| row.bin == *bin).collect();
            prop_assert!(!drawn_in_bin.is_empty(), "bin {} is empty", bin);
            prop_assert!(drawn_in_bin.iter().all(|row| row.proportional) || drawn_in_bin.len() == 1);
        }
        let scored: usize = bins.values().map(Vec::len).sum();
        prop_assert_eq!((draw.pool.scored(), draw.pool.missing), (scored as u64, (pool.len() - scored) as u64));
        let off = draw.proportional() as f64 - fraction * scored as f64;
        prop_assert!(off.abs() < 1.0, "{} rows off the share", off);
        let off = draw.missing_tested.len() as f64 - fraction * draw.pool.missing as f64;
        prop_assert!(off.abs() < 1.0, "{} missing rows off the share", off);
        prop_assert!(draw.missing_tested.iter().all(|row| prepared.series.confidence(*row as usize).is_none()));
    }

    #[test]
    fn bins_are_those_of_the_histogram(c in 0.0f64..=1.0) {
        let table = one_dataset(&[Some(c)]);
        let prepared = PreparedSeries::new(&table.questions, &table.series[0]);
        let draw = draw_all(&prepared, 0.5, &Seed::new(1));
        prop_assert_eq!(draw.rows[0].bin as usize, bin_of(Confidence::new(c).unwrap(), BINS as usize));
    }
}
