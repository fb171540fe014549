//! # plimsoll-report
//!
//! Figures, the HTML report and the dataset card of an output folder.
