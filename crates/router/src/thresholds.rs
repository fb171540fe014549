//! The thresholds file: one (SLM, LLM) pair, every method, a menu of operating points.
//!
//! The pipeline writes through these types and deployers read through them, so that writer and
//! reader cannot drift apart. Reading is strict: unknown keys, contradictions, and a content that
//! does not have the hash that the file states are refused.
//!
//! A deployer needs [`Router::open`](crate::Router::open) alone. These types are for those who write
//! files, or show what is in one. They are `non_exhaustive`, since a minor version of the format
//! adds keys: constructors take what a value cannot be without, the rest is set field by field.
//! Their docs are the descriptions of the published JSON Schema and change with the format alone.
//!
//! Format version 2.1. A reader knows every minor version up to its own; a newer one is refused by
//! name, because a key that it does not know could change what a threshold means.

mod calibration;
mod check;
mod identity;
mod method;
mod operating_point;

pub use calibration::{Calibration, DatasetIdentity, LabelSource, SourceFile};
pub use identity::{IdentityDifference, ModelIdentity};
pub use method::{
    Adaptation, DatasetSpread, DriftLevels, LoggedLabels, Method, MethodRows, MissingPolicy, Orientation,
    Rule, TieRule,
};
pub use operating_point::{
    Achieved, Conservative, DatasetGuarantee, DatasetGuaranteeKind, Estimate, Guarantee, GuaranteeTest,
    Infeasible, OperatingPoint, Status, TieBreak,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::canonical_sha256;
use crate::error::Error;

/// The `format` of every thresholds file.
pub const FORMAT: &str = "plimsoll-thresholds";
/// The format version that this crate writes, and the newest that it reads.
pub const VERSION: FormatVersion = FormatVersion { major: 2, minor: 1 };
/// Documents beyond this size are refused before they are parsed.
pub const MAX_BYTES: usize = 256 << 20;

/// Version of the file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FormatVersion {
    /// Changes when an old reader would misread a new file.
    pub major: u32,
    /// Changes when keys are added.
    pub minor: u32,
}

/// The program that wrote a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The plan that a file came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pipeline {
    /// Its name.
    pub name: String,
    /// SHA-256 of its resolved form.
    pub sha256: String,
}

/// A thresholds file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Thresholds {
    /// Always `plimsoll-thresholds`.
    pub format: String,
    /// Version of the format.
    pub format_version: FormatVersion,
    /// What wrote the file.
    pub program: Program,
    /// The plan that it came from.
    pub pipeline: Pipeline,
    /// The small model.
    pub slm: ModelIdentity,
    /// The large model; null without one.
    pub llm: Option<ModelIdentity>,
    /// The data that the thresholds were fitted on.
    pub calibration: Calibration,
    /// The methods, each with its operating points.
    pub methods: Vec<Method>,
    /// SHA-256 of the canonical form (RFC 8785) of this document without this key.
    pub sha256: String,
}

impl Program {
    /// A program and its version.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into() }
    }
}

impl Pipeline {
    /// A pipeline's name, and the SHA-256 of its resolved form.
    pub fn new(name: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self { name: name.into(), sha256: sha256.into() }
    }
}

/// What is read before anything else, so that a newer file gets a better answer than "unknown key".
#[derive(Deserialize)]
struct FormatHeader {
    format: String,
    format_version: FormatVersion,
}

