//! Routing curves with their baselines, and their areas.

use plimsoll_core::records::{CurveAreaRow, CurveRow};
use plimsoll_fit::Prepared;

use crate::Judging;

/// Curves of one series.
#[derive(Debug, Clone, Default)]
pub struct SeriesCurves {
    /// 101 points per dataset and for the pool.
    pub curves: Vec<CurveRow>,
    /// One row per dataset and for the pool.
    pub areas: Vec<CurveAreaRow>,
}

/// The routing curves of a series.
pub fn curves(prepared: &Prepared<'_>, judging: &Judging) -> SeriesCurves {
    let _ = (prepared, judging);
    SeriesCurves::default()
}
