//! Downloads one file into the cache: resumed, verified, then renamed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use plimsoll_http::Retry;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::cache::{make_parent, remove, whole_size};
use crate::client::{HubClient, HubReply, RequestKind};
use crate::error::HubError;
use crate::fetched::hash;
use crate::listing::{Digest, ListedFile};
use crate::name::{is_blob_name, is_sha256};
use crate::progress::DownloadEvent;
use crate::repository::Repository;
use crate::request_error::HubRequestError;
use crate::source::HubSource;

/// After so many bytes, failures are counted from 0: a long download may be cut more often than a short one.
const MIN_PROGRESS_BYTES: u64 = 1 << 20;

/// What a file must turn out to be.
struct Expected {
    blob: String,
    bytes: u64,
    digest: Option<Digest>,
}

/// A failure of the hub, or of this machine.
enum TransferFailure {
    Request(HubRequestError),
    Own(HubError),
}

impl From<HubRequestError> for TransferFailure {
    fn from(error: HubRequestError) -> Self {
        Self::Request(error)
    }
}

impl From<HubError> for TransferFailure {
    fn from(error: HubError) -> Self {
        Self::Own(error)
    }
}

impl Repository<'_> {
    /// Fetches a file that is not in the cache; gives its size. `source` is at a commit.
    pub(crate) fn fetch(&self, source: &HubSource, name: &str, entry: &ListedFile) -> Result<u64, HubError> {
        let Some(client) = &self.client else { return Err(self.absent(source, Some(name))) };
        let transfer = Transfer { repository: self, client, source, name };
        transfer.run(entry).map_err(|failure| match failure {
            TransferFailure::Own(error) => error,
            TransferFailure::Request(error) => {
                HubError::Fetch { location: source.to_string(), file: name.to_owned(), source: error }
            }
        })
    }
}

struct Transfer<'a> {
    repository: &'a Repository<'a>,
    client: &'a HubClient<'a>,
    source: &'a HubSource,
    name: &'a str,
}

