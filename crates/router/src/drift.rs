//! A streaming drift monitor: does the device still see confidences like the pool's?
//!
//! Decisions are counted in windows of a fixed length that do not overlap; at the end of each, the
//! window is compared with the file's reference histogram. The alarm levels were calibrated by
//! drawing windows of that length from the pool itself. Drift of the confidences does not prove
//! that the risk has changed, and the risk can change without it: an alarm asks for an audit.

use serde::Serialize;

use crate::confidence::Confidence;
use crate::histogram::Histogram;
use crate::thresholds::{DriftLevels, Method};

/// Counts decisions and reports once per window. Holds one histogram, however long it runs.
#[derive(Debug, Clone)]
pub struct Monitor<'a> {
    reference: &'a Histogram,
    levels: DriftLevels,
    window: Histogram,
    windows: u64,
}

/// What a full window looked like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WindowReport {
    /// Number of the window, from 0.
    pub window: u64,
    /// PSI against the reference.
    pub psi: f64,
    /// KS distance on the bin edges.
    pub ks: f64,
    /// Share of decisions without a confidence.
    pub missing_share: f64,
    /// Whether PSI exceeds its level.
    pub psi_alarm: bool,
    /// Whether KS exceeds its level.
    pub ks_alarm: bool,
    /// Whether the missing share exceeds its level.
    pub missing_alarm: bool,
}

impl WindowReport {
    /// Compares a full window with a reference.
    pub fn of(number: u64, window: &Histogram, reference: &Histogram, levels: &DriftLevels) -> Self {
        let (psi, ks, missing_share) = (window.psi(reference), window.ks(reference), window.missing_share());
        Self {
            window: number,
            psi,
            ks,
            missing_share,
            psi_alarm: psi > levels.psi,
            ks_alarm: ks > levels.ks,
            missing_alarm: missing_share > levels.missing_share,
        }
    }

    /// Whether any level is exceeded.
    pub const fn alarm(&self) -> bool {
        self.psi_alarm || self.ks_alarm || self.missing_alarm
    }
}

impl<'a> Monitor<'a> {
    /// A monitor for a method; `None` if the file holds no alarm levels for it.
    pub fn new(method: &'a Method) -> Option<Self> {
        let levels = method.drift?;
        let window = Histogram::new(method.reference.counts.len());
        Some(Self { reference: &method.reference, levels, window, windows: 0 })
    }

    /// Counts a decision; reports when it fills a window.
    pub fn observe(&mut self, confidence: Option<Confidence>) -> Option<WindowReport> {
        self.window.add(confidence);
        if self.window.total() < u64::from(self.levels.window) {
            return None;
        }
        let report = WindowReport::of(self.windows, &self.window, self.reference, &self.levels);
        self.windows += 1;
        self.window = Histogram::new(self.reference.counts.len());
        Some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::example_thresholds;

    #[test]
    fn windows_do_not_overlap_and_drift_is_seen() {
        let thresholds = example_thresholds();
        let method = &thresholds.methods[0];
        let mut monitor = Monitor::new(method).unwrap();
        let window = u64::from(method.drift.unwrap().window);
        let mut reports = Vec::new();
        for index in 0..3 * window {
            // The third window is all certainty, with every tenth confidence missing.
            let value = if index < 2 * window { (index % 30) as f64 / 30.0 } else { 1.0 };
            let confidence = (index < 2 * window || index % 10 > 0).then(|| Confidence::new(value).unwrap());
            reports.extend(monitor.observe(confidence));
        }
        assert_eq!(reports.len(), 3);
        assert!(!reports[0].alarm() && reports[0].psi == reports[1].psi);
        assert!(reports[2].psi_alarm && reports[2].ks_alarm && reports[2].missing_alarm);
    }
}
