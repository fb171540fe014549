//! Quantiles of a sorted sample, in the two definitions that are used here (numbers as in Hyndman
//! and Fan 1996).

/// The linearly interpolated quantile (type 7, numpy's default); `None` for an empty sample or a
/// `p` outside [0, 1].
///
/// The sample is in ascending order and free of NaN; the unit is that of the sample.
///
/// # Formula
/// h = (n - 1) p; x\_j + (h - j) (x\_{j+1} - x\_j) with j = floor(h), counted from 0.
///
/// ```
/// use plimsoll_fit::quantile::quantile_linear;
/// let sorted = [1.0, 2.0, 4.0, 8.0];
/// assert_eq!(quantile_linear(&sorted, 0.5), Some(3.0)); // h = 1.5, halfway from 2 to 4
/// assert_eq!(quantile_linear(&sorted, 1.0), Some(8.0));
/// assert_eq!(quantile_linear(&[], 0.5), None);
/// ```
pub fn quantile_linear(sorted: &[f64], p: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&p) {
        return None;
    }
    let position = sorted.len().checked_sub(1)? as f64 * p;
    let below = floor_to_index(position);
    let low = *sorted.get(below)?;
    let high = *sorted.get(below + 1).unwrap_or(&low);
    let part = position - below as f64;
    // From the nearer end, so that the result is never outside [low, high].
    Some(if part < 0.5 { low + (high - low) * part } else { high - (high - low) * (1.0 - part) })
}

/// The lower quantile (type 1): the smallest value x of the sample with F(x) >= `p`; `None` for an
/// empty sample or a `p` outside [0, 1].
///
/// Always a value of the sample, which is in ascending order and free of NaN.
///
/// # Formula
/// min { x\_i : i/n >= p }, i counted from 1; the inverse of the empirical distribution function,
/// compared as `f64` numbers i/n, so that p = 7/100 of 100 values is the 7th and never the 8th.
///
/// ```
/// use plimsoll_fit::quantile::quantile_lower;
/// let sorted = [1.0, 2.0, 4.0, 8.0];
/// assert_eq!(quantile_lower(&sorted, 0.5), Some(2.0)); // F(2) = 1/2
/// assert_eq!(quantile_lower(&sorted, 0.51), Some(4.0));
/// assert_eq!(quantile_lower(&sorted, 0.0), Some(1.0));
/// ```
pub fn quantile_lower(sorted: &[f64], p: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&p) {
        return None;
    }
    let count = sorted.len() as f64;
    let reaches = |rank: usize| rank as f64 / count >= p;
    // n p is off by rounding at most, so the rank is one of three.
    let first = floor_to_index(count * p).saturating_sub(1).max(1);
    let rank = (first..=first + 2).find(|rank| reaches(*rank))?;
    sorted.get(rank - 1).copied()
}

/// The integer part of a position in a slice.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positions are at least 0 and at most the length of a slice"
)]
fn floor_to_index(position: f64) -> usize {
    position as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-5i16..5, 1..60).prop_map(|mut values| {
            values.sort_unstable();
            values.into_iter().map(f64::from).collect()
        })
    }

    #[test]
    fn refuses_what_is_not_a_probability() {
        for p in [-0.1, 1.1, f64::NAN] {
            assert_eq!(quantile_linear(&[1.0], p), None, "{p}");
            assert_eq!(quantile_lower(&[1.0], p), None, "{p}");
        }
        assert_eq!(quantile_lower(&[], 0.5), None);
    }

    #[test]
    fn one_value_is_every_quantile() {
        for p in [0.0, 0.3, 1.0] {
            assert_eq!(quantile_linear(&[0.7], p), Some(0.7));
            assert_eq!(quantile_lower(&[0.7], p), Some(0.7));
        }
    }

    #[test]
    fn lower_finds_every_rank_from_its_own_share() {
        for count in [1u16, 2, 3, 49, 100, 999] {
            let sorted: Vec<f64> = (1..=count).map(f64::from).collect();
            for rank in 1..=count {
                let p = f64::from(rank) / f64::from(count);
                assert_eq!(quantile_lower(&sorted, p), Some(f64::from(rank)), "{rank}/{count}");
            }
        }
    }

    proptest! {
        #[test]
        fn lower_is_the_definition(sorted in sample(), p in 0.0f64..=1.0) {
            let share = |x: f64| sorted.iter().filter(|v| **v <= x).count() as f64 / sorted.len() as f64;
            let expected = sorted.iter().copied().find(|x| share(*x) >= p);
            prop_assert_eq!(quantile_lower(&sorted, p), expected);
        }

        #[test]
        fn linear_is_monotone_and_inside(sorted in sample(), p in 0.0f64..=1.0, q in 0.0f64..=1.0) {
            /// Rounding of one interpolation between values of size 5.
            const ROUNDING: f64 = 1e-14;
            let low = quantile_linear(&sorted, p.min(q)).unwrap();
            let high = quantile_linear(&sorted, p.max(q)).unwrap();
            prop_assert!(low <= high + ROUNDING);
            prop_assert!(sorted[0] <= low && high <= sorted[sorted.len() - 1]);
        }
    }
}
