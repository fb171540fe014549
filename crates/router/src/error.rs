//! Everything that can be wrong with a number, a thresholds file or a device.

use serde_json::error::Category;

use crate::thresholds::IdentityDifference;

/// An error of this crate. Messages are lowercase fragments that say what is wrong, where, and what
/// to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A confidence that is not a finite number in [0, 1].
    #[error("confidence {value} is not a finite number in [0, 1]")]
    Confidence {
        /// The refused number.
        value: f64,
    },
    /// A threshold that is not a finite number in [0, the next double above 1].
    #[error("threshold {value} is not a finite number in [0, 1] (or the next double above 1, which defers every question)")]
    Threshold {
        /// The refused number.
        value: f64,
    },
    /// Knots that are no distribution of confidences.
    #[error("a pool's distribution of confidences {problem}")]
    PoolCdf {
        /// What it needs.
        problem: &'static str,
    },
    /// A tracker's settings or state out of range.
    #[error("a tracker's {problem}")]
    Tracker {
        /// What must hold.
        problem: &'static str,
    },
    /// A drift monitor's state that none has.
    #[error("a drift monitor's {problem}")]
    DriftMonitor {
        /// What must hold.
        problem: &'static str,
    },
    /// A method without a scale to track on.
    #[error("method `{method}` has no scale to track on: no row of its pool has a confidence")]
    NoScale {
        /// The method.
        method: String,
    },
    /// A method whose confidence does not grow token by token.
    #[error("method `{method}` has no confidence that grows token by token; average_token_probability, perplexity and min_token_probability have")]
    NotStreamed {
        /// The method.
        method: String,
    },
    /// A confidence of another method than the router's.
    #[error("a confidence of method `{found}` is growing, this router decides by `{expected}`")]
    OtherMethod {
        /// The method of the confidence.
        found: &'static str,
        /// The router's method.
        expected: String,
    },
    /// A monitor's bound or state out of range.
    #[error("an error monitor's {problem}")]
    ErrorMonitor {
        /// What must hold.
        problem: &'static str,
    },
    /// A share of exploration out of range.
    #[error("a share of exploration of {share} is not in [0, 1]")]
    Exploration {
        /// The share.
        share: f64,
    },
    /// An operating point that does not bound the error of the kept answers.
    #[error("operating point `{id}` has no bound on the error of the kept answers: open a selective_error point, or give an alpha and a delta")]
    NoBound {
        /// The operating point.
        id: String,
    },
    /// A tracker's or monitor's snapshot of another file or operating point.
    #[error("a snapshot has {field} `{found}`, this router has `{expected}`: begin anew, or open what it belongs to")]
    OtherSnapshot {
        /// The field that differs.
        field: &'static str,
        /// Its value in the snapshot.
        found: String,
        /// Its value here.
        expected: String,
    },
    /// A target that cannot be read.
    #[error("target `{text}` is not one of routing_ratio=R, accuracy=A, llm_gap=G, cost=USD_PER_1K_QUESTIONS, selective_error=ALPHA:DELTA, joint_error=ALPHA:DELTA, regret=ALPHA:DELTA: {problem}")]
    Target {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// JSON of another shape (unknown, missing or repeated keys, wrong types).
    #[error("thresholds file does not follow its schema")]
    Json(#[source] JsonError),
    /// No JSON at all.
    #[error("thresholds file is no JSON: was its path given in place of its text?")]
    NotJson(#[source] JsonError),
    /// Nothing but white space.
    #[error("thresholds file is empty: copy it again")]
    Empty,
    /// A document without its end.
    #[error(
        "thresholds file ends too early, after {bytes} bytes in line {line}: it is cut off, copy it again"
    )]
    Truncated {
        /// How long it is.
        bytes: usize,
        /// The line in which it ends, from 1.
        line: usize,
    },
    /// What a device states of its model cannot be read.
    #[error("a device must be JSON such as {{\"id\": \"smollm2-135m\"}}, with the keys of `slm` in the thresholds file")]
    Device(#[source] JsonError),
    /// Another kind of document.
    #[error("thresholds file has format `{found}`, expected `{expected}`")]
    Format {
        /// The `format` of the document.
        found: String,
        /// The format that this crate reads.
        expected: &'static str,
    },
    /// A version that this crate does not read.
    #[error("thresholds file has format version {found_major}.{found_minor}, this reader knows up to {major}.{minor}: {advice}")]
    Version {
        /// Major version of the document.
        found_major: u32,
        /// Minor version of the document.
        found_minor: u32,
        /// Newest major version that is read.
        major: u32,
        /// Newest minor version that is read.
        minor: u32,
        /// What to do.
        advice: &'static str,
    },
    /// The stored hash is not the hash of the content.
    #[error("thresholds file says sha256 {stored}, its content has {computed}: it was changed after it was written")]
    Hash {
        /// The hash in the file.
        stored: String,
        /// The hash of the content.
        computed: String,
    },
    /// A document that follows the schema but contradicts itself.
    #[error("thresholds file is inconsistent at `{path}`: {problem}")]
    Inconsistent {
        /// Path of the offending key.
        path: String,
        /// What is wrong with its value.
        problem: String,
    },
    /// The device runs another model than the one that was calibrated.
    #[error("{}", mismatch_text(differs, not_stated))]
    Mismatch {
        /// The identity fields that differ.
        differs: Vec<IdentityDifference>,
        /// Those that the file records and the device does not state.
        not_stated: Vec<&'static str>,
    },
    /// A method that the file does not hold.
    #[error("thresholds file has no method `{method}`; it has: {known}")]
    UnknownMethod {
        /// The method that was asked for.
        method: String,
        /// The methods in the file, comma-separated.
        known: String,
    },
    /// A target that the file does not hold.
    #[error("thresholds file has no operating point `{target}` for method `{method}`; it has: {known}")]
    UnknownTarget {
        /// The method.
        method: String,
        /// The target that was asked for.
        target: String,
        /// The targets of that method, comma-separated.
        known: String,
    },
    /// An operating point that holds no threshold (infeasible, not reached, needs an LLM).
    #[error("operating point `{id}` has no threshold: its status is {status}; defer every question, or choose another operating point")]
    NoThreshold {
        /// The operating point.
        id: String,
        /// Its status.
        status: &'static str,
    },
}

/// What is wrong with a JSON text, with its line and column. Opaque, so that the library that reads
/// JSON is no part of this crate's interface.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(serde_json::Error);

impl JsonError {
    /// Line of the problem, from 1; 0 where there is no text, as for a value that cannot be written.
    pub fn line(&self) -> usize {
        self.0.line()
    }

    /// Column of the problem, from 1; 0 as for the line.
    pub fn column(&self) -> usize {
        self.0.column()
    }
}

impl Error {
    /// A private way in place of `From`, which would show the library.
    pub(crate) fn json(error: serde_json::Error) -> Self {
        Self::Json(JsonError(error))
    }

    pub(crate) fn device(error: serde_json::Error) -> Self {
        Self::Device(JsonError(error))
    }

    /// What is wrong with the text of a thresholds file.
    pub(crate) fn unreadable(text: &str, error: serde_json::Error) -> Self {
        match error.classify() {
            Category::Eof if text.trim().is_empty() => Self::Empty,
            Category::Eof => Self::Truncated { bytes: text.len(), line: error.line() },
            Category::Syntax => Self::NotJson(JsonError(error)),
            Category::Data | Category::Io => Self::json(error),
        }
    }
}

/// Everything that is wrong with a device's identity, in one sentence.
fn mismatch_text(differs: &[IdentityDifference], not_stated: &[&str]) -> String {
    let mut parts = Vec::new();
    if !differs.is_empty() {
        let said = |difference: &IdentityDifference| {
            let IdentityDifference { field, expected, found } = difference;
            format!("for {field} `{expected}`, this device has `{found}`")
        };
        let said: Vec<String> = differs.iter().map(said).collect();
        let advice = "fit thresholds for this model, or deploy the calibrated one";
        parts.push(format!("thresholds were fitted {}: {advice}", said.join("; ")));
    }
    if !not_stated.is_empty() {
        let fields = not_stated.join(", ");
        parts.push(format!(
            "this device does not state {fields}, which the file records: state what runs here"
        ));
    }
    parts.join("; ")
}
