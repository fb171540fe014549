//! Stores that fail on purpose, for tests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::error::ObjectError;
use crate::objects::Objects;
use crate::patience::Patience;

/// What goes wrong with an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The store is busy: status 503. Nothing was done.
    Busy,
    /// Status 503, after it was done.
    LostReply,
    /// It takes so long.
    Slow(Duration),
    /// Nobody may do it.
    Forbidden,
    /// No space is left.
    Full,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is read, or its size.
    Read,
    /// It is written.
    Write,
}

/// Decides what goes wrong, from the operation and the object.
pub type Faults = Arc<dyn Fn(Operation, &str) -> Fault + Send + Sync>;

/// A store in memory that can be opened by several, each with faults of its own.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<InMemory>);

impl MemoryStore {
    /// The store as one of its users sees it, with little patience.
    ///
    /// # Errors
    /// As [`Objects::open`].
    pub fn open(&self, faults: Faults) -> Result<Objects, ObjectError> {
        let patience =
            Patience { attempts: 5, pause: Duration::from_millis(1), limit: Duration::from_millis(250) };
        let store = Faulty { inner: Arc::clone(&self.0), faults };
        Objects::new(Arc::new(store), Path::default(), "memory".to_owned(), patience)
    }

    /// The same without faults.
    ///
    /// # Errors
    /// As [`Objects::open`].
    pub fn sound(&self) -> Result<Objects, ObjectError> {
        self.open(Arc::new(|_, _| Fault::None))
    }
}

struct Faulty {
    inner: Arc<InMemory>,
    faults: Faults,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Faulty")
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Faulty")
    }
}

impl Faulty {
    async fn before(&self, operation: Operation, path: &Path) -> Result<Fault> {
        let fault = (self.faults)(operation, path.as_ref());
        match fault {
            Fault::Busy => return Err(busy()),
            Fault::Slow(duration) => tokio::time::sleep(duration).await,
            Fault::Forbidden => {
                return Err(Error::PermissionDenied { path: path.to_string(), source: "status 403".into() });
            }
            Fault::Full => {
                let source = std::io::Error::from(std::io::ErrorKind::StorageFull).into();
                return Err(Error::Generic { store: "Faulty", source });
            }
            Fault::None | Fault::LostReply => {}
        }
        Ok(fault)
    }
}

fn busy() -> Error {
    Error::Generic { store: "Faulty", source: "status 503: slow down".into() }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let fault = self.before(Operation::Write, path).await?;
        let result = self.inner.put_opts(path, payload, options).await;
        if fault == Fault::LostReply { Err(busy()) } else { result }
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.before(Operation::Read, path).await?;
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
