//! The thresholds file of each (SLM, LLM) pair.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_core::{ModelId, ScoreTable, SeriesKey};
use plimsoll_files::write_atomic;
use plimsoll_fit::{DatasetGrades, PairDatasets, pair_file};
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::{MAX_BYTES, Method, ModelIdentity, Pipeline, SourceFile};

use crate::config::pipeline_config::Ungraded;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::file_name::safe;
use crate::fit_parameters::FitParameters;
use crate::observer::Observer;
use crate::run_folder::RunFolder;
use crate::run_folder::manifest::InputFile;
use crate::series_name::pair_name;
use crate::small_file;
use crate::stage_key::PROGRAM_VERSION;

/// What the name of every thresholds file ends with.
pub const SUFFIX: &str = ".thresholds.json";
/// Characters of a file's name; file systems take 255 bytes, and a temporary name is longer.
const MAX_CHARACTERS: usize = 200;

/// A thresholds file that was written.
#[derive(Debug)]
pub struct ThresholdsFile {
    /// Its name in the run folder.
    pub name: String,
    /// Its content.
    pub thresholds: Thresholds,
}

/// What the files say beside their methods.
#[derive(Debug, Clone, Copy)]
pub struct FileOrigin<'a> {
    /// The pipeline, or the command.
    pub pipeline: &'a Pipeline,
    /// Files that the rows came from.
    pub sources: &'a [InputFile],
    /// The models, as far as more is known than their names.
    pub models: &'a [ModelIdentity],
    /// How the series were drawn and fitted.
    pub parameters: &'a FitParameters,
}

/// What was fitted, gathered series by series.
#[derive(Debug, Default)]
pub struct FittedPairs(Vec<FittedPair>);

#[derive(Debug)]
struct FittedPair {
    slm: ModelId,
    llm: Option<ModelId>,
    datasets: PairDatasets,
    methods: Vec<Method>,
}

impl FittedPairs {
    /// The entries of a table: `methods` holds one for each of its series.
    pub fn from_table(table: &ScoreTable, methods: Vec<Method>) -> Self {
        let mut fitted = Self::default();
        for (series, method) in table.series.iter().zip(methods) {
            fitted.add(&series.key(), method, &DatasetGrades::all(&table.questions, series));
        }
        fitted
    }

    /// Adds the entry of a series; called in the order of the series of a table.
    pub(crate) fn add(&mut self, key: &SeriesKey, method: Method, grades: &[DatasetGrades]) {
        let is_same = |pair: &&mut FittedPair| (&pair.slm, &pair.llm) == (&key.slm, &key.llm);
        if let Some(pair) = self.0.last_mut().filter(is_same) {
            pair.datasets.add(grades);
            pair.methods.push(method);
            return;
        }
        let mut datasets = PairDatasets::default();
        datasets.add(grades);
        let (slm, llm) = (key.slm.clone(), key.llm.clone());
        self.0.push(FittedPair { slm, llm, datasets, methods: vec![method] });
    }
}

/// The name of each pair's file, in the order of the series of a table.
///
/// # Errors
/// An input failure for a name that is too long, or for two pairs with one name: one file would replace the other.
pub fn file_names<'k>(keys: impl IntoIterator<Item = &'k SeriesKey>) -> Result<Vec<String>, Failure> {
    let mut pairs: Vec<(&str, Option<&str>)> = keys.into_iter().map(pair_ids).collect();
    pairs.dedup();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let mut names = Vec::new();
    for (slm, llm) in pairs {
        let (name, pair) = (file_name(slm, llm), pair_name(slm, llm));
        if name.chars().count() > MAX_CHARACTERS {
            return Err(Failure::input(format!(
                "the name of the thresholds file of {pair} would have more than {MAX_CHARACTERS} characters; \
                 give its models shorter names"
            )));
        }
        // Some file systems do not tell upper from lower case.
        if let Some(other) = taken.insert(name.to_lowercase(), pair.clone()) {
            return Err(Failure::input(format!(
                "the thresholds files of {other} and of {pair} would both be named `{name}`; rename a model"
            )));
        }
        names.push(name);
    }
    Ok(names)
}

