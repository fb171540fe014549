//! What can be wrong with what the suite is asked for.

/// Why the suite gives nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// A dataset that the suite has not.
    #[error("the suite has no dataset `{id}`")]
    NoDataset {
        /// What was asked for.
        id: String,
    },
    /// A split that the datasets have not.
    #[error("dataset `{dataset}` has no split `{split}`, only test and validation")]
    NoSplit {
        /// The dataset.
        dataset: String,
        /// What was asked for.
        split: String,
    },
    /// A parameter of a mixture that is none.
    #[error("{what} is {value}, not {due}")]
    Mixture {
        /// Which parameter.
        what: &'static str,
        /// What it is.
        value: f64,
        /// What it should be.
        due: &'static str,
    },
    /// A question that the reader of rows refuses.
    #[error("an item of dataset `{dataset}` gives no question")]
    NoQuestion {
        /// The dataset.
        dataset: String,
        /// Why not.
        #[source]
        source: plimsoll_ingest::RejectReason,
    },
}
