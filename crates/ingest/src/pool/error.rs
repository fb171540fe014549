//! Why no pool can be made.

/// Why no pool can be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A question that stands in two entries, or twice in one.
    #[error("question `{id}` stands twice in the pool")]
    RepeatedQuestion {
        /// Its id.
        id: String,
    },
    /// Shares that are none.
    #[error("{what} is {value}, not {expected}")]
    Share {
        /// Which share.
        what: &'static str,
        /// What it is.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// A stratum that the dataset has not.
    #[error("dataset `{dataset}` has no {by} to sample by")]
    NoStratum {
        /// Id of the dataset.
        dataset: String,
        /// What was to be sampled by.
        by: &'static str,
    },
}
