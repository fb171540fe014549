//! The thresholds file of a pair.

use plimsoll_core::canonical::hex;
use plimsoll_core::scores::{Questions, ScoreDataset};
use plimsoll_core::{ModelId, ScoreSeries};
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
    let mut datasets = PairDatasets::default();
    for series in pair {
        datasets.add(&DatasetGrades::all(questions, series));
    }
    let slm = pair.first().map(|series| &series.slm);
    let llm = pair.first().and_then(|series| series.llm.as_ref());
    pair_file(spec, (slm, llm), datasets, methods)
}

/// [`thresholds_file`] of a pair whose series were read one at a time: `datasets` has taken all of them, in the order
/// of `methods`.
///
/// # Errors
/// As [`thresholds_file`].
pub fn pair_file(
    spec: &ThresholdsFileSpec,
    (slm, llm): (Option<&ModelId>, Option<&ModelId>),
    datasets: PairDatasets,
    methods: Vec<Method>,
) -> Result<Thresholds, Error> {
    let named = |id: &ModelId| {
        let known = spec.models.iter().find(|model| model.id == id.as_str());
        known.cloned().unwrap_or_else(|| ModelIdentity::named(id.as_str()))
    };
    let mut calibration = Calibration::new(spec.bins, spec.fraction, spec.seed, spec.labels);
    calibration.datasets = datasets.identities();
    calibration.sources.clone_from(&spec.sources);
    calibration.ungraded_excluded = spec.ungraded_excluded;
    calibration.bootstrap = spec.bootstrap;
    let program = Program::new("plimsoll", spec.program_version.as_str());
    let slm = slm.map(named).unwrap_or_default();
    let mut document = Thresholds::new(program, spec.pipeline.clone(), slm, calibration);
    document.llm = llm.map(named);
    document.methods = methods;
    document.sealed()
}

/// The grades of a series on one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetGrades {
    /// The dataset.
    pub dataset: String,
    /// Its domain.
    pub domain: String,
    rows: Vec<u8>,
}

impl DatasetGrades {
    /// Bytes of a row: the key of its question, then the grades of the SLM and the LLM (0 wrong, 1 correct, 2 ungraded).
    pub const ROW_BYTES: usize = 10;

    /// The grades of a series, dataset by dataset.
    pub fn all(questions: &Questions, series: &ScoreSeries) -> Vec<Self> {
        let mut rows: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for (row, question) in series.question.iter().enumerate() {
            let rows = rows.entry(questions.dataset_index(*question)).or_default();
            rows.extend_from_slice(&questions.key(*question).to_le_bytes());
            rows.extend([series.slm_outcome[row] as u8, series.llm_outcome[row] as u8]);
        }
        let named = |(index, rows): (usize, Vec<u8>)| {
            let ScoreDataset { id, domain } = &questions.datasets()[index];
            Self { dataset: id.to_string(), domain: domain.to_string(), rows }
        };
        rows.into_iter().map(named).collect()
    }

    /// Grades whose [rows](DatasetGrades::rows) were kept; `None` for bytes that are no rows in the order of their keys.
    pub fn from_rows(dataset: String, domain: String, rows: Vec<u8>) -> Option<Self> {
        let grades = Self { dataset, domain, rows };
        let is_whole = grades.rows.len().is_multiple_of(Self::ROW_BYTES);
        (is_whole && grades.keys().is_sorted()).then_some(grades)
    }

    /// The rows, in the order of their keys, [`DatasetGrades::ROW_BYTES`] each.
    pub fn rows(&self) -> &[u8] {
        &self.rows
    }

    fn keys(&self) -> impl Iterator<Item = u64> + '_ {
        let key = |row: &[u8]| row.iter().take(8).rev().fold(0, |key, byte| key << 8 | u64::from(*byte));
        self.rows.chunks_exact(Self::ROW_BYTES).map(key)
    }
}

/// What a thresholds file says of the datasets of a pair, gathered series by series.
#[derive(Debug, Default)]
pub struct PairDatasets(BTreeMap<String, GatheredDataset>);

#[derive(Debug, Default)]
struct GatheredDataset {
    domain: String,
    hash: Sha256,
    /// Keys of its questions, ascending, each once.
    questions: Vec<u64>,
}

impl PairDatasets {
    /// Adds a series. The hash of a dataset is over the rows of all series, so their order counts.
    #[expect(clippy::stable_sort_primitive, reason = "it merges two sorted runs in one pass")]
    pub fn add(&mut self, series: &[DatasetGrades]) {
        for grades in series {
            let gathered = self.0.entry(grades.dataset.clone()).or_default();
            gathered.domain.clone_from(&grades.domain);
            gathered.hash.update(&grades.rows);
            if !gathered.questions.iter().copied().eq(grades.keys()) {
                gathered.questions.extend(grades.keys());
                gathered.questions.sort();
                gathered.questions.dedup();
            }
        }
    }

    /// The datasets, by id, each with the SHA-256 over its rows: key of the question, then the grades of the SLM and the
    /// LLM, in key order, method by method.
    fn identities(self) -> Vec<DatasetIdentity> {
        let identity = |(id, gathered): (String, GatheredDataset)| {
            let sha256 = hex(&gathered.hash.finalize());
            DatasetIdentity::new(id, gathered.domain, gathered.questions.len() as u64, sha256)
        };
        self.0.into_iter().map(identity).collect()
    }
}
