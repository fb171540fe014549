//! What was computed of single series, in a store that several machines share.
//!
//! A result is some objects below `series/ADDRESS`: its files, each under a name that holds its hash, and, written last, a
//! record that names them, iff there is none. The address is a hash of all that the result depends on, so that whoever
//! finds it may take it.
//!
//! What is in a store is untrusted input: a record that cannot be read, or a file with another hash, makes a result
//! damaged. It is then computed again and replaced.

use std::sync::Arc;

use plimsoll_core::canonical::sha256_hex;
use plimsoll_objects::{ObjectError, Objects};
use serde::Deserialize;
use serde_json::{Value, json};

/// Version of the files of all results; raised when an old result would be misread.
pub(crate) const VERSION: u32 = 1;
/// Largest record.
const MAX_RECORD_BYTES: u64 = 65_536;
/// Largest file of a result.
const MAX_FILE_BYTES: u64 = 16 << 30;

/// A store of results.
#[derive(Debug, Clone)]
pub(crate) struct ResultStore {
    objects: Arc<Objects>,
}

/// What is at an address.
#[derive(Debug)]
pub(crate) enum StoredResult {
    Absent,
    /// The bytes of each file, with these hashes checked.
    Whole(Vec<Vec<u8>>),
    /// Something that is no result; why.
    Damaged(String),
}

/// A file as a record names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRecord {
    name: String,
    sha256: String,
    bytes: u64,
}

/// The record of a result. Its keys are a format.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultRecord {
    version: u32,
    address: String,
    files: Vec<FileRecord>,
}

impl ResultStore {
    pub(crate) const fn new(objects: Arc<Objects>) -> Self {
        Self { objects }
    }

    /// The name by which a result is leased.
    pub(crate) fn lease(address: &str) -> String {
        format!("leases/series-{address}")
    }

    /// Whether there is a result with files of these names, as far as its record tells. If the files are damaged, whoever
    /// fetches them computes them again.
    pub(crate) fn has(&self, address: &str, names: &[&str]) -> Result<bool, ObjectError> {
        Ok(matches!(self.record(address, names)?, Some(Ok(_))))
    }

