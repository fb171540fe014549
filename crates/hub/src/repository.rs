//! A repository at one commit: what it holds, and its files.

use crate::cache::HubCache;
use crate::client::HubClient;
use crate::error::HubError;
use crate::fetched::{Fetched, FetchedFile};
use crate::listing::{Digest, ListedFile, Listing};
use crate::name::is_commit;
use crate::options::HubOptions;
use crate::progress::{DownloadEvent, DownloadObserver};
use crate::request_error::HubRequestError;
use crate::selected_file::SelectedFile;
use crate::selection::{FileSelection, choose, choose_below};
use crate::selection_error::SelectionError;
use crate::source::{DEFAULT_REVISION, HubSource, RepositoryKind};

/// Where the hub keeps its own Parquet copy of a dataset.
const CONVERTED: &str = "refs/convert/parquet";
const NO_COPY: &str = ", and the hub has made no copy of it on the branch refs/convert/parquet either";
const ASK_FOR_COPY: &str = "; if the hub's own copy of `main` will do, write `@refs/convert/parquet`";

/// The hub, or only what is cached of it.
pub(crate) struct Repository<'a> {
    pub(crate) options: &'a HubOptions,
    pub(crate) progress: &'a dyn DownloadObserver,
    pub(crate) cache: HubCache,
    /// `None` offline.
    pub(crate) client: Option<HubClient<'a>>,
}

/// Fetches the files of a repository that are wanted.
pub(crate) fn resolve(
    source: &HubSource,
    selection: &FileSelection,
    options: &HubOptions,
    progress: &dyn DownloadObserver,
) -> Result<Fetched, HubError> {
    let client = (!options.offline).then(|| HubClient::new(options, progress));
    let cache = HubCache::new(options.cache()?, source);
    let repository = Repository { options, progress, cache, client };
    let listing = repository.list(source)?;
    let chosen = choose_files(source, &listing, selection);
    let Err(SelectionError::NoParquet { found, .. }) = chosen else {
        return repository.fetch_all(source, &listing, chosen);
    };
    let refused = |advice| HubError::Selection {
        location: source.to_string(),
        source: SelectionError::NoParquet { advice, found },
    };
    if source.kind != RepositoryKind::Dataset || source.revision == CONVERTED {
        return Err(refused(""));
    }
    // The hub's copy is of the head of `main`, so that it stands for nothing else.
    if source.revision != DEFAULT_REVISION || source.path.is_some() {
        return Err(refused(ASK_FOR_COPY));
    }
    let converted = source.at(CONVERTED);
    let listing = match repository.list(&converted) {
        Err(HubError::List { source: HubRequestError::RevisionNotFound { .. }, .. }) => {
            return Err(refused(NO_COPY));
        }
        listing => listing?,
    };
    let chosen = choose_files(&converted, &listing, selection);
    repository.fetch_all(&converted, &listing, chosen)
}

impl Repository<'_> {
    /// The files of the source's revision. A commit whose listing is cached needs no request.
    fn list(&self, source: &HubSource) -> Result<Listing, HubError> {
        let cached = if self.client.is_none() || is_commit(&source.revision) {
            self.cache.commit(&source.revision)?.and_then(|commit| self.cache.listing(&commit))
        } else {
            None
        };
        match (&self.client, cached) {
            (_, Some(listing)) => Ok(listing),
            (None, None) => self.list_cached(source),
            (Some(client), None) => {
                let listing = Listing::fetch(client, self.options, source)
                    .map_err(|error| HubError::List { location: source.to_string(), source: error })?;
                if source.revision != listing.commit {
                    self.cache.remember_commit(&source.revision, &listing.commit)?;
                }
                self.cache.remember_listing(&listing)?;
                Ok(listing)
            }
        }
    }

    /// What another tool cached of a revision, which may be less than there is.
    fn list_cached(&self, source: &HubSource) -> Result<Listing, HubError> {
        let absent = || self.absent(source, None);
        let commit = self.cache.commit(&source.revision)?.ok_or_else(absent)?;
        let names = self.cache.names(&commit)?;
        if names.is_empty() {
            return Err(absent());
        }
        Ok(Listing { commit, files: names.into_iter().map(|name| (name, ListedFile::default())).collect() })
    }

    fn fetch_all(
        &self,
        source: &HubSource,
        listing: &Listing,
        chosen: Result<Vec<SelectedFile>, SelectionError>,
    ) -> Result<Fetched, HubError> {
        let chosen =
            chosen.map_err(|error| HubError::Selection { location: source.to_string(), source: error })?;
        let at_commit = source.at(&listing.commit);
        let mut files = Vec::new();
        for SelectedFile { name, config, split } in chosen {
            let entry = listing.files.get(&name).ok_or_else(|| self.absent(source, Some(&name)))?.clone();
            let bytes = match self.cache.size(&listing.commit, &name, entry.bytes) {
                Some(bytes) => {
                    self.progress.event(&DownloadEvent::Cached { file: &name, bytes });
                    bytes
                }
                None => self.fetch(&at_commit, &name, &entry)?,
            };
            let path = self.cache.snapshot(&listing.commit).join(&name);
            let known_sha256 = match entry.digest {
                Some(Digest::Sha256(hash)) => Some(hash),
                _ => None,
            };
            files.push(FetchedFile { config, split, known_sha256, ..FetchedFile::new(name, path, bytes) });
        }
        Ok(Fetched {
            revision: Some(source.revision.clone()),
            commit: Some(listing.commit.clone()),
            folder: self.cache.snapshot(&listing.commit),
            files,
        })
    }

    pub(crate) fn absent(&self, source: &HubSource, file: Option<&str>) -> HubError {
        HubError::Offline {
            location: source.to_string(),
            file: file.map(str::to_owned),
            cache: self.cache.root().to_owned(),
        }
    }
}

/// The files of a listing that the source and the selection mean.
fn choose_files(
    source: &HubSource,
    listing: &Listing,
    selection: &FileSelection,
) -> Result<Vec<SelectedFile>, SelectionError> {
    let names = listing.files.keys().map(String::as_str);
    match &source.path {
        Some(path) => choose_below(names, path, selection),
        None => choose(names, selection),
    }
}
