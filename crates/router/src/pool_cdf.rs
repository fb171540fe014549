//! The pool scale: where a confidence stands among those of the calibration pool.
//!
//! On the pool the scale is uniform, so a step of 0.01 is a point of routing ratio, whatever the method: a
//! controller that moves a threshold in equal steps needs that.

use serde::{Deserialize, Serialize};

use crate::confidence::Confidence;
use crate::error::Error;

/// The cumulative distribution of a pool's confidences, at knots; values that many rows share are atoms, which
/// take an interval of the scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Fields", into = "Fields")]
pub struct PoolCdf(Fields);

/// As it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "PoolCdf"))]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Confidences of the knots, strictly increasing from 0 to 1.
    v: Vec<f64>,
    /// Share of the scored pool below each knot, as far as the scale says; strictly increasing between knots.
    low: Vec<f64>,
    /// Share at or below each knot; above `low` where many rows share the confidence.
    high: Vec<f64>,
    /// Share of the pool without a confidence, in [0, 1].
    missing: f64,
}

impl PoolCdf {
    /// A distribution at knots: `v` from 0 to 1, and the shares of the scored pool below, and at or below, each.
    /// `missing` is the share of the pool without a confidence.
    ///
    /// # Errors
    /// [`Error::PoolCdf`] unless there are at least two knots, as many shares of each kind, `v` rises strictly
    /// from 0 to 1, `low[0] <= high[0] < low[1] <= high[1] < ..` in [0, 1], and `missing` is in [0, 1].
    pub fn new(v: Vec<f64>, low: Vec<f64>, high: Vec<f64>, missing: f64) -> Result<Self, Error> {
        Self::try_from(Fields { v, low, high, missing })
    }

    /// The position of a confidence on the scale, in [0, 1]; rises with the confidence, and within an atom with `u`.
    /// `u` in [0, 1) comes from the request ([`TieSeed::uniform`](crate::TieSeed::uniform)).
    ///
    /// # Formula
    /// `low_j + u (high_j - low_j)` at knot j; between knots j and j + 1 the line from `high_j` to `low_(j+1)`.
    pub fn z(&self, confidence: Confidence, u: f64) -> f64 {
        let (c, Fields { v, low, high, .. }) = (confidence.get(), &self.0);
        let above = v.partition_point(|knot| *knot <= c);
        let at = |values: &[f64], index: usize| values.get(index).copied().unwrap_or(1.0);
        // The first knot is 0, so there is one at or below every confidence.
        let below = above.saturating_sub(1);
        let (v_below, low_below, high_below) = (at(v, below), at(low, below), at(high, below));
        if c <= v_below {
            return low_below + u * (high_below - low_below);
        }
        let share = (c - v_below) / (at(v, above) - v_below);
        high_below + share * (at(low, above) - high_below)
    }

    /// The position on the scale at which a fixed threshold has this routing ratio on the pool: missing
    /// confidences are deferred first, and the rest by the scale.
    ///
    /// # Formula
    /// (ratio - missing) / (1 - missing), clamped to [0, 1]; 1 if every confidence is missing.
    pub fn level(&self, ratio: f64) -> f64 {
        let scored = 1.0 - self.0.missing;
        if scored <= 0.0 {
            1.0
        } else {
            ((ratio - self.0.missing) / scored).clamp(0.0, 1.0)
        }
    }

    /// The confidence at a position on the scale: the largest whose lowest position is at or below it.
    ///
    /// # Formula
    /// The inverse of [`PoolCdf::z`] at u = 0; inside an atom the atom's confidence.
    pub fn confidence_at(&self, z: f64) -> f64 {
        let Fields { v, low, high, .. } = &self.0;
        let at = |values: &[f64], index: usize| values.get(index).copied().unwrap_or(1.0);
        let Some(below) = low.partition_point(|low| *low <= z).checked_sub(1) else { return 0.0 };
        let (v_below, high_below) = (at(v, below), at(high, below));
        if z <= high_below || below + 1 >= v.len() {
            return v_below;
        }
        let share = (z - high_below) / (at(low, below + 1) - high_below);
        (v_below + share * (at(v, below + 1) - v_below)).clamp(0.0, 1.0)
    }

    /// Share of the pool without a confidence.
    pub const fn missing(&self) -> f64 {
        self.0.missing
    }

    /// The knots, as (confidence, share below, share at or below).
    pub fn knots(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        self.0.v.iter().zip(&self.0.low).zip(&self.0.high).map(|((v, low), high)| (*v, *low, *high))
    }
}

impl From<PoolCdf> for Fields {
    fn from(cdf: PoolCdf) -> Self {
        cdf.0
    }
}

impl TryFrom<Fields> for PoolCdf {
    type Error = Error;

    fn try_from(fields: Fields) -> Result<Self, Error> {
        match problem(&fields) {
            Some(problem) => Err(Error::PoolCdf { problem }),
            None => Ok(Self(fields)),
        }
    }
}

