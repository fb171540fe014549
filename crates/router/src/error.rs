//! Everything that can be wrong with a number, a thresholds file or a binding.

/// An error of this crate. Messages are lowercase fragments that name the thing and the place.
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
    #[error("threshold {value} is not a finite number in [0, 1] (or the next double above 1, which hands everything over)")]
    Threshold {
        /// The refused number.
        value: f64,
    },
    /// A target that cannot be read.
    #[error("target `{text}` is not one of routing_ratio=R, accuracy=A, cost=USD_PER_1K_QUESTIONS, selective_error=ALPHA:DELTA, joint_error=ALPHA:DELTA, regret=ALPHA:DELTA: {problem}")]
    Target {
        /// The text as given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Not JSON, or JSON of another shape (unknown, missing or repeated keys, wrong types).
    #[error("thresholds file does not follow its schema")]
    Json(#[source] serde_json::Error),
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
    #[error("thresholds file is inconsistent at `{place}`: {problem}")]
    Inconsistent {
        /// Path of the offending key.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// The device runs another model than the one that was calibrated.
    #[error("thresholds were fitted for {field} `{expected}`, this device has `{found}`: fit thresholds for this model, or deploy the calibrated one")]
    Mismatch {
        /// The identity field that differs.
        field: &'static str,
        /// Its value in the file.
        expected: String,
        /// Its value on the device (`not given` if the device states none).
        found: String,
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
    #[error("operating point `{id}` has no threshold: its status is {status}; hand every question over, or choose another point")]
    NoThreshold {
        /// The operating point.
        id: String,
        /// Its status.
        status: &'static str,
    },
}
