//! What the gateway has learnt, on disk: written whole or not at all, so that a process that is killed leaves the state
//! of at most one interval ago.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_files::{FileError, write_atomic};
use plimsoll_router::{ErrorMonitorSnapshot, MonitorSnapshot, TrackerSnapshot};
use serde::{Deserialize, Serialize};

use crate::error::GatewayError;

/// No state is larger.
const MAX_BYTES: u64 = 64 << 20;

/// Version of the file.
const VERSION: u32 = 1;

/// The state of one operating point; each part names the file and point that it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointState {
    /// Of the tracker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracker: Option<TrackerSnapshot>,
    /// Of the monitor of the kept answers' error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<ErrorMonitorSnapshot>,
    /// Of the drift monitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<MonitorSnapshot>,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayState {
    version: u32,
    /// SHA-256 of the thresholds file.
    pub thresholds_sha256: String,
    /// By id of the operating point.
    pub points: BTreeMap<String, PointState>,
}

impl GatewayState {
    /// A state of a thresholds file.
    pub fn new(thresholds_sha256: String, points: BTreeMap<String, PointState>) -> Self {
        Self { version: VERSION, thresholds_sha256, points }
    }

    /// Reads a state; `None` where there is no file yet.
    ///
    /// # Errors
    /// [`GatewayError::State`] for what is none, [`GatewayError::File`] for a file that cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>, GatewayError> {
        let length = match std::fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileError::new("read", path)(error).into()),
        };
        let problem = |source| GatewayError::State { file: path.display().to_string(), source };
        if length > MAX_BYTES {
            return Err(problem(format!("it is longer than {MAX_BYTES} bytes").into()));
        }
        let bytes = std::fs::read(path).map_err(FileError::new("read", path))?;
        let state: Self = serde_json::from_slice(&bytes).map_err(|error| problem(error.into()))?;
        if state.version == VERSION {
            Ok(Some(state))
        } else {
            Err(problem(format!("it has version {}, this program knows {VERSION}", state.version).into()))
        }
    }

    /// Writes the state, whole or not at all.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        write_atomic(path, |file| serde_json::to_writer(file, self).map_err(Into::into))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        assert_eq!(GatewayState::read(&path).unwrap(), None);
        let points = BTreeMap::from([("a/b".to_owned(), PointState::default())]);
        let state = GatewayState::new("0".repeat(64), points);
        state.write(&path).unwrap();
        assert_eq!(GatewayState::read(&path).unwrap(), Some(state));
        let text = std::fs::read_to_string(&path).unwrap();
        for damaged in [
            String::new(),
            text[..text.len() / 2].to_owned(),
            text.replace("\"version\":1", "\"version\":2"),
            text.replace("\"points\"", "\"more\":1,\"points\""),
            "[".repeat(100_000),
        ] {
            std::fs::write(&path, &damaged).unwrap();
            let error = GatewayState::read(&path).unwrap_err();
            assert!(error.to_string().contains("state.json"), "{damaged:.40}: {error}");
        }
    }
}
