//! The stages by name, in the order in which they run.

use serde::{Deserialize, Serialize};

/// A stage; its name is its key in `manifest.json` and the value of `--until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reads the questions and draws the pool.
    Ingest,
    /// Lets every model answer.
    Infer,
    /// Grades the answers.
    Label,
    /// Computes each method's confidence, or imports scores.
    Score,
    /// Draws the calibration set.
    Draw,
    /// Fits thresholds.
    Fit,
    /// Evaluates alignment, routing curves and, in a run, transfer.
    Evaluate,
    /// Evaluates transfer alone; the command `transfer` runs it, a run does not.
    Transfer,
    /// Writes the page, its figures and the dataset card.
    Report,
}

impl Stage {
    /// All stages, in the order in which they run.
    pub const ALL: [Self; 9] = [
        Self::Ingest,
        Self::Infer,
        Self::Label,
        Self::Score,
        Self::Draw,
        Self::Fit,
        Self::Evaluate,
        Self::Transfer,
        Self::Report,
    ];

    /// The name in files, on the command line and in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Infer => "infer",
            Self::Label => "label",
            Self::Score => "score",
            Self::Draw => "draw",
            Self::Fit => "fit",
            Self::Evaluate => "evaluate",
            Self::Transfer => "transfer",
            Self::Report => "report",
        }
    }

    /// The stages of a run from `first` to `last`.
    pub fn in_run(first: Self, last: Self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |stage| (first..=last).contains(stage) && *stage != Self::Transfer)
    }
}

/// What became of a stage in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageReport {
    /// The stage.
    pub stage: Stage,
    /// What became of it, or would.
    pub status: StageStatus,
    /// Why it runs; `None` if nothing that it depends on changed.
    pub reason: Option<String>,
    /// In a dry run: the earlier stage whose outputs decide whether this one runs.
    #[serde(skip)]
    pub depends_on: Option<Stage>,
}

/// What became of a stage, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// It runs, or ran.
    Ran,
    /// Nothing that it depends on changed.
    Skipped,
    /// A run would run it.
    WouldRun,
    /// A run would run it if an earlier stage gives something else than before.
    MayRun,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_manifest() {
        for stage in Stage::ALL {
            assert_eq!(serde_json::to_value(stage).unwrap(), stage.name());
        }
        assert!(Stage::ALL.is_sorted());
        assert_eq!(Stage::in_run(Stage::Score, Stage::Report).count(), 5, "transfer is no stage of a run");
    }
}
