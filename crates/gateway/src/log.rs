//! The decision log: JSON lines, one for each decision and each label, rotated.
//!
//! **What a crash costs.** A line is handed to the system whole, by one write, as soon as its request ends; so a process
//! that is killed loses at most the lines that its writer had not come to, milliseconds' worth. The file is synced every
//! `fsync_seconds`, when it is rotated and when the gateway stops; so a machine that loses power loses that much. Should a
//! disk keep half a line all the same, readers leave it out, and the gateway cuts it off before it goes on.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use plimsoll_files::FileError;
use serde::Serialize;

use crate::error::GatewayError;

/// Lines that may wait for the writer.
const MAX_WAITING: usize = 1 << 16;
/// How far back the last line break is looked for.
const MAX_TAIL: u64 = 16 << 20;

/// Where and how the log is kept.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// The file that is written; older ones are `FILE.1`, `FILE.2`, ..
    pub file: PathBuf,
    /// A file of this length is rotated.
    pub max_bytes: u64,
    /// How many older files are kept.
    pub files: u32,
    /// The longest time between a line and its sync.
    pub fsync: Duration,
}

/// The log. Lines that cannot be written are counted and reported, and no request fails for them.
#[derive(Debug)]
pub struct DecisionLog {
    sender: Mutex<Option<SyncSender<Vec<u8>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    lost: Arc<AtomicU64>,
}

impl DecisionLog {
    /// Opens or makes the file, and starts the thread that writes.
    ///
    /// # Errors
    /// [`GatewayError::File`], [`GatewayError::System`] where no thread can be started.
    pub fn open(settings: &LogSettings) -> Result<Self, GatewayError> {
        let file = open_file(&settings.file)?;
        let (sender, receiver) = sync_channel(MAX_WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer = Writer { file, settings: settings.clone(), unsynced: None, lost: lost.clone() };
        let thread = std::thread::Builder::new().name("decision-log".to_owned());
        let thread = thread
            .spawn(move || writer.run(&receiver))
            .map_err(GatewayError::system("start the thread of the decision log"))?;
        Ok(Self { sender: Mutex::new(Some(sender)), writer: Mutex::new(Some(thread)), lost })
    }

    /// Hands a line to the writer; never waits.
    pub fn line(&self, value: &impl Serialize) {
        let Ok(mut line) = serde_json::to_vec(value) else {
            self.lose("it cannot be written as JSON");
            return;
        };
        line.push(b'\n');
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        match sender.as_ref().map(|sender| sender.try_send(line)) {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => self.lose("the disk is too slow"),
            Some(Err(TrySendError::Disconnected(_))) | None => self.lose("the log is closed"),
        }
    }

    /// Lines that were lost.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes and syncs what is left.
    pub fn close(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            self.lose("its writer ended");
        }
    }

    fn lose(&self, why: &str) {
        let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
        // Each would fill the other log; powers of two say enough.
        if lost.is_power_of_two() {
            tracing::error!(lost, "a line of the decision log is lost: {why}");
        }
    }
}

impl Drop for DecisionLog {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens the log to be continued; half a line at its end is cut off.
fn open_file(path: &Path) -> Result<File, GatewayError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(FileError::new("make the folder", folder))?;
    }
    let file = OpenOptions::new().create(true).append(true).read(true).open(path);
    let mut file = file.map_err(FileError::new("open the decision log", path))?;
    let cut = cut_half_line(&mut file).map_err(FileError::new("repair the decision log", path))?;
    if cut > 0 {
        tracing::warn!(bytes = cut, "cut half a line off `{}`, which a crash left", path.display());
    }
    Ok(file)
}

/// Cuts what stands after the last line break; how many bytes that were.
fn cut_half_line(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(MAX_TAIL);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(MAX_TAIL).read_to_end(&mut tail)?;
    let end = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index as u64 + 1);
    if end == 0 && start > 0 {
        return Err(io::Error::other("its last 16 MiB hold no line break: it is no decision log"));
    }
    let cut = length - (start + end);
    if cut > 0 {
        file.set_len(start + end)?;
    }
    Ok(cut)
}

/// The thread that writes.
struct Writer {
    file: File,
    settings: LogSettings,
    /// When the first line was written that is not synced.
    unsynced: Option<Instant>,
    lost: Arc<AtomicU64>,
}

