//! The results of a run in brief: how good the models are, and how well confidences rank their answers.

use std::collections::BTreeMap;
use std::path::Path;

use plimsoll_core::missing::{MissingReason, UnusableSignal};
use plimsoll_core::records::{AlignmentRow, ConfidenceRow, MACRO, POOL};
use plimsoll_core::{ModelId, Outcome, ScoreSeries, ScoreTable, column};
use plimsoll_fit::tail::{clopper_pearson_lower, clopper_pearson_upper};
use plimsoll_report::inputs::{AnswerMass, ServedModelCounts, ServedState};
use plimsoll_store::read_columns;
use plimsoll_store::tables::confidences;
use plimsoll_uq::MethodConfig;
use plimsoll_uq::methods::PromptKind;
use serde::{Deserialize, Serialize};

pub use plimsoll_report::inputs::UsualAnswer;

use crate::chance::ChanceLevels;
use crate::failure::{Failure, FailureKind, OrFail as _};

/// The overview of a run.
#[derive(Debug, Serialize)]
pub struct Overview {
    /// Answers of each model per dataset, the pool (`*`) last.
    pub models: Vec<ModelRow>,
    /// Where a model answers nearly everything alike.
    pub usual_answers: Vec<UsualAnswer>,
    /// Each method of each small model.
    pub methods: Vec<MethodRow>,
    /// Names and fingerprints under which servers answered.
    pub served: Vec<ServedRow>,
}

/// Answers of a model to the main prompts of a dataset.
#[derive(Debug, Serialize)]
pub struct ModelRow {
    /// Id of the dataset, `*` for the pool.
    pub dataset: String,
    /// Id of the model.
    pub model: String,
    /// Answers to main prompts.
    pub rows: u64,
    /// Over all rows, ungraded counted as wrong.
    pub accuracy: f64,
    /// Lower end of its 95 % interval (Clopper and Pearson), in [0, 1].
    pub accuracy_low: f64,
    /// Upper end of it.
    pub accuracy_high: f64,
    /// The accuracy of guessing; null for the pool, and where answers cannot be guessed.
    pub chance: Option<f64>,
    /// Answers without a grade.
    pub ungraded: u64,
}

impl ModelRow {
    /// Whether nothing shows that the model does better than guessing: its interval reaches down to that.
    pub fn is_at_chance(&self) -> bool {
        self.chance.is_some_and(|chance| self.accuracy_low <= chance)
    }
}

/// A method of a small model over the whole pool.
#[derive(Debug, Serialize)]
pub struct MethodRow {
    /// Id of the small model.
    pub slm: String,
    /// Id of the method.
    pub method: String,
    /// Scored questions.
    pub rows: u64,
    /// Of these, without a confidence.
    pub missing: u64,
    /// ROC AUC over the pool, in [0, 1]; null before it is evaluated.
    pub roc_auc: Option<f64>,
    /// Lower end of its 95 % interval.
    pub roc_auc_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub roc_auc_high: Option<f64>,
    /// Mean of the ROC AUCs of the datasets.
    pub roc_auc_macro: Option<f64>,
    /// Mean probability of the replies whose probabilities the method compares; null for other methods.
    pub answer_mass: Option<f64>,
    /// Rows without a confidence because these have too little of it.
    pub masses_too_small: Option<u64>,
}

/// One name and fingerprint under which a server answered.
#[derive(Debug, Serialize)]
pub struct ServedRow {
    /// Id of the model.
    pub model: String,
    /// Name of the model by its server.
    pub served_model: Option<String>,
    /// Fingerprint of the server.
    pub system_fingerprint: Option<String>,
    /// Replies with both.
    pub replies: u64,
    /// Share among the model's replies that state either, in [0, 1].
    pub share: f64,
}

/// A row of the table of confidences, as far as the overview needs it.
#[derive(Debug, Deserialize)]
struct MassRow {
    model: String,
    method: String,
    missing_reason: Option<MissingReason>,
    answer_mass: Option<f64>,
}

/// Masses of the replies that methods compare, by small model and method.
#[derive(Debug, Default)]
pub(crate) struct AnswerMasses(BTreeMap<(String, String), (AnswerMass, u64)>);

