//! `manifest.json`: what each stage read, wrote and depended on.

use std::fs;
use std::path::Path;

use plimsoll_files::sha256_file;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::is_inside;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::stage::Stage;

const FORMAT: &str = "plimsoll-manifest";
/// Raised when an old reader would misread a new manifest.
const VERSION: u32 = 1;

/// `manifest.json`. Its keys are a format.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: String,
    format_version: u32,
    /// Version of the program that wrote it last.
    program_version: String,
    /// The pipeline, or the command, that wrote it last.
    pub(super) plan: Option<PipelineIdentity>,
    /// The stages, in the order in which they run.
    pub(super) stages: Vec<StageRecord>,
}

/// A pipeline's name and hash.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PipelineIdentity {
    pub(super) name: String,
    /// SHA-256 of its configuration.
    pub(super) sha256: String,
}

/// What a stage did.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageRecord {
    /// Which stage.
    pub stage: Stage,
    /// Hash of everything that it depends on.
    pub key: String,
    /// The part of the pipeline, or the options, that it depends on.
    pub parameters: Value,
    /// The files that it read.
    pub inputs: Vec<InputFile>,
    /// The files that it wrote.
    pub outputs: Vec<OutputFile>,
    /// When it started, UTC.
    pub(super) started_at: String,
    /// How long it took.
    pub(super) seconds: f64,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Its name, without the folders that lead to it.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How many there are.
    pub bytes: u64,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputFile {
    /// Its path in the output folder.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How many there are.
    pub bytes: u64,
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
}

impl InputFile {
    /// A file as it is now.
    ///
    /// # Errors
    /// An input failure for a path that is no regular file, or cannot be read.
    pub fn from_path(path: &Path) -> Result<Self, Failure> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let during = |failure: Failure| failure.during(format!("cannot read `{}`", path.display()));
        let metadata = fs::metadata(path).or_fail(FailureKind::Input).map_err(during)?;
        if !metadata.is_file() {
            // A device may never end.
            return Err(Failure::input(format!("`{}` is not a regular file", path.display())));
        }
        Ok(Self { name, sha256: sha256_file(path).or_fail(FailureKind::Input)?, bytes: metadata.len() })
    }
}

impl OutputFile {
    /// A file of a folder as it is now.
    pub(super) fn from_path(root: &Path, path: &str) -> Result<Self, Failure> {
        let file = root.join(path);
        let bytes = fs::metadata(&file).or_fail(FailureKind::Stage);
        let bytes =
            bytes.map_err(|failure| failure.during(format!("cannot read `{}`", file.display())))?.len();
        Ok(Self { path: path.to_owned(), sha256: sha256_file(&file).or_fail(FailureKind::Stage)?, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_trusted_is_refused() {
        let good = serde_json::to_string(&Manifest::default()).unwrap();
        assert!(Manifest::parse(good.as_bytes()).is_ok());
        let output = r#"{"stage":"fit","key":"k","parameters":null,"inputs":[],"started_at":"","seconds":1.0,
            "outputs":[{"path":"../x","sha256":"","bytes":0}]}"#;
        let outside = good.replace("\"stages\":[]", &format!("\"stages\":[{output}]"));
        for (bad, expected) in [
            (good[..good.len() / 2].to_owned(), "is damaged"),
            (good.replace("\"format_version\":1", "\"format_version\":2"), "version 1"),
            (good.replace("stages", "steps"), "is damaged"),
            (outside.replace("\"fit\"", "\"fitt\""), "is damaged"),
            (outside, "outside its folder"),
        ] {
            let problem = Manifest::parse(bad.as_bytes()).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
