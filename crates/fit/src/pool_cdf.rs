//! The pool scale of a method, from its scored rows.

use plimsoll_router::{Confidence, Error, PoolCdf};

use crate::prepared::{DatasetSelection, PreparedSeries};

/// L: the scale has about so many knots. Eight do as well as 128 in keeping to a ratio; 32 cost a kilobyte.
const LEVELS: usize = 32;
/// Share of the uniform distribution in the scale, so that it rises everywhere and orders values never seen.
const UNIFORM_SHARE: f64 = 0.01;

/// A knot: a confidence, and the shares of the scored rows below it and at or below it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Knot {
    confidence: f64,
    low: f64,
    high: f64,
}

/// The distribution of a pool's confidences, ascending; `missing` is the number of rows without one. `None` without
/// a scored row.
///
/// A confidence that at least 1 / (2 L) of the scored rows share is an atom and takes its own interval of the
/// scale. Else knots are those confidences whose mid-distribution (F(v-) + F(v)) / 2 is the first at or above
/// i / L, i = 1 .. L - 1. The ends 0 and 1 are added, and 1 % of the uniform distribution is mixed in.
///
/// # Errors
/// [`Error::PoolCdf`] for confidences that do not ascend.
pub fn pool_cdf(ascending: &[Confidence], missing: u64) -> Result<Option<PoolCdf>, Error> {
    if ascending.is_empty() {
        return Ok(None);
    }
    let total = ascending.len() as f64;
    let mut knots = knots(ascending);
    if knots.first().is_none_or(|first| first.confidence > 0.0) {
        knots.insert(0, Knot { confidence: 0.0, low: 0.0, high: 0.0 });
    }
    if knots.last().is_none_or(|last| last.confidence < 1.0) {
        knots.push(Knot { confidence: 1.0, low: 1.0, high: 1.0 });
    }
    for knot in &mut knots {
        let mixed = |share: f64| (1.0 - UNIFORM_SHARE) * share + UNIFORM_SHARE * knot.confidence;
        (knot.low, knot.high) = (mixed(knot.low), mixed(knot.high));
    }
    part(&mut knots);
    let column = |of: fn(&Knot) -> f64| knots.iter().map(of).collect();
    let missing_share = missing as f64 / (missing as f64 + total);
    PoolCdf::new(
        column(|knot| knot.confidence),
        column(|knot| knot.low),
        column(|knot| knot.high),
        missing_share,
    )
    .map(Some)
}

/// [`pool_cdf`] of the rows of a selection. `None` without a scored row.
pub fn selection_cdf(prepared: &PreparedSeries<'_>, selection: &DatasetSelection) -> Option<PoolCdf> {
    let ascending: Vec<Confidence> = prepared.scored(selection).map(|(confidence, _)| confidence).collect();
    // Prepared rows ascend, so that the only other case is a pool without a scored row.
    pool_cdf(&ascending, prepared.missing(selection).count() as u64).ok().flatten()
}

fn knots(ascending: &[Confidence]) -> Vec<Knot> {
    let total = ascending.len() as f64;
    let mut knots = Vec::new();
    let (mut below, mut level) = (0usize, 1usize);
    for same in ascending.chunk_by(|left, right| left == right) {
        let Some(confidence) = same.first().map(|first| first.get()) else { continue };
        let (low, high) = (below as f64 / total, (below + same.len()) as f64 / total);
        let middle = low.midpoint(high);
        let is_atom = same.len() * 2 * LEVELS >= ascending.len();
        let reaches = level < LEVELS && middle >= level as f64 / LEVELS as f64;
        while level < LEVELS && middle >= level as f64 / LEVELS as f64 {
            level += 1;
        }
        if is_atom {
            knots.push(Knot { confidence, low, high });
        } else if reaches {
            knots.push(Knot { confidence, low: middle, high: middle });
        }
        below += same.len();
    }
    knots
}