impl Thresholds {
    /// A file of this format version without an LLM and without methods, which are set afterwards;
    /// [`Thresholds::sealed`] comes last.
    pub fn new(program: Program, pipeline: Pipeline, slm: ModelIdentity, calibration: Calibration) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            program,
            pipeline,
            slm,
            llm: None,
            calibration,
            methods: Vec::new(),
            sha256: String::new(),
        }
    }

    /// Reads a file, strictly.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Version`] for other documents and newer versions,
    /// [`Error::Empty`], [`Error::Truncated`] and [`Error::NotJson`] for what is no JSON document, [`Error::Json`] for one of
    /// another shape, [`Error::Hash`] if the content was changed,
    /// [`Error::Inconsistent`] if the document contradicts itself.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            return Err(inconsistent("(document)", format!("is larger than {MAX_BYTES} bytes")));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let unreadable = |error| Error::unreadable(text, error);
        let header: FormatHeader = serde_json::from_str(text).map_err(unreadable)?;
        check_header(&header)?;
        let thresholds: Self = serde_json::from_str(text).map_err(unreadable)?;
        // The hash is taken over what the file says, not over what was understood of it.
        let content: Value = serde_json::from_str(text).map_err(unreadable)?;
        let computed = content_sha256(content);
        if computed != thresholds.sha256 {
            return Err(Error::Hash { stored: thresholds.sha256, computed });
        }
        check::check(&thresholds)?;
        Ok(thresholds)
    }

    /// Checks the document, stamps it with its hash and gives it back.
    ///
    /// # Errors
    /// [`Error::Inconsistent`] if the document contradicts itself.
    pub fn sealed(mut self) -> Result<Self, Error> {
        check::check(&self)?;
        self.sha256 = content_sha256(serde_json::to_value(&self).map_err(Error::json)?);
        Ok(self)
    }

    /// The document as JSON for people: indented, lists of numbers on one line, a line break last.
    ///
    /// # Errors
    /// [`Error::Json`] if a number is not finite.
    pub fn to_json(&self) -> Result<String, Error> {
        let value = serde_json::to_value(self).map_err(Error::json)?;
        let mut text = String::new();
        write_indented(&value, 0, &mut text);
        text.push('\n');
        Ok(text)
    }
}

fn check_header(header: &FormatHeader) -> Result<(), Error> {
    if header.format != FORMAT {
        return Err(Error::Format { found: header.format.clone(), expected: FORMAT });
    }
    if header.format_version.major != VERSION.major || header.format_version > VERSION {
        let newer = header.format_version > VERSION;
        return Err(Error::Version {
            found_major: header.format_version.major,
            found_minor: header.format_version.minor,
            major: VERSION.major,
            minor: VERSION.minor,
            advice: if newer {
                "upgrade plimsoll-router, or fit the thresholds with the version that this device runs"
            } else {
                "fit the thresholds anew with this version"
            },
        });
    }
    Ok(())
}

/// SHA-256 of the canonical form of a document without its `sha256`.
fn content_sha256(mut content: Value) -> String {
    if let Value::Object(map) = &mut content {
        map.remove("sha256");
    }
    canonical_sha256(&content)
}

fn inconsistent(path: impl Into<String>, problem: impl Into<String>) -> Error {
    Error::Inconsistent { path: path.into(), problem: problem.into() }
}

