//! `plimsoll thresholds decide --track`.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};

use plimsoll_files::write_atomic;
use plimsoll_pipeline::traffic_file::stated;
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _, small_file};
use plimsoll_router::{Confidence, Reason, Route, Router, Tracker, TrackerSettings, TrackerSnapshot};
use serde::{Deserialize, Serialize};

use super::decide::{each_line, parsed, written};

/// No state is larger.
const MAX_STATE_BYTES: u64 = 64 * 1024;

/// Decides about traffic with a tracker, whose state may outlive the process.
pub(super) struct Tracking<'a> {
    router: &'a Router,
    tracker: RefCell<Tracker>,
    state: Option<PathBuf>,
}

/// A line of stdin.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    #[serde(deserialize_with = "stated")]
    confidence: Option<f64>,
}

/// A line of stdout.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    route: Route,
    reason: Reason,
    threshold_id: &'a str,
    z: Option<f64>,
    u: Option<f64>,
    t: f64,
}

impl<'a> Tracking<'a> {
    /// A tracker at the router's point, from the state where there is one.
    pub(super) fn begin(
        router: &'a Router,
        horizon: Option<f64>,
        state: Option<&Path>,
    ) -> Result<Self, Failure> {
        let usual = router.method().tracker;
        let settings = horizon.map_or(usual, |horizon| usual.with_horizon(horizon));
        let tracker = match state.filter(|path| path.exists()) {
            Some(path) => resumed(router, path, settings)?,
            None => router.tracker(settings).or_fail(FailureKind::Input)?,
        };
        Ok(Self { router, tracker: RefCell::new(tracker), state: state.map(Path::to_owned) })
    }

    /// Decides about the lines of stdin.
    pub(super) fn decide_all(&self) -> Result<(), Failure> {
        each_line(|line| self.answer(line), || self.keep())
    }

    fn answer(&self, line: &[u8]) -> Result<Vec<u8>, String> {
        let line: Line = parsed(line)?;
        let confidence =
            line.confidence.map(Confidence::new).transpose().map_err(|error| error.to_string())?;
        let mut tracker = self.tracker.borrow_mut();
        let decided =
            self.router.track(&mut tracker, &line.id, confidence).map_err(|error| error.to_string())?;
        written(&Answer {
            route: decided.decision.route,
            reason: decided.decision.reason,
            threshold_id: &self.router.point().id,
            z: decided.z,
            u: decided.u,
            t: decided.t,
        })
    }

    /// Writes the state, whole or not at all.
    fn keep(&self) -> Result<(), Failure> {
        let Some(path) = &self.state else { return Ok(()) };
        let snapshot = self.router.snapshot(&self.tracker.borrow());
        let write = |file: &mut dyn io::Write| {
            serde_json::to_writer(&mut *file, &snapshot).map_err(io::Error::from)?;
            file.write_all(b"\n")
        };
        write_atomic(path, write).or_fail(FailureKind::Stage)
    }
}

fn resumed(router: &Router, path: &Path, settings: TrackerSettings) -> Result<Tracker, Failure> {
    let text = small_file::read(path, MAX_STATE_BYTES, "tracker's state", FailureKind::Input)?;
    let during = |failure: Failure| failure.during(format!("cannot go on from `{}`", path.display()));
    let snapshot: TrackerSnapshot =
        serde_json::from_str(&text).or_fail(FailureKind::Input).map_err(during)?;
    router.resume(&snapshot, settings).or_fail(FailureKind::Input).map_err(during)
}

#[cfg(test)]
mod tests {
    use plimsoll_router::conformance::example_thresholds;

    use super::*;

    fn router() -> Router {
        let target = "routing_ratio=0.3".parse().unwrap();
        Router::without_device_check(&example_thresholds(), "perplexity", &target).unwrap()
    }

    #[test]
    fn lines_good_and_bad() {
        let router = router();
        let tracking = Tracking::begin(&router, None, None).unwrap();
        let answer = |line: &str| tracking.answer(line.as_bytes());
        let text = String::from_utf8(answer("{\"id\": \"a\", \"confidence\": 0.1}").unwrap()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((value["route"].as_str(), value["reason"].as_str()), (Some("llm"), Some("below")));
        assert!(value["z"].is_f64() && value["u"].is_f64() && value["t"].is_f64(), "{text}");
        let text = String::from_utf8(answer("{\"id\": \"a\", \"confidence\": null}").unwrap()).unwrap();
        assert!(text.contains("\"reason\":\"missing\"") && text.contains("\"z\":null"), "{text}");
        for (line, expected) in [
            ("{\"confidence\": 0.1}", "missing field `id`"),
            ("{\"id\": 7, \"confidence\": 0.1}", "invalid type"),
            ("{\"id\": \"a\"}", "missing field `confidence`"),
            ("{\"id\": \"a\", \"confidence\": NaN}", "at column"),
            ("{\"id\": \"a\", \"confidence\": 2}", "not a finite number in [0, 1]"),
            ("", "empty"),
        ] {
            let problem = answer(line).unwrap_err();
            assert!(problem.contains(expected), "{line}: {problem}");
        }
        assert_eq!(tracking.tracker.borrow().state().n, 2, "bad lines count for nothing");
    }

    #[test]
    fn a_state_is_kept_and_another_file_s_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tracker.json");
        let router = router();
        let line = |index: u32| format!("{{\"id\": \"{index}\", \"confidence\": 0.{index}}}");
        let whole = Tracking::begin(&router, Some(50.0), None).unwrap();
        for index in 1..9 {
            let first = whole.answer(line(index).as_bytes()).unwrap();
            let again = Tracking::begin(&router, Some(50.0), Some(&path)).unwrap();
            assert_eq!(again.answer(line(index).as_bytes()).unwrap(), first);
            again.keep().unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (bad, expected) in [
            (text.replace("routing_ratio=0.3", "routing_ratio=0.7"), "threshold_id"),
            (text.replace("\"n\":8", "\"n\":0"), "must be"),
            (text[..text.len() / 2].to_owned(), "EOF"),
            (String::new(), "EOF"),
            ("[]".to_owned(), "invalid"),
        ] {
            std::fs::write(&path, &bad).unwrap();
            let failure = Tracking::begin(&router, None, Some(&path)).err().unwrap().to_string();
            assert!(failure.contains("cannot go on from") && failure.contains(expected), "{bad}: {failure}");
        }
    }
}
