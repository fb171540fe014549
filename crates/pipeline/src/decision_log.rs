//! Decision logs: JSON lines of the router's decision record, with labels where they are known.

use std::collections::HashMap;
use std::path::Path;

use plimsoll_router::thresholds::Method;
use plimsoll_router::{Confidence, Reason, Route};
use serde::Deserialize;

use crate::failure::{Failure, FailureKind};
use crate::small_file;
use crate::traffic_file::stated;

/// No log is larger: a few million decisions. Longer logs are checked in parts.
const MAX_BYTES: u64 = 1 << 30;

/// A decision with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedDecision {
    /// The method that gave the confidence.
    pub method: String,
    /// The confidence; `None` = missing.
    pub confidence: Option<Confidence>,
    /// Which model answered.
    pub route: Route,
    /// Whether the SLM's answer was right; `None` = not known.
    pub slm_correct: Option<bool>,
    /// Whether the LLM's answer was right; `None` = not known.
    pub llm_correct: Option<bool>,
    /// The probability with which the route was taken, in (0, 1]; `None` = not stated.
    pub propensity: Option<f64>,
    /// Whether a coin chose the other route than the threshold's.
    pub explored: bool,
    /// The line that it stands on, from 1.
    pub line: usize,
}

/// A line that is a label of a decision on another line, as a gateway appends it.
#[derive(Debug, Deserialize)]
struct Label {
    #[serde(rename = "label_of")]
    decision: String,
    slm_correct: Option<bool>,
    llm_correct: Option<bool>,
}

/// The id of a decision, by which labels find it.
#[derive(Debug, Deserialize)]
struct Identified {
    id: Option<serde_json::Value>,
}

/// A line, as far as it is read: hosts add times, tokens and ids of their own.
#[derive(Debug, Deserialize)]
struct Line {
    method: String,
    #[serde(deserialize_with = "stated")]
    confidence: Option<f64>,
    route: Route,
    slm_correct: Option<bool>,
    llm_correct: Option<bool>,
    propensity: Option<f64>,
    reason: Option<Reason>,
}

impl Line {
    fn decision(self, line: usize) -> Result<LoggedDecision, String> {
        if let Some(propensity) = self.propensity.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
            return Err(format!("propensity {propensity} is not in (0, 1]"));
        }
        let explored = self.reason == Some(Reason::Explored);
        let confidence =
            self.confidence.map(Confidence::new).transpose().map_err(|error| error.to_string())?;
        let Self { method, route, slm_correct, llm_correct, propensity, .. } = self;
        Ok(LoggedDecision { method, confidence, route, slm_correct, llm_correct, propensity, explored, line })
    }
}

/// Reads a log: a decision record a line, with the keys `slm_correct` and `llm_correct` where an answer was labelled. Other
/// keys are ignored. A line with `label_of` is no decision: it has the labels of the decision with that `id`, wherever in
/// the log that stands; one of a decision that is not in this log says nothing here. A last line that a crash cut, without
/// its line break, is left out.
///
/// # Errors
/// An input failure that names the file and the line.
pub fn read(path: &Path) -> Result<Vec<LoggedDecision>, Failure> {
    let text = small_file::read(path, MAX_BYTES, "decision log", FailureKind::Input)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let is_cut = !text.ends_with('\n');
    let count = text.lines().count();
    let (mut decisions, mut labels) = (Vec::new(), Vec::new());
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match parsed(line, index + 1) {
            Ok(Parsed::Decision(decision, id)) => {
                by_id.extend(id.map(|id| (id, decisions.len())));
                decisions.push(decision);
            }
            Ok(Parsed::Label(label)) => labels.push(label),
            Err(_) if is_cut && index + 1 == count && is_half(line) => {}
            Err(problem) => {
                return Err(Failure::input(format!("`{}`, line {}: {problem}", path.display(), index + 1)));
            }
        }
    }
    for label in labels {
        if let Some(decision) = by_id.get(&label.decision).and_then(|index| decisions.get_mut(*index)) {
            decision.slm_correct = label.slm_correct.or(decision.slm_correct);
            decision.llm_correct = label.llm_correct.or(decision.llm_correct);
        }
    }
    if decisions.is_empty() {
        return Err(Failure::input(format!("`{}` holds no decision", path.display())));
    }
    Ok(decisions)
}

/// What a line holds.
enum Parsed {
    Decision(LoggedDecision, Option<String>),
    Label(Label),
}

fn parsed(line: &str, number: usize) -> Result<Parsed, String> {
    if let Ok(label) = serde_json::from_str::<Label>(line) {
        return Ok(Parsed::Label(label));
    }
    let decision = serde_json::from_str::<Line>(line).map_err(|error| error.to_string())?.decision(number)?;
    // Hosts number their decisions as they like; labels are found by texts.
    let id = serde_json::from_str::<Identified>(line).ok().and_then(|identified| identified.id);
    Ok(Parsed::Decision(decision, id.and_then(|id| id.as_str().map(str::to_owned))))
}

