//! The tables of confidences and scores, as they grow.

use plimsoll_core::Question;
use plimsoll_core::records::{ConfidenceRow, ScoreRow};
use plimsoll_store::tables::{confidences, scores};
use plimsoll_store::{Provenance, TableWriter};
use plimsoll_uq::MethodConfig;

use super::DatasetObservations;
use crate::config::inference::InferenceConfig;
use crate::config::models::ModelConfig;
use crate::costs::{self, Generated};
use crate::cross_fit::probes::Scored;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::observations::Labels;
use crate::run_folder::{RunFolder, table_path};

/// The confidences of one method, small model and dataset.
pub(super) struct MethodScores<'a> {
    pub(super) slm: &'a ModelConfig,
    pub(super) method: &'a MethodConfig,
    pub(super) dataset: &'a DatasetObservations<'a>,
    pub(super) rows: Vec<QuestionScore<'a>>,
}

/// A method's confidence in the answer to one question.
pub(super) struct QuestionScore<'a> {
    pub(super) question: &'a Question,
    pub(super) scored: Scored,
    /// Probability of all replies together whose probabilities the method compares.
    pub(super) answer_mass: Option<f64>,
}

/// The tables, open for writing.
pub(super) struct Tables {
    confidences: TableWriter,
    scores: TableWriter,
    outputs: Vec<String>,
}

impl Tables {
    pub(super) fn create(folder: &RunFolder, provenance: &Provenance) -> Result<Self, Failure> {
        let (scores_output, output) = (table_path(scores::TABLE.name), table_path(confidences::TABLE.name));
        let create = |table, output: &str| {
            TableWriter::create(table, &folder.path(output), provenance).or_fail(FailureKind::Stage)
        };
        Ok(Self {
            confidences: create(&confidences::TABLE, &output)?,
            scores: create(&scores::TABLE, &scores_output)?,
            // The table of scores is the stage's first output, by which later stages know it.
            outputs: vec![scores_output, output],
        })
    }

    /// Adds files that the stage wrote beside the tables.
    pub(super) fn add_outputs(&mut self, outputs: Vec<String>) {
        self.outputs.extend(outputs);
    }

    /// Closes the tables; gives the paths of all outputs.
    pub(super) fn finish(self) -> Result<Vec<String>, Failure> {
        self.confidences.finish().or_fail(FailureKind::Stage)?;
        self.scores.finish().or_fail(FailureKind::Stage)?;
        Ok(self.outputs)
    }

    /// Writes the confidences; `fold` names the transfer test that they are for.
    pub(super) fn write_confidences(
        &mut self,
        scores: &MethodScores<'_>,
        fold: Option<&str>,
    ) -> Result<(), Failure> {
        let variant_hash = scores.method.variant_hash();
        let row = |row: &QuestionScore<'_>| ConfidenceRow {
            question_id: row.question.question_id.to_string(),
            dataset: scores.dataset.name.to_owned(),
            model: scores.slm.id.to_string(),
            method: scores.method.id.to_owned(),
            fold: fold.map(str::to_owned),
            confidence: row.scored.as_ref().ok().map(|confidence| confidence.get()),
            missing_reason: row.scored.as_ref().err().copied(),
            answer_mass: row.answer_mass,
            variant_hash: variant_hash.clone(),
        };
        let rows: Vec<ConfidenceRow> = scores.rows.iter().map(row).collect();
        self.confidences.write_rows(&rows).or_fail(FailureKind::Stage)
    }

    /// Writes the confidences joined to labels and costs, once for each large model.
    pub(super) fn write_scores(
        &mut self,
        scores: &MethodScores<'_>,
        inference: &InferenceConfig,
        labels: &Labels,
    ) -> Result<(), Failure> {
        let pairs: Vec<Option<usize>> = if inference.llms.is_empty() {
            vec![None]
        } else {
            (0..inference.llms.len()).map(Some).collect()
        };
        for llm in pairs {
            let row = |row: &QuestionScore<'_>| score_row(row, scores, inference, Graded { labels, llm });
            let rows: Vec<ScoreRow> = scores.rows.iter().map(row).collect();
            self.scores.write_rows(&rows).or_fail(FailureKind::Stage)?;
        }
        Ok(())
    }
}

/// What a confidence is joined to.
#[derive(Clone, Copy)]
struct Graded<'a> {
    labels: &'a Labels,
    /// Index of the large model.
    llm: Option<usize>,
}

fn score_row(
    row: &QuestionScore<'_>,
    scores: &MethodScores<'_>,
    inference: &InferenceConfig,
    Graded { labels, llm }: Graded<'_>,
) -> ScoreRow {
    let (dataset, method) = (scores.dataset, scores.method);
    let id = row.question.question_id.as_str();
    let answer = dataset.answer(method, id);
    let rows = dataset.main.get(id).map_or(&[][..], Vec::as_slice);
    let llm = llm.and_then(|llm| Some((inference.llms.get(llm)?, dataset.large.get(llm)?)));
    let large = llm.and_then(|(_, generations)| generations.get(id)).and_then(|rows| rows.first());
    ScoreRow {
        question_id: id.to_owned(),
        dataset: dataset.name.to_owned(),
        domain: Some(row.question.domain.to_string()),
        slm: Some(scores.slm.id.to_string()),
        llm: llm.map(|(model, _)| model.id.to_string()),
        method: method.id.to_owned(),
        confidence: row.scored.as_ref().ok().map(|confidence| confidence.get()),
        slm_correct: labels.outcome(answer).as_bool(),
        llm_correct: labels.outcome(large).as_bool(),
        cluster_id: row.question.cluster_id.clone(),
        slm_cost: answer.and_then(|answer| {
            costs::method_cost(method, inference.decoding, scores.slm.price, Generated { answer, rows })
        }),
        llm_cost: llm.zip(large).and_then(|((model, _), large)| costs::text_cost(large, model.price)),
    }
}
