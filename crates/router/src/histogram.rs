//! Equal-width histograms of confidences: the bins of the draw, the reference of the drift monitor.

use serde::{Deserialize, Serialize};

use crate::confidence::Confidence;

/// Counts of confidences in equal-width bins over [0, 1], and of missing ones.
///
/// Bin i of n holds `edge(i) <= c < edge(i + 1)` with `edge(i) = i / n`; the last bin holds 1 too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Histogram {
    /// Rows per bin, from the least confident.
    pub counts: Vec<u64>,
    /// Rows without a confidence.
    pub missing: u64,
}

/// The lower edge of bin `index` of `bins`.
pub fn bin_edge(index: usize, bins: usize) -> f64 {
    index as f64 / bins as f64
}

/// The bin of a confidence; decided by [`bin_edge`] alone, so that it never depends on how a
/// product is rounded.
///
/// ```
/// use plimsoll_router::{histogram::bin_of, Confidence};
/// assert_eq!(bin_of(Confidence::new(0.0)?, 30), 0);
/// assert_eq!(bin_of(Confidence::new(0.1)?, 30), 3); // 3/30 rounds to the double 0.1
/// assert_eq!(bin_of(Confidence::new(1.0)?, 30), 29);
/// # Ok::<(), plimsoll_router::Error>(())
/// ```
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a confidence is in [0, 1]")]
pub fn bin_of(confidence: Confidence, bins: usize) -> usize {
    let c = confidence.get();
    let mut index = ((c * bins as f64) as usize).min(bins.saturating_sub(1));
    if c < bin_edge(index, bins) {
        index -= 1;
    } else if index + 1 < bins && c >= bin_edge(index + 1, bins) {
        index += 1;
    }
    index
}

impl Histogram {
    /// An empty histogram.
    pub fn new(bins: usize) -> Self {
        Self::from_counts(vec![0; bins], 0)
    }

    /// A histogram of rows that were counted elsewhere: per bin, and without a confidence.
    pub const fn from_counts(counts: Vec<u64>, missing: u64) -> Self {
        Self { counts, missing }
    }

    /// Forgets all rows and keeps the bins.
    pub(crate) fn clear(&mut self) {
        self.counts.fill(0);
        self.missing = 0;
    }

    /// Counts one observation.
    pub fn add(&mut self, confidence: Option<Confidence>) {
        match confidence {
            None => self.missing += 1,
            Some(c) => {
                let index = bin_of(c, self.counts.len());
                if let Some(count) = self.counts.get_mut(index) {
                    *count += 1;
                }
            }
        }
    }

    /// Rows that have a confidence.
    pub fn scored(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All rows.
    pub fn total(&self) -> u64 {
        self.scored() + self.missing
    }

    /// Population stability index of the scored rows against a reference with the same bins.
    ///
    /// # Formula
    /// sum over bins of (q - p) ln(q / p), p and q = (count + 0.5) / (n + 0.5 * bins) of reference
    /// and of `self` (with 30 bins: (count + 0.5) / (n + 15)), so that an empty bin is finite.
    pub fn psi(&self, reference: &Self) -> f64 {
        let share = |histogram: &Self| {
            let denominator = histogram.scored() as f64 + 0.5 * histogram.counts.len() as f64;
            move |count: &u64| (*count as f64 + 0.5) / denominator
        };
        let (share_q, share_p) = (share(self), share(reference));
        self.counts
            .iter()
            .map(share_q)
            .zip(reference.counts.iter().map(share_p))
            .map(|(q, p)| (q - p) * (q / p).ln())
            .sum()
    }

    /// Kolmogorov-Smirnov distance of the scored rows on the bin edges (a lower bound of the
    /// distance of the unbinned distributions); 0 if either side has no scored row.
    ///
    /// # Formula
    /// max over bin edges of |F(edge) - G(edge)|.
    pub fn ks(&self, reference: &Self) -> f64 {
        let (n, m) = (self.scored() as f64, reference.scored() as f64);
        if n == 0.0 || m == 0.0 {
            return 0.0;
        }
        let (mut below, mut below_reference, mut max) = (0u64, 0u64, 0.0f64);
        for (count, count_reference) in self.counts.iter().zip(&reference.counts) {
            below += count;
            below_reference += count_reference;
            max = max.max((below as f64 / n - below_reference as f64 / m).abs());
        }
        max
    }

    /// Share of rows without a confidence; 0 without rows.
    pub fn missing_share(&self) -> f64 {
        if self.total() == 0 {
            0.0
        } else {
            self.missing as f64 / self.total() as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn psi_and_ks_by_hand() {
        let p = Histogram { counts: vec![8, 2], missing: 0 };
        let q = Histogram { counts: vec![2, 8], missing: 5 };
        let (a, b) = (2.5f64 / 11.0, 8.5f64 / 11.0);
        let expected = (a - b) * (a / b).ln() + (b - a) * (b / a).ln();
        /// Rounding of two terms.
        const ROUNDING: f64 = 1e-15;
        assert!((q.psi(&p) - expected).abs() < ROUNDING);
        assert!((q.ks(&p) - 0.6).abs() < ROUNDING);
        assert!((q.missing_share() - 1.0 / 3.0).abs() < ROUNDING);
        assert_eq!(Histogram::new(3).ks(&p), 0.0);
    }

    proptest! {
        #[test]
        fn a_confidence_lies_between_its_edges(c in 0.0f64..=1.0, bins in 1usize..200) {
            let index = bin_of(Confidence::new(c).unwrap(), bins);
            prop_assert!(index < bins);
            prop_assert!(bin_edge(index, bins) <= c);
            prop_assert!(index + 1 == bins || c < bin_edge(index + 1, bins));
        }

        #[test]
        fn every_edge_opens_its_own_bin(bins in 1usize..500, pick in 0usize..500) {
            let index = pick % bins;
            let edge = Confidence::new(bin_edge(index, bins)).unwrap();
            prop_assert_eq!(bin_of(edge, bins), index);
        }
    }
}
