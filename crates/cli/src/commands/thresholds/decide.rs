//! `plimsoll thresholds decide`.

use std::io::{self, BufRead as _, Read as _};
use std::path::PathBuf;

use clap::Args;
use plimsoll_router::{Confidence, Decision, Reason, Route, Router, Target};
use serde::{Deserialize, Serialize};

use crate::arguments::values;
use crate::commands::thresholds::track::Tracking;
use crate::console::Console;
use plimsoll_pipeline::threshold_files::read_file;
use plimsoll_pipeline::traffic_file::stated;
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};

/// Longer lines are no confidences.
const MAX_LINE_BYTES: u64 = 1 << 20;
/// How many lines are answered between two looks at what is to be kept.
const LINES_PER_PAUSE: u64 = 1_000;

/// Decide about confidences that come as JSON lines.
///
/// Reads one JSON object a line from stdin, {"confidence": 0.73} or {"confidence": null} (missing); other
/// keys are ignored. Writes one line for each, at once, for instance
/// `{"route":"slm","reason":"at_or_above","threshold_id":"perplexity/routing_ratio=0.3"}`; other routes and
/// reasons are `llm`, `below` and `missing`. The first bad line ends it with exit code 3; the lines before it
/// are answered.
///
/// A threshold that was fitted on one pool misses its routing ratio on other traffic. With --track it moves
/// so that this traffic's ratio becomes the one that was asked for, without a label. Lines then need an `id`,
/// {"id": "a1", "confidence": 0.73}, which breaks ties, and answers also hold the confidence on the pool's
/// scale (`z`), the tie-break (`u`) and the threshold on that scale (`t`). An id that comes twice is decided
/// and counted twice. --state keeps what was learnt for the next call.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  echo '{\"confidence\": 0.73}' | plimsoll thresholds decide slm--llm.thresholds.json \\
      --method perplexity --target routing_ratio=0.3
  plimsoll thresholds decide slm--llm.thresholds.json --method perplexity --target routing_ratio=0.3 \\
      --track --state tracker.json < confidences.jsonl")]
pub(crate) struct DecideArguments {
    /// The thresholds file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Method that gave the confidences
    #[arg(long, value_name = "M")]
    method: String,
    /// Operating point: `routing_ratio=R`, `accuracy=A`, `cost=USD`, `selective_error=ALPHA:DELTA`, `joint_error=..`, `regret=..`
    #[arg(long, value_name = "T", value_parser = values::target)]
    target: Target,
    /// Move the threshold so that the routing ratio is that of the target on this traffic
    #[arg(long)]
    track: bool,
    /// Questions over which a deficit of deferrals is paid back; the file's without it
    #[arg(long, value_name = "H", requires = "track", value_parser = values::horizon)]
    horizon: Option<f64>,
    /// Go on from the tracker's state in FILE, if it is there, and keep it there
    #[arg(long, value_name = "FILE", requires = "track")]
    state: Option<PathBuf>,
}

/// A line of stdin.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(deserialize_with = "stated")]
    confidence: Option<f64>,
}

/// A line of stdout.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    route: Route,
    reason: Reason,
    threshold_id: &'a str,
}

/// Runs the command.
pub(super) fn run(arguments: &DecideArguments) -> Result<(), Failure> {
    let thresholds = read_file(&arguments.file)?;
    let router = Router::without_device_check(&thresholds, &arguments.method, &arguments.target);
    let router = router.or_fail(FailureKind::Usage)?;
    if arguments.track {
        let tracking = Tracking::begin(&router, arguments.horizon, arguments.state.as_deref())?;
        return tracking.decide_all();
    }
    each_line(|line| answer(line, &router), || Ok(()))
}

/// Answers the lines of stdin; `pause` is called from time to time and at the end, also where a line is bad.
pub(super) fn each_line(
    mut answer: impl FnMut(&[u8]) -> Result<Vec<u8>, String>,
    mut pause: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let ended = answer_lines(&mut answer, &mut pause);
    // What was answered counts, whatever ended it.
    pause().and(ended)
}

fn answer_lines(
    answer: &mut impl FnMut(&[u8]) -> Result<Vec<u8>, String>,
    pause: &mut impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut stdin = io::stdin().lock();
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        let read = stdin.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line);
        let read = read
            .or_fail(FailureKind::Input)
            .map_err(|failure| failure.during("cannot read standard input"))?;
        if read == 0 {
            break;
        }
        if number.is_multiple_of(LINES_PER_PAUSE) {
            pause()?;
        }
        let answer = answer(&line)
            .map_err(|problem| Failure::input(format!("line {number} of standard input: {problem}")))?;
        if !Console::to_stdout(&answer)? {
            break;
        }
    }
    Ok(())
}

fn answer(line: &[u8], router: &Router) -> Result<Vec<u8>, String> {
    let line: Line = parsed(line)?;
    let confidence = line.confidence.map(Confidence::new).transpose().map_err(|error| error.to_string())?;
    let Decision { route, reason, .. } = router.decide(confidence);
    written(&Answer { route, reason, threshold_id: &router.point().id })
}

/// A line of stdin.
pub(super) fn parsed<'de, T: Deserialize<'de>>(line: &'de [u8]) -> Result<T, String> {
    if line.len() as u64 > MAX_LINE_BYTES {
        return Err(format!("is longer than {MAX_LINE_BYTES} bytes"));
    }
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    if line.trim_ascii().is_empty() {
        return Err("is empty; write {\"confidence\": null} for a missing confidence".to_owned());
    }
    serde_json::from_slice(line).map_err(|error| without_line(&error))
}

/// A line of stdout.
pub(super) fn written(answer: &impl Serialize) -> Result<Vec<u8>, String> {
    let mut answer = serde_json::to_vec(answer).map_err(|error| error.to_string())?;
    answer.push(b'\n');
    Ok(answer)
}

/// What the parser says; its "line 1" would contradict the number of the line.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((problem, _)) => format!("{problem}, at column {}", error.column()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_router::conformance::example_thresholds;

    use super::*;

    #[test]
    fn lines_good_and_bad() {
        let thresholds = example_thresholds();
        let target = "routing_ratio=0.3".parse().unwrap();
        let router = Router::without_device_check(&thresholds, "perplexity", &target).unwrap();
        for (line, expected) in [
            ("{\"confidence\": 1}\r\n", "slm"),
            ("\u{feff}{\"id\": [1], \"confidence\": 0.1}", "llm"),
            ("{\"confidence\": null}", "missing"),
        ] {
            let answer = String::from_utf8(answer(line.as_bytes(), &router).unwrap()).unwrap();
            assert!(answer.contains(expected) && answer.ends_with('\n'), "{line}: {answer}");
        }
        for (line, expected) in [
            ("", "empty"),
            ("  \n", "empty"),
            ("{}", "missing field `confidence`"),
            ("{\"confidance\": 1}", "missing field"),
            ("{\"confidence\": 1.01}", "not a finite number in [0, 1]"),
            ("{\"confidence\": NaN}", "at column"),
            ("{\"confidence\": 1e999}", "out of range"),
            ("{\"confidence\": \"0.5\"}", "invalid type"),
            ("{\"confidence\": 0.5, \"confidence\": 0.6}", "duplicate field"),
            ("{\"confidence\": 0.5} {}", "trailing"),
            ("0.5", "invalid type"),
            ("{", "EOF"),
        ] {
            let problem = answer(line.as_bytes(), &router).unwrap_err();
            assert!(problem.contains(expected), "{line}: {problem}");
        }
        assert!(answer(&vec![b' '; (1 << 20) + 1], &router).unwrap_err().contains("longer"));
    }
}
