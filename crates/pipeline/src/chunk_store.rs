//! Chunks in a store that several machines share.
//!
//! A chunk is some objects below `chunks/ADDRESS`: its tables, each under a name that holds its hash, and, written last, a
//! record that names them. The record is written iff there is none, so that of several workers that answer the same chunk
//! the first decides and the others take its tables. Since tables are named by their hashes, no record ever points at the
//! tables of another worker.
//!
//! The name of the record holds a hash of the observed signals: a later pipeline that observes more writes one beside it,
//! and a complete chunk is never replaced.
//!
//! What is in a store is untrusted input: names that are none, objects that are larger than they say, records that cannot
//! be read and tables with other hashes make a chunk damaged. It is then answered again and replaced.

use std::sync::Arc;

use plimsoll_core::SignalRequest;
use plimsoll_core::canonical::{sha256_hex, to_text};
use plimsoll_objects::{ObjectError, Objects};
use serde::{Deserialize, Serialize};

use crate::cache::VERSION;

/// Largest record.
const MAX_RECORD_BYTES: u64 = 65_536;
/// Largest table of a chunk.
const MAX_TABLE_BYTES: u64 = 4 << 30;
/// Most objects of a chunk that are looked at for one that covers more signals.
const MAX_OBJECTS: usize = 1000;
/// Hexadecimal digits of the hash of the signals in the name of a record.
const DIGITS: usize = 16;

/// A store of chunks.
#[derive(Debug, Clone)]
pub(crate) struct ChunkStore {
    objects: Arc<Objects>,
}

/// The tables of a chunk, byte by byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChunkTables {
    pub(crate) generations: Vec<u8>,
    pub(crate) hidden_states: Option<Vec<u8>>,
}

/// What is at an address.
#[derive(Debug)]
pub(crate) enum StoredChunk {
    Absent,
    /// Complete, with these hashes checked.
    Whole(ChunkTables),
    /// Something that is no chunk; why.
    Damaged(String),
}

/// A table as a record names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableRecord {
    sha256: String,
    bytes: u64,
}

/// The record of a chunk in a store. Its keys are a format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRecord {
    version: u32,
    address: String,
    signals: SignalRequest,
    generations: TableRecord,
    hidden_states: Option<TableRecord>,
}

impl ChunkStore {
    pub(crate) const fn new(objects: Arc<Objects>) -> Self {
        Self { objects }
    }

    pub(crate) const fn objects(&self) -> &Arc<Objects> {
        &self.objects
    }

    /// The name by which a chunk is leased.
    pub(crate) fn lease(address: &str, signals: &SignalRequest) -> String {
        format!("leases/{address}-{}", digits(signals))
    }

