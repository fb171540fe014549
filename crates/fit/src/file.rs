//! The thresholds file of a pair.

use plimsoll_core::ScoreSeries;
use plimsoll_core::canonical::hex;
use plimsoll_core::scores::Questions;
use plimsoll_router::thresholds::{
    Calibration, DatasetIdentity, LabelSource, Method, ModelIdentity, Pipeline, Program, SourceFile,
};
use plimsoll_router::{Error, Thresholds};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What a thresholds file holds besides its methods.
#[derive(Debug, Clone)]
pub struct ThresholdsFileSpec {
    /// Name and hash of the pipeline that the file comes from.
    pub pipeline: Pipeline,
    /// Files that the rows came from.
    pub sources: Vec<SourceFile>,
    /// The models, as far as more is known than their names.
    pub models: Vec<ModelIdentity>,
    /// Bins of the draw.
    pub bins: u32,
    /// Share that was drawn.
    pub fraction: f64,
    /// Seed of the plan.
    pub seed: u64,
    /// Bootstrap replicates.
    pub bootstrap: u32,
    /// Who graded.
    pub labels: LabelSource,
    /// Whether ungraded SLM answers were left out.
    pub ungraded_excluded: bool,
    /// Version of the program.
    pub program_version: String,
}

/// The sealed file of a pair: all series of the pair and the methods fitted on them, in one order.
///
/// # Errors
/// What [`Thresholds::sealed`] finds inconsistent.
pub fn thresholds_file(
    spec: &ThresholdsFileSpec,
    questions: &Questions,
    pair: &[&ScoreSeries],
    methods: Vec<Method>,
) -> Result<Thresholds, Error> {
    let named = |id: &plimsoll_core::ModelId| {
        let known = spec.models.iter().find(|model| model.id == id.as_str());
        known.cloned().unwrap_or_else(|| ModelIdentity::named(id.as_str()))
    };
    let slm = pair.first().map(|series| named(&series.slm)).unwrap_or_default();
    let llm = pair.first().and_then(|series| series.llm.as_ref()).map(named);
    let mut calibration = Calibration::new(spec.bins, spec.fraction, spec.seed, spec.labels);
    calibration.datasets = dataset_identities(questions, pair);
    calibration.sources.clone_from(&spec.sources);
    calibration.ungraded_excluded = spec.ungraded_excluded;
    calibration.bootstrap = spec.bootstrap;
    let program = Program::new("plimsoll", spec.program_version.as_str());
    let mut document = Thresholds::new(program, spec.pipeline.clone(), slm, calibration);
    document.llm = llm;
    document.methods = methods;
    document.sealed()
}

/// Datasets of a pair, each with the SHA-256 over its rows: key of the question, then the grades
/// of the SLM and the LLM (0 wrong, 1 correct, 2 ungraded), in key order, method by method.
fn dataset_identities(questions: &Questions, pair: &[&ScoreSeries]) -> Vec<DatasetIdentity> {
    let mut hashers: BTreeMap<usize, (Sha256, Vec<u32>)> = BTreeMap::new();
    for series in pair {
        for (row, question) in series.question.iter().enumerate() {
            let entry = hashers.entry(questions.dataset_index(*question)).or_default();
            entry.0.update(questions.key(*question).to_le_bytes());
            entry.0.update([series.slm_outcome[row] as u8, series.llm_outcome[row] as u8]);
            entry.1.push(*question);
        }
    }
    hashers
        .into_iter()
        .map(|(index, (hasher, mut rows))| {
            rows.sort_unstable();
            rows.dedup();
            let dataset = &questions.datasets()[index];
            let sha256 = hex(&hasher.finalize());
            DatasetIdentity::new(dataset.id.as_str(), dataset.domain.as_str(), rows.len() as u64, sha256)
        })
        .collect()
}