/// Writes the file of each pair.
///
/// # Errors
/// A stage failure for a file that cannot be written.
pub fn write_all(
    fitted: FittedPairs,
    origin: FileOrigin<'_>,
    folder: &RunFolder,
) -> Result<Vec<ThresholdsFile>, Failure> {
    let spec = file_spec(origin);
    let mut written = Vec::new();
    for FittedPair { slm, llm, datasets, methods } in fitted.0 {
        let name = file_name(slm.as_str(), llm.as_ref().map(ModelId::as_str));
        let thresholds =
            pair_file(&spec, (Some(&slm), llm.as_ref()), datasets, methods).or_fail(FailureKind::Stage)?;
        write_file(&folder.path(&name), &thresholds)?;
        written.push(ThresholdsFile { name, thresholds });
    }
    Ok(written)
}

/// Notes that a guarantee holds for one method: choosing the best of several by their results needs a correction.
pub fn note_choice_of_methods<'k>(
    keys: impl IntoIterator<Item = &'k SeriesKey>,
    parameters: &FitParameters,
    observer: &dyn Observer,
) {
    let mut methods: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    for key in keys {
        *methods.entry(pair_ids(key)).or_default() += 1;
    }
    let methods = methods.into_values().max().unwrap_or_default();
    if methods > 1 && !parameters.thresholds.risk.is_empty() {
        observer.note(&format!(
            "a guarantee holds for one operating point; choosing the best of the {methods} methods of a pair by its \
             result needs delta/{methods} in the targets"
        ));
    }
}

/// Writes a sealed thresholds file, whole or not at all.
///
/// # Errors
/// A stage failure for a file that cannot be written.
pub fn write_file(path: &Path, thresholds: &Thresholds) -> Result<(), Failure> {
    let text = thresholds.to_json().or_fail(FailureKind::Stage)?;
    write_atomic(path, |file| file.write_all(text.as_bytes())).or_fail(FailureKind::Stage)
}

/// Reads a thresholds file, strictly.
///
/// # Errors
/// An input failure for a file that cannot be read or is not valid.
pub fn read_file(path: &Path) -> Result<Thresholds, Failure> {
    let text = small_file::read(path, MAX_BYTES as u64, "thresholds file", FailureKind::Input)?;
    let invalid = |failure: Failure| failure.during(format!("`{}` is not valid", path.display()));
    Thresholds::from_json(&text).or_fail(FailureKind::Input).map_err(invalid)
}

fn file_spec(origin: FileOrigin<'_>) -> plimsoll_fit::ThresholdsFileSpec {
    let FileOrigin { pipeline, sources, models, parameters } = origin;
    let source = |source: &InputFile| SourceFile::new(source.name.as_str(), source.sha256.as_str());
    plimsoll_fit::ThresholdsFileSpec {
        pipeline: pipeline.clone(),
        sources: sources.iter().map(source).collect(),
        models: models.to_vec(),
        bins: parameters.calibration.bins,
        fraction: parameters.calibration.fraction,
        seed: parameters.seed,
        bootstrap: parameters.bootstrap,
        labels: parameters.labels.source.into(),
        ungraded_excluded: parameters.labels.ungraded == Ungraded::Exclude,
        program_version: PROGRAM_VERSION.to_owned(),
    }
}

fn pair_ids(key: &SeriesKey) -> (&str, Option<&str>) {
    (key.slm.as_str(), key.llm.as_ref().map(ModelId::as_str))
}

/// `SLM--LLM.thresholds.json`, or `SLM.thresholds.json`; what is no letter, digit, dot, dash or
/// underscore becomes an underscore.
fn file_name(slm: &str, llm: Option<&str>) -> String {
    let llm = llm.map_or_else(String::new, |llm| format!("--{}", safe(llm)));
    let slm = safe(slm);
    // A dot at the start would hide the file.
    let slm = slm.strip_prefix('.').map_or_else(|| slm.clone(), |rest| format!("_{rest}"));
    format!("{slm}{llm}{SUFFIX}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe() {
        for (slm, llm, expected) in [
            ("a", Some("b"), "a--b.thresholds.json"),
            ("meta/llama 3.2", None, "meta_llama_3.2.thresholds.json"),
            ("../x", Some("é"), "_._x--_.thresholds.json"),
        ] {
            assert_eq!(file_name(slm, llm), expected);
        }
    }
}
