//! Errors of the suite.

/// Why the suite cannot give what was requested.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// A dataset that the suite does not have.
    #[error("the suite has no dataset `{id}`")]
    NoDataset {
        /// What was asked for.
        id: String,
    },
    /// A split that the datasets do not have.
    #[error("dataset `{dataset}` has no split `{split}`, only test and validation")]
    NoSplit {
        /// Id of the dataset.
        dataset: String,
        /// What was asked for.
        split: String,
    },
    /// An invalid parameter of a mixture.
    #[error("{what} is {value}, not {expected}")]
    Mixture {
        /// Which parameter.
        what: &'static str,
        /// What it is.
        value: f64,
        /// What it should be.
        expected: &'static str,
    },
    /// A question that the reader of rows refuses.
    #[error("an item of dataset `{dataset}` gives no question")]
    NoQuestion {
        /// Id of the dataset.
        dataset: String,
        /// Why not.
        #[source]
        source: plimsoll_ingest::RejectReason,
    },
}
