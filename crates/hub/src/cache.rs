//! The cache on disk, laid out as the hub's own tools do, so that all share it:
//! `datasets--OWNER--NAME/{refs,blobs,snapshots}` and `.locks`. Beside those, `.plimsoll/COMMIT.json`
//! stores the hub's listing, so that a partial cache is not mistaken for the whole repository.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::HubError;
use crate::listing::Listing;
use crate::local::walk;
use crate::name::is_commit;
use crate::options::HubOptions;
use crate::progress::{DownloadEvent, DownloadObserver};
use crate::source::HubSource;

/// How often a lock that another process holds is tried.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The part of the cache that belongs to one repository.
#[derive(Debug)]
pub(crate) struct HubCache {
    root: PathBuf,
    repository: PathBuf,
    locks: PathBuf,
}

impl HubCache {
    pub(crate) fn new(root: &Path, source: &HubSource) -> Self {
        let name = source.folder_name();
        Self { root: root.to_owned(), repository: root.join(&name), locks: root.join(".locks").join(&name) }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The files of a commit, under their own names.
    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.repository.join("snapshots").join(commit)
    }

    /// A file's content, under its hash.
    pub(crate) fn blob(&self, blob: &str) -> PathBuf {
        self.repository.join("blobs").join(blob)
    }

    /// What there is so far of a file's content.
    pub(crate) fn partial(&self, blob: &str) -> PathBuf {
        self.repository.join("blobs").join(format!("{blob}.incomplete"))
    }

    /// The commit of a revision at the last listing.
    pub(crate) fn commit(&self, revision: &str) -> Result<Option<String>, HubError> {
        if is_commit(revision) {
            return Ok(Some(revision.to_owned()));
        }
        let path = self.reference(revision);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|commit| is_commit(commit))),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(HubError::io("read", &path)(error)),
        }
    }

    /// Remembers which commit a revision is.
    pub(crate) fn remember_commit(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if self.commit(revision)?.as_deref() == Some(commit) {
            return Ok(());
        }
        write_whole(&self.reference(revision), commit.as_bytes(), &self.repository)
    }

    fn reference(&self, revision: &str) -> PathBuf {
        self.repository.join("refs").join(revision)
    }

    /// The stored listing of a commit; `None` if there is none or it is damaged.
    pub(crate) fn listing(&self, commit: &str) -> Option<Listing> {
        let text = fs::read(self.listing_path(commit)).ok()?;
        let listing: Listing = serde_json::from_slice(&text).ok()?;
        listing.is_sound(commit).then_some(listing)
    }

    /// Keeps what the hub listed.
    pub(crate) fn remember_listing(&self, listing: &Listing) -> Result<(), HubError> {
        if self.listing(&listing.commit).as_ref() == Some(listing) {
            return Ok(());
        }
        let path = self.listing_path(&listing.commit);
        let text = serde_json::to_vec(listing).map_err(|error| HubError::io("write", &path)(error.into()))?;
        write_whole(&path, &text, &self.repository)
    }

    fn listing_path(&self, commit: &str) -> PathBuf {
        self.repository.join(".plimsoll").join(format!("{commit}.json"))
    }

    /// The names of the files of a commit that are there.
    pub(crate) fn names(&self, commit: &str) -> Result<Vec<String>, HubError> {
        let folder = self.snapshot(commit);
        if folder.is_dir() {
            Ok(walk(&folder, true)?.into_iter().map(|(name, _)| name).collect())
        } else {
            Ok(vec![])
        }
    }

    /// The size of a file, if it is there and has the size it should have.
    pub(crate) fn size(&self, commit: &str, name: &str, bytes: Option<u64>) -> Option<u64> {
        whole_size(&self.snapshot(commit).join(name), bytes)
    }

    /// Waits until no other process fetches this blob. The lock ends with the file that is returned, and
    /// with the process.
    pub(crate) fn lock(
        &self,
        blob: &str,
        file: &str,
        options: &HubOptions,
        progress: &dyn DownloadObserver,
    ) -> Result<File, HubError> {
        let path = self.locks.join(format!("{blob}.lock"));
        make_parent(&path)?;
        let open = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let lock = open.map_err(HubError::io("open", &path))?;
        let partial = self.partial(blob);
        let mut last = None;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::Error(error)) => return Err(HubError::io("lock", &path)(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let size = fs::metadata(&partial).map_or(0, |data| data.len());
            let (known, since) = *last.get_or_insert_with(|| {
                progress.event(&DownloadEvent::WaitingForOther { file });
                (size, Instant::now())
            });
            if size != known {
                last = Some((size, Instant::now()));
            } else if since.elapsed() > options.lock_wait {
                return Err(HubError::Locked { path, seconds: options.lock_wait.as_secs() });
            }
            thread::sleep(LOCK_PAUSE);
        }
    }

    /// Gives a blob its name in a commit. Under the blob's lock, which those who only read do not take: a
    /// name that is there stays there throughout.
    pub(crate) fn link(&self, blob: &str, commit: &str, name: &str) -> Result<(), HubError> {
        let path = self.snapshot(commit).join(name);
        make_parent(&path)?;
        let up = "../".repeat(name.split('/').count() + 1);
        let target = format!("{up}blobs/{blob}");
        put_under_name(&path, &self.repository, |beside| {
            // Where there are no symbolic links, another name for the same content, or else a copy.
            let link = symlink(Path::new(&target), beside);
            let link = link.or_else(|_| fs::hard_link(self.blob(blob), beside));
            link.or_else(|_| fs::copy(self.blob(blob), beside).map(|_| ()))
        })
    }
}

