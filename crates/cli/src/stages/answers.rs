//! Answers and labels of one model and dataset, read back.

use std::collections::BTreeMap;

use plimsoll_core::records::{GenerationRow, HiddenStateRow, LabelRow};
use plimsoll_core::signal::HiddenStateSignal;
use plimsoll_core::{Label, MissingSignal, Outcome};
use plimsoll_ingest::pool::PoolRole;
use plimsoll_store::read_rows;
use plimsoll_store::tables::{generations, hidden_states, labels};
use plimsoll_uq::methods::PromptKind;

use super::asked::Asked;
use super::inference::Part;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::{OutputFolder, table_path};

/// All labels: by model, question and prompt.
#[derive(Debug, Default)]
pub(crate) struct Labels(BTreeMap<(String, String, String), Label>);

impl Labels {
    /// Reads the table.
    pub(crate) fn read(folder: &OutputFolder) -> Result<Self, Failure> {
        let path = folder.path(&table_path(labels::TABLE.name));
        let mut all = BTreeMap::new();
        for row in read_rows::<LabelRow>(&path, &labels::TABLE).or_fail(Kind::Stage)? {
            let (key, label) = label(row);
            all.insert(key, label);
        }
        Ok(Self(all))
    }

    /// The label of an answer.
    pub(crate) fn of(&self, answer: &GenerationRow) -> Option<&Label> {
        self.0.get(&(answer.model.clone(), answer.question_id.clone(), answer.prompt_hash.clone()))
    }

    /// Whether an answer is right; ungraded without a label.
    pub(crate) fn outcome(&self, answer: Option<&GenerationRow>) -> Outcome {
        Outcome::from(answer.and_then(|answer| self.of(answer)).and_then(|label| label.correct))
    }
}

fn label(row: LabelRow) -> ((String, String, String), Label) {
    let range = |start: Option<u64>, end: Option<u64>| {
        let place = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        start.zip(end).map(|(start, end)| place(start)..place(end))
    };
    let label = Label {
        answer: row.answer,
        span: range(row.span_start, row.span_end),
        tokens: range(row.token_start, row.token_end),
        correct: row.correct,
        grader: row.grader,
        rule: row.rule,
        reason: row.reason,
    };
    ((row.model, row.question_id, row.prompt_hash), label)
}

/// What one model said to one set of asks, by question: the answer first, then the samples.
pub(crate) type Said = BTreeMap<String, Vec<GenerationRow>>;

/// The rows of one model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfModel<'a> {
    /// What was asked.
    pub(crate) asked: &'a Asked<'a>,
    /// All files.
    pub(crate) parts: &'a [Part<'a>],
    /// The output folder.
    pub(crate) folder: &'a OutputFolder,
    /// Which model.
    pub(crate) model: usize,
}

impl OfModel<'_> {
    fn parts(&self, dataset: &str, kind: PromptKind, role: PoolRole) -> impl Iterator<Item = &Part<'_>> {
        self.parts.iter().filter(move |part| {
            let set = &self.asked.sets[part.group.set];
            part.group.model == self.model && set.dataset == dataset && set.kind == kind && set.role == role
        })
    }

    /// What it said.
    pub(crate) fn said(&self, dataset: &str, kind: PromptKind, role: PoolRole) -> Result<Said, Failure> {
        let mut said = Said::new();
        for part in self.parts(dataset, kind, role) {
            let path = self.folder.path(&part.generations());
            for row in read_rows::<GenerationRow>(&path, &generations::TABLE).or_fail(Kind::Stage)? {
                said.entry(row.question_id.clone()).or_default().push(row);
            }
        }
        Ok(said)
    }

    /// Its hidden states at one place, by question: the state, or why it is missing.
    pub(crate) fn states(
        &self,
        dataset: &str,
        role: PoolRole,
        signal: HiddenStateSignal,
    ) -> Result<BTreeMap<String, Result<Vec<f32>, MissingSignal>>, Failure> {
        let mut states = BTreeMap::new();
        for part in self.parts(dataset, PromptKind::Main, role) {
            let Some(output) = part.hidden_states() else { continue };
            let path = self.folder.path(&output);
            for row in read_rows::<HiddenStateRow>(&path, &hidden_states::TABLE).or_fail(Kind::Stage)? {
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
