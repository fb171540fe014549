//! The thresholds file of each (SLM, LLM) pair.

use std::collections::BTreeMap;

use plimsoll_core::{ModelId, ScoreSeries, ScoreTable};
use plimsoll_files::write_atomic;
use plimsoll_fit::thresholds_file;
use plimsoll_router::Thresholds;
use plimsoll_router::thresholds::{Method, ModelIdentity, Pipeline, SourceFile};

use super::fitting::pair_name;
use super::key::PROGRAM_VERSION;
use super::parameters::Parameters;
use crate::console::Console;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::manifest::Source;
use crate::folder::{OutputFolder, safe};
use crate::pipeline::plan::Ungraded;

/// Characters of a file's name; file systems take 255 bytes, and a temporary name is longer.
const MAX_CHARACTERS: usize = 200;

/// A thresholds file that was written.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its name in the output folder.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) thresholds: Thresholds,
}

/// What the files say beside their methods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'a> {
    /// The plan.
    pub(crate) pipeline: &'a Pipeline,
    /// Files that the rows came from.
    pub(crate) sources: &'a [Source],
    /// The models, as far as more is known than their names.
    pub(crate) models: &'a [ModelIdentity],
    /// Everything else.
    pub(crate) parameters: &'a Parameters,
}

/// The name of each pair's file, in the order of the table. Refuses two pairs with one name: one file
/// would replace the other.
pub(crate) fn file_names(table: &ScoreTable) -> Result<Vec<String>, Failure> {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let mut names = Vec::new();
    for pair in pairs(&table.series) {
        let (slm, llm) = pair_of(pair);
        let (name, people) = (file_name(slm, llm), pair_name(slm, llm));
        if name.chars().count() > MAX_CHARACTERS {
            return Err(Failure::input(format!(
                "the name of the thresholds file of {people} would have more than {MAX_CHARACTERS} characters; \
                 give its models shorter names"
            )));
        }
        // Some file systems do not tell upper from lower case.
        if let Some(other) = taken.insert(name.to_lowercase(), people.clone()) {
            return Err(Failure::input(format!(
                "the thresholds files of {other} and of {people} would both be named `{name}`; rename a model"
            )));
        }
        names.push(name);
    }
    Ok(names)
}

/// Writes the file of each pair; `methods` holds one entry per series of the table.
pub(crate) fn write_all(
    table: &ScoreTable,
    methods: Vec<Method>,
    origin: Origin<'_>,
    folder: &OutputFolder,
) -> Result<Vec<Written>, Failure> {
    let spec = file_spec(origin);
    let names = file_names(table)?;
    let mut methods = methods.into_iter();
    let mut written = Vec::new();
    for (pair, name) in pairs(&table.series).zip(names) {
        let series: Vec<&ScoreSeries> = pair.iter().collect();
        let own = methods.by_ref().take(pair.len()).collect();
        let thresholds = thresholds_file(&spec, &table.questions, &series, own)
            .and_then(|thresholds| thresholds.to_json().map(|text| (thresholds, text)));
        let (thresholds, text) = thresholds.or_fail(Kind::Stage)?;
        write_atomic(&folder.path(&name), |file| file.write_all(text.as_bytes())).or_fail(Kind::Stage)?;
        written.push(Written { name, thresholds });
    }
    Ok(written)
}

/// A guarantee holds for one method; whoever picks the best of several must pay for it.
pub(crate) fn note_choice_of_methods(table: &ScoreTable, parameters: &Parameters, console: &Console) {
    let most = pairs(&table.series).map(<[ScoreSeries]>::len).max().unwrap_or_default();
    if most > 1 && !parameters.thresholds.risk.is_empty() {
        console.note(format_args!(
            "a guarantee holds for one operating point; choosing the best of the {most} methods of a pair by its \
             result needs delta/{most} in the targets"
        ));
    }
}

fn file_spec(origin: Origin<'_>) -> plimsoll_fit::ThresholdsFileSpec {
    let Origin { pipeline, sources, models, parameters } = origin;
    let source = |source: &Source| SourceFile::new(source.name.as_str(), source.sha256.as_str());
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

/// The series of each pair; a table has them one after the other.
fn pairs(series: &[ScoreSeries]) -> impl Iterator<Item = &[ScoreSeries]> {
    series.chunk_by(|a, b| a.pair() == b.pair())
}

fn pair_of(pair: &[ScoreSeries]) -> (&str, Option<&str>) {
    pair.first().map_or(("", None), |series| (series.slm.as_str(), series.llm.as_ref().map(ModelId::as_str)))
}

/// `SLM--LLM.thresholds.json`, or `SLM.thresholds.json`; what is no letter, digit, dot, dash or
/// underscore becomes an underscore.
fn file_name(slm: &str, llm: Option<&str>) -> String {
    let llm = llm.map_or_else(String::new, |llm| format!("--{}", safe(llm)));
    let slm = safe(slm);
    // A dot at the start would hide the file.
    let slm = slm.strip_prefix('.').map_or_else(|| slm.clone(), |rest| format!("_{rest}"));
    format!("{slm}{llm}.thresholds.json")
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
