//! The inputs of a report: the rows that a run has, and what is known of their origin.

use std::collections::BTreeMap;

use plimsoll_core::records::{
    AlignmentRow, CurveAreaRow, CurveRow, OtherSlmRow, TransferCurveRow, TransferRow,
};
use plimsoll_router::Thresholds;
use serde::Serialize;

/// The inputs of a report. What a run does not have stays empty, and the report says so or
/// leaves the part out: imported scores have no prompts, a pipeline without `evaluation` has no transfer.
#[derive(Debug, Clone, Default)]
pub struct ReportInputs {
    /// Where all of it comes from.
    pub provenance: RunProvenance,
    /// The datasets, in the order in which they are shown.
    pub datasets: Vec<DatasetFacts>,
    /// The confidences of each series, by dataset.
    pub series: Vec<SeriesCounts>,
    /// What the servers of each model said they are; empty for models in process.
    pub served: Vec<ServedModelCounts>,
    /// Where models do no better than guessing.
    pub at_chance: Vec<AtChance>,
    /// Where models answer nearly everything alike.
    pub usual_answers: Vec<UsualAnswer>,
    /// The thresholds file of each pair.
    pub thresholds: Vec<Thresholds>,
    /// Rows of `alignment`.
    pub alignment: Vec<AlignmentRow>,
    /// Rows of `curves`.
    pub curves: Vec<CurveRow>,
    /// Rows of `curve_areas`.
    pub curve_areas: Vec<CurveAreaRow>,
    /// Rows of `transfer`.
    pub transfer: Vec<TransferRow>,
    /// Rows of `transfer_curves`.
    pub transfer_curves: Vec<TransferCurveRow>,
    /// Rows of `other_slm`.
    pub other_slm: Vec<OtherSlmRow>,
    /// The tables of the folder, for the card.
    pub tables: Vec<TableFacts>,
}

/// Where everything comes from.
#[derive(Debug, Clone, Default)]
pub struct RunProvenance {
    /// Name of the pipeline.
    pub pipeline: String,
    /// SHA-256 of its resolved form.
    pub pipeline_sha256: String,
    /// The resolved pipeline as YAML.
    pub pipeline_yaml: Option<String>,
    /// Version of the program.
    pub program_version: String,
    /// Rows left out because their SLM answer is ungraded and the pipeline excludes those.
    pub excluded_ungraded: u64,
}

/// What is known of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatasetFacts {
    /// Id, as rows name it.
    pub id: String,
    /// Id of its domain.
    pub domain: String,
    /// Where it was read from, as the pipeline says.
    pub source: Option<String>,
    /// The commit that was read.
    pub commit: Option<String>,
    /// The split that was read.
    pub split: Option<String>,
    /// Its licence, as an SPDX expression or in words.
    pub licence: Option<String>,
    /// Questions of it in the pool.
    pub rows: Option<u64>,
    /// Rows that could not be used.
    pub refused: Option<u64>,
    /// Rows dropped as duplicates.
    pub dropped: Option<u64>,
}

/// A model whose accuracy on a dataset is not shown to exceed that of guessing.
#[derive(Debug, Clone, PartialEq)]
pub struct AtChance {
    /// The model.
    pub model: String,
    /// The dataset.
    pub dataset: String,
    /// Its accuracy, in [0, 1].
    pub accuracy: f64,
    /// Lower end of the 95 % interval of the accuracy, not above `chance`.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The accuracy of guessing.
    pub chance: f64,
}

/// An answer that a model gives to nearly every question of a dataset, right or wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UsualAnswer {
    /// The model.
    pub model: String,
    /// The dataset.
    pub dataset: String,
    /// The answer: an option's label, yes or no.
    pub answer: String,
    /// Its share of the answers that could be read, in [0, 1].
    pub share: f64,
    /// The share of the questions where it is right, in [0, 1].
    pub gold_share: f64,
}

/// What the server of a model said it is, in its replies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedModelCounts {
    /// The model, as the pipeline names it.
    pub model: String,
    /// What they say, the most frequent first.
    pub states: Vec<ServedState>,
    /// Replies that say something else.
    pub others: u64,
}

impl ServedModelCounts {
    /// Replies that say something.
    pub fn replies(&self) -> u64 {
        self.states.iter().map(|state| state.replies).sum::<u64>() + self.others
    }
}

/// What replies of a server say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServedState {
    /// Name of the model.
    pub served_model: Option<String>,
    /// The `system_fingerprint` of its replies.
    pub system_fingerprint: Option<String>,
    /// How many replies say so.
    pub replies: u64,
}

/// How likely the replies were together whose probabilities a method compares.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AnswerMass {
    /// Rows of which it is known.
    pub rows: u64,
    /// Its sum over them.
    pub sum: f64,
}

impl AnswerMass {
    /// The mean; `None` if it is not known of any row.
    pub fn mean(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.sum / self.rows as f64)
    }
}

/// The rows of one (SLM, LLM, method), counted by dataset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesCounts {
    /// Id of the small model.
    pub slm: String,
    /// Id of the large model, if there is one.
    pub llm: Option<String>,
    /// Id of the method.
    pub method: String,
    /// By dataset.
    pub datasets: Vec<DatasetCounts>,
}

/// Rows of one series and dataset. Bins are equal-width over [0, 1], as many in each list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DatasetCounts {
    /// Id of the dataset.
    pub dataset: String,
    /// Scored rows with a right SLM answer, per bin.
    pub right: Vec<u64>,
    /// Scored rows with a wrong SLM answer, per bin.
    pub wrong: Vec<u64>,
    /// Scored rows with an ungraded SLM answer, per bin.
    pub ungraded: Vec<u64>,
    /// Rows without a confidence, by reason; the reason of imported rows is not known.
    pub missing: BTreeMap<String, u64>,
    /// For a method that compares the probabilities of replies.
    pub answer_mass: AnswerMass,
    /// Right SLM answers, scored or not.
    pub slm_right: u64,
    /// Ungraded SLM answers, scored or not.
    pub slm_ungraded: u64,
    /// Right LLM answers.
    pub llm_right: u64,
    /// Ungraded LLM answers; all of them without an LLM.
    pub llm_ungraded: u64,
}

impl DatasetCounts {
    /// Counts of no rows.
    pub fn new(dataset: &str, bins: usize) -> Self {
        let empty = || vec![0; bins];
        Self {
            dataset: dataset.to_owned(),
            right: empty(),
            wrong: empty(),
            ungraded: empty(),
            ..Self::default()
        }
    }

    /// Rows without a confidence.
    pub fn missing(&self) -> u64 {
        self.missing.values().sum()
    }

    /// Rows with a confidence.
    pub fn scored(&self) -> u64 {
        [&self.right, &self.wrong, &self.ungraded].into_iter().flatten().sum()
    }

    /// All rows.
    pub fn rows(&self) -> u64 {
        self.scored() + self.missing()
    }
}

/// A table of the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// Its name, by which `datasets.load_dataset` finds it.
    pub name: String,
    /// Its files relative to the folder: a path or a pattern.
    pub files: String,
    /// What it holds, in a sentence.
    pub about: String,
    /// Its rows, where known.
    pub rows: Option<u64>,
    /// Its columns, in order.
    pub columns: Vec<ColumnFacts>,
}

/// A column of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnFacts {
    /// Name in the Parquet schema.
    pub name: String,
    /// Its Arrow type.
    pub kind: String,
    /// What it says.
    pub about: String,
}
