//! The side of the suite that an item belongs to: training, validation or test. An item has a key: what must not be seen in training
//! if the item is asked in an evaluation (a fact in the words of one template, a pair of operands, a
//! passage with its question). The side is a hash of the key, so that no lists are kept and all
//! stages agree.

use plimsoll_core::seed::key_of;

use super::SEED;

/// Share of the keys that are asked in evaluations.
const TEST: f64 = 0.22;
/// Share of the keys for choices made before that.
const VALIDATION: f64 = 0.06;

/// Which split an item may appear in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SuiteSide {
    /// Whatever models are trained on, in any stage.
    Training,
    /// What gates and choices of the trainer are measured on.
    Validation,
    /// What is asked in calibration and evaluation.
    Test,
}

impl SuiteSide {
    /// The side of a key.
    ///
    /// # Formula
    /// u = XXH3-64(key, seeded with the suite's seed) / 2^64; test if u < 0.22, validation if u < 0.28.
    pub(crate) fn from_key(key: &str) -> Self {
        /// 2^53, the doubles between 0 and 1 that are equally far apart.
        const STEPS: f64 = 9_007_199_254_740_992.0;
        let u = (key_of(SEED, key) >> 11) as f64 / STEPS;
        if u < TEST {
            Self::Test
        } else if u < TEST + VALIDATION {
            Self::Validation
        } else {
            Self::Training
        }
    }

    /// The name of the split.
    pub(crate) fn split(self) -> &'static str {
        match self {
            Self::Training => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}