/// Where rounding made the end of one knot that of the next, the lower one ends a double earlier.
fn part(knots: &mut [Knot]) {
    let mut next_low = f64::INFINITY;
    for knot in knots.iter_mut().rev() {
        if knot.high >= next_low {
            knot.high = next_low.next_down();
            knot.low = knot.low.min(knot.high);
        }
        next_low = knot.low;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ascending(values: &[f64]) -> Vec<Confidence> {
        let mut values: Vec<Confidence> =
            values.iter().map(|value| Confidence::new(*value).unwrap()).collect();
        values.sort_by(|left, right| left.get().total_cmp(&right.get()));
        values
    }

    fn scale(values: &[f64]) -> PoolCdf {
        pool_cdf(&ascending(values), 0).unwrap().unwrap()
    }

    /// The definition, as slowly as it reads: shares by counting all rows for each value.
    fn reference(values: &[f64]) -> Vec<(f64, f64, f64)> {
        let count = |is: &dyn Fn(f64) -> bool| values.iter().filter(|value| is(**value)).count() as f64;
        let total = values.len() as f64;
        let mut distinct = ascending(values);
        distinct.dedup();
        let middle = |v: f64| count(&|x| x < v).midpoint(count(&|x| x <= v)) / total;
        let is_knot = |v: f64| {
            (1..32).any(|i| {
                let first = distinct.iter().find(|other| middle(other.get()) >= f64::from(i) / 32.0);
                first.is_some_and(|first| first.get() == v)
            })
        };
        let mut knots: Vec<(f64, f64, f64)> = Vec::new();
        for v in distinct.iter().map(|value| value.get()) {
            let (low, high) = (count(&|x| x < v) / total, count(&|x| x <= v) / total);
            if high - low >= 1.0 / 64.0 - 1e-12 {
                knots.push((v, low, high));
            } else if is_knot(v) {
                knots.push((v, middle(v), middle(v)));
            }
        }
        if knots.first().is_none_or(|knot| knot.0 != 0.0) {
            knots.insert(0, (0.0, 0.0, 0.0));
        }
        if knots.last().is_none_or(|knot| knot.0 != 1.0) {
            knots.push((1.0, 1.0, 1.0));
        }
        knots.into_iter().map(|(v, low, high)| (v, 0.99 * low + 0.01 * v, 0.99 * high + 0.01 * v)).collect()
    }

    /// Rounding of shares.
    const ROUNDING: f64 = 1e-12;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn as_the_definition(
            fine in prop::collection::vec(0.0f64..=1.0, 0..100),
            coarse in prop::collection::vec((0u8..=10).prop_map(|tenth| f64::from(tenth) / 10.0), 1..60),
        ) {
            let values: Vec<f64> = fine.into_iter().chain(coarse).collect();
            let (found, expected) = (scale(&values), reference(&values));
            let found: Vec<(f64, f64, f64)> = found.knots().collect();
            prop_assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert_eq!(found.0, expected.0);
                prop_assert!((found.1 - expected.1).abs() < ROUNDING && (found.2 - expected.2).abs() < ROUNDING);
            }
        }

        #[test]
        fn any_confidences_have_a_scale(bits in prop::collection::vec(0u64..=0x3ff0_0000_0000_0000, 1..100)) {
            let values: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            let scale = scale(&values);
            prop_assert!(scale.knots().count() >= 2);
        }
    }

    /// Largest distance of the scale from the uniform distribution on its own pool: a level between knots, the 1 %
    /// of the uniform, and twice the noise of 4,000 tie-breaks.
    const UNIFORM: f64 = 1.0 / 32.0 + 0.01 + 0.04;

    #[test]
    fn on_the_pool_the_scale_is_uniform() {
        let seed = plimsoll_router::TieSeed::new(3);
        let fine: Vec<f64> = (0..4_000).map(|i| seed.uniform(&i.to_string()).powi(3)).collect();
        let coarse: Vec<f64> = fine.iter().map(|value| (value * 5.0).round() / 5.0).collect();
        for values in [fine, coarse] {
            let scale = scale(&values);
            let position = |(index, value): (usize, &f64)| {
                scale.z(Confidence::new(*value).unwrap(), seed.uniform(&format!("tie{index}")))
            };
            let mut positions: Vec<f64> = values.iter().enumerate().map(position).collect();
            positions.sort_by(f64::total_cmp);
            let distance = positions
                .iter()
                .enumerate()
                .map(|(index, z)| (z - index as f64 / 4_000.0).abs())
                .fold(0.0, f64::max);
            assert!(distance < UNIFORM, "{distance}");
        }
    }

    #[test]
    fn without_a_scored_row_there_is_none_and_missing_rows_are_a_share() {
        assert!(pool_cdf(&[], 7).unwrap().is_none());
        let cdf = pool_cdf(&ascending(&[0.5, 0.5, 0.5]), 1).unwrap().unwrap();
        assert_eq!(cdf.missing(), 0.25);
        let disordered = [Confidence::new(0.6).unwrap(), Confidence::new(0.2).unwrap()];
        assert!(pool_cdf(&disordered, 0).is_err());
    }

    #[test]
    fn neighbouring_doubles_at_the_ends_stay_apart() {
        for values in [vec![1.0f64.next_down()], vec![1.0f64.next_down(), 1.0], vec![0.0, 0.0f64.next_up()]] {
            let scale = scale(&values);
            assert!(scale.knots().all(|(_, low, high)| low <= high));
        }
    }
}
