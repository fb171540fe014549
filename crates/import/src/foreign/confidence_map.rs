//! Decreasing maps from uncertainties to confidences. None looks at the other values: a device has one answer, and a
//! rank among the calibration set is nothing that it could compute.

/// A decreasing map from an uncertainty u to a confidence in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfidenceMap {
    /// exp(-u), for u >= 0: what a mean negative log-likelihood was made of.
    ExpNeg,
    /// 1 - u, for u in [0, 1].
    OneMinus,
    /// 1 / (1 + u), for u >= 0.
    Reciprocal,
    /// 1 / (1 + exp(u)), for any finite u.
    SigmoidNeg,
}

impl ConfidenceMap {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::ExpNeg, Self::OneMinus, Self::Reciprocal, Self::SigmoidNeg];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExpNeg => "exp_neg",
            Self::OneMinus => "one_minus",
            Self::Reciprocal => "reciprocal",
            Self::SigmoidNeg => "sigmoid_neg",
        }
    }

    /// The map of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|map| map.name() == name)
    }

    /// Its formula.
    pub const fn formula(self) -> &'static str {
        match self {
            Self::ExpNeg => "exp(-u)",
            Self::OneMinus => "1 - u",
            Self::Reciprocal => "1 / (1 + u)",
            Self::SigmoidNeg => "1 / (1 + exp(u))",
        }
    }

    /// For which uncertainties it is.
    pub const fn domain(self) -> &'static str {
        match self {
            Self::ExpNeg | Self::Reciprocal => "u >= 0",
            Self::OneMinus => "u in [0, 1]",
            Self::SigmoidNeg => "any finite u",
        }
    }

    /// The confidence; `None` for an uncertainty that the map is not for.
    pub fn confidence(self, uncertainty: f64) -> Option<f64> {
        let is_in_domain = match self {
            Self::ExpNeg | Self::Reciprocal => uncertainty >= 0.0,
            Self::OneMinus => (0.0..=1.0).contains(&uncertainty),
            Self::SigmoidNeg => true,
        };
        if !is_in_domain || !uncertainty.is_finite() {
            return None;
        }
        Some(match self {
            Self::ExpNeg => (-uncertainty).exp(),
            Self::OneMinus => 1.0 - uncertainty,
            Self::Reciprocal => 1.0 / (1.0 + uncertainty),
            Self::SigmoidNeg => 1.0 / (1.0 + uncertainty.exp()),
        })
    }

    /// The maps for a message: name, formula, domain.
    pub fn list() -> String {
        let one = |map: Self| format!("{} = {} for {}", map.name(), map.formula(), map.domain());
        Self::ALL.map(one).join("; ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_by_hand() {
        let half = std::f64::consts::LN_2;
        assert_eq!(ConfidenceMap::ExpNeg.confidence(half), Some(0.5));
        assert_eq!(ConfidenceMap::OneMinus.confidence(0.25), Some(0.75));
        assert_eq!(ConfidenceMap::Reciprocal.confidence(3.0), Some(0.25));
        assert_eq!(ConfidenceMap::SigmoidNeg.confidence(0.0), Some(0.5));
        assert_eq!(ConfidenceMap::SigmoidNeg.confidence(1000.0), Some(0.0));
    }

    #[test]
    fn what_a_map_is_not_for() {
        for map in ConfidenceMap::ALL {
            assert_eq!(ConfidenceMap::from_name(map.name()), Some(map));
            for uncertainty in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert_eq!(map.confidence(uncertainty), None, "{map:?}");
            }
        }
        assert_eq!(ConfidenceMap::ExpNeg.confidence(-0.1), None);
        assert_eq!(ConfidenceMap::OneMinus.confidence(1.1), None);
        assert_eq!(ConfidenceMap::Reciprocal.confidence(-0.1), None);
    }

    proptest! {
        #[test]
        fn more_uncertainty_is_never_more_confidence(a in -800.0..800.0, b in -800.0..800.0) {
            for map in ConfidenceMap::ALL {
                if let (Some(x), Some(y)) = (map.confidence(a), map.confidence(b)) {
                    prop_assert!((0.0..=1.0).contains(&x));
                    let is_descending = if a < b { x >= y } else { x <= y };
                    prop_assert!(is_descending, "{} {}", a, b);
                }
            }
        }
    }
}
