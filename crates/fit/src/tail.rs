//! The exact binomial tail, its inverse, and how many rows a risk target needs.
//!
//! `k` errors in `n` rows, each wrong with probability `p`. For a 0/1 loss the Hoeffding-Bentkus
//! test is this tail, and U <= alpha for the Clopper-Pearson limit U says the same as tail <= delta.
//!
//! A tail is one probability mass in Loader's form (C. Loader 2000, "Fast and accurate computation
//! of binomial probabilities") times a sum of ratios that fall geometrically, so that it keeps its
//! relative precision: small tails are not differences of large numbers. Against 50-digit
//! arithmetic the relative error is below 2e-12 for up to ten million rows. A call costs about
//! sqrt(n) steps at worst, near the mean, and a few far from it.

use std::f64::consts::TAU;

/// The largest answer of [`min_rows`] and [`rows_needed`].
pub const MAX_ROWS: u64 = 1_000_000_000_000;

/// P(X <= k) for X ~ Bin(n, p), in [0, 1]; 1 for k >= n, NaN for a `p` outside [0, 1].
///
/// # Formula
/// sum over i = 0..k of C(n, i) p^i (1 - p)^(n - i) = I\_{1-p}(n - k, k + 1).
///
/// ```
/// use plimsoll_fit::tail::binomial_cdf;
/// // (1 + 4) / 2^4
/// assert!((binomial_cdf(1, 4, 0.5) - 5.0 / 16.0).abs() < 1e-15);
/// // No error in 45 rows has probability 0.95^45 if one in twenty is wrong.
/// assert!((binomial_cdf(0, 45, 0.05) - 0.0994).abs() < 5e-5);
/// ```
pub fn binomial_cdf(k: u64, n: u64, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        f64::NAN
    } else if k >= n {
        1.0
    } else if is_smaller_below(k, n, p) {
        mass_down_from(k, n, p)
    } else {
        1.0 - mass_up_from(k + 1, n, p)
    }
}

/// P(X > k) for X ~ Bin(n, p), in [0, 1], precise where it is small; 0 for k >= n, NaN for a `p`
/// outside [0, 1].
///
/// # Formula
/// sum over i = k+1..n of C(n, i) p^i (1 - p)^(n - i) = I\_p(k + 1, n - k).
///
/// ```
/// use plimsoll_fit::tail::binomial_survival;
/// // 2^-60 would be lost in 1 - P(X <= 59).
/// let all_wrong = binomial_survival(59, 60, 0.5);
/// assert!((all_wrong / 0.5f64.powi(60) - 1.0).abs() < 1e-12);
/// ```
pub fn binomial_survival(k: u64, n: u64, p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        f64::NAN
    } else if k >= n {
        0.0
    } else if is_smaller_below(k, n, p) {
        1.0 - mass_down_from(k, n, p)
    } else {
        mass_up_from(k + 1, n, p)
    }
}

/// Upper limit of an error rate after `k` errors in `n` rows, at confidence 1 - `delta`; 1 for
/// k >= n, NaN for a `delta` outside (0, 1).
///
/// # Formula
/// The p with P(Bin(n, p) <= k) = delta, that is Beta^-1(1 - delta; k + 1, n - k) (Clopper and
/// Pearson 1934, one-sided); 1 - delta^(1/n) for k = 0.
///
/// ```
/// use plimsoll_fit::tail::clopper_pearson_upper;
/// assert!((clopper_pearson_upper(0, 2, 0.25) - 0.5).abs() < 1e-15); // (1 - p)^2 = 1/4
/// assert_eq!(clopper_pearson_upper(3, 3, 0.1), 1.0);
/// ```
pub fn clopper_pearson_upper(k: u64, n: u64, delta: f64) -> f64 {
    if !(0.0 < delta && delta < 1.0) {
        return f64::NAN;
    }
    if k >= n {
        return 1.0;
    }
    let (errors, rows) = (k as f64, n as f64);
    if k == 0 {
        return -(delta.ln() / rows).exp_m1();
    }
    solve(Slope::Falling, (errors + 1.0) / (rows + 1.0), |p| {
        let tail = binomial_cdf(k, n, p);
        let slope = -(rows - errors) * point_mass(k, n, p) / ((1.0 - p) * tail);
        (tail.ln() - delta.ln(), slope)
    })
}