    /// Whether there is a chunk that covers the signals, as far as its record and the sizes of its tables tell. Its
    /// tables are not read: if they are damaged, whoever fetches them answers again.
    pub(crate) fn has(&self, address: &str, signals: &SignalRequest) -> Result<bool, ObjectError> {
        let Some(Ok(record)) = self.covering(address, signals)? else { return Ok(false) };
        for (name, table) in record.tables() {
            if self.objects.size(&table_name(address, name, table))? != Some(table.bytes) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The chunk that covers the signals, with its tables.
    pub(crate) fn fetch(&self, address: &str, signals: &SignalRequest) -> Result<StoredChunk, ObjectError> {
        match self.covering(address, signals)? {
            None => Ok(StoredChunk::Absent),
            Some(Err(problem)) => Ok(StoredChunk::Damaged(problem)),
            Some(Ok(record)) => self.tables(address, &record),
        }
    }

    /// Writes a chunk, unless there is one that is whole: then gives its tables, which are those to go on with.
    pub(crate) fn put(
        &self,
        address: &str,
        signals: &SignalRequest,
        tables: &ChunkTables,
    ) -> Result<Option<ChunkTables>, ObjectError> {
        let record = StoredRecord::new(address, signals, tables);
        let name = record_name(address, signals);
        // Overwritten, so that a damaged table with this hash in its name becomes what the name says.
        for ((kind, table), bytes) in record.tables().zip(tables.bytes()) {
            self.objects.replace(&table_name(address, kind, table), bytes.to_vec())?;
        }
        // Three texts and some numbers are always JSON; a record without content would count as damaged.
        let text = serde_json::to_vec(&record).unwrap_or_default();
        if self.objects.create(&name, text.clone())? {
            return Ok(None);
        }
        match self.read_record(&name, address, signals)? {
            Some(Ok(found)) if found == record => return Ok(None),
            Some(Ok(found)) => {
                if let StoredChunk::Whole(theirs) = self.tables(address, &found)? {
                    return Ok(Some(theirs));
                }
            }
            Some(Err(_)) | None => {}
        }
        // Damaged: one record replaces the other as a whole, so whoever reads sees one that fits its tables.
        self.objects.replace(&name, text)?;
        Ok(None)
    }

    /// Removes the record of a chunk, so that it is answered again.
    pub(crate) fn forget(&self, address: &str, signals: &SignalRequest) -> Result<(), ObjectError> {
        self.objects.remove(&record_name(address, signals))
    }

    /// The record of exactly these signals, or one that covers them.
    fn covering(
        &self,
        address: &str,
        signals: &SignalRequest,
    ) -> Result<Option<Result<StoredRecord, String>>, ObjectError> {
        let exact = self.read_record(&record_name(address, signals), address, signals)?;
        if matches!(exact, Some(Ok(_))) {
            return Ok(exact);
        }
        for name in self.objects.list(&format!("chunks/{address}"), MAX_OBJECTS)? {
            let is_record = name.strip_suffix(".json").is_some_and(|stem| is_hex(stem, DIGITS));
            if !is_record {
                continue;
            }
            let found = self.read_record(&format!("chunks/{address}/{name}"), address, signals)?;
            if matches!(found, Some(Ok(_))) {
                return Ok(found);
            }
        }
        Ok(exact)
    }

    /// A record, checked; a text says what is wrong with it.
    fn read_record(
        &self,
        name: &str,
        address: &str,
        signals: &SignalRequest,
    ) -> Result<Option<Result<StoredRecord, String>>, ObjectError> {
        let bytes = match self.objects.read(name, MAX_RECORD_BYTES) {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => bytes,
            Err(error @ ObjectError::TooLarge { .. }) => return Ok(Some(Err(error.to_string()))),
            Err(error) => return Err(error),
        };
        let parsed = serde_json::from_slice::<StoredRecord>(&bytes);
        let checked = parsed.map_err(|error| format!("`{name}` cannot be read: {error}"));
        Ok(Some(checked.and_then(|record| record.check(name, address, signals))))
    }

    fn tables(&self, address: &str, record: &StoredRecord) -> Result<StoredChunk, ObjectError> {
        let mut read = Vec::new();
        for (kind, table) in record.tables() {
            let name = table_name(address, kind, table);
            let bytes = match self.objects.read(&name, table.bytes) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Ok(StoredChunk::Damaged(format!("`{name}` is missing"))),
                Err(error @ ObjectError::TooLarge { .. }) => {
                    return Ok(StoredChunk::Damaged(error.to_string()));
                }
                Err(error) => return Err(error),
            };
            if sha256_hex(&bytes) != table.sha256 {
                return Ok(StoredChunk::Damaged(format!("`{name}` is not what its record says")));
            }
            read.push(bytes);
        }
        let mut read = read.into_iter();
        let generations = read.next().unwrap_or_default();
        Ok(StoredChunk::Whole(ChunkTables { generations, hidden_states: read.next() }))
    }
}

impl ChunkTables {
    fn bytes(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.generations.as_slice()).chain(self.hidden_states.as_deref())
    }
}

impl StoredRecord {
    fn new(address: &str, signals: &SignalRequest, tables: &ChunkTables) -> Self {
        let table = |bytes: &[u8]| TableRecord { sha256: sha256_hex(bytes), bytes: bytes.len() as u64 };
        Self {
            version: VERSION,
            address: address.to_owned(),
            signals: signals.clone(),
            generations: table(&tables.generations),
            hidden_states: tables.hidden_states.as_deref().map(table),
        }
    }

    /// The record, if it is one of this address that covers these signals.
    fn check(self, name: &str, address: &str, signals: &SignalRequest) -> Result<Self, String> {
        let is_table = |table: &TableRecord| is_hex(&table.sha256, 64) && table.bytes <= MAX_TABLE_BYTES;
        let problem = if self.version != VERSION {
            "is of another version"
        } else if self.address != address {
            "is of another chunk"
        } else if !self.signals.covers(signals) {
            "lacks signals"
        } else if !signals.hidden_states().is_empty() && self.hidden_states.is_none() {
            "lacks hidden states"
        } else if !self.tables().all(|(_, table)| is_table(table)) {
            "names a table that is none"
        } else {
            return Ok(self);
        };
        Err(format!("`{name}` {problem}"))
    }

    fn tables(&self) -> impl Iterator<Item = (&'static str, &TableRecord)> {
        let hidden_states = self.hidden_states.as_ref().map(|table| ("hidden_states", table));
        std::iter::once(("generations", &self.generations)).chain(hidden_states)
    }
}

fn record_name(address: &str, signals: &SignalRequest) -> String {
    format!("chunks/{address}/{}.json", digits(signals))
}

fn table_name(address: &str, kind: &str, table: &TableRecord) -> String {
    format!("chunks/{address}/{kind}-{}.parquet", table.sha256)
}

/// What stands for signals in a name.
fn digits(signals: &SignalRequest) -> String {
    sha256_hex(to_text(signals).as_bytes()).chars().take(DIGITS).collect()
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
