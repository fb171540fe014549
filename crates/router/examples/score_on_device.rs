//! From the token log-probabilities of an answer to a decision, as an app does it.
//!
//! ```sh
//! echo -0.02 -0.4 -0.1 | cargo run --example score_on_device -- FILE DEVICE METHOD TARGET
//! ```
//!
//! DEVICE is a JSON file that says which model this device runs, for instance
//! `{"id": "smollm2-135m", "quantisation": "Q4_K_M"}`. A line of standard input has the natural-log
//! probabilities of one answer's tokens, without the stop token; an empty line is an answer without
//! tokens, which has no confidence.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

use plimsoll_router::{Confidence, ModelIdentity, Route, Router};

/// What an app keeps for as long as it runs.
struct Device {
    router: Router,
    score: Score,
}

/// The closed form of a method, over the tokens of an answer.
type Score = fn(&[Token]) -> Option<Confidence>;

/// A token as a runtime gives it.
struct Token {
    logprob: f32,
}

impl Device {
    fn open(file: &str, device: &str, method: &str, target: &str) -> Result<Self, Box<dyn Error>> {
        let device = ModelIdentity::from_json(&std::fs::read_to_string(device)?)?;
        let router = Router::open(&std::fs::read_to_string(file)?, &device, method, &target.parse()?)?;
        Ok(Self { router, score: score(method)? })
    }

    /// Decides about one answer; the log-probabilities are taken as they lie in the tokens.
    fn decide(&self, tokens: &[Token]) -> (Option<Confidence>, Route) {
        let confidence = (self.score)(tokens);
        self.router.observe(confidence);
        (confidence, self.router.decide(confidence).route)
    }
}

fn score(method: &str) -> Result<Score, Box<dyn Error>> {
    match method {
        "perplexity" => Ok(|tokens| Confidence::perplexity(tokens.iter().map(|token| token.logprob))),
        "average_token_probability" => {
            Ok(|tokens| Confidence::average_token_probability(tokens.iter().map(|token| token.logprob)))
        }
        other => Err(format!("`{other}` is not computed from token log-probabilities alone").into()),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody to tell if this fails too.
            let cause = error.source().map_or_else(String::new, |cause| format!(": {cause}"));
            let _ = writeln!(io::stderr(), "score_on_device: {error}{cause}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, device, method, target] = arguments.as_slice() else {
        return Err("give a thresholds file, a file with the device's model, a method and a target".into());
    };
    let device = Device::open(file, device, method, target)?;
    let mut stdout = io::stdout().lock();
    for (index, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        let token = |text: &str| text.parse().map(|logprob| Token { logprob });
        let tokens: Result<Vec<Token>, _> = line.split_whitespace().map(token).collect();
        let tokens = tokens.map_err(|problem| format!("line {}: {problem}", index + 1))?;
        let (confidence, route) = device.decide(&tokens);
        let confidence = confidence.map_or_else(|| "missing".to_owned(), |c| c.get().to_string());
        let action = match route {
            Route::Slm => "keep",
            Route::Llm => "defer",
        };
        writeln!(stdout, "{confidence} {action}")?;
    }
    Ok(())
}
