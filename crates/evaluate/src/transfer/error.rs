//! What stops a transfer.

/// Why a series cannot be evaluated on a split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// Scores that must be cross-fitted for each split, and were not for this one.
    #[error("`{slm}`, method `{method}`: no cross-fitted scores for holding out {by} `{held_out}`")]
    NotCrossFitted {
        /// Id of the small model.
        slm: String,
        /// Id of the method.
        method: String,
        /// What is held out.
        by: &'static str,
        /// Its name.
        held_out: String,
    },
    /// Scores of a split that are not of the same rows.
    #[error(
        "`{slm}`, method `{method}`: the scores for holding out {by} `{held_out}` differ from the series in more than \
         confidences"
    )]
    OtherRows {
        /// Id of the small model.
        slm: String,
        /// Id of the method.
        method: String,
        /// What is held out.
        by: &'static str,
        /// Its name.
        held_out: String,
    },
}