fn problem(fields: &Fields) -> Option<&'static str> {
    let Fields { v, low, high, missing } = fields;
    let rises = |values: &[f64]| values.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    let shares: Vec<(f64, f64)> = low.iter().copied().zip(high.iter().copied()).collect();
    let apart = shares.windows(2).all(|pair| matches!(pair, [(_, high), (low, _)] if high < low));
    if v.len() < 2 || v.len() != low.len() || v.len() != high.len() {
        Some("needs at least two knots, and as many shares below and at or below as knots")
    } else if v.first() != Some(&0.0) || v.last() != Some(&1.0) || !rises(v) {
        Some("needs knots that rise strictly from 0 to 1")
    } else if !shares.iter().all(|(low, high)| (0.0..=1.0).contains(low) && low <= high && *high <= 1.0)
        || !apart
    {
        Some("needs shares in [0, 1] that rise from each knot to the next")
    } else if !(0.0..=1.0).contains(missing) {
        Some("needs a missing share in [0, 1]")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cdf() -> PoolCdf {
        PoolCdf::new(vec![0.0, 0.5, 0.8, 1.0], vec![0.0, 0.2, 0.6, 0.9], vec![0.0, 0.4, 0.6, 1.0], 0.2)
            .unwrap()
    }

    fn z(c: f64, u: f64) -> f64 {
        cdf().z(Confidence::new(c).unwrap(), u)
    }

    /// Rounding of a line between knots.
    const ROUNDING: f64 = 1e-15;

    #[test]
    fn by_hand() {
        for (c, u, expected) in [
            (0.0, 0.7, 0.0),
            (0.25, 0.7, 0.1),
            (0.5, 0.0, 0.2),
            (0.5, 0.5, 0.3),
            (0.65, 0.9, 0.5),
            (0.8, 0.3, 0.6),
            (0.9, 0.0, 0.75),
            (1.0, 0.0, 0.9),
            (1.0, 0.5, 0.95),
        ] {
            assert!((z(c, u) - expected).abs() < ROUNDING, "{c} {u}: {}", z(c, u));
        }
        assert!((cdf().level(0.6) - 0.5).abs() < ROUNDING);
        assert_eq!((cdf().level(0.1), cdf().level(1.0)), (0.0, 1.0));
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        let good = || Fields { v: vec![0.0, 1.0], low: vec![0.0, 0.9], high: vec![0.1, 1.0], missing: 0.0 };
        let refused = |change: &dyn Fn(&mut Fields)| {
            let mut fields = good();
            change(&mut fields);
            PoolCdf::try_from(fields).unwrap_err().to_string()
        };
        assert!(PoolCdf::try_from(good()).is_ok());
        assert!(refused(&|fields| fields.v.clear()).contains("two knots"));
        assert!(refused(&|fields| fields.high.clear()).contains("two knots"));
        assert!(refused(&|fields| fields.v[1] = 0.0).contains("rise strictly"));
        assert!(refused(&|fields| fields.v[1] = f64::NAN).contains("rise strictly"));
        assert!(refused(&|fields| fields.v[1] = 2.0).contains("rise strictly"));
        assert!(refused(&|fields| fields.high[0] = 0.9).contains("from each knot to the next"));
        assert!(refused(&|fields| fields.low[0] = f64::NAN).contains("shares in [0, 1]"));
        assert!(refused(&|fields| fields.high[1] = 1.5).contains("shares in [0, 1]"));
        assert!(refused(&|fields| fields.low[1] = 1.2).contains("shares in [0, 1]"));
        assert!(refused(&|fields| fields.missing = -0.1).contains("missing share"));
        assert!(refused(&|fields| fields.missing = f64::NAN).contains("missing share"));
    }

    #[test]
    fn it_reads_back_and_bad_json_is_refused() {
        let text = serde_json::to_string(&cdf()).unwrap();
        assert_eq!(serde_json::from_str::<PoolCdf>(&text).unwrap(), cdf());
        for bad in ["{}", "[]", r#"{"v":[0,1],"low":[0,0.9],"high":[0.95,1],"missing":0}"#, "null"] {
            assert!(serde_json::from_str::<PoolCdf>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_inverse_finds_the_confidence(z in 0.0f64..=1.0, c in 0.0f64..=1.0) {
            let found = Confidence::new(cdf().confidence_at(z)).unwrap();
            // Its lowest and highest positions enclose z.
            prop_assert!(cdf().z(found, 0.0) <= z + 1e-12 && z <= cdf().z(found, 1.0) + 1e-12);
            let position = cdf().z(Confidence::new(c).unwrap(), 0.0);
            prop_assert!((cdf().confidence_at(position) - c).abs() < 1e-12);
        }

        #[test]
        fn the_scale_rises(a in 0.0f64..=1.0, b in 0.0f64..=1.0, u in 0.0f64..1.0, w in 0.0f64..1.0) {
            prop_assert!((0.0..=1.0).contains(&z(a, u)));
            if a < b {
                prop_assert!(z(a, u) < z(b, w) || (a - b).abs() < 1e-14);
            } else if a == b && u < w {
                prop_assert!(z(a, u) <= z(b, w));
            }
        }
    }
}
