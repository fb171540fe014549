//! Alignment: does a confidence rank the SLM's right answers first?

use plimsoll_core::records::{AlignmentRow, MapMetricRow};
use plimsoll_fit::Prepared;
use plimsoll_router::thresholds::Method;

use crate::Judging;

/// Alignment of one series.
#[derive(Debug, Clone, Default)]
pub struct SeriesAlignment {
    /// Per dataset, then the pool (`*`), then `macro`.
    pub alignment: Vec<AlignmentRow>,
    /// Per dataset and pool, map and scheme.
    pub map_metrics: Vec<MapMetricRow>,
}

/// Judges a series. With `file`, the mapped metrics are those of the file's own maps; without, of
/// maps fitted out of fold.
pub fn alignment(prepared: &Prepared<'_>, file: Option<&Method>, judging: &Judging) -> SeriesAlignment {
    let _ = (prepared, file, judging);
    SeriesAlignment::default()
}
