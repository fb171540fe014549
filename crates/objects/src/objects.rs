//! A store, and reading, writing and listing its objects.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io::Write as _;
use std::path::Path as FilePath;
use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use tokio::runtime::{Builder, Runtime};

use crate::address::StoreAddress;
use crate::error::{ObjectError, advice};
use crate::patience::{GivenUp, Patience};

/// A store. Names of objects are relative to its URL, with `/` between their parts.
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    root: Path,
    name: String,
    patience: Patience,
    runtime: Runtime,
}

impl fmt::Debug for Objects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Objects").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Objects {
    /// The store at a URL. A folder is made if it is not there; a bucket is not asked yet.
    ///
    /// # Errors
    /// [`ObjectError::Address`] and [`ObjectError::NeedsCloud`] for a URL that cannot be used,
    /// [`ObjectError::Failed`] for a folder that cannot be made.
    pub fn open(url: &str) -> Result<Self, ObjectError> {
        match StoreAddress::parse(url)? {
            StoreAddress::Folder(path) => {
                let store = folder(&path)?;
                Self::new(Arc::new(store), Path::default(), path.display().to_string(), Patience::default())
            }
            StoreAddress::Bucket(url) => bucket(&url),
        }
    }

    /// A store over any implementation, below a prefix of it. `name` is for messages.
    ///
    /// # Errors
    /// [`ObjectError::Start`] if the system refuses what a runtime needs.
    pub(crate) fn new(
        store: Arc<dyn ObjectStore>,
        root: Path,
        name: String,
        patience: Patience,
    ) -> Result<Self, ObjectError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| ObjectError::Start { store: name.clone(), source })?;
        Ok(Self { store, root, name, patience, runtime })
    }

    /// The same store with other patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The store as a person knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes of an object; `None` if there is none of that name. It is read piece by piece, so that an object that
    /// is larger than `max` bytes costs no more than those.
    ///
    /// # Errors
    /// [`ObjectError::TooLarge`], or [`ObjectError::Failed`].
    pub fn read(&self, name: &str, max: u64) -> Result<Option<Vec<u8>>, ObjectError> {
        let path = self.path(name);
        let read = || async {
            let mut pieces = self.store.get(&path).await?.into_stream();
            let mut bytes = Vec::new();
            while let Some(piece) = pieces.try_next().await? {
                if (bytes.len() + piece.len()) as u64 > max {
                    return Ok(None);
                }
                bytes.extend_from_slice(&piece);
            }
            Ok(Some(bytes))
        };
        match self.wait_for(read) {
            Ok(Some(bytes)) => Ok(Some(bytes)),
            Ok(None) => Err(ObjectError::TooLarge { object: self.shown(name), max }),
            Err(GivenUp { error: StoreError::NotFound { .. }, .. }) => Ok(None),
            Err(given_up) => Err(self.failed("read", name, given_up)),
        }
    }

    /// Writes the bytes of an object, by its name as [`Objects::list`] gives it, to a file, piece by piece, in the place of
    /// what the file held; `false` if there is no such object. A file of an operation that failed is not whole.
    ///
    /// # Errors
    /// [`ObjectError::Failed`], also for a file that cannot be written.
    pub fn fetch(&self, name: &str, file: &FilePath) -> Result<bool, ObjectError> {
        // What was listed is written as the store has it, `%` and all.
        let listed = Path::parse(name).map(|parsed| self.root.parts().chain(parsed.parts()).collect());
        let path: Path = listed.unwrap_or_else(|_| self.path(name));
        let written = |source: std::io::Error| StoreError::Generic { store: "file", source: source.into() };
        let fetch = || async {
            let mut pieces = self.store.get(&path).await?.into_stream();
            let mut file = File::create(file).map_err(written)?;
            while let Some(piece) = pieces.try_next().await? {
                file.write_all(&piece).map_err(written)?;
            }
            Ok(())
        };
        match self.wait_for(fetch) {
            Ok(()) => Ok(true),
            Err(GivenUp { error: StoreError::NotFound { .. }, .. }) => Ok(false),
            Err(given_up) => Err(self.failed("fetch", name, given_up)),
        }
    }

    /// How many bytes an object has; `None` if there is none of that name.
    ///
    /// # Errors
    /// [`ObjectError::Failed`].
    pub fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        let path = self.path(name);
        match self.wait_for(|| async { self.store.head(&path).await }) {
            Ok(found) => Ok(Some(found.size)),
            Err(GivenUp { error: StoreError::NotFound { .. }, .. }) => Ok(None),
            Err(given_up) => Err(self.failed("look at", name, given_up)),
        }
    }

    /// Writes an object iff there is none of that name; says whether it was written. Of several that race exactly one
    /// is told so, but for one case: a store that wrote and whose reply was lost says `false` when it is asked again.
    /// Whoever needs to know reads what is there.
    ///
    /// # Errors
    /// [`ObjectError::Failed`].
    pub fn create(&self, name: &str, bytes: Vec<u8>) -> Result<bool, ObjectError> {
        match self.put(name, bytes, &PutMode::Create) {
            Ok(()) => Ok(true),
            // Some stores say that the condition, and some that the name, stood in the way.
            Err(GivenUp {
                error: StoreError::AlreadyExists { .. } | StoreError::Precondition { .. },
                ..
            }) => Ok(false),
            Err(given_up) => Err(self.failed("write", name, given_up)),
        }
    }

    /// Writes an object, in the place of one of that name if there is one. Whoever reads sees the old or the new one.
    ///
    /// # Errors
    /// [`ObjectError::Failed`].
    pub fn replace(&self, name: &str, bytes: Vec<u8>) -> Result<(), ObjectError> {
        self.put(name, bytes, &PutMode::Overwrite).map_err(|given_up| self.failed("write", name, given_up))
    }

    /// Removes an object, if there is one of that name.
    ///
    /// # Errors
    /// [`ObjectError::Failed`].
    pub fn remove(&self, name: &str) -> Result<(), ObjectError> {
        let path = self.path(name);
        match self.wait_for(|| async { self.store.delete(&path).await }) {
            Ok(()) | Err(GivenUp { error: StoreError::NotFound { .. }, .. }) => Ok(()),
            Err(given_up) => Err(self.failed("remove", name, given_up)),
        }
    }

    /// The names of the objects in a folder of the store, sorted, without the folder; at most `max` are looked at.
    ///
    /// # Errors
    /// [`ObjectError::Failed`].
    pub fn list(&self, folder: &str, max: usize) -> Result<Vec<String>, ObjectError> {
        let path = self.path(folder);
        let list = || async {
            let mut found = self.store.list(Some(&path));
            let mut names = Vec::new();
            while let Some(object) = found.try_next().await? {
                if names.len() >= max {
                    break;
                }
                let parts = object.location.prefix_match(&path).into_iter().flatten();
                names.push(parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"));
            }
            names.sort_unstable();
            Ok(names)
        };
        self.wait_for(list).map_err(|given_up| self.failed("list", folder, given_up))
    }

    fn put(&self, name: &str, bytes: Vec<u8>, mode: &PutMode) -> Result<(), GivenUp> {
        let (path, payload) = (self.path(name), PutPayload::from(bytes));
        let put = || async {
            let options = PutOptions::from(mode.clone());
            self.store.put_opts(&path, payload.clone(), options).await.map(|_| ())
        };
        self.wait_for(put)
    }

    /// Threads may wait at the same time: one of them drives the runtime for all.
    fn wait_for<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T, GivenUp>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        self.runtime.block_on(self.patience.try_often(attempt))
    }

    fn path(&self, name: &str) -> Path {
        self.root.parts().chain(Path::from(name).parts()).collect()
    }

    fn shown(&self, name: &str) -> String {
        format!("{}/{name}", self.name.trim_end_matches('/'))
    }

    fn failed(&self, action: &'static str, name: &str, GivenUp { attempts, error }: GivenUp) -> ObjectError {
        ObjectError::Failed {
            action,
            object: self.shown(name),
            after: if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() },
            advice: advice(&error),
            source: error.into(),
        }
    }
}

/// A folder as a store, made if it is not there.
fn folder(path: &FilePath) -> Result<LocalFileSystem, ObjectError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ObjectError::Failed {
        action: "use the folder",
        object: path.display().to_string(),
        after: String::new(),
        advice: "look at who may write there",
        source,
    };
    std::fs::create_dir_all(path).map_err(|error| failed(error.into()))?;
    LocalFileSystem::new_with_prefix(path).map_err(|error| failed(error.into()))
}

#[cfg(feature = "cloud")]
fn bucket(url: &url::Url) -> Result<Objects, ObjectError> {
    let (store, root) = crate::cloud::open(url)?;
    Objects::new(store, root, url.to_string(), Patience::default())
}

#[cfg(not(feature = "cloud"))]
fn bucket(url: &url::Url) -> Result<Objects, ObjectError> {
    Err(ObjectError::NeedsCloud { url: url.to_string() })
}

#[cfg(test)]
mod tests;
