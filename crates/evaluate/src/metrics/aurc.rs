//! AURC: the error rate among the most confident, averaged over their number.

use super::{Metric, MetricInput, ScoreLevel, totals};

/// The metric.
pub static AURC: Metric =
    Metric { id: "aurc", input: MetricInput::Order, higher_is_better: false, compute: aurc };

/// Area under the risk-coverage curve, in [0, 1]. `None` without rows.
///
/// # Formula
/// (1/n) sum over k = 1..n of (wrong among the k most confident) / k (Geifman and El-Yaniv 2017),
/// in expectation over all orders of tied rows. Within a level of m rows with a share q wrong,
/// after s rows with e wrong, the terms (e + j q) / (s + j), j = 1..m, sum to
/// m q + (e - q s) (H(s + m) - H(s)), H the harmonic numbers.
///
/// ```
/// use plimsoll_evaluate::metrics::{ScoreLevel, aurc};
/// // From the most confident: right, wrong, right; risks 0, 1/2, 1/3.
/// let levels = [
///     ScoreLevel { value: 0.1, right: 1.0, wrong: 0.0 },
///     ScoreLevel { value: 0.5, right: 0.0, wrong: 1.0 },
///     ScoreLevel { value: 0.9, right: 1.0, wrong: 0.0 },
/// ];
/// assert!((aurc(&levels).unwrap() - (1.0 / 2.0 + 1.0 / 3.0) / 3.0).abs() < 1e-15);
/// ```
pub fn aurc(levels: &[ScoreLevel]) -> Option<f64> {
    let (mut sum, mut rows, mut wrong, mut before) = (0.0, 0.0, 0.0, 0.0);
    for level in levels.iter().rev().filter(|level| level.rows() > 0.0) {
        let share = level.wrong / level.rows();
        let after = harmonic(rows + level.rows());
        sum += level.rows() * share + (wrong - share * rows) * (after - before);
        rows += level.rows();
        wrong += level.wrong;
        before = after;
    }
    (rows > 0.0).then(|| sum / rows)
}

/// AURC of a perfect ranking of the same rows: every right answer before every wrong one.
pub fn perfect_aurc(levels: &[ScoreLevel]) -> Option<f64> {
    let (right, wrong) = totals(levels);
    aurc(&[ScoreLevel { value: 0.0, right: 0.0, wrong }, ScoreLevel { value: 1.0, right, wrong: 0.0 }])
}

/// H(n) = 1 + 1/2 + .. + 1/n for a whole number n >= 0.
fn harmonic(n: f64) -> f64 {
    /// Euler's constant.
    const GAMMA: f64 = 0.577_215_664_901_532_9;
    /// From here on the next term of the series, 1 / (252 n^6), is below 1e-15.
    const ASYMPTOTIC: f64 = 200.0;
    if n < ASYMPTOTIC {
        let mut sum = 0.0;
        let mut term = n;
        while term > 0.5 {
            sum += 1.0 / term;
            term -= 1.0;
        }
        return sum;
    }
    let square = n * n;
    n.ln() + GAMMA + 1.0 / (2.0 * n) - 1.0 / (12.0 * square) + 1.0 / (120.0 * square * square)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ROUNDING, levels_from, rows};
    use super::*;
    use proptest::prelude::*;

    /// Rank by rank; the expected number of wrong rows at each rank of a tie is its share.
    fn reference(rows: &[(f64, bool)]) -> f64 {
        let mut sorted = rows.to_vec();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let shares = sorted.chunk_by(|a, b| a.0 == b.0).flat_map(|tied| {
            let wrong = tied.iter().filter(|(_, right)| !right).count();
            std::iter::repeat_n(wrong as f64 / tied.len() as f64, tied.len())
        });
        let (mut wrong, mut sum) = (0.0, 0.0);
        for (index, share) in shares.enumerate() {
            wrong += share;
            sum += wrong / (index + 1) as f64;
        }
        sum / rows.len() as f64
    }

    /// The mean over every order of the rows that sorting allows.
    fn over_all_orders(rows: &[(f64, bool)]) -> f64 {
        fn permutations(items: &[(f64, bool)]) -> Vec<Vec<(f64, bool)>> {
            if items.is_empty() {
                return vec![vec![]];
            }
            (0..items.len())
                .flat_map(|index| {
                    let mut rest = items.to_vec();
                    let first = rest.remove(index);
                    permutations(&rest).into_iter().map(move |mut tail| {
                        tail.insert(0, first);
                        tail
                    })
                })
                .collect()
        }
        let sorted = permutations(rows).into_iter().filter(|order| order.is_sorted_by(|a, b| a.0 >= b.0));
        let aurcs: Vec<f64> = sorted
            .map(|order| {
                let mut wrong = 0.0;
                let risks = order.iter().enumerate().map(|(index, (_, right))| {
                    wrong += f64::from(u8::from(!right));
                    wrong / (index + 1) as f64
                });
                risks.sum::<f64>() / order.len() as f64
            })
            .collect();
        aurcs.iter().sum::<f64>() / aurcs.len() as f64
    }

    #[test]
    fn is_the_mean_over_all_orders_of_tied_rows() {
        let rows = [(0.5, true), (0.5, false), (0.5, false), (0.2, true), (0.9, false), (0.2, false)];
        assert!((aurc(&levels_from(&rows)).unwrap() - over_all_orders(&rows)).abs() < ROUNDING);
    }

    #[test]
    fn harmonic_numbers_join() {
        let direct = |n: u32| (1..=n).rev().map(|k| 1.0 / f64::from(k)).sum::<f64>();
        for n in [0, 1, 2, 199, 200, 201, 1000, 100_000] {
            /// Rounding of a sum of 100,000 terms that reaches 12.
            const SUM: f64 = 1e-13;
            assert!((harmonic(f64::from(n)) - direct(n)).abs() < SUM, "{n}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_ranks(rows in rows()) {
            prop_assert!((aurc(&levels_from(&rows)).unwrap() - reference(&rows)).abs() < ROUNDING);
        }

        #[test]
        fn nothing_is_below_a_perfect_ranking(rows in rows()) {
            let levels = levels_from(&rows);
            prop_assert!(perfect_aurc(&levels).unwrap() <= aurc(&levels).unwrap() + ROUNDING);
        }
    }
}
