//! What the tests share: a cache of their own, options, and a close look at every error.

use std::cell::RefCell;
use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use plimsoll_hub::{
    DownloadEvent, DownloadObserver, Endpoint, Fetched, FileSelection, FileSource, HubError, HubOptions,
    Secret, resolve,
};
use tempfile::TempDir;

use plimsoll_test_support::hub_server::{Host, HubContent};

pub(crate) const TOKEN: &str = "hf_never_shown";
pub(crate) const SOURCE: &str = "hf://datasets/o/n@main";

/// Bytes that no compression and no repetition could hide an error in.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(next).collect()
}

/// A dataset of one split.
pub(crate) fn dataset(bytes: &[u8]) -> HubContent {
    HubContent::dataset("o/n")
        .revision("main", &[("README.md", b"hello"), ("main/test-00000-of-00001.parquet", bytes)])
}

/// A cache of its own and options for a host.
pub(crate) struct Here {
    pub(crate) folder: TempDir,
    pub(crate) options: HubOptions,
}

impl Here {
    pub(crate) fn new(host: &Host) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = HubOptions::new(Some(folder.path().join("hub"))).unwrap();
        options.endpoint = Endpoint::parse(&host.address).unwrap();
        options.token = Some(Secret::new(TOKEN));
        options.backoff = Duration::from_millis(1);
        options.retries = 2;
        options.connect_timeout = Duration::from_secs(30);
        options.read_timeout = Duration::from_secs(30);
        Self { folder, options }
    }

    pub(crate) fn fetch(&self, source: &str, selection: &FileSelection) -> Result<Fetched, HubError> {
        resolve(&FileSource::parse(source).unwrap(), selection, &self.options, &())
    }

    /// The test split.
    pub(crate) fn split(&self) -> Result<Fetched, HubError> {
        self.fetch(SOURCE, &FileSelection::parquet(Some("main"), Some("test")))
    }

    /// Its error as a user sees it. No error may hold the token or a signed address.
    pub(crate) fn failure(&self, source: &str, selection: &FileSelection) -> String {
        shown(&self.fetch(source, selection).expect_err("this should fail"))
    }

    pub(crate) fn split_failure(&self) -> String {
        self.failure(SOURCE, &FileSelection::parquet(Some("main"), Some("test")))
    }

    /// The folder of the dataset in the cache.
    pub(crate) fn repository(&self) -> PathBuf {
        self.folder.path().join("hub/datasets--o--n")
    }

    /// Names of the files among the blobs.
    pub(crate) fn blobs(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.repository().join("blobs")) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// An error with its causes.
pub(crate) fn shown(error: &HubError) -> String {
    let debug = format!("{error:?}");
    assert!(!debug.contains(TOKEN) && !debug.contains("SIGNED"), "{debug}");
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(!text.contains(TOKEN) && !text.contains("SIGNED"), "{text}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
    text
}

/// Keeps events as lines.
#[derive(Debug, Default)]
pub(crate) struct Log(pub(crate) RefCell<Vec<String>>);

impl DownloadObserver for Log {
    fn event(&self, event: &DownloadEvent<'_>) {
        let line = match event {
            DownloadEvent::Cached { file, bytes } => format!("cached {file} {bytes}"),
            DownloadEvent::Started { file, bytes, have } => format!("started {file} {have}/{bytes}"),
            DownloadEvent::Received { bytes, .. } => format!("received {bytes}"),
            DownloadEvent::Finished { file } => format!("finished {file}"),
            DownloadEvent::Retrying { .. } => "retrying".to_owned(),
            _ => "other".to_owned(),
        };
        self.0.borrow_mut().push(line);
    }
}
