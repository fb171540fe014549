//! Results as text for people, and as rows for scripts.

pub(crate) mod estimate;
pub(crate) mod evaluation;
pub(crate) mod operating_points;
pub(crate) mod overview;
pub(crate) mod stages;
pub(crate) mod transfer;