/// Lower limit of an error rate after `k` errors in `n` rows, at confidence 1 - `delta`; 0 for
/// k = 0, NaN for a `delta` outside (0, 1). A `k` above `n` counts as `n`.
///
/// # Formula
/// The p with P(Bin(n, p) >= k) = delta, that is Beta^-1(delta; k, n - k + 1) (Clopper and Pearson
/// 1934, one-sided); delta^(1/n) for k = n.
///
/// ```
/// use plimsoll_fit::tail::clopper_pearson_lower;
/// assert!((clopper_pearson_lower(2, 2, 0.25) - 0.5).abs() < 1e-15); // p^2 = 1/4
/// assert_eq!(clopper_pearson_lower(0, 3, 0.1), 0.0);
/// ```
pub fn clopper_pearson_lower(k: u64, n: u64, delta: f64) -> f64 {
    if !(0.0 < delta && delta < 1.0) {
        return f64::NAN;
    }
    if k == 0 {
        return 0.0;
    }
    let (errors, rows) = (k as f64, n as f64);
    if k >= n {
        return (delta.ln() / rows).exp();
    }
    solve(Slope::Rising, errors / (rows + 1.0), |p| {
        let tail = binomial_survival(k - 1, n, p);
        let slope = errors * point_mass(k, n, p) / (p * tail);
        (tail.ln() - delta.ln(), slope)
    })
}

/// The smallest n at which half the tolerated error rate would pass the test, known before a label
/// is seen; where a walk over thresholds starts.
///
/// The condition is not monotone in n: each time floor(n alpha/2) steps up, the tail jumps up, too.
/// What is returned is the smallest n at which it holds, not one from which on it always holds.
/// `u64::MAX` if no n up to [`MAX_ROWS`] does, as for `alpha` or `delta` of 0.
///
/// # Formula
/// min { n : P(Bin(n, alpha) <= floor(n alpha/2)) <= delta }. A product n alpha/2 that is below an
/// integer by rounding only counts as that integer.
///
/// ```
/// use plimsoll_fit::tail::min_rows;
/// // floor(n/4) is 0 up to n = 3, and 2^-n <= 0.3 from n = 2 on.
/// assert_eq!(min_rows(0.5, 0.3), 2);
/// // 0.9^19 = 0.135 is above 0.1; one error in 39 rows: 0.9^39 + 39 (0.1) 0.9^38 = 0.0876.
/// assert_eq!(min_rows(0.1, 0.1), 38);
/// ```
pub fn min_rows(alpha: f64, delta: f64) -> u64 {
    if !(alpha > 0.0 && delta > 0.0) {
        return u64::MAX;
    }
    let alpha = alpha.min(1.0);
    let tolerated = |n: u64| whole((n as f64 * alpha / 2.0 * (1.0 + ROUNDING)).floor());
    let passes = |k: u64, n: u64| binomial_cdf(k, n, alpha) <= delta;
    let mut first = 0;
    for k in 0.. {
        // All n with k tolerated errors; among them the tail falls.
        let next = smallest(first, MAX_ROWS, |n| tolerated(n) > k);
        let last = next.map_or(MAX_ROWS, |next| next - 1);
        if passes(k, last) {
            return smallest(first, last, |n| passes(k, n)).unwrap_or(last);
        }
        match next {
            Some(next) => first = next,
            None => break,
        }
    }
    u64::MAX
}

