//! Exploration: now and then the route is chosen by a coin, so that a log can be fitted anew.
//!
//! A log in which the threshold alone decides says nothing of other thresholds: below it no answer of the SLM was
//! ever shown, and so none was labelled; above it none of the LLM. With a share of questions whose route is a coin's,
//! every decision has a known probability, its *propensity*, by which a fit weighs it.

use crate::decision::{DecisionRecord, Reason, Route};
use crate::error::Error;

/// The share of questions whose route is chosen by a fair coin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exploration {
    share: f64,
}

impl Exploration {
    /// A share in [0, 1]; 0.02 to 0.1 is usual. Of these questions, half take the other route than the threshold's.
    ///
    /// # Errors
    /// [`Error::Exploration`] for any other number.
    pub fn new(share: f64) -> Result<Self, Error> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self { share })
        } else {
            Err(Error::Exploration { share })
        }
    }

    /// The share.
    pub const fn share(self) -> f64 {
        self.share
    }

    /// A decision with its propensity, and with the other route where the coin says so. `u` is drawn uniformly from
    /// [0, 1), anew for each question, by a generator that clients cannot foresee.
    ///
    /// Where there is no confidence there may be no answer to keep: such a question is deferred, with propensity 1.
    ///
    /// # Formula
    /// The other route is taken iff u < share / 2, and has the propensity share / 2; the threshold's route has
    /// 1 - share / 2.
    #[must_use]
    pub fn explore(self, decided: DecisionRecord, u: f64) -> DecisionRecord {
        let mut record = decided;
        if record.confidence.is_none() {
            record.propensity = Some(1.0);
            return record;
        }
        let other = self.share / 2.0;
        if u < other {
            record.route = match record.route {
                Route::Slm => Route::Llm,
                Route::Llm => Route::Slm,
            };
            record.reason = Reason::Explored;
            record.propensity = Some(other);
        } else {
            record.propensity = Some(1.0 - other);
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::conformance::example_thresholds;
    use crate::{Confidence, Router};

    fn router() -> Router {
        let target = "routing_ratio=0.3".parse().unwrap();
        Router::without_device_check(&example_thresholds(), "perplexity", &target).unwrap()
    }

    #[test]
    fn a_share_is_in_0_to_1() {
        for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Exploration::new(share).is_err(), "{share}");
        }
        let router = router();
        let confidence = Some(Confidence::new(0.9).unwrap());
        let never = Exploration::new(0.0).unwrap().explore(router.record(confidence), 0.0);
        assert_eq!((never.reason, never.propensity), (Reason::AtOrAbove, Some(1.0)));
        let missing = Exploration::new(1.0).unwrap().explore(router.record(None), 0.0);
        assert_eq!(
            (missing.route, missing.reason, missing.propensity),
            (Route::Llm, Reason::Missing, Some(1.0))
        );
        let no_number = Exploration::new(0.5).unwrap().explore(router.record(confidence), f64::NAN);
        assert_eq!((no_number.route, no_number.propensity), (Route::Slm, Some(0.75)));
    }

    #[test]
    fn a_coin_takes_the_other_route() {
        let (router, exploration) = (router(), Exploration::new(0.1).unwrap());
        let confidence = Some(Confidence::new(0.99).unwrap());
        let usual = exploration.explore(router.record(confidence), 0.7);
        assert_eq!(
            (usual.route, usual.reason, usual.propensity),
            (Route::Slm, Reason::AtOrAbove, Some(0.95))
        );
        let explored = exploration.explore(router.record(confidence), 0.03);
        assert_eq!((explored.route, explored.reason), (Route::Llm, Reason::Explored));
        assert_eq!(explored.propensity, Some(0.05));
    }

    proptest! {
        /// Over u, each route is taken as often as its propensity says, and weights 1 / propensity sum to one a question.
        #[test]
        fn propensities_are_the_shares_of_the_routes(share in 0.0f64..=1.0, c in 0.0f64..=1.0) {
            const DRAWS: u32 = 2000;
            /// The grid of u misses the coin's edge by at most one draw.
            const GRID_ERROR: f64 = 1.0 / DRAWS as f64;
            let (router, exploration) = (router(), Exploration::new(share).unwrap());
            let decided = router.record(Some(Confidence::new(c).unwrap()));
            for route in [Route::Slm, Route::Llm] {
                let taken: Vec<f64> = (0..DRAWS)
                    .map(|draw| exploration.explore(decided.clone(), f64::from(draw) / f64::from(DRAWS)))
                    .filter(|record| record.route == route)
                    .filter_map(|record| record.propensity)
                    .collect();
                let frequency = taken.len() as f64 / f64::from(DRAWS);
                for propensity in &taken {
                    prop_assert!((propensity - frequency).abs() <= GRID_ERROR);
                }
            }
        }
    }
}
