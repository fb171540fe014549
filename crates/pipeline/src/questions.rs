//! Questions: from an id and a source, local or on the hub, to questions with an account of every row.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use plimsoll_core::canonical::sha256_hex;
use plimsoll_hub::{Fetched, FetchedFile, FileSelection, FileSource, HubSource};
use plimsoll_ingest::{Dataset, Generic, IngestError, Ingested, Mapping, read_files, read_source};
use plimsoll_pocket::suite::{SPLITS, native_file, native_rows};

use crate::config::yaml;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::hub::fetch;
use crate::observer::Observer;
use crate::run_folder::manifest::InputFile;
use crate::small_file;

/// The source that stands for the generated suite.
pub const POCKET: &str = "pocket";

/// A dataset, and where its rows are.
#[derive(Debug, Clone, Copy)]
pub struct QuestionSource<'a> {
    /// Id of a built-in dataset, or of the user's own.
    pub id: &'a str,
    /// A path or an `hf://` address.
    pub source: &'a str,
    /// The split; what the file's name says without one.
    pub split: Option<&'a str>,
    /// The configuration of a hub repository.
    pub config: Option<&'a str>,
    /// The mapping of the user's own table.
    pub mapping: Option<&'a Path>,
    /// Whether nothing may be fetched.
    pub offline: bool,
}

/// The questions of a source, and where they come from.
#[derive(Debug)]
pub struct QuestionSet {
    /// What reads the dataset.
    pub dataset: DatasetReader,
    /// The questions, and what became of each row.
    pub ingested: Ingested,
    /// The commit, if the source is on the hub.
    pub commit: Option<String>,
    /// The files that were read, as the source names them.
    pub files: Vec<InputFile>,
}

/// A dataset that can be read.
#[derive(Debug)]
pub enum DatasetReader {
    /// One of the registries.
    BuiltIn(&'static dyn Dataset),
    /// A table of the user's own.
    Generic(Box<Generic>),
}

impl DatasetReader {
    /// The reader.
    pub fn get(&self) -> &dyn Dataset {
        match self {
            Self::BuiltIn(dataset) => *dataset,
            Self::Generic(dataset) => dataset.as_ref(),
        }
    }
}

/// Fetches what is not on this machine, and reads it.
///
/// # Errors
/// A usage failure for an unknown dataset, mapping, address or split, an input failure for everything
/// that is wrong with the files.
pub fn read(source: &QuestionSource<'_>, observer: &dyn Observer) -> Result<QuestionSet, Failure> {
    let dataset = reader(source)?;
    if source.source == POCKET {
        return read_pocket(source, dataset);
    }
    match FileSource::parse(source.source).or_fail(FailureKind::Usage)? {
        FileSource::Local(path) => read_local(source, dataset, &path),
        FileSource::Hub(repository) => read_hub(source, dataset, repository, observer),
    }
}

/// Every built-in dataset: the benchmarks, then the generated suite.
pub fn built_in() -> impl Iterator<Item = &'static dyn Dataset> {
    plimsoll_ingest::DATASETS.iter().chain(plimsoll_pocket::DATASETS).copied()
}

/// Rows of the generated suite, read like any file.
fn read_pocket(source: &QuestionSource<'_>, dataset: DatasetReader) -> Result<QuestionSet, Failure> {
    let split = source.split.ok_or_else(|| {
        Failure::usage(format!("say which split of the generated suite: {}", SPLITS.join(" or ")))
    })?;
    let rows = native_rows(source.id, split).or_fail(FailureKind::Usage)?;
    let name = native_file(source.id, split);
    let folder = tempfile::tempdir().or_fail(FailureKind::Stage)?;
    let path = folder.path().join(&name);
    std::fs::write(&path, &rows).or_fail(FailureKind::Stage)?;
    let ingested = read_source(dataset.get(), &path, Some(split)).map_err(ingest_failure)?;
    let file = InputFile { name, sha256: sha256_hex(rows.as_bytes()), bytes: rows.len() as u64 };
    Ok(QuestionSet { dataset, ingested, commit: None, files: vec![file] })
}

fn reader(source: &QuestionSource<'_>) -> Result<DatasetReader, Failure> {
    let Some(path) = source.mapping else {
        return built_in()
            .find(|known| known.id() == source.id)
            .map(DatasetReader::BuiltIn)
            .ok_or_else(|| unknown(source.id));
    };
    let text = small_file::read(path, yaml::MAX_BYTES, "mapping", FailureKind::Usage)?;
    let mapping: Mapping = yaml::parse_as(&text)
        .map_err(|problem| Failure::usage(format!("`{}` is no mapping: {problem}", path.display())))?;
    let generic = Generic::new(source.id, mapping).or_fail(FailureKind::Usage);
    generic
        .map(|generic| DatasetReader::Generic(Box::new(generic)))
        .map_err(|failure| failure.during(format!("`{}` is no mapping", path.display())))
}