/// Rows that a guarantee needs if not one of them is wrong. `u64::MAX` for an `alpha` or `delta`
/// of 0.
///
/// # Formula
/// ceil(ln delta / ln(1 - alpha)), the smallest n with (1 - alpha)^n <= delta; the quotient is
/// checked against the tail itself, so that rounding does not add or lose a row.
///
/// ```
/// use plimsoll_fit::tail::zero_error_rows;
/// assert_eq!(zero_error_rows(0.5, 0.25), 2); // (1/2)^2 = 1/4, exactly
/// assert_eq!(zero_error_rows(0.05, 0.1), 45); // 0.95^44 = 0.105, 0.95^45 = 0.099
/// ```
pub fn zero_error_rows(alpha: f64, delta: f64) -> u64 {
    if !(alpha > 0.0 && delta > 0.0) {
        return u64::MAX;
    }
    let alpha = alpha.min(1.0);
    let quotient = whole((delta.ln() / (-alpha).ln_1p()).ceil());
    let (low, high) = (quotient.saturating_sub(1), quotient.saturating_add(1));
    (low..=high).find(|n| binomial_cdf(0, *n, alpha) <= delta).unwrap_or(quotient)
}

/// The largest number of errors with which `rows` rows pass the test; `None` if they do not even without one.
///
/// # Formula
/// max { k : P(Bin(rows, alpha) <= k) <= delta }
///
/// ```
/// use plimsoll_fit::tail::max_errors;
/// assert_eq!((max_errors(1, 0.5, 0.25), max_errors(2, 0.5, 0.25)), (None, Some(0)));
/// assert_eq!(max_errors(38, 0.1, 0.1), Some(1)); // see `min_rows`
/// ```
pub fn max_errors(rows: u64, alpha: f64, delta: f64) -> Option<u64> {
    let passes = |errors: u64| binomial_cdf(errors, rows, alpha) <= delta;
    if !passes(0) {
        return None;
    }
    // Passes at `low`, fails at `high`: the tail grows with the errors, and is 1 for as many as rows.
    let (mut low, mut high) = (0, rows);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if passes(middle) { low = middle } else { high = middle }
    }
    Some(low)
}

/// How many rows a guarantee needs if `error_rate` of them are wrong. `None` if the rate is not
/// below `alpha`, or if more than [`MAX_ROWS`] are needed.
///
/// The errors are rounded up, ceil(n `error_rate`), so that the answer does not rest on a lucky
/// rounding. The tail jumps up whenever this number steps, so that a single passing n says little:
/// the answer is the start of a run of passing n that reaches over the next eight steps at least
/// (that is, over 8 / `error_rate` rows). Where rate and alpha are so close that millions of rows
/// are needed, the start is exact to a few hundred rows.
///
/// # Formula
/// min { n : P(Bin(n', alpha) <= ceil(n' `error_rate`)) <= delta for n' = n, n + 1, .. }
///
/// ```
/// use plimsoll_fit::tail::rows_needed;
/// assert_eq!(rows_needed(0.0, 0.05, 0.1), Some(45)); // as `zero_error_rows`
/// assert_eq!(rows_needed(0.05, 0.05, 0.1), None);
/// ```
pub fn rows_needed(error_rate: f64, alpha: f64, delta: f64) -> Option<u64> {
    /// Steps of the number of errors over which the test has to go on passing.
    const SETTLED: u64 = 8;
    let feasible = 0.0 <= error_rate && error_rate < alpha && alpha <= 1.0 && delta > 0.0;
    let errors = |n: u64| whole((n as f64 * error_rate * (1.0 - ROUNDING)).ceil());
    let passes = |n: u64| binomial_cdf(errors(n), n, alpha) <= delta;
    if !feasible || !passes(MAX_ROWS) {
        return None;
    }
    // The first n with k errors is the hardest of those with k errors.
    let first = |k: u64| smallest(0, MAX_ROWS, |n| errors(n) >= k);
    let settled = |k: u64| first(k).is_none_or(passes);
    let high = (0..u64::BITS - 1).map(|power| 1 << power).find(|k| settled(*k))?;
    let mut k = smallest(0, high, settled)?;
    while let Some(unsettled) = (k..k + SETTLED).rev().find(|later| !settled(*later)) {
        k = unsettled + 1;
    }
    // With one error less some n may pass already, up to the step.
    let before = first(k.saturating_sub(1))?;
    let step = first(k).unwrap_or(MAX_ROWS);
    smallest(before, step, passes)
}

/// How far a product of two numbers may lie off an integer that it equals, as a share of it.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// A non-negative whole number; too large ones saturate.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "called with non-negative whole numbers; saturation is meant"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

