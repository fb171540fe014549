//! The cache of finished work, which outlives the process: chunks of requests, each answered whole and cached whole.
//!
//! A chunk is addressed by what its answers depend on: the backend's identity, the model, the decoding
//! parameters, the seed, and the questions with their prompts. What was observed beside the answers stands
//! in its record: a cached chunk is reused if it holds at least the requested signals, so that leaving a method out, or
//! scoring anew, sends no request.
//!
//! A chunk is a folder with its two tables and, written last, its record with their hashes. A process that
//! is killed leaves no record and the chunk is answered anew, whole; a table that was changed or damaged
//! since does not match the record and is answered anew too.
//!
//! The cache of a machine is the near side of a store that several machines share: see `shared_chunks`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use plimsoll_core::canonical::{sha256_hex, to_text};
use plimsoll_core::records::{GenerationRow, HiddenStateRow};
use plimsoll_core::{ModelId, QuestionId, SignalRequest};
use plimsoll_files::{FileError, sha256_file, write_atomic};
use plimsoll_store::tables::{generations, hidden_states};
use plimsoll_store::{Provenance, StoreError, Table, write_rows};
use serde::{Deserialize, Serialize};

use plimsoll_backend::backend::{Backend, Sink};
use plimsoll_backend::control::{BackendEvent, Control};
use plimsoll_backend::error::{BackendError, SinkError};
use plimsoll_backend::observation::Observation;
use plimsoll_backend::request::{Batch, Request};

/// Version of the way chunks are made; a change that changes answers is a new one.
pub(crate) const VERSION: u32 = 3;
/// The record of a chunk, whose presence says that it is whole.
const RECORD: &str = "chunk.json";
const STAGE: &str = "infer";

/// A folder of chunks.
#[derive(Debug, Clone)]
pub struct Chunks {
    folder: PathBuf,
    pipeline_seed: u64,
    program_version: String,
}

/// A cached chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its table of generations.
    pub generations: PathBuf,
    /// Its table of hidden states; `None` if none were requested.
    pub hidden_states: Option<PathBuf>,
}

/// The record of a chunk. Its keys are a format.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    version: u32,
    address: String,
    signals: SignalRequest,
    generations_sha256: String,
    hidden_states_sha256: Option<String>,
}

/// What a chunk's answers depend on.
#[derive(Debug, Serialize)]
struct Address<'a> {
    version: u32,
    backend: &'a str,
    model: &'a str,
    decoding: String,
    seed: u64,
    #[serde(rename = "asks")]
    requests: Vec<(QuestionId, Option<u64>, String)>,
}

impl Chunks {
    /// The chunks of a folder, which need not be there. `pipeline_seed` and `program_version` are for the
    /// provenance of the tables.
    pub fn new(folder: PathBuf, pipeline_seed: u64, program_version: &str) -> Self {
        Self { folder, pipeline_seed, program_version: program_version.to_owned() }
    }

    /// The address of a chunk: lower-case hexadecimal SHA-256 of all that its answers depend on.
    /// `identity` is the backend's, or what it will be once the model is loaded.
    pub fn address(identity: &str, model: &ModelId, batch: &Batch<'_>) -> String {
        let request =
            |request: &'_ Request| (request.question_id.clone(), request.source_row, request.prompt.hash());
        let address = Address {
            version: VERSION,
            backend: identity,
            model: model.as_str(),
            decoding: batch.decoding().hash(),
            seed: batch.seed().bits(),
            requests: batch.requests().iter().map(request).collect(),
        };
        sha256_hex(to_text(&address).as_bytes())
    }