impl Transfer<'_> {
    fn run(&self, entry: &ListedFile) -> Result<u64, TransferFailure> {
        let Repository { options, progress, cache, .. } = self.repository;
        let expected = match (entry.bytes, &entry.blob) {
            (Some(bytes), Some(blob)) => Expected { blob: blob.clone(), bytes, digest: entry.digest.clone() },
            _ => self.client.patiently(|| self.describe())?,
        };
        if expected.bytes > options.max_file_bytes {
            return Err(
                HubRequestError::TooLarge { bytes: expected.bytes, max: options.max_file_bytes }.into()
            );
        }
        let _lock = cache.lock(&expected.blob, self.name, options, *progress)?;
        let blob = cache.blob(&expected.blob);
        if whole_size(&blob, Some(expected.bytes)).is_none() {
            self.download(&expected)?;
            fs::rename(cache.partial(&expected.blob), &blob).map_err(HubError::io("write", &blob))?;
        }
        cache.link(&expected.blob, &self.source.revision, self.name)?;
        progress.event(&DownloadEvent::Finished { file: self.name });
        Ok(expected.bytes)
    }

    fn url(&self) -> url::Url {
        let parts = self.source.page().chain(["resolve", &self.source.revision]).chain(self.name.split('/'));
        self.repository.options.endpoint.address(parts)
    }

    /// Asks for size and hash, where the listing does not have them.
    fn describe(&self) -> Result<Expected, HubRequestError> {
        let reply = self.client.send(&self.url(), RequestKind::Headers, self.source)?;
        let refused = |problem| HubRequestError::Reply { host: reply.host.clone(), problem, source: None };
        if reply.is_web_page() && !self.is_web_page() {
            return Err(HubRequestError::WebPage { host: reply.host, wanted: "a file" });
        }
        let (linked, own) = (reply.header("x-linked-etag"), reply.header("etag"));
        let etag = linked.or(own).map(|etag| etag.trim_start_matches("W/").trim_matches('"'));
        let blob =
            etag.filter(|etag| is_blob_name(etag)).ok_or_else(|| refused("a file without a usable ETag"))?;
        let length = reply.header("x-linked-size").or_else(|| reply.header("content-length"));
        let length = length.filter(|_| linked.is_none() || reply.header("x-linked-size").is_some());
        let bytes = length
            .and_then(|length| length.parse().ok())
            .ok_or_else(|| refused("a file without a length"))?;
        let hash = linked.and(Some(blob)).filter(|hash| is_sha256(hash));
        Ok(Expected {
            blob: blob.to_owned(),
            bytes,
            digest: hash.map(|hash| Digest::Sha256(hash.to_owned())),
        })
    }

    /// Brings the partial file to its end and verifies it. A file that went on from an earlier run and
    /// is damaged is fetched anew, once.
    fn download(&self, expected: &Expected) -> Result<(), TransferFailure> {
        let cache = &self.repository.cache;
        let partial = cache.partial(&expected.blob);
        make_parent(&partial)?;
        if expected.digest.is_none() {
            // Without a hash the parts could not be verified.
            remove(&partial)?;
        }
        let was_there = fs::metadata(&partial).is_ok_and(|data| data.len() > 0);
        self.complete(expected, &partial)?;
        match verify(&partial, expected) {
            Err(TransferFailure::Request(_)) if was_there => {
                self.complete(expected, &partial)?;
                verify(&partial, expected)
            }
            verified => verified,
        }
    }

    /// Asks again, from where it ended, until all bytes are there.
    fn complete(&self, expected: &Expected, partial: &Path) -> Result<(), TransferFailure> {
        let mut failures = 0;
        loop {
            let before = fs::metadata(partial).map_or(0, |data| data.len());
            let Err(failure) = self.receive(expected, partial) else { return Ok(()) };
            let TransferFailure::Request(error) = failure else { return Err(failure) };
            let after = fs::metadata(partial).map_or(0, |data| data.len());
            if error.retry() == Retry::Never
                && (after == 0 || matches!(error, HubRequestError::WrongLength { .. }))
            {
                remove(partial)?;
            }
            failures = if after >= before.saturating_add(MIN_PROGRESS_BYTES) { 1 } else { failures + 1 };
            self.client.pause(failures, error)?;
        }
    }

    /// Asks once and appends what comes.
    fn receive(&self, expected: &Expected, partial: &Path) -> Result<(), TransferFailure> {
        let open = OpenOptions::new().append(true).create(true).open(partial);
        let mut file = open.map_err(HubError::io("open", partial))?;
        let mut have = file.metadata().map_err(HubError::io("read", partial))?.len();
        let empty = |file: &File| file.set_len(0).map_err(HubError::io("write", partial));
        if have > expected.bytes {
            empty(&file)?;
            have = 0;
        }
        if have < expected.bytes || have == 0 {
            let reply = self.client.send(&self.url(), RequestKind::Body { from: have }, self.source)?;
            if have > 0 && matches!(reply.status, 200 | 416) {
                empty(&file)?;
            }
            let from = self.check(&reply, have, expected)?;
            self.append(reply, &mut file, partial, (from, expected.bytes))?;
        }
        file.sync_all().map_err(|error| self.write_failure(error, partial, expected.bytes).into())
    }

    /// Whether the answer continues the file; gives the byte that it begins with.
    fn check(&self, reply: &HubReply, have: u64, expected: &Expected) -> Result<u64, HubRequestError> {
        let host = || reply.host.clone();
        let refused = |problem| HubRequestError::Reply { host: host(), problem, source: None };
        if reply.status == 416 {
            return Err(HubRequestError::Cut { host: host(), received: 0, expected: expected.bytes });
        }
        if reply.is_web_page() && !self.is_web_page() {
            return Err(HubRequestError::WebPage { host: host(), wanted: "a file" });
        }
        if reply.header("content-encoding").is_some_and(|encoding| encoding != "identity") {
            return Err(refused("a file in an encoding that was not requested"));
        }
        if let (Some(Digest::Sha256(hash)), Some(linked)) =
            (&expected.digest, reply.endpoint_header("x-linked-etag"))
            && linked.trim_matches('"') != hash
        {
            return Err(refused("another hash with the file than in the list of files"));
        }
        let from = match reply.status {
            206 => reply
                .header("content-range")
                .and_then(first_byte)
                .ok_or_else(|| refused("a part without its range"))?,
            _ => 0,
        };
        if reply.status == 206 && from != have {
            return Err(refused("another part than requested"));
        }
        match reply.body.content_length() {
            Some(length) if from.saturating_add(length) != expected.bytes => {
                Err(HubRequestError::WrongLength {
                    host: host(),
                    expected: expected.bytes,
                    found: from.saturating_add(length),
                })
            }
            _ => Ok(from),
        }
    }

    fn append(
        &self,
        reply: HubReply,
        file: &mut File,
        path: &Path,
        (from, bytes): (u64, u64),
    ) -> Result<(), TransferFailure> {
        let progress = self.repository.progress;
        progress.event(&DownloadEvent::Started { file: self.name, bytes, have: from });
        let (host, mut have) = (reply.host.clone(), from);
        let outcome = reply.read(self.repository.options, |chunk| {
            have += chunk.len() as u64;
            if have > bytes {
                return Err(HubRequestError::WrongLength {
                    host: host.clone(),
                    expected: bytes,
                    found: have,
                }
                .into());
            }
            file.write_all(chunk).map_err(|error| self.write_failure(error, path, bytes))?;
            progress.event(&DownloadEvent::Received { file: self.name, bytes: chunk.len() as u64 });
            Ok(())
        });
        match outcome {
            Err(TransferFailure::Request(HubRequestError::Unreachable { .. })) => {}
            outcome => outcome?,
        }
        let is_whole = have == bytes;
        if is_whole {
            Ok(())
        } else {
            Err(HubRequestError::Cut { host, received: have, expected: bytes }.into())
        }
    }

    fn write_failure(&self, source: io::Error, path: &Path, bytes: u64) -> HubError {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => {
                HubError::DiskFull { file: self.name.to_owned(), bytes, path: path.to_owned(), source }
            }
            _ => HubError::io("write", path)(source),
        }
    }

    /// Whether the file that is wanted is itself a page.
    fn is_web_page(&self) -> bool {
        [".html", ".htm"].iter().any(|ending| self.name.to_ascii_lowercase().ends_with(ending))
    }
}

/// The first byte of `bytes FIRST-LAST/ALL`.
fn first_byte(range: &str) -> Option<u64> {
    range.trim().strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}

/// Compares a file's hash with the one announced, and deletes the file if they differ.
fn verify(path: &Path, expected: &Expected) -> Result<(), TransferFailure> {
    let (announced, found) = match &expected.digest {
        None => return Ok(()),
        Some(Digest::Sha256(announced)) => (announced, hash(path, Sha256::new())?),
        Some(Digest::Git(announced)) => {
            let header = format!("blob {}\0", expected.bytes);
            (announced, hash(path, Sha1::new().chain_update(header))?)
        }
    };
    if *announced == found {
        return Ok(());
    }
    remove(path)?;
    Err(HubRequestError::Hash { expected: announced.clone(), found }.into())
}