/// The smallest n in low..=high at which a condition holds that, once it holds, goes on holding.
fn smallest(low: u64, high: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if low > high || !holds(high) {
        return None;
    }
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// Which way a tail goes with p.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slope {
    Rising,
    Falling,
}

/// The root in (0, 1) of a monotone concave function, given as value and derivative: Newton's
/// method, bisection where it leaves the bracket.
fn solve(slope: Slope, start: f64, function: impl Fn(f64) -> (f64, f64)) -> f64 {
    /// Far more than bisection alone would take.
    const MAX_STEPS: usize = 200;
    /// Relative; the last Newton step is far more precise than the one before it.
    const CLOSE: f64 = 1e-14;
    let (mut low, mut high, mut p) = (0.0, 1.0, start);
    for _ in 0..MAX_STEPS {
        let (value, derivative) = function(p);
        if (value > 0.0) == (slope == Slope::Falling) {
            low = p;
        } else {
            high = p;
        }
        let newton = p - value / derivative;
        if (newton - p).abs() <= CLOSE * p {
            return newton;
        }
        p = if low < newton && newton < high { newton } else { f64::midpoint(low, high) };
    }
    p
}

/// Whether P(X <= k) is the smaller tail, the median being within 1 of n p. The smaller one is summed, the
/// other is what it leaves.
fn is_smaller_below(k: u64, n: u64, p: f64) -> bool {
    (k as f64) + 0.5 < n as f64 * p
}

/// P(X <= k) where k is below n p.
fn mass_down_from(k: u64, n: u64, p: f64) -> f64 {
    point_mass(k, n, p) * sum_of_ratios(k, n, (1.0 - p) / p)
}

/// P(X >= k) where k is above n p: P(n - X <= n - k), right and wrong exchanged.
fn mass_up_from(k: u64, n: u64, p: f64) -> f64 {
    point_mass(k, n, p) * sum_of_ratios(n - k, n, p / (1.0 - p))
}

/// (P(X = k) + .. + P(X = 0)) / P(X = k), where P(X = i - 1) / P(X = i) is `odds` i / (n - i + 1).
///
/// The ratios fall with i, so that what is left after a term is below a geometric series.
fn sum_of_ratios(k: u64, n: u64, odds: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for i in (1..=k).rev() {
        let ratio = odds * (i as f64 / (n - i + 1) as f64);
        term *= ratio;
        sum += term;
        if term * ratio <= f64::EPSILON * sum * (1.0 - ratio) {
            break;
        }
    }
    sum
}

/// P(X = k) for X ~ Bin(n, p), k <= n, in Loader's saddle-point form.
fn point_mass(k: u64, n: u64, p: f64) -> f64 {
    let (hits, misses, rows) = (k as f64, (n - k) as f64, n as f64);
    if k == 0 {
        return (rows * (-p).ln_1p()).exp();
    }
    if k == n {
        return (rows * p.ln()).exp();
    }
    let stirling = stirling_error(n) - stirling_error(k) - stirling_error(n - k);
    let distance = deviance(hits, rows * p) + deviance(misses, rows * (1.0 - p));
    (stirling - distance).exp() * (rows / (TAU * hits * misses)).sqrt()
}

/// ln n! minus Stirling's formula ln(sqrt(2 pi n) (n/e)^n), n >= 1.
fn stirling_error(n: u64) -> f64 {
    /// From here on the first term left out of the series is below 1e-16.
    const SERIES: u64 = 16;
    let x = n as f64;
    if n < SERIES {
        let factorial: f64 = (2..=n).map(|i| i as f64).product();
        return factorial.ln() - (x + 0.5) * x.ln() + x - 0.5 * TAU.ln();
    }
    let square = x * x;
    let terms = [1.0 / 1188.0, -1.0 / 1680.0, 1.0 / 1260.0, -1.0 / 360.0, 1.0 / 12.0];
    terms.iter().fold(0.0, |sum, term| sum / square + term) / x
}