    /// The files of a result, in the order of their names here.
    pub(crate) fn fetch(&self, address: &str, names: &[&str]) -> Result<StoredResult, ObjectError> {
        let record = match self.record(address, names)? {
            None => return Ok(StoredResult::Absent),
            Some(Err(problem)) => return Ok(StoredResult::Damaged(problem)),
            Some(Ok(record)) => record,
        };
        let mut files = Vec::new();
        for file in &record.files {
            let name = object_name(address, file);
            match self.objects.read(&name, file.bytes) {
                Ok(Some(bytes)) if sha256_hex(&bytes) == file.sha256 => files.push(bytes),
                Ok(Some(_)) => {
                    return Ok(StoredResult::Damaged(format!("`{name}` is not what its record says")));
                }
                Ok(None) => return Ok(StoredResult::Damaged(format!("`{name}` is missing"))),
                Err(error @ ObjectError::TooLarge { .. }) => {
                    return Ok(StoredResult::Damaged(error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(StoredResult::Whole(files))
    }

    /// Writes a result, unless a whole one is there.
    pub(crate) fn put(&self, address: &str, names: &[&str], files: &[Vec<u8>]) -> Result<(), ObjectError> {
        let file = |(name, bytes): (&&str, &Vec<u8>)| FileRecord {
            name: (*name).to_owned(),
            sha256: sha256_hex(bytes),
            bytes: bytes.len() as u64,
        };
        let files_named: Vec<FileRecord> = names.iter().zip(files).map(file).collect();
        let record = ResultRecord { version: VERSION, address: address.to_owned(), files: files_named };
        // Overwritten, so that a damaged file with this hash in its name becomes what the name says.
        for (file, bytes) in record.files.iter().zip(files) {
            self.objects.replace(&object_name(address, file), bytes.clone())?;
        }
        let text = record.to_json();
        if self.objects.create(&record_name(address), text.clone())? {
            return Ok(());
        }
        // Another was first. Its result is this one, unless it is damaged: then one record replaces the other as a whole.
        match self.record(address, names)? {
            Some(Ok(found)) if found == record => Ok(()),
            Some(Ok(_)) if matches!(self.fetch(address, names)?, StoredResult::Whole(_)) => Ok(()),
            _ => self.objects.replace(&record_name(address), text),
        }
    }

    /// A record, checked; a text says what is wrong with it.
    fn record(
        &self,
        address: &str,
        names: &[&str],
    ) -> Result<Option<Result<ResultRecord, String>>, ObjectError> {
        let name = record_name(address);
        let bytes = match self.objects.read(&name, MAX_RECORD_BYTES) {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => bytes,
            Err(error @ ObjectError::TooLarge { .. }) => return Ok(Some(Err(error.to_string()))),
            Err(error) => return Err(error),
        };
        let parsed = serde_json::from_slice::<ResultRecord>(&bytes);
        let checked = parsed.map_err(|error| format!("`{name}` cannot be read: {error}"));
        Ok(Some(checked.and_then(|record| record.check(&name, address, names))))
    }
}

impl ResultRecord {
    fn to_json(&self) -> Vec<u8> {
        let file = |file: &FileRecord| json!({"name": file.name, "sha256": file.sha256, "bytes": file.bytes});
        let files: Vec<Value> = self.files.iter().map(file).collect();
        json!({"version": self.version, "address": self.address, "files": files}).to_string().into_bytes()
    }

    /// The record, if it is one of this address with files of these names.
    fn check(self, name: &str, address: &str, names: &[&str]) -> Result<Self, String> {
        let is_file = |file: &FileRecord| is_sha256(&file.sha256) && file.bytes <= MAX_FILE_BYTES;
        let problem = if self.version != VERSION {
            "is of another version"
        } else if self.address != address {
            "is of another result"
        } else if !self.files.iter().map(|file| file.name.as_str()).eq(names.iter().copied()) {
            "has other files"
        } else if !self.files.iter().all(is_file) {
            "names a file that is none"
        } else {
            return Ok(self);
        };
        Err(format!("`{name}` {problem}"))
    }
}

fn record_name(address: &str) -> String {
    format!("series/{address}/record.json")
}

fn object_name(address: &str, file: &FileRecord) -> String {
    format!("series/{address}/{}-{}", file.name, file.sha256)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use plimsoll_objects::testing::{Fault, MemoryStore, Operation};

    use super::*;

    const NAMES: [&str; 2] = ["entry.json", "rows"];
    const ADDRESS: &str = "a1";

    fn files() -> Vec<Vec<u8>> {
        vec![b"{}".to_vec(), vec![7; 1000]]
    }

    fn store(memory: &MemoryStore) -> ResultStore {
        ResultStore::new(Arc::new(memory.sound().unwrap()))
    }

    fn whole(store: &ResultStore) -> Vec<Vec<u8>> {
        match store.fetch(ADDRESS, &NAMES).unwrap() {
            StoredResult::Whole(files) => files,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_result_comes_back_and_stays() {
        let memory = MemoryStore::default();
        let store = store(&memory);
        assert!(!store.has(ADDRESS, &NAMES).unwrap());
        assert!(matches!(store.fetch(ADDRESS, &NAMES).unwrap(), StoredResult::Absent));
        store.put(ADDRESS, &NAMES, &files()).unwrap();
        assert!(store.has(ADDRESS, &NAMES).unwrap());
        assert_eq!(whole(&store), files());
        // Another that gives something else comes too late.
        store.put(ADDRESS, &NAMES, &[b"{}".to_vec(), vec![8]]).unwrap();
        assert_eq!(whole(&store), files());
        assert!(!store.has(ADDRESS, &["entry.json"]).unwrap());
    }

    #[test]
    fn what_is_damaged_is_named_and_replaced() {
        let memory = MemoryStore::default();
        let (store, objects) = (store(&memory), memory.sound().unwrap());
        store.put(ADDRESS, &NAMES, &files()).unwrap();
        let names = objects.list("series/a1", 10).unwrap();
        let table = names.iter().find(|name| name.starts_with("rows-")).unwrap();
        for (name, bytes, says) in [
            (table.as_str(), vec![7; 999], "is not what its record says"),
            (table.as_str(), vec![7; 1001], "more than 1000 bytes"),
            ("record.json", b"{".to_vec(), "cannot be read"),
            ("record.json", br#"{"version":2,"address":"a1","files":[]}"#.to_vec(), "another version"),
            ("record.json", br#"{"version":1,"address":"b","files":[]}"#.to_vec(), "another result"),
            ("record.json", br#"{"version":1,"address":"a1","files":[]}"#.to_vec(), "other files"),
        ] {
            objects.replace(&format!("series/a1/{name}"), bytes).unwrap();
            let found = store.fetch(ADDRESS, &NAMES).unwrap();
            assert!(matches!(&found, StoredResult::Damaged(problem) if problem.contains(says)), "{found:?}");
            store.put(ADDRESS, &NAMES, &files()).unwrap();
            assert_eq!(whole(&store), files(), "{says}");
        }
        objects.remove(&format!("series/a1/{table}")).unwrap();
        assert!(matches!(store.fetch(ADDRESS, &NAMES).unwrap(), StoredResult::Damaged(_)));
    }

    #[test]
    fn a_busy_and_a_slow_store_are_waited_for_and_lost_replies_decide_nothing() {
        for fault in [Fault::Busy, Fault::LostReply, Fault::Slow(Duration::from_millis(5))] {
            let memory = MemoryStore::default();
            let calls = std::sync::atomic::AtomicU32::new(0);
            let faults = move |_: Operation, _: &str| {
                let call = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                if call.is_multiple_of(2) { fault } else { Fault::None }
            };
            let faulty = ResultStore::new(Arc::new(memory.open(Arc::new(faults)).unwrap()));
            faulty.put(ADDRESS, &NAMES, &files()).unwrap();
            assert_eq!(whole(&faulty), files());
            assert_eq!(whole(&store(&memory)), files());
        }
    }

    #[test]
    fn a_full_store_leaves_no_record() {
        let memory = MemoryStore::default();
        let full = ResultStore::new(Arc::new(memory.open(Arc::new(|_, _| Fault::Full)).unwrap()));
        assert!(full.put(ADDRESS, &NAMES, &files()).is_err());
        assert!(!store(&memory).has(ADDRESS, &NAMES).unwrap());
    }
}
