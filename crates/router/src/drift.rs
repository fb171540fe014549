//! A streaming drift monitor: does the device still see confidences like the pool's?
//!
//! Decisions are counted in windows of a fixed length that do not overlap; at the end of each, the
//! window is compared with the file's reference histogram. The alarm levels were calibrated by
//! drawing windows of that length from the pool itself. Drift of the confidences does not prove
//! that the risk has changed, and the risk can change without it: an alarm asks for an audit.
//!
//! [`Router::observe`](crate::Router::observe) feeds one; [`Monitor`] is for those who decide
//! without a [`Router`](crate::Router).

use serde::{Deserialize, Serialize};

use crate::confidence::Confidence;
use crate::error::Error;
use crate::histogram::Histogram;
use crate::thresholds::{DriftLevels, Method};

/// Counts decisions and reports once per window. Holds two histograms, however long it runs.
#[derive(Debug, Clone)]
pub struct Monitor {
    reference: Histogram,
    levels: DriftLevels,
    window: Histogram,
    /// Decisions in the window that is not yet full.
    observed: u32,
    /// Full windows.
    windows: u64,
    /// Whether the latest full window exceeded a level; `None` before the first.
    alarm: Option<bool>,
}

/// What the windows so far say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftState {
    /// The file holds no alarm levels for the method, since its pool was too small to calibrate
    /// them: nothing is compared, and silence means nothing.
    Unmonitored,
    /// The first window is not yet full.
    Collecting,
    /// The latest full window is within all levels.
    Normal,
    /// The latest full window exceeds a level.
    Alarm,
}

/// What the monitor says after an observation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Drift {
    /// The state, this observation included.
    pub state: DriftState,
    /// The window that this observation filled; `None` for all others, so that an alarm is
    /// handled once.
    pub report: Option<WindowReport>,
}

/// What a full window looked like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
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

/// What a monitor has counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MonitorState {
    /// Decisions in the window that is not yet full.
    pub window: Histogram,
    /// Full windows.
    pub windows: u64,
    /// Whether the latest full window exceeded a level; null before the first.
    pub alarm: Option<bool>,
}

/// A monitor's state as a host keeps it, with what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MonitorSnapshot {
    /// The thresholds file, named by its own SHA-256.
    pub thresholds_sha256: String,
    /// The operating point's id.
    pub threshold_id: String,
    /// What was counted.
    pub state: MonitorState,
}

impl MonitorSnapshot {
    pub(crate) const fn new(thresholds_sha256: String, threshold_id: String, state: MonitorState) -> Self {
        Self { thresholds_sha256, threshold_id, state }
    }
}

