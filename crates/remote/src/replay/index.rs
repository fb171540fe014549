//! Where each question is recorded: 24 bytes a line, whatever the lines hold.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::error::ReplayError;
use super::line::RecordingLine;
use super::lines::LineReader;
use super::recording::{self, QuestionKey, Recording};
use super::spec::{RecordingFile, ReplaySpec};

/// The locations of all recordings of a model.
#[derive(Debug)]
pub(super) struct Index {
    files: Vec<RecordingFile>,
    recorded_as: String,
    /// By key, file and offset.
    entries: Vec<LineLocation>,
    readers: Mutex<Vec<LineReader>>,
    /// SHA-256 of each file.
    pub(super) hashes: Vec<[u8; 32]>,
}

/// The location of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LineLocation {
    key: u64,
    file: u16,
    /// Its number, from 1; files of more lines than this holds are refused before.
    line: u32,
    offset: u64,
}

/// A recording with its file and line.
#[derive(Debug)]
pub(super) struct FoundRecording {
    pub(super) recording: Recording,
    pub(super) path: PathBuf,
    pub(super) line: u64,
}

impl Index {
    /// Reads every file once.
    pub(super) fn build(spec: &ReplaySpec) -> Result<Self, ReplayError> {
        let (mut entries, mut readers, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
        for (file_index, file) in spec.files.iter().enumerate() {
            let mut lines = LineReader::open(&file.path)?;
            let mut hasher = Sha256::new();
            while lines.advance(&mut hasher)? {
                let line = RecordingLine::parse(&lines.bytes, &file.path, lines.number)?;
                let Some(name) = recording::name(&line, file, &spec.recorded_as)? else { continue };
                let too_many = |_| line.wrong("line", "is beyond the most lines or files that are indexed");
                entries.push(LineLocation {
                    key: name.key(),
                    file: u16::try_from(file_index).map_err(too_many)?,
                    line: u32::try_from(lines.number).map_err(|_| line.wrong("line", "is beyond 2^32"))?,
                    offset: lines.offset,
                });
            }
            readers.push(lines);
            hashes.push(hasher.finalize().into());
        }
        entries.sort_unstable();
        let (files, recorded_as) = (spec.files.clone(), spec.recorded_as.clone());
        Ok(Self { files, recorded_as, entries, readers: Mutex::new(readers), hashes })
    }

    /// How many lines were found.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Recordings under a question's id, or under its row.
    pub(super) fn find(
        &self,
        question_id: &str,
        row: Option<u64>,
    ) -> Result<Vec<FoundRecording>, ReplayError> {
        let mut found = self.find_key(&QuestionKey::Id(question_id.to_owned()))?;
        let mut beginnings: Vec<&str> = self.files.iter().map(|file| file.questions.as_str()).collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        for questions in beginnings {
            if let Some(row) = row.filter(|_| !questions.is_empty() && question_id.starts_with(questions)) {
                found.extend(self.find_key(&QuestionKey::Row { questions: questions.to_owned(), row })?);
            }
        }
        Ok(found)
    }

    fn find_key(&self, name: &QuestionKey) -> Result<Vec<FoundRecording>, ReplayError> {
        let key = name.key();
        let start = self.entries.partition_point(|entry| entry.key < key);
        let entries = self.entries[start..].iter().take_while(|entry| entry.key == key);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::new();
        for entry in entries {
            let file_index = usize::from(entry.file);
            let (file, lines) = (&self.files[file_index], &mut readers[file_index]);
            lines.read_at(entry.offset, u64::from(entry.line))?;
            let line = RecordingLine::parse(&lines.bytes, &file.path, lines.number)?;
            // Two names may share a key.
            if recording::name(&line, file, &self.recorded_as)?.as_ref() == Some(name) {
                let recording = recording::read(&line, file)?;
                found.push(FoundRecording { recording, path: file.path.clone(), line: line.number });
            }
        }
        Ok(found)
    }
}
