//! Questions in: from an id and a source, local or on the hub, to questions with an account of every row.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use plimsoll_core::canonical::sha256_hex;
use plimsoll_hub::{Fetched, FetchedFile, FileSelection, HubError, HubSource, Options, Source};
use plimsoll_ingest::{Dataset, Generic, IngestError, Ingested, Mapping, read_files, read_source};
use plimsoll_pocket::suite::{SPLITS, native_file, native_rows};

use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::pipeline::yaml;
use crate::progress::Downloads;
use crate::small_file;

/// The source of datasets that are generated here.
pub(crate) const POCKET: &str = "pocket";

/// Which questions are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Id of a built-in dataset, or of the user's own.
    pub(crate) id: &'a str,
    /// A path or an `hf://` address.
    pub(crate) source: &'a str,
    /// The split.
    pub(crate) split: Option<&'a str>,
    /// The configuration of a hub repository.
    pub(crate) config: Option<&'a str>,
    /// The mapping of the user's own table.
    pub(crate) mapping: Option<&'a Path>,
    /// Whether nothing may be fetched.
    pub(crate) offline: bool,
}

/// Questions, and where they come from.
#[derive(Debug)]
pub(crate) struct Questions {
    /// The dataset.
    pub(crate) dataset: Known,
    /// What became of each row.
    pub(crate) ingested: Ingested,
    /// The commit, if the source is on the hub.
    pub(crate) commit: Option<String>,
    /// Files that were read.
    pub(crate) files: Vec<ReadFile>,
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct ReadFile {
    /// As the source names it.
    pub(crate) name: String,
    /// SHA-256 of its bytes.
    pub(crate) sha256: String,
    /// How many there are.
    pub(crate) bytes: u64,
}

/// A dataset that can be read.
#[derive(Debug)]
pub(crate) enum Known {
    /// One of the registry.
    BuiltIn(&'static dyn Dataset),
    /// A table of the user's own.
    Own(Box<Generic>),
}

impl Known {
    /// The dataset.
    pub(crate) fn get(&self) -> &dyn Dataset {
        match self {
            Self::BuiltIn(dataset) => *dataset,
            Self::Own(dataset) => dataset.as_ref(),
        }
    }
}

/// Fetches what is not here, and reads it.
///
/// # Errors
/// A usage failure for an unknown dataset, mapping, address or split, an input failure for everything
/// that is wrong with the files.
pub(crate) fn read(wanted: &Wanted<'_>, console: &Console) -> Result<Questions, Failure> {
    let dataset = known(wanted)?;
    if wanted.source == POCKET {
        return read_pocket(wanted, dataset);
    }
    match Source::parse(wanted.source).or_fail(Kind::Usage)? {
        Source::Local(path) => read_local(wanted, dataset, &path),
        Source::Hub(source) => read_hub(wanted, dataset, source, console),
    }
}

/// Every built-in dataset: the benchmarks, then the generated suite.
pub(crate) fn built_in() -> impl Iterator<Item = &'static dyn Dataset> {
    plimsoll_ingest::DATASETS.iter().chain(plimsoll_pocket::DATASETS).copied()
}

/// Rows of the generated suite, read like any file.
fn read_pocket(wanted: &Wanted<'_>, dataset: Known) -> Result<Questions, Failure> {
    let split = wanted.split.ok_or_else(|| {
        Failure::usage(format!("say which split of the generated suite: {}", SPLITS.join(" or ")))
    })?;
    let rows = native_rows(wanted.id, split).or_fail(Kind::Usage)?;
    let name = native_file(wanted.id, split);
    let folder = tempfile::tempdir().or_fail(Kind::Stage)?;
    let path = folder.path().join(&name);
    std::fs::write(&path, &rows).or_fail(Kind::Stage)?;
    let ingested = read_source(dataset.get(), &path, Some(split)).map_err(ingest_failure)?;
    let file = ReadFile { name, sha256: sha256_hex(rows.as_bytes()), bytes: rows.len() as u64 };
    Ok(Questions { dataset, ingested, commit: None, files: vec![file] })
}

fn known(wanted: &Wanted<'_>) -> Result<Known, Failure> {
    let Some(path) = wanted.mapping else {
        return built_in()
            .find(|known| known.id() == wanted.id)
            .map(Known::BuiltIn)
            .ok_or_else(|| unknown(wanted.id));
    };
    let text = small_file::read(path, yaml::MAX_BYTES, "mapping", Kind::Usage)?;
    let mapping: Mapping = yaml::parse_as(&text)
        .map_err(|problem| Failure::usage(format!("`{}` is no mapping: {problem}", path.display())))?;
    let own = Generic::new(wanted.id, mapping).or_fail(Kind::Usage);
    own.map(|own| Known::Own(Box::new(own)))
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

fn read_local(wanted: &Wanted<'_>, dataset: Known, path: &Path) -> Result<Questions, Failure> {
    if wanted.config.is_some() {
        return Err(Failure::usage(
            "--config names a part of a hub repository, and the source is a local path",
        ));
    }
    let ingested = read_source(dataset.get(), path, wanted.split).map_err(ingest_failure)?;
    let mut files = Vec::with_capacity(ingested.files.len());
    for file in &ingested.files {
        let name = if path.is_dir() { file.strip_prefix(path).unwrap_or(file) } else { file };
        let name = if path.is_dir() { name.display().to_string() } else { base_name(name) };
        let (sha256, bytes) = (plimsoll_files::sha256_file(file).or_fail(Kind::Input)?, size(file)?);
        files.push(ReadFile { name, sha256, bytes });
    }
    Ok(Questions { dataset, ingested, commit: None, files })
}

fn size(path: &Path) -> Result<u64, Failure> {
    Ok(std::fs::metadata(path).or_fail(Kind::Input)?.len())
}

fn base_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read_hub(
    wanted: &Wanted<'_>,
    dataset: Known,
    source: HubSource,
    console: &Console,
) -> Result<Questions, Failure> {
    let config = wanted.config.map(Cow::Borrowed).or_else(|| known_config(dataset.get(), &source));
    let selection = FileSelection::parquet(config.as_deref(), wanted.split);
    // A whole repository may hold gigabytes of splits that nobody asked for.
    if source.path.is_none() && wanted.split.is_none() {
        return Err(Failure::usage(
            "say which split of the hub repository is meant: --split train, validation or test",
        ));
    }
    let mut options = Options::from_env().or_fail(Kind::Usage)?;
    options.offline |= wanted.offline;
    let downloads = Downloads::new(console);
    let fetched = plimsoll_hub::resolve(&Source::Hub(source), &selection, &options, &downloads);
    drop(downloads);
    let fetched = fetched.map_err(hub_failure)?;
    let paths: Vec<PathBuf> = fetched.files.iter().map(|file| file.path.clone()).collect();
    let split = split_of(wanted, &fetched);
    let ingested = match split {
        Some(split) => read_files(dataset.get(), &paths, &split),
        None => match &paths[..] {
            [one] => read_source(dataset.get(), one, None),
            _ => return Err(several(&fetched)),
        },
    };
    let ingested = ingested.map_err(ingest_failure)?;
    let read = |file: &FetchedFile| {
        let (sha256, bytes) = (file.sha256().or_fail(Kind::Input)?, size(&file.path)?);
        Ok(ReadFile { name: file.name.clone(), sha256, bytes })
    };
    let files = fetched.files.iter().map(read).collect::<Result<_, Failure>>()?;
    Ok(Questions { dataset, ingested, commit: fetched.commit, files })
}

/// The configuration by which a dataset is known, if this is its repository.
fn known_config(dataset: &dyn Dataset, source: &HubSource) -> Option<Cow<'static, str>> {
    let hub = dataset.hub()?;
    let same = hub.repository.eq_ignore_ascii_case(&source.repository) && source.path.is_none();
    same.then_some(Cow::Borrowed(hub.config))
}

/// The split: the one asked for, else the one that all files are of.
fn split_of(wanted: &Wanted<'_>, fetched: &Fetched) -> Option<String> {
    let named: BTreeSet<&str> = fetched.files.iter().filter_map(|file| file.split.as_deref()).collect();
    let only = (named.len() == 1).then(|| named.first().copied()).flatten();
    wanted.split.or(only).map(str::to_owned)
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
        IngestError::SplitName { .. } => Kind::Usage,
        _ => Kind::Input,
    };
    Failure::from_error(kind, error)
}

/// Whose fault it is that a source cannot be fetched.
pub(crate) fn hub_failure(error: HubError) -> Failure {
    let kind = match error {
        HubError::Source { .. } | HubError::Variable { .. } | HubError::NoCacheFolder => Kind::Usage,
        HubError::DiskFull { .. } => Kind::Stage,
        _ => Kind::Input,
    };
    Failure::from_error(kind, error)
}
