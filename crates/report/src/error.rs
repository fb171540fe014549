//! What can go wrong with a report.

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The plotting library refused to draw a figure.
    #[error("cannot draw figure `{figure}`: {problem}")]
    Draw {
        /// Title of the figure or of its panel.
        figure: String,
        /// What the library says; its errors carry types of its own.
        problem: String,
    },
    /// The data of the explorer cannot be written.
    #[error("cannot write the data of the report's first screen")]
    Data(#[from] serde_json::Error),
}