/// Whether a line ends before its JSON does.
fn is_half(line: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(line).is_err_and(|error| error.is_eof())
}

/// Checks that a decision is by a method that a thresholds file has.
///
/// # Errors
/// An input failure that names the log, the line and the method.
pub fn check_method(path: &Path, decision: &LoggedDecision, methods: &[Method]) -> Result<(), Failure> {
    if methods.iter().any(|method| method.id == decision.method) {
        return Ok(());
    }
    Err(Failure::input(format!(
        "`{}`, line {}: a decision by `{}`, a method that the thresholds file does not have",
        path.display(),
        decision.line,
        decision.method
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<LoggedDecision>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|failure| failure.to_string())
    }

    #[test]
    fn labels_may_come_later_and_more_keys_are_the_hosts() {
        let log = "\u{feff}{\"method\": \"m\", \"confidence\": 0.5, \"route\": \"slm\", \"slm_correct\": true, \"ms\": 3}\n\n\
                   {\"method\": \"m\", \"confidence\": null, \"route\": \"llm\", \"llm_correct\": null}\n";
        let decisions = read_text(log).unwrap();
        assert_eq!(decisions.len(), 2);
        assert_eq!((decisions[0].slm_correct, decisions[0].llm_correct), (Some(true), None));
        assert_eq!((decisions[1].confidence, decisions[1].route), (None, Route::Llm));
    }

    #[test]
    fn labels_on_lines_of_their_own_find_their_decision() {
        let log = "{\"label_of\": \"b\", \"llm_correct\": false}\n\
                   {\"id\": \"a\", \"method\": \"m\", \"confidence\": 0.5, \"route\": \"slm\"}\n\
                   {\"id\": \"b\", \"method\": \"m\", \"confidence\": 0.1, \"route\": \"llm\"}\n\
                   {\"id\": 7, \"method\": \"m\", \"confidence\": 0.1, \"route\": \"llm\"}\n\
                   {\"label_of\": \"a\", \"slm_correct\": true}\n\
                   {\"label_of\": \"rotated away\", \"slm_correct\": true}\n";
        let decisions = read_text(log).unwrap();
        let labels: Vec<_> =
            decisions.iter().map(|decision| (decision.slm_correct, decision.llm_correct)).collect();
        assert_eq!(labels, [(Some(true), None), (None, Some(false)), (None, None)]);
        assert_eq!(decisions.iter().map(|decision| decision.line).collect::<Vec<_>>(), [2, 3, 4]);
        assert!(
            read_text("{\"label_of\": \"a\", \"slm_correct\": true}\n").unwrap_err().contains("no decision")
        );
    }

    #[test]
    fn half_a_last_line_is_left_out_and_half_another_is_not() {
        let good = "{\"method\": \"m\", \"confidence\": 0.5, \"route\": \"slm\"}";
        for end in 1..good.len() {
            assert_eq!(read_text(&format!("{good}\n{}", &good[..end])).unwrap().len(), 1, "{end}");
        }
        assert_eq!(read_text(&format!("{good}\n{good}")).unwrap().len(), 2, "whole, without its line break");
        assert!(read_text(&format!("{good}\n{{\"method\": 5}}")).is_err(), "whole and wrong");
        assert!(read_text(&format!("{{\"method\"\n{good}\n")).is_err());
    }

    #[test]
    fn bad_lines_are_named() {
        let good = "{\"method\": \"m\", \"confidence\": 0.5, \"route\": \"slm\"}\n";
        for (line, expected) in [
            (
                "{\"method\": \"m\", \"confidence\": 1, \"route\": \"slm\", \"propensity\": 0}",
                "line 2: propensity 0 is not in (0, 1]",
            ),
            ("{\"method\": \"m\", \"route\": \"slm\"}", "line 2: missing field `confidence`"),
            ("{\"confidence\": 0.5, \"route\": \"slm\"}", "line 2: missing field `method`"),
            ("{\"method\": \"m\", \"confidence\": 0.5}", "line 2: missing field `route`"),
            ("{\"method\": \"m\", \"confidence\": 0.5, \"route\": \"both\"}", "line 2: unknown variant"),
            ("{\"method\": \"m\", \"confidence\": -1, \"route\": \"slm\"}", "line 2: confidence -1 is not"),
            (
                "{\"method\": \"m\", \"confidence\": 1, \"route\": \"slm\", \"slm_correct\": 1}",
                "line 2: invalid type",
            ),
            ("{", "line 2: EOF"),
        ] {
            let problem = read_text(&format!("{good}{line}\n")).unwrap_err();
            assert!(problem.contains(expected), "{line}: {problem}");
        }
        assert!(read_text("\n").unwrap_err().contains("holds no decision"));
    }
}