/// x ln(x/m) + m - x, without cancellation where x is near m.
fn deviance(x: f64, m: f64) -> f64 {
    /// Above, the closed form loses no more than a digit.
    const NEAR: f64 = 0.1;
    /// Terms; what is left out is below 1e-17 of the first.
    const SERIES: u32 = 8;
    let part = (x - m) / (x + m);
    if part.abs() >= NEAR {
        return x * (x / m).ln() + m - x;
    }
    // (x - m) v + 2 x (v^3/3 + v^5/5 + ..), v = (x - m) / (x + m) below 1/10.
    let square = part * part;
    let series: f64 = (1..=SERIES).rev().fold(0.0, |sum, j| (sum + 1.0 / f64::from(2 * j + 1)) * square);
    (x - m) * part + 2.0 * x * part * series
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hoeffding_bentkus_values() {
        /// The values are known to four decimals.
        const PRINTED: f64 = 5e-5;
        for (k, n, alpha, expected) in
            [(0, 45, 0.05, 0.0994), (2, 100, 0.05, 0.1183), (5, 200, 0.05, 0.0623), (80, 1000, 0.1, 0.0176)]
        {
            let tail = binomial_cdf(k, n, alpha);
            assert!((tail - expected).abs() <= PRINTED, "{k}/{n} at {alpha}: {tail}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these are exact")]
    fn ends_of_the_tail() {
        assert_eq!(binomial_cdf(0, 0, 0.3), 1.0);
        assert_eq!(binomial_cdf(2, 3, 0.0), 1.0);
        assert_eq!(binomial_cdf(2, 3, 1.0), 0.0);
        assert_eq!(binomial_survival(2, 3, 1.0), 1.0);
        assert_eq!(binomial_survival(0, 3, 0.0), 0.0);
        assert!(clopper_pearson_upper(1, 3, 0.0).is_nan() && clopper_pearson_lower(1, 3, f64::NAN).is_nan());
        assert!(binomial_cdf(1, 3, f64::NAN).is_nan() && binomial_survival(1, 3, -0.1).is_nan());
    }

    #[test]
    fn the_smaller_tail_keeps_all_digits() {
        /// Relative; first two terms of the series of 1 - (1 - p)^3.
        const SERIES: f64 = 1e-14;
        let p = 1e-12;
        assert!((binomial_survival(0, 3, p) / (3.0 * p * (1.0 - p)) - 1.0).abs() < SERIES);
        assert!((binomial_cdf(2, 3, 1.0 - 0.5f64.powi(40)) / (3.0 * 0.5f64.powi(40)) - 1.0).abs() < 3.0 * p);
    }

    #[test]
    fn zero_error_rows_of_the_tables() {
        let table = [(0.01, 230, 299), (0.02, 114, 149), (0.05, 45, 59), (0.1, 22, 29), (0.2, 11, 14)];
        for (alpha, at_10, at_5) in table {
            assert_eq!(zero_error_rows(alpha, 0.1), at_10, "{alpha}");
            assert_eq!(zero_error_rows(alpha, 0.05), at_5, "{alpha}");
            assert_eq!(rows_needed(0.0, alpha, 0.1), Some(at_10), "{alpha}");
        }
        assert_eq!(zero_error_rows(1.0, 0.1), 1);
        assert_eq!(zero_error_rows(0.0, 0.1), u64::MAX);
        assert_eq!(zero_error_rows(0.1, 0.0), u64::MAX);
        assert_eq!(zero_error_rows(f64::NAN, 0.1), u64::MAX);
    }

    /// The definition, one n after the other.
    fn min_rows_by_walking(alpha: f64, delta: f64) -> u64 {
        let tolerated = |n: u64| whole((n as f64 * alpha / 2.0 + 1e-9).floor());
        (1..1_000_000).find(|n| binomial_cdf(tolerated(*n), *n, alpha) <= delta).unwrap()
    }

    #[test]
    fn min_rows_is_the_definition() {
        for alpha in [0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.77, 1.0] {
            for delta in [0.5, 0.2, 0.1, 0.05, 0.01, 1e-4] {
                let expected = min_rows_by_walking(alpha, delta);
                assert_eq!(min_rows(alpha, delta), expected, "{alpha} {delta}");
            }
        }
        assert_eq!(min_rows(0.0, 0.1), u64::MAX);
        assert_eq!(min_rows(0.1, 0.0), u64::MAX);
        assert_eq!(min_rows(1e-13, 0.1), u64::MAX);
        assert!(min_rows(0.001, 1e-6) < 200_000);
    }

    #[test]
    fn max_errors_is_the_edge() {
        for rows in [45u64, 100, 1000, 12_345] {
            let max = max_errors(rows, 0.05, 0.1).unwrap();
            assert!(binomial_cdf(max, rows, 0.05) <= 0.1, "{rows}");
            assert!(binomial_cdf(max + 1, rows, 0.05) > 0.1, "{rows}");
        }
        assert_eq!(max_errors(44, 0.05, 0.1), None);
        assert_eq!(max_errors(45, 0.05, 0.1), Some(0));
        assert_eq!(max_errors(1, 0.999, 0.5), Some(0));
        assert_eq!((max_errors(0, 0.5, 0.1), max_errors(5, 0.0, 0.1)), (None, None));
    }

    #[test]
    fn rows_needed_is_the_definition() {
        for (rate, alpha, delta) in [
            (0.02, 0.05, 0.1),
            (0.07, 0.1, 0.05),
            (0.01, 0.02, 0.1),
            (0.0003, 0.02, 0.1),
            (0.3, 0.5, 0.01),
            (0.04, 0.05, 0.1),
        ] {
            let errors = |n: u64| whole((n as f64 * rate - 1e-9).ceil().max(0.0));
            let fails = |n: &u64| binomial_cdf(errors(*n), *n, alpha) > delta;
            let last_failure = (1..20_000u64).rev().find(fails).unwrap();
            assert_eq!(rows_needed(rate, alpha, delta), Some(last_failure + 1), "{rate} {alpha}");
        }
    }

    #[test]
    fn rows_needed_ends() {
        assert_eq!(rows_needed(0.1, 0.1, 0.1), None);
        assert_eq!(rows_needed(0.2, 0.1, 0.1), None);
        assert_eq!(rows_needed(f64::NAN, 0.1, 0.1), None);
        assert_eq!(rows_needed(0.1 - 1e-9, 0.1, 0.1), None);
        assert_eq!(rows_needed(1e-300, 0.05, 0.1), rows_needed(1e-12, 0.05, 0.1));
        assert!(rows_needed(0.0999, 0.1, 0.1).unwrap() > 1_000_000);
        assert!(rows_needed(0.1 - 1e-6, 0.1, 0.1).unwrap() > 10_000_000_000);
    }

    proptest! {
        #[test]
        fn tails_are_sums_of_masses(n in 1u64..60, share in 0.0f64..1.0, p in 0.0f64..=1.0) {
            /// Of a sum of products of at most 60 factors.
            const ROUNDING: f64 = 1e-12;
            let k = whole(share * n as f64);
            let choose = |i: u64| (0..i).map(|j| (n - j) as f64 / (j + 1) as f64).product::<f64>();
            let power = |base: f64, times: u64| (0..times).map(|_| base).product::<f64>();
            let mass = |i: u64| choose(i) * power(p, i) * power(1.0 - p, n - i);
            let lower: f64 = (0..=k).map(mass).sum();
            prop_assert!((binomial_cdf(k, n, p) - lower).abs() < ROUNDING);
            prop_assert!((binomial_survival(k, n, p) + lower - 1.0).abs() < ROUNDING);
        }

        #[test]
        fn limits_are_inverses_of_the_tail(n in 1u64..1_000_000, share in 0.0f64..1.0, delta in 1e-9f64..0.999) {
            /// Relative, of the tail at a limit that is rounded to 53 bits.
            const INVERSE: f64 = 1e-9;
            let k = whole(share * n as f64);
            let (upper, lower) = (clopper_pearson_upper(k, n, delta), clopper_pearson_lower(k, n, delta));
            prop_assert!((binomial_cdf(k, n, upper) / delta - 1.0).abs() < INVERSE);
            if k > 0 {
                prop_assert!((binomial_survival(k - 1, n, lower) / delta - 1.0).abs() < INVERSE);
            }
        }
    }
}
