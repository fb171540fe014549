//! What models were observed to do, and the labels of their answers, read back from the tables of a run.

use std::collections::BTreeMap;

use plimsoll_core::records::{GenerationRow, HiddenStateRow, LabelRow};
use plimsoll_core::signal::HiddenStateSignal;
use plimsoll_core::{Label, MissingSignal, Outcome};
use plimsoll_ingest::pool::PoolRole;
use plimsoll_store::read_rows;
use plimsoll_store::tables::{generations, hidden_states, labels};
use plimsoll_uq::methods::PromptKind;

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::{RunFolder, table_path};
use crate::shards::Shard;

/// All labels: by model, question and prompt.
#[derive(Debug, Default)]
pub(crate) struct Labels(BTreeMap<(String, String, String), Label>);

impl Labels {
    pub(crate) fn read(folder: &RunFolder) -> Result<Self, Failure> {
        let path = folder.path(&table_path(labels::TABLE.name));
        let mut all = BTreeMap::new();
        for row in read_rows::<LabelRow>(&path, &labels::TABLE).or_fail(FailureKind::Stage)? {
            let (key, label) = keyed_label(row)?;
            all.insert(key, label);
        }
        Ok(Self(all))
    }

    /// The label of an answer.
    pub(crate) fn get(&self, answer: &GenerationRow) -> Option<&Label> {
        self.0.get(&(answer.model.clone(), answer.question_id.clone(), answer.prompt_hash.clone()))
    }

    /// Whether an answer is right; ungraded without a label.
    pub(crate) fn outcome(&self, answer: Option<&GenerationRow>) -> Outcome {
        Outcome::from(answer.and_then(|answer| self.get(answer)).and_then(|label| label.correct))
    }
}

type LabelKey = (String, String, String);

fn keyed_label(row: LabelRow) -> Result<(LabelKey, Label), Failure> {
    let range = |start: Option<u64>, end: Option<u64>| {
        let offset = |offset: u64| usize::try_from(offset).or_fail(FailureKind::Input);
        start.zip(end).map(|(start, end)| Ok(offset(start)?..offset(end)?)).transpose()
    };
    let label = Label {
        answer: row.answer,
        span: range(row.span_start, row.span_end)?,
        tokens: range(row.token_start, row.token_end)?,
        correct: row.correct,
        grader: row.grader,
        rule: row.rule,
        reason: row.reason,
    };
    Ok(((row.model, row.question_id, row.prompt_hash), label))
}

/// The generations of one model for one set of prompts, by question: the answer first, then the samples.
pub(crate) type GenerationsByQuestion = BTreeMap<String, Vec<GenerationRow>>;

/// A hidden state, or why it is missing.
pub(crate) type HiddenState = Result<Vec<f32>, MissingSignal>;

/// The observations of one model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ModelObservations<'a> {
    /// The shards of all models.
    pub(crate) shards: &'a [Shard<'a>],
    pub(crate) folder: &'a RunFolder,
    /// Index of the model.
    pub(crate) model: usize,
}

impl ModelObservations<'_> {
    fn shards(&self, dataset: &str, kind: PromptKind, role: PoolRole) -> impl Iterator<Item = &Shard<'_>> {
        self.shards.iter().filter(move |shard| {
            let set = shard.set;
            shard.task.model == self.model && set.dataset == dataset && set.kind == kind && set.role == role
        })
    }

    /// The generations for one set of prompts.
    pub(crate) fn generations(
        &self,
        dataset: &str,
        kind: PromptKind,
        role: PoolRole,
    ) -> Result<GenerationsByQuestion, Failure> {
        let mut all = GenerationsByQuestion::new();
        for shard in self.shards(dataset, kind, role) {
            let path = self.folder.path(&shard.generations());
            for row in read_rows::<GenerationRow>(&path, &generations::TABLE).or_fail(FailureKind::Stage)? {
                all.entry(row.question_id.clone()).or_default().push(row);
            }
        }
        Ok(all)
    }

    /// Its hidden states of one layer and position, by question.
    pub(crate) fn hidden_states(
        &self,
        dataset: &str,
        role: PoolRole,
        signal: HiddenStateSignal,
    ) -> Result<BTreeMap<String, HiddenState>, Failure> {
        let mut states = BTreeMap::new();
        for shard in self.shards(dataset, PromptKind::Main, role) {
            let Some(output) = shard.hidden_states() else { continue };
            let path = self.folder.path(&output);
            for row in
                read_rows::<HiddenStateRow>(&path, &hidden_states::TABLE).or_fail(FailureKind::Stage)?
            {
                if row.layer == signal.layer && row.position == signal.position {
                    let state =
                        row.vector.ok_or_else(|| row.missing_reason.unwrap_or(MissingSignal::NotRecorded));
                    states.insert(row.question_id, state);
                }
            }
        }
        Ok(states)
    }
}