impl Writer {
    fn run(&mut self, lines: &Receiver<Vec<u8>>) {
        loop {
            let wait = self
                .unsynced
                .map_or(Duration::from_hours(1), |since| self.settings.fsync.saturating_sub(since.elapsed()));
            match lines.recv_timeout(wait) {
                Ok(line) => self.write(&line),
                Err(RecvTimeoutError::Timeout) => self.sync(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.unsynced.is_some_and(|since| since.elapsed() >= self.settings.fsync) {
                self.sync();
            }
        }
        self.sync();
    }

    fn write(&mut self, line: &[u8]) {
        if let Err(error) = self.rotate_if_full(line.len() as u64).and_then(|()| self.file.write_all(line)) {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::error!(lost, "cannot write `{}`: {error}", self.settings.file.display());
            }
            // A disk that was full may hold half of it.
            if let Err(error) = cut_half_line(&mut self.file) {
                tracing::error!("cannot repair `{}`: {error}", self.settings.file.display());
            }
            return;
        }
        self.unsynced.get_or_insert_with(Instant::now);
    }

    fn sync(&mut self) {
        if self.unsynced.take().is_some()
            && let Err(error) = self.file.sync_data()
        {
            tracing::error!("cannot sync `{}`: {error}", self.settings.file.display());
        }
    }

    fn rotate_if_full(&mut self, more: u64) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        if length == 0 || length + more <= self.settings.max_bytes {
            return Ok(());
        }
        self.sync();
        for number in (1..self.settings.files).rev() {
            let (from, to) = (self.numbered(number), self.numbered(number + 1));
            if from.exists() {
                std::fs::rename(from, to)?;
            }
        }
        if self.settings.files > 0 {
            std::fs::rename(&self.settings.file, self.numbered(1))?;
        } else {
            std::fs::remove_file(&self.settings.file)?;
        }
        self.file = OpenOptions::new().create(true).append(true).read(true).open(&self.settings.file)?;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.settings.file.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(folder: &Path, max_bytes: u64) -> LogSettings {
        let file = folder.join("logs/decisions.jsonl");
        LogSettings { file, max_bytes, files: 2, fsync: Duration::from_millis(1) }
    }

    fn lines(path: &Path) -> Vec<String> {
        std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    #[test]
    fn lines_are_whole_and_files_rotate() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 100);
        let log = DecisionLog::open(&settings).unwrap();
        for index in 0..40 {
            log.line(&json!({"index": index, "text": "a\nb"}));
        }
        log.close();
        assert_eq!(log.lost(), 0);
        let name = settings.file.display().to_string();
        let files = [format!("{name}.2"), format!("{name}.1"), name.clone()];
        let kept: Vec<String> = files.iter().flat_map(|file| lines(Path::new(file))).collect();
        assert!(!Path::new(&format!("{name}.3")).exists());
        for (index, line) in (40 - kept.len()..40).zip(&kept) {
            assert_eq!(serde_json::from_str::<serde_json::Value>(line).unwrap()["index"], index);
        }
        assert!(files.iter().all(|file| std::fs::metadata(file).unwrap().len() <= 100));
        log.line(&1);
        assert_eq!(log.lost(), 1, "closed");
    }

    #[test]
    fn half_a_line_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 1 << 20);
        std::fs::create_dir_all(settings.file.parent().unwrap()).unwrap();
        for (before, expected) in [
            ("{}\n{\"a\": ", vec!["{}", "1"]),
            ("", vec!["1"]),
            ("{\"a\"", vec!["1"]),
            ("{}\n", vec!["{}", "1"]),
        ] {
            std::fs::write(&settings.file, before).unwrap();
            let log = DecisionLog::open(&settings).unwrap();
            log.line(&1);
            drop(log);
            assert_eq!(lines(&settings.file), expected, "{before}");
        }
    }

    #[test]
    fn a_file_without_lines_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), 1 << 20);
        std::fs::create_dir_all(settings.file.parent().unwrap()).unwrap();
        std::fs::write(&settings.file, vec![b'x'; usize::try_from(MAX_TAIL).unwrap() + 1]).unwrap();
        assert!(DecisionLog::open(&settings).unwrap_err().to_string().contains("repair"));
        std::fs::create_dir_all(folder.path().join("taken")).unwrap();
        let taken = LogSettings { file: folder.path().join("taken"), ..settings };
        assert!(DecisionLog::open(&taken).unwrap_err().to_string().contains("open"));
    }
}