impl AnswerMasses {
    /// Reads the table of confidences.
    ///
    /// # Errors
    /// A failure for a table that cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let mut all = Self::default();
        let wanted = [
            column!(ConfidenceRow, model),
            column!(ConfidenceRow, method),
            column!(ConfidenceRow, missing_reason),
            column!(ConfidenceRow, answer_mass),
        ];
        let rows: Vec<MassRow> =
            read_columns(path, &confidences::TABLE, &wanted).or_fail(FailureKind::Stage)?;
        for row in rows {
            let Some(mass) = row.answer_mass else { continue };
            let (masses, too_small) = all.0.entry((row.model, row.method)).or_default();
            masses.rows += 1;
            masses.sum += mass;
            *too_small += u64::from(row.missing_reason == Some(UnusableSignal::MassesTooSmall.into()));
        }
        Ok(all)
    }

    fn get(&self, series: &ScoreSeries) -> Option<(AnswerMass, u64)> {
        self.0.get(&(series.slm.to_string(), series.method.to_string())).copied()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct OutcomeCounts {
    rows: u64,
    right: u64,
    ungraded: u64,
}

impl OutcomeCounts {
    fn add(&mut self, outcome: Outcome) {
        self.rows += 1;
        self.right += u64::from(outcome.is_correct());
        self.ungraded += u64::from(!outcome.is_graded());
    }
}

/// What an overview is made of.
#[derive(Debug)]
pub(crate) struct OverviewInputs<'a> {
    pub(crate) table: &'a ScoreTable,
    pub(crate) masses: &'a AnswerMasses,
    /// The methods of the pipeline.
    pub(crate) methods: &'a [MethodConfig],
    pub(crate) chance: &'a ChanceLevels,
    pub(crate) usual_answers: Vec<UsualAnswer>,
    /// Empty before the evaluation.
    pub(crate) alignment: &'a [AlignmentRow],
    pub(crate) served: Vec<ServedModelCounts>,
}

/// The overview of a run.
pub(crate) fn overview(inputs: OverviewInputs<'_>) -> Overview {
    let OverviewInputs { table, masses, methods, chance, usual_answers, alignment, served } = inputs;
    let models = model_rows(table, methods, chance);
    let served = served.into_iter().flat_map(served_rows).collect();
    Overview { models, usual_answers, methods: method_rows(table, masses, alignment), served }
}

/// Answers of each model per dataset, the pool last.
pub(crate) fn model_rows(
    table: &ScoreTable,
    methods: &[MethodConfig],
    chance: &ChanceLevels,
) -> Vec<ModelRow> {
    /// Outside either end of an interval.
    const TAIL: f64 = 0.025;
    let mut counts: BTreeMap<(String, usize), OutcomeCounts> = BTreeMap::new();
    for series in main_answers(table, methods) {
        count(series.slm.as_str(), series, &series.slm_outcome, table, &mut counts);
    }
    for series in one_per_llm(table) {
        if let Some(llm) = &series.llm {
            count(llm.as_str(), series, &series.llm_outcome, table, &mut counts);
        }
    }
    let datasets = table.questions.datasets();
    let name = |dataset: usize| datasets.get(dataset).map_or(POOL, |dataset| dataset.id.as_str());
    let mut models: Vec<ModelRow> = counts
        .into_iter()
        .map(|((model, dataset), counts)| ModelRow {
            dataset: name(dataset).to_owned(),
            model,
            rows: counts.rows,
            accuracy: counts.right as f64 / counts.rows as f64,
            accuracy_low: clopper_pearson_lower(counts.right, counts.rows, TAIL),
            accuracy_high: clopper_pearson_upper(counts.right, counts.rows, TAIL),
            chance: chance.of_dataset(name(dataset)),
            ungraded: counts.ungraded,
        })
        .collect();
    models.sort_by_key(|row| {
        datasets.iter().position(|d| d.id.as_str() == row.dataset).unwrap_or(datasets.len())
    });
    models
}