fn unknown(id: &str) -> Failure {
    let ids: Vec<&str> = built_in().map(Dataset::id).collect();
    Failure::usage(format!(
        "`{}` is no built-in dataset; known are {}; a table of your own is read with --mapping",
        id.escape_debug(),
        ids.join(", ")
    ))
}

fn read_local(
    source: &QuestionSource<'_>,
    dataset: DatasetReader,
    path: &Path,
) -> Result<QuestionSet, Failure> {
    if source.config.is_some() {
        return Err(Failure::usage(
            "--config names a part of a hub repository, and the source is a local path",
        ));
    }
    let ingested = read_source(dataset.get(), path, source.split).map_err(ingest_failure)?;
    let mut files = Vec::with_capacity(ingested.files.len());
    for file in &ingested.files {
        let name = if path.is_dir() { file.strip_prefix(path).unwrap_or(file) } else { file };
        let name = if path.is_dir() { name.display().to_string() } else { base_name(name) };
        let (sha256, bytes) = (plimsoll_files::sha256_file(file).or_fail(FailureKind::Input)?, size(file)?);
        files.push(InputFile { name, sha256, bytes });
    }
    Ok(QuestionSet { dataset, ingested, commit: None, files })
}

fn size(path: &Path) -> Result<u64, Failure> {
    Ok(std::fs::metadata(path).or_fail(FailureKind::Input)?.len())
}

fn base_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read_hub(
    source: &QuestionSource<'_>,
    dataset: DatasetReader,
    repository: HubSource,
    observer: &dyn Observer,
) -> Result<QuestionSet, Failure> {
    let config = source.config.map(Cow::Borrowed).or_else(|| known_config(dataset.get(), &repository));
    let selection = FileSelection::parquet(config.as_deref(), source.split);
    // A whole repository may hold gigabytes of splits that are not wanted.
    if repository.path.is_none() && source.split.is_none() {
        return Err(Failure::usage(
            "say which split of the hub repository is meant: --split train, validation or test",
        ));
    }
    let fetched = fetch(repository, &selection, source.offline, observer)?;
    let paths: Vec<PathBuf> = fetched.files.iter().map(|file| file.path.clone()).collect();
    let split = split_name(source, &fetched);
    let ingested = match split {
        Some(split) => read_files(dataset.get(), &paths, &split),
        None => match &paths[..] {
            [one] => read_source(dataset.get(), one, None),
            _ => return Err(several(&fetched)),
        },
    };
    let ingested = ingested.map_err(ingest_failure)?;
    let read = |file: &FetchedFile| {
        let (sha256, bytes) = (file.sha256().or_fail(FailureKind::Input)?, size(&file.path)?);
        Ok(InputFile { name: file.name.clone(), sha256, bytes })
    };
    let files = fetched.files.iter().map(read).collect::<Result<_, Failure>>()?;
    Ok(QuestionSet { dataset, ingested, commit: fetched.commit, files })
}

/// The configuration by which a dataset is known, if this is its repository.
fn known_config(dataset: &dyn Dataset, source: &HubSource) -> Option<Cow<'static, str>> {
    let hub = dataset.hub()?;
    let same = hub.repository.eq_ignore_ascii_case(&source.repository) && source.path.is_none();
    same.then_some(Cow::Borrowed(hub.config))
}

/// The split: the one that is wanted, else the one that all files are of.
fn split_name(source: &QuestionSource<'_>, fetched: &Fetched) -> Option<String> {
    let named: BTreeSet<&str> = fetched.files.iter().filter_map(|file| file.split.as_deref()).collect();
    let only = (named.len() == 1).then(|| named.first().copied()).flatten();
    source.split.or(only).map(str::to_owned)
}

fn several(fetched: &Fetched) -> Failure {
    let names: Vec<&str> = fetched.files.iter().map(|file| file.name.as_str()).take(8).collect();
    Failure::usage(format!(
        "the source holds several files ({}, ..): name one of them, or a --split",
        names.join(", ")
    ))
}

fn ingest_failure(error: IngestError) -> Failure {
    let kind = match error {
        IngestError::SplitName { .. } => FailureKind::Usage,
        _ => FailureKind::Input,
    };
    Failure::from_error(kind, error)
}