/// Writes JSON with two spaces a level; lists of scalars stay on one line.
fn write_indented(value: &Value, level: usize, out: &mut String) {
    let scalar = |value: &Value| !matches!(value, Value::Array(_) | Value::Object(_));
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(level));
    };
    match value {
        Value::Array(items) if !items.iter().all(scalar) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(out, level + 1);
                write_indented(item, level + 1, out);
            }
            line(out, level);
            out.push(']');
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            out.push('[');
            out.push_str(&items.join(", "));
            out.push(']');
        }
        Value::Object(map) if !map.is_empty() => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                line(out, level + 1);
                out.push_str(&Value::String(key.clone()).to_string());
                out.push_str(": ");
                write_indented(item, level + 1, out);
            }
            line(out, level);
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::example_thresholds;

    fn text() -> String {
        example_thresholds().to_json().unwrap()
    }

    #[test]
    fn what_is_written_reads_back_as_itself() {
        let thresholds = example_thresholds();
        assert_eq!(Thresholds::from_json(&text()).unwrap(), thresholds);
        // White space and key order are not content.
        let compact = serde_json::to_string(&serde_json::from_str::<Value>(&text()).unwrap()).unwrap();
        assert_eq!(Thresholds::from_json(&compact).unwrap().sha256, thresholds.sha256);
    }

    #[test]
    fn a_changed_threshold_is_noticed() {
        let threshold = example_thresholds().methods[0].operating_points[0].threshold.unwrap();
        let changed = text().replace(&format!("\"threshold\": {}", threshold.get()), "\"threshold\": 0.25");
        assert_ne!(changed, text());
        assert!(matches!(Thresholds::from_json(&changed), Err(Error::Hash { .. })));
    }

    #[test]
    fn newer_and_foreign_documents_are_named() {
        for (major, advice) in [(3, "upgrade"), (1, "fit the thresholds anew")] {
            let other = text()
                .replace("\"major\": 2", &format!("\"major\": {major}"))
                .replace("\"fraction\"", "\"new_key\"");
            let error = Thresholds::from_json(&other).unwrap_err();
            assert!(matches!(error, Error::Version { found_major, .. } if found_major == major), "{error}");
            assert!(error.to_string().contains(advice), "{error}");
        }
        let foreign = text().replace(FORMAT, "something-else");
        assert!(matches!(Thresholds::from_json(&foreign), Err(Error::Format { .. })));
    }

    #[test]
    fn strict_about_keys_types_and_truncation() {
        let unknown = text().replacen("\"format\"", "\"surprise\": 1, \"format\"", 1);
        let wrong_type = text().replacen("\"rule\": \"", "\"rule\": \"un", 1);
        for bad in ["[]", "null", &unknown, &wrong_type] {
            assert!(matches!(Thresholds::from_json(bad), Err(Error::Json(_))), "{bad:.60}");
        }
        for empty in ["", " \n"] {
            assert!(matches!(Thresholds::from_json(empty), Err(Error::Empty)));
        }
        for cut in ["{", &text()[..text().len() / 2]] {
            let error = Thresholds::from_json(cut).unwrap_err();
            assert!(matches!(error, Error::Truncated { bytes, .. } if bytes == cut.len()), "{error}");
        }
        for path in ["thresholds.json", "/data/thresholds.json", "<html>"] {
            assert!(matches!(Thresholds::from_json(path), Err(Error::NotJson(_))), "{path}");
        }
        let repeated = text().replacen("\"format\":", "\"format\": \"x\", \"format\":", 1);
        assert!(Thresholds::from_json(&repeated).is_err());
        let deep = format!("{{\"format\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Thresholds::from_json(&deep).is_err());
    }

    #[test]
    fn contradictions_are_refused_when_written() {
        let mut thresholds = example_thresholds();
        thresholds.methods[0].operating_points[0].threshold = None;
        assert!(matches!(thresholds.sealed(), Err(Error::Inconsistent { .. })));
        let mut thresholds = example_thresholds();
        let twin = thresholds.methods[0].clone();
        thresholds.methods.push(twin);
        assert!(matches!(thresholds.sealed(), Err(Error::Inconsistent { .. })));
        let mut thresholds = example_thresholds();
        thresholds.methods[0].maps.isotonic =
            Some(crate::map::Isotonic { x: vec![0.5, 0.4], y: vec![0.0, 1.0] });
        assert!(matches!(thresholds.sealed(), Err(Error::Inconsistent { .. })));
        let changes: [fn(&mut Method); 6] = [
            |method| method.pool_cdf = None,
            |method| method.tracker.horizon = 0.0,
            |method| method.operating_points[0].z = Some(1.5),
            |method| method.operating_points[3].z = Some(0.5),
            |method| method.operating_points[2].dataset_guarantee.as_mut().unwrap().promise = 0.99,
            |method| {
                let guarantee = method.operating_points[2].dataset_guarantee.take();
                method.operating_points[0].dataset_guarantee = guarantee;
            },
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut thresholds = example_thresholds();
            change(&mut thresholds.methods[0]);
            assert!(matches!(thresholds.sealed(), Err(Error::Inconsistent { .. })), "{index}");
        }
    }
}