fn served_rows(served: ServedModelCounts) -> Vec<ServedRow> {
    let all = served.replies() as f64;
    let row = |state: ServedState| ServedRow {
        model: served.model.clone(),
        share: state.replies as f64 / all,
        served_model: state.served_model,
        system_fingerprint: state.system_fingerprint,
        replies: state.replies,
    };
    let others = ServedState {
        served_model: Some("others".to_owned()),
        replies: served.others,
        ..ServedState::default()
    };
    served.states.into_iter().chain((served.others > 0).then_some(others)).map(row).collect()
}

/// One series of each small model whose grades are those of the answers to the main prompts. The answers that
/// a one-step verbalization grades are those of its own prompt.
fn main_answers<'t>(table: &'t ScoreTable, methods: &[MethodConfig]) -> Vec<&'t ScoreSeries> {
    let is_main = |series: &ScoreSeries| {
        let method = methods.iter().find(|method| method.id == series.method.as_str());
        method.is_none_or(|method| method.prompt == PromptKind::Main)
    };
    let mut first: Vec<&ScoreSeries> = Vec::new();
    for series in &table.series {
        match first.iter_mut().find(|known| known.slm == series.slm) {
            None => first.push(series),
            Some(known) if !is_main(known) && is_main(series) => *known = series,
            Some(_) => {}
        }
    }
    first
}

fn one_per_llm(table: &ScoreTable) -> Vec<&ScoreSeries> {
    let mut seen: Vec<&ModelId> = Vec::new();
    let mut found = Vec::new();
    for series in &table.series {
        if let Some(llm) = series.llm.as_ref().filter(|llm| !seen.contains(llm)) {
            seen.push(llm);
            found.push(series);
        }
    }
    found
}

/// Counts outcomes per dataset, and over all of them under the index after the last.
fn count(
    model: &str,
    series: &ScoreSeries,
    outcomes: &[Outcome],
    table: &ScoreTable,
    counts: &mut BTreeMap<(String, usize), OutcomeCounts>,
) {
    let pool = table.questions.datasets().len();
    for (question, outcome) in series.question.iter().zip(outcomes) {
        for dataset in [table.questions.dataset_index(*question), pool] {
            counts.entry((model.to_owned(), dataset)).or_default().add(*outcome);
        }
    }
}

fn method_rows(table: &ScoreTable, masses: &AnswerMasses, alignment: &[AlignmentRow]) -> Vec<MethodRow> {
    let mut rows: Vec<MethodRow> = Vec::new();
    for series in &table.series {
        let known = |row: &MethodRow| row.slm == series.slm.as_str() && row.method == series.method.as_str();
        if rows.iter().any(known) {
            // The same confidences before another large model.
            continue;
        }
        let aligned = |dataset: &str| {
            alignment.iter().find(|row| {
                row.slm == series.slm.as_str()
                    && row.method == series.method.as_str()
                    && row.dataset == dataset
            })
        };
        let (pool, mean, masses) = (aligned(POOL), aligned(MACRO), masses.get(series));
        rows.push(MethodRow {
            slm: series.slm.to_string(),
            method: series.method.to_string(),
            rows: series.len() as u64,
            missing: (0..series.len()).filter(|row| series.confidence(*row).is_none()).count() as u64,
            roc_auc: pool.and_then(|row| row.roc_auc),
            roc_auc_low: pool.and_then(|row| row.roc_auc_low),
            roc_auc_high: pool.and_then(|row| row.roc_auc_high),
            roc_auc_macro: mean.and_then(|row| row.roc_auc),
            answer_mass: masses.and_then(|(mass, _)| mass.mean()),
            masses_too_small: masses.map(|(_, too_small)| too_small),
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_beyond_those_listed_are_one_row() {
        let served = ServedModelCounts {
            model: "small".to_owned(),
            states: vec![
                ServedState { served_model: Some("a".to_owned()), replies: 30, ..ServedState::default() },
                ServedState { served_model: Some("b".to_owned()), replies: 9, ..ServedState::default() },
            ],
            others: 1,
        };
        let rows = served_rows(served);
        let names: Vec<&str> = rows.iter().filter_map(|row| row.served_model.as_deref()).collect();
        assert_eq!(names, ["a", "b", "others"]);
        assert_eq!(rows.iter().map(|row| row.share).collect::<Vec<_>>(), [0.75, 0.225, 0.025]);
    }
}