impl WindowReport {
    /// Compares the full window number `index` with a reference of the same bins.
    pub fn compare(index: u64, window: &Histogram, reference: &Histogram, levels: &DriftLevels) -> Self {
        let (psi, ks, missing_share) = (window.psi(reference), window.ks(reference), window.missing_share());
        Self {
            window: index,
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

impl Monitor {
    /// A monitor for a method; `None` if the file holds no alarm levels for it.
    pub fn new(method: &Method) -> Option<Self> {
        let levels = method.drift?;
        let window = Histogram::new(method.reference.counts.len());
        let reference = method.reference.clone();
        Some(Self { reference, levels, window, observed: 0, windows: 0, alarm: None })
    }

    /// Counts a decision; reports when it fills a window.
    pub fn observe(&mut self, confidence: Option<Confidence>) -> Option<WindowReport> {
        self.window.add(confidence);
        self.observed = self.observed.saturating_add(1);
        if self.observed < self.levels.window {
            return None;
        }
        let report = WindowReport::compare(self.windows, &self.window, &self.reference, &self.levels);
        self.window.clear();
        self.observed = 0;
        self.windows += 1;
        self.alarm = Some(report.alarm());
        Some(report)
    }

    /// What was counted.
    pub fn counted(&self) -> MonitorState {
        MonitorState { window: self.window.clone(), windows: self.windows, alarm: self.alarm }
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// [`Error::DriftMonitor`] for a state that this monitor cannot have: other bins, a window that is full, an alarm
    /// before the first full window or none after it. The monitor is then as it was.
    pub fn resume(&mut self, state: &MonitorState) -> Result<(), Error> {
        let problem = |problem| Err(Error::DriftMonitor { problem });
        if state.window.counts.len() != self.window.counts.len() {
            return problem("window must have the bins of the reference");
        }
        // Summed with care: a state is read from a file.
        let rows =
            state.window.counts.iter().try_fold(state.window.missing, |sum, count| sum.checked_add(*count));
        let observed =
            rows.and_then(|rows| u32::try_from(rows).ok()).filter(|rows| *rows < self.levels.window);
        let Some(observed) = observed else { return problem("window must not be full") };
        if (state.windows == 0) != state.alarm.is_none() {
            return problem("alarm must be known from the first full window on");
        }
        self.window = state.window.clone();
        self.observed = observed;
        self.windows = state.windows;
        self.alarm = state.alarm;
        Ok(())
    }

    /// What the windows so far say; never [`DriftState::Unmonitored`].
    pub const fn state(&self) -> DriftState {
        match self.alarm {
            None => DriftState::Collecting,
            Some(false) => DriftState::Normal,
            Some(true) => DriftState::Alarm,
        }
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
            let report = monitor.observe(confidence);
            assert_eq!(report.is_some(), (index + 1) % window == 0, "{index}");
            reports.extend(report);
            let expected =
                [DriftState::Collecting, DriftState::Normal, DriftState::Normal, DriftState::Alarm];
            assert_eq!(monitor.state(), expected[reports.len()], "{index}");
        }
        assert_eq!(reports.iter().map(|report| report.window).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(!reports[0].alarm() && reports[0].psi == reports[1].psi);
        assert!(reports[2].psi_alarm && reports[2].ks_alarm && reports[2].missing_alarm);
    }

    #[test]
    fn a_monitor_goes_on_from_its_state_and_refuses_what_is_none() {
        let method = example_thresholds().methods.remove(0);
        let window = method.drift.unwrap().window;
        let value = |row: u32| Confidence::new(f64::from(row % 30) / 30.0).ok();
        let (mut whole, mut stopped) = (Monitor::new(&method).unwrap(), Monitor::new(&method).unwrap());
        for row in 0..3 * window + 7 {
            // Stopped and resumed every eleventh decision, by way of text.
            if row % 11 == 0 {
                let text = serde_json::to_string(&stopped.counted()).unwrap();
                stopped = Monitor::new(&method).unwrap();
                stopped.resume(&serde_json::from_str(&text).unwrap()).unwrap();
            }
            assert_eq!(whole.observe(value(row)), stopped.observe(value(row)), "{row}");
            assert_eq!(whole.state(), stopped.state());
        }
        let known = whole.counted();
        let mut other_bins = known.clone();
        other_bins.window.counts.pop();
        let mut full = known.clone();
        full.window.missing = u64::from(window);
        let mut endless = known.clone();
        endless.window.missing = u64::MAX;
        let mut unknown = known.clone();
        unknown.alarm = None;
        for state in [other_bins, full, endless, unknown] {
            assert!(matches!(whole.resume(&state), Err(Error::DriftMonitor { .. })), "{state:?}");
            assert_eq!(whole.counted(), known);
        }
    }

    #[test]
    fn an_alarm_ends_with_the_next_window_within_the_levels() {
        let mut method = example_thresholds().methods.remove(0);
        if let Some(levels) = &mut method.drift {
            levels.window = 30;
        }
        let mut monitor = Monitor::new(&method).unwrap();
        let mut window = |value: fn(u32) -> f64| {
            let reports = (0..30).filter_map(|row| monitor.observe(Confidence::new(value(row)).ok())).count();
            assert_eq!(reports, 1);
            monitor.state()
        };
        assert_eq!(window(|_| 0.0), DriftState::Alarm);
        assert_eq!(window(|row| f64::from(row) / 30.0), DriftState::Normal);
        assert_eq!(window(|_| 1.0), DriftState::Alarm);
    }
}
