//! `manifest.json`: what each stage read, wrote and depended on.

use std::fs;
use std::path::Path;

use plimsoll_files::sha256_file;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::is_inside;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::stages::STAGES;

const FORMAT: &str = "plimsoll-manifest";
/// Raised when an old reader would misread a new manifest.
const VERSION: u32 = 1;

/// A manifest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    format: String,
    format_version: u32,
    /// Version of the program that wrote it last.
    program_version: String,
    /// The plan, or the command, that wrote it last.
    pub(super) plan: Option<PlanIdentity>,
    /// The stages, in the order in which they run.
    pub(super) stages: Vec<StageRecord>,
}

/// A plan's name and hash.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanIdentity {
    /// Its name.
    pub(super) name: String,
    /// SHA-256 of its resolved form.
    pub(super) sha256: String,
}

/// What a stage did.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageRecord {
    /// Its name.
    pub(crate) stage: String,
    /// Hash of everything that it depends on.
    pub(crate) key: String,
    /// The part of the plan, or the options, that it depends on.
    pub(crate) parameters: Value,
    /// What it read.
    pub(crate) inputs: Vec<Source>,
    /// What it wrote.
    pub(crate) outputs: Vec<Artifact>,
    /// When it started, UTC.
    pub(super) started_at: String,
    /// How long it took.
    pub(super) seconds: f64,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// Its name, without the folders that lead to it.
    pub(crate) name: String,
    /// SHA-256 of its bytes.
    pub(crate) sha256: String,
    /// How many there are.
    pub(crate) bytes: u64,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Artifact {
    /// Its path in the output folder.
    pub(crate) path: String,
    /// SHA-256 of its bytes.
    pub(crate) sha256: String,
    /// How many there are.
    pub(crate) bytes: u64,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            plan: None,
            stages: Vec::new(),
        }
    }
}

impl Manifest {
    /// Reads a manifest, or says why it cannot be used.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("is damaged ({error})"))?;
        if (manifest.format.as_str(), manifest.format_version) != (FORMAT, VERSION) {
            return Err(format!("is not a manifest of version {VERSION}"));
        }
        let mut paths = manifest.stages.iter().flat_map(|stage| &stage.outputs).map(|output| &output.path);
        if let Some(outside) = paths.find(|path| !is_inside(path)) {
            return Err(format!("names an output `{outside}` outside its folder"));
        }
        Ok(Self { program_version: env!("CARGO_PKG_VERSION").to_owned(), ..manifest })
    }

    /// Brings the records into the order of the stages.
    pub(super) fn order(&mut self) {
        let place = |stage: &str| STAGES.iter().position(|known| *known == stage).unwrap_or(STAGES.len());
        self.stages.sort_by_key(|record| place(&record.stage));
    }
}

impl Source {
    /// A file as it is now.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let during = |failure: Failure| failure.during(format!("cannot read `{}`", path.display()));
        let metadata = fs::metadata(path).or_fail(Kind::Input).map_err(during)?;
        if !metadata.is_file() {
            // A device may never end.
            return Err(Failure::input(format!("`{}` is not a regular file", path.display())));
        }
        Ok(Self { name, sha256: sha256_file(path).or_fail(Kind::Input)?, bytes: metadata.len() })
    }
}

impl Artifact {
    /// A file of a folder as it is now.
    pub(super) fn of(root: &Path, path: &str) -> Result<Self, Failure> {
        let file = root.join(path);
        let bytes = fs::metadata(&file).or_fail(Kind::Stage);
        let bytes =
            bytes.map_err(|failure| failure.during(format!("cannot read `{}`", file.display())))?.len();
        Ok(Self { path: path.to_owned(), sha256: sha256_file(&file).or_fail(Kind::Stage)?, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_trusted_is_refused() {
        let good = serde_json::to_string(&Manifest::default()).unwrap();
        assert!(Manifest::parse(good.as_bytes()).is_ok());
        let output = r#"{"stage":"s","key":"k","parameters":null,"inputs":[],"started_at":"","seconds":1.0,
            "outputs":[{"path":"../x","sha256":"","bytes":0}]}"#;
        let outside = good.replace("\"stages\":[]", &format!("\"stages\":[{output}]"));
        for (bad, expected) in [
            (good[..good.len() / 2].to_owned(), "is damaged"),
            (good.replace("\"format_version\":1", "\"format_version\":2"), "version 1"),
            (good.replace("stages", "steps"), "is damaged"),
            (outside, "outside its folder"),
        ] {
            let problem = Manifest::parse(bad.as_bytes()).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