    /// The chunk at an address, if it is whole and what was observed then covers what is wanted now.
    ///
    /// # Errors
    /// [`StoreError::File`] for a disk that cannot be read. A damaged chunk is none.
    pub fn find(&self, address: &str, signals: &SignalRequest) -> Result<Option<Chunk>, StoreError> {
        let folder = self.folder.join(address);
        let text = match fs::read(folder.join(RECORD)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(FileError::new("read", &folder.join(RECORD))(source).into());
            }
        };
        let Ok(record) = serde_json::from_slice::<Record>(&text) else { return Ok(None) };
        let usable = record.version == VERSION && record.address == address && record.signals.covers(signals);
        if !usable {
            return Ok(None);
        }
        let intact = |table: &Table, expected: &str| -> Result<Option<PathBuf>, StoreError> {
            let path = table_path(&folder, table);
            Ok((path.is_file() && sha256_file(&path)? == expected).then_some(path))
        };
        let Some(generations) = intact(&generations::TABLE, &record.generations_sha256)? else {
            return Ok(None);
        };
        let hidden_states = match &record.hidden_states_sha256 {
            None => None,
            Some(expected) => match intact(&hidden_states::TABLE, expected)? {
                Some(path) => Some(path),
                None => return Ok(None),
            },
        };
        Ok(Some(Chunk { generations, hidden_states }))
    }

    /// Removes the chunk at an address from the cache.
    ///
    /// # Errors
    /// [`StoreError::File`] for a disk that cannot be written.
    pub fn forget(&self, address: &str) -> Result<(), StoreError> {
        let record = self.folder.join(address).join(RECORD);
        match fs::remove_file(&record) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(FileError::new("replace", &record)(source).into()),
        }
    }

    /// Answers a batch and caches it.
    ///
    /// # Errors
    /// [`BackendError`]: what stops the backend, or [`BackendError::Sink`] if the disk refuses. Nothing of
    /// this chunk is then cached, and no other chunk is touched.
    pub fn answer(
        &self,
        address: &str,
        backend: &dyn Backend,
        batch: &Batch<'_>,
        control: &Control<'_>,
    ) -> Result<Chunk, BackendError> {
        let mut gatherer = Gatherer { observations: Vec::with_capacity(batch.requests().len()), control };
        backend.answer(batch, &mut gatherer, control)?;
        let mut observations = gatherer.observations;
        // Observations come in any order; the table has the order of the requests.
        let mut ordered = Vec::with_capacity(observations.len());
        for request in batch.requests() {
            let index =
                observations.iter().position(|observation| observation.question_id == request.question_id);
            ordered.extend(index.map(|index| observations.swap_remove(index)));
        }
        self.write(address, batch.signals(), &ordered)
            .map_err(|source| BackendError::Sink { model: backend.model().clone(), source: source.into() })
    }

    fn write(
        &self,
        address: &str,
        signals: &SignalRequest,
        observations: &[Observation],
    ) -> Result<Chunk, StoreError> {
        let folder = self.folder.join(address);
        // Without its record the chunk counts as absent while its tables change.
        self.forget(address)?;
        let provenance = Provenance {
            stage: STAGE.to_owned(),
            config_sha256: address.to_owned(),
            input_sha256: Vec::new(),
            seed: self.pipeline_seed,
            program_version: self.program_version.clone(),
        };
        let rows: Vec<&GenerationRow> =
            observations.iter().flat_map(|observation| &observation.generations).collect();
        let generations = table_path(&folder, &generations::TABLE);
        write_rows(&generations::TABLE, &rows, &generations, &provenance)?;
        let states: Vec<&HiddenStateRow> =
            observations.iter().flat_map(|observation| &observation.hidden_states).collect();
        let hidden_states =
            (!signals.hidden_states().is_empty()).then(|| table_path(&folder, &hidden_states::TABLE));
        if let Some(path) = &hidden_states {
            write_rows(&hidden_states::TABLE, &states, path, &provenance)?;
        }
        self.record(address, signals, Chunk { generations, hidden_states })
    }

    /// Caches the tables of a chunk that was answered elsewhere, byte by byte.
    ///
    /// # Errors
    /// [`StoreError::File`] for a disk that cannot be written. Nothing of this chunk is then cached.
    pub(crate) fn adopt(
        &self,
        address: &str,
        signals: &SignalRequest,
        generations_bytes: &[u8],
        hidden_states_bytes: Option<&[u8]>,
    ) -> Result<Chunk, StoreError> {
        self.forget(address)?;
        let folder = self.folder.join(address);
        let write = |table: &Table, bytes: &[u8]| -> Result<PathBuf, StoreError> {
            let path = table_path(&folder, table);
            write_atomic(&path, |file| io::Write::write_all(file, bytes))?;
            Ok(path)
        };
        let generations = write(&generations::TABLE, generations_bytes)?;
        let hidden_states =
            hidden_states_bytes.map(|bytes| write(&hidden_states::TABLE, bytes)).transpose()?;
        self.record(address, signals, Chunk { generations, hidden_states })
    }

    /// Writes the record of a chunk whose tables are there.
    fn record(&self, address: &str, signals: &SignalRequest, chunk: Chunk) -> Result<Chunk, StoreError> {
        let record = Record {
            version: VERSION,
            address: address.to_owned(),
            signals: signals.clone(),
            generations_sha256: sha256_file(&chunk.generations)?,
            hidden_states_sha256: chunk.hidden_states.as_deref().map(sha256_file).transpose()?,
        };
        write_atomic(&self.folder.join(address).join(RECORD), |file| {
            serde_json::to_writer(file, &record).map_err(io::Error::from)
        })?;
        Ok(chunk)
    }
}

/// Gathers the observations of a chunk, and reports each.
struct Gatherer<'a> {
    observations: Vec<Observation>,
    control: &'a Control<'a>,
}

impl Sink for Gatherer<'_> {
    fn take(&mut self, observation: Observation) -> Result<(), SinkError> {
        self.observations.push(observation);
        self.control.progress.event(&BackendEvent::RequestAnswered);
        Ok(())
    }
}

fn table_path(folder: &Path, table: &Table) -> PathBuf {
    folder.join(format!("{}.parquet", table.name))
}

