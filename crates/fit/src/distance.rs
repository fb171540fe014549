//! How far two samples of confidences lie apart.

use std::cmp::Ordering;

/// The two-sample Kolmogorov-Smirnov statistic, in [0, 1]; `None` if a sample is empty.
///
/// Both samples are in ascending order and free of NaN. Equal values within and between the
/// samples are counted exactly: both distribution functions step before they are compared.
///
/// # Formula
/// sup over x of |F\_a(x) - F\_b(x)|, F(x) = share of the sample that is <= x (Smirnov 1939;
/// `scipy.stats.ks_2samp(a, b).statistic`). One merge, O(n + m).
///
/// ```
/// use plimsoll_fit::distance::ks_two_sample;
/// // F_a: 1/2 from 0.1, 1 from 0.4. F_b: 1/4 from 0.1, 1/2 from 0.4, 1 from 0.9.
/// // The differences are 1/4, 1/2 and 0.
/// assert_eq!(ks_two_sample(&[0.1, 0.4], &[0.1, 0.4, 0.9, 0.9]), Some(0.5));
/// assert_eq!(ks_two_sample(&[], &[0.1]), None);
/// ```
pub fn ks_two_sample(sorted_a: &[f64], sorted_b: &[f64]) -> Option<f64> {
    if sorted_a.is_empty() || sorted_b.is_empty() {
        return None;
    }
    let (mut rest_a, mut rest_b) = (sorted_a, sorted_b);
    let mut max = 0.0f64;
    // Once a sample is used up, its function is 1 and the other only closes in on it.
    while let (Some(a), Some(b)) = (rest_a.first(), rest_b.first()) {
        let step = a.min(*b);
        rest_a = skip_to(rest_a, step);
        rest_b = skip_to(rest_b, step);
        max = max.max((share(sorted_a, rest_a) - share(sorted_b, rest_b)).abs());
    }
    Some(max)
}

/// The values above `step`. A value that cannot be compared is passed over, so that the merge ends.
fn skip_to(sorted: &[f64], step: f64) -> &[f64] {
    let passed = |value: &&f64| value.partial_cmp(&&step) != Some(Ordering::Greater);
    let count = sorted.iter().take_while(passed).count();
    &sorted[count..]
}

/// Share of the sample that lies before `rest`.
fn share(all: &[f64], rest: &[f64]) -> f64 {
    (all.len() - rest.len()) as f64 / all.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Both compute two ratios and one difference.
    const ROUNDING: f64 = 1e-15;

    /// F(x) by counting.
    fn share_at_most(sample: &[f64], x: f64) -> f64 {
        sample.iter().filter(|value| **value <= x).count() as f64 / sample.len() as f64
    }

    /// The supremum over all values of both samples, O(n m).
    fn reference(a: &[f64], b: &[f64]) -> f64 {
        a.iter().chain(b).map(|x| (share_at_most(a, *x) - share_at_most(b, *x)).abs()).fold(0.0, f64::max)
    }

    /// Sorted samples of few distinct values, so that ties are common.
    fn tied_sample() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0u8..12, 1..40).prop_map(|mut values| {
            values.sort_unstable();
            values.into_iter().map(|value| f64::from(value) / 11.0).collect()
        })
    }

    fn smooth_sample() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0.0f64..1.0, 1..40).prop_map(|mut values| {
            values.sort_by(f64::total_cmp);
            values
        })
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(ks_two_sample(&[0.1, 0.2], &[0.3]), Some(1.0));
        assert_eq!(ks_two_sample(&[0.1, 0.2], &[0.1, 0.2]), Some(0.0));
        assert_eq!(ks_two_sample(&[0.0], &[-0.0]), Some(0.0));
        assert_eq!(ks_two_sample(&[0.1], &[]), None);
    }

    #[test]
    fn ends_even_on_what_cannot_be_compared() {
        assert!(ks_two_sample(&[f64::NAN], &[f64::NAN, 0.5]).is_some());
    }

    proptest! {
        #[test]
        fn agrees_with_counting_under_ties(a in tied_sample(), b in tied_sample()) {
            let distance = ks_two_sample(&a, &b).unwrap();
            prop_assert!((distance - reference(&a, &b)).abs() <= ROUNDING);
        }

        #[test]
        fn agrees_with_counting(a in smooth_sample(), b in smooth_sample()) {
            let distance = ks_two_sample(&a, &b).unwrap();
            prop_assert!((distance - reference(&a, &b)).abs() <= ROUNDING);
            prop_assert_eq!(Some(distance), ks_two_sample(&b, &a));
        }
    }
}
