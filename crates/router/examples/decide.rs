//! Decides about confidences, one a line, and writes a line of a decision log for each.
//!
//! ```sh
//! echo 0.73 | cargo run --example decide -- FILE METHOD TARGET
//! ```
//!
//! A line is a number in [0, 1], or `missing`. The device's model is not checked here, since recorded
//! confidences come from no device: `score_on_device` shows what an app does.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

use plimsoll_router::{Confidence, Router, Target, Thresholds};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody to tell if this fails too.
            let _ = writeln!(io::stderr(), "decide: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, method, target] = arguments.as_slice() else {
        return Err("give a thresholds file, a method and a target".into());
    };
    let thresholds = Thresholds::from_json(&std::fs::read_to_string(file)?)?;
    let router = Router::without_device_check(&thresholds, method, &target.parse::<Target>()?)?;

    let mut stdout = io::stdout().lock();
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let confidence =
            confidence(line?.trim()).map_err(|problem| format!("line {}: {problem}", index + 1))?;
        router.observe(confidence);
        writeln!(stdout, "{}", serde_json::to_string(&router.record(confidence))?)?;
    }
    writeln!(io::stderr(), "drift: {}", serde_json::to_string(&router.drift_state())?)?;
    Ok(())
}

/// Missing is stated; an empty line could be anything.
fn confidence(line: &str) -> Result<Option<Confidence>, Box<dyn Error>> {
    match line {
        "missing" => Ok(None),
        number => Ok(Some(Confidence::new(number.parse()?)?)),
    }
}
