//! Chunks of a run: cached on this machine and, if there is a store, shared with others.

use std::fs;

use plimsoll_backend::error::BackendError;
use plimsoll_backend::{Backend, Batch, Control};
use plimsoll_core::SignalRequest;
use plimsoll_files::FileError;

use crate::cache::{Chunk, Chunks};
use crate::chunk_store::{ChunkStore, ChunkTables, StoredChunk};
use crate::failure::{Failure, FailureKind, OrFail as _};

/// The cache of this machine, and the store behind it.
#[derive(Debug)]
pub(crate) struct SharedChunks {
    near: Chunks,
    store: Option<ChunkStore>,
}

/// Where a chunk was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// In the cache of this machine; others may not have it.
    Near(Chunk),
    /// In the store; it is cached here now.
    Fetched(Chunk),
}

impl SharedChunks {
    pub(crate) const fn new(near: Chunks, store: Option<ChunkStore>) -> Self {
        Self { near, store }
    }

    /// The chunk at an address: cached here, or fetched from the store.
    pub(crate) fn find(&self, address: &str, signals: &SignalRequest) -> Result<Option<Found>, Failure> {
        if let Some(chunk) = self.cached(address, signals)? {
            return Ok(Some(Found::Near(chunk)));
        }
        let Some(store) = &self.store else { return Ok(None) };
        match store.fetch(address, signals).or_fail(FailureKind::Stage)? {
            StoredChunk::Absent => Ok(None),
            StoredChunk::Damaged(problem) => {
                tracing::warn!("a chunk in the store is damaged and is answered again: {problem}");
                Ok(None)
            }
            StoredChunk::Whole(tables) => {
                self.adopt(address, signals, &tables).map(|chunk| Some(Found::Fetched(chunk)))
            }
        }
    }

    /// The chunk at an address, if it is cached here.
    pub(crate) fn cached(&self, address: &str, signals: &SignalRequest) -> Result<Option<Chunk>, Failure> {
        self.near.find(address, signals).or_fail(FailureKind::Stage)
    }

    /// Whether the store has the chunk; false without a store.
    pub(crate) fn is_stored(&self, address: &str, signals: &SignalRequest) -> Result<bool, Failure> {
        let has = self.store.as_ref().map(|store| store.has(address, signals));
        has.unwrap_or(Ok(false)).or_fail(FailureKind::Stage)
    }

    /// Answers a batch and caches it on this machine.
    pub(crate) fn answer(
        &self,
        address: &str,
        backend: &dyn Backend,
        batch: &Batch<'_>,
        control: &Control<'_>,
    ) -> Result<Chunk, BackendError> {
        self.near.answer(address, backend, batch, control)
    }

    /// Shares a chunk of this machine with others. If another worker was first, its tables take the place of ours, so that
    /// all machines go on with the same. The paths of a chunk stay.
    pub(crate) fn share(&self, address: &str, signals: &SignalRequest, chunk: &Chunk) -> Result<(), Failure> {
        let Some(store) = &self.store else { return Ok(()) };
        let tables = read(chunk).or_fail(FailureKind::Stage)?;
        if let Some(theirs) = store.put(address, signals, &tables).or_fail(FailureKind::Stage)? {
            self.adopt(address, signals, &theirs)?;
        }
        Ok(())
    }

    /// Removes a chunk here and in the store, so that it is answered again.
    pub(crate) fn forget(&self, address: &str, signals: &SignalRequest) -> Result<(), Failure> {
        self.near.forget(address).or_fail(FailureKind::Stage)?;
        let forgotten = self.store.as_ref().map(|store| store.forget(address, signals));
        forgotten.unwrap_or(Ok(())).or_fail(FailureKind::Stage)
    }

    fn adopt(&self, address: &str, signals: &SignalRequest, tables: &ChunkTables) -> Result<Chunk, Failure> {
        let hidden_states = tables.hidden_states.as_deref();
        self.near.adopt(address, signals, &tables.generations, hidden_states).or_fail(FailureKind::Stage)
    }
}

/// The tables of a chunk of this machine.
fn read(chunk: &Chunk) -> Result<ChunkTables, FileError> {
    let bytes = |path| fs::read(path).map_err(FileError::new("read", path));
    Ok(ChunkTables {
        generations: bytes(&chunk.generations)?,
        hidden_states: chunk.hidden_states.as_deref().map(bytes).transpose()?,
    })
}

#[cfg(test)]
mod tests;