#[cfg(test)]
pub(crate) mod echo;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plimsoll_core::signal::Position;
    use plimsoll_core::{Decoding, Seed};
    use plimsoll_store::read_rows;

    use super::echo::{echo, requests};
    use super::*;
    use plimsoll_backend::conformance::{SCRIPTED_STATE, Scripted};
    use plimsoll_backend::control::{BackendObserver, Cancel};

    struct Fixture {
        folder: tempfile::TempDir,
        backend: Scripted,
        requests: Vec<Request>,
    }

    impl Fixture {
        fn new() -> Self {
            let backend = echo("");
            Self { folder: tempfile::tempdir().unwrap(), backend, requests: requests() }
        }

        fn batch<'a>(&'a self, signals: &'a SignalRequest) -> Batch<'a> {
            Batch::new(&self.requests, signals, Decoding::new(0.0, 1.0, 8).unwrap(), Seed::new(1)).unwrap()
        }

        /// Finds or answers; says whether it had to answer.
        fn get(&self, signals: &SignalRequest) -> (Chunk, bool) {
            let chunks = Chunks::new(self.folder.path().to_owned(), 1, "0.0.0");
            let batch = self.batch(signals);
            let address = Chunks::address(&self.backend.identity(), self.backend.model(), &batch);
            if let Some(chunk) = chunks.find(&address, signals).unwrap() {
                return (chunk, false);
            }
            let (cancel, progress) = (Cancel::new(), Arc::new(()) as Arc<dyn BackendObserver>);
            let control = Control { cancel: &cancel, progress: &progress };
            (chunks.answer(&address, &self.backend, &batch, &control).unwrap(), true)
        }
    }

    #[test]
    fn a_chunk_is_answered_once_and_serves_whatever_it_covers() {
        let fixture = Fixture::new();
        let wide = SignalRequest::answer().with_logprobs().with_hidden_state(-8, Position::LastPromptToken);
        let (chunk, fresh) = fixture.get(&wide);
        assert!(fresh);
        let rows: Vec<GenerationRow> = read_rows(&chunk.generations, &generations::TABLE).unwrap();
        let ids: Vec<&str> = rows.iter().map(|row| row.question_id.as_str()).collect();
        assert_eq!(ids, ["d/test/0", "d/test/1", "d/test/2", "d/test/3", "d/test/4"]);
        let states: Vec<HiddenStateRow> =
            read_rows(chunk.hidden_states.as_ref().unwrap(), &hidden_states::TABLE).unwrap();
        assert_eq!((states.len(), states[4].vector.clone()), (5, Some(SCRIPTED_STATE.to_vec())));
        assert_eq!(fixture.get(&wide), (chunk, false));
        assert!(!fixture.get(&SignalRequest::answer()).1, "a smaller request is covered");
        let wider = wide.with_samples(2, 1.0).unwrap();
        assert!(fixture.get(&wider).1, "a larger one is not");
        assert_eq!(fixture.backend.asked(), 10);
    }

    #[test]
    fn a_chunk_that_is_not_whole_is_none() {
        let fixture = Fixture::new();
        let signals = SignalRequest::answer();
        let (chunk, _) = fixture.get(&signals);
        let record = chunk.generations.with_file_name(RECORD);
        let whole = fs::read(&record).unwrap();
        let table = fs::read(&chunk.generations).unwrap();
        let damages: [&dyn Fn(); 5] = [
            &|| fs::remove_file(&record).unwrap(),
            &|| fs::write(&record, &whole[..whole.len() / 2]).unwrap(),
            &|| fs::write(&record, "").unwrap(),
            &|| fs::write(&chunk.generations, &table[..table.len() - 1]).unwrap(),
            &|| fs::remove_file(&chunk.generations).unwrap(),
        ];
        for (number, damage) in damages.iter().enumerate() {
            damage();
            assert!(fixture.get(&signals).1, "{number}");
            assert!(!fixture.get(&signals).1, "{number}");
            assert!(fs::read(&chunk.generations).unwrap() == table, "{number}: the same bytes");
        }
    }

    #[test]
    fn everything_that_answers_depend_on_is_in_the_address() {
        let fixture = Fixture::new();
        let signals = SignalRequest::answer();
        let decoding = |temperature| Decoding::new(temperature, 1.0, 8).unwrap();
        let address = |requests: &[Request], temperature, seed| {
            Chunks::address(
                "echo",
                fixture.backend.model(),
                &Batch::new(requests, &signals, decoding(temperature), Seed::new(seed)).unwrap(),
            )
        };
        let first = address(&fixture.requests, 0.0, 1);
        assert_eq!(first, address(&fixture.requests, 0.0, 1));
        let mut reordered = fixture.requests.clone();
        reordered.swap(0, 1);
        let mut reworded = fixture.requests.clone();
        reworded[0].prompt.version = "2".into();
        let others = [
            address(&fixture.requests, 0.5, 1),
            address(&fixture.requests, 0.0, 2),
            address(&fixture.requests[..4], 0.0, 1),
            address(&reordered, 0.0, 1),
            address(&reworded, 0.0, 1),
        ];
        for other in others {
            assert_ne!(first, other);
        }
    }
}