/// The size of a file, if it is there and has the size it should have.
pub(crate) fn whole_size(path: &Path, bytes: Option<u64>) -> Option<u64> {
    let data = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    (bytes.is_none_or(|bytes| bytes == data.len())).then_some(data.len())
}

/// Removes a file that may not be there.
pub(crate) fn remove(path: &Path) -> Result<(), HubError> {
    match fs::remove_file(path) {
        Err(error) if !is_absence(&error) => Err(HubError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

pub(crate) fn make_parent(path: &Path) -> Result<(), HubError> {
    path.parent()
        .map_or(Ok(()), |parent| fs::create_dir_all(parent).map_err(HubError::io("make folder", parent)))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Writes a small file, whole or not at all.
fn write_whole(path: &Path, bytes: &[u8], folder: &Path) -> Result<(), HubError> {
    make_parent(path)?;
    put_under_name(path, folder, |beside| {
        let mut file = File::create(beside)?;
        file.write_all(bytes)?;
        file.sync_all()
    })
}

/// Has a file made under a name of its own in `folder`, then gives it its name in one step, replacing
/// what may have had that name.
fn put_under_name(
    path: &Path,
    folder: &Path,
    make: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), HubError> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let beside = folder.join(format!(".{}-{count}.tmp", process::id()));
    let put = make(&beside).and_then(|()| fs::rename(&beside, path));
    // What is left of a failed attempt has no name that is read; neither has the second name of a hard link,
    // which a rename to the first one leaves. Both are removed if possible.
    let _ = fs::remove_file(&beside);
    put.map_err(HubError::io("write", path))
}

#[cfg(unix)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(windows)]
fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, path)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_target: &Path, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_file_is_there_throughout_when_it_is_linked_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = HubCache {
            root: folder.path().to_owned(),
            repository: folder.path().join("repository"),
            locks: folder.path().join("locks"),
        };
        fs::create_dir_all(cache.repository.join("blobs")).unwrap();
        fs::write(cache.blob("b"), b"rows").unwrap();
        let link = || cache.link("b", "c", "data/rows.parquet").unwrap();
        link();
        let path = cache.snapshot("c").join("data/rows.parquet");
        thread::scope(|scope| {
            let reader = scope.spawn(|| {
                for _ in 0..2_000 {
                    assert_eq!(fs::read(&path).unwrap(), b"rows");
                }
            });
            while !reader.is_finished() {
                link();
            }
        });
        let names = fs::read_dir(&cache.repository).unwrap().count();
        assert_eq!(names, 2, "blobs and snapshots, and nothing left over");
    }
}
