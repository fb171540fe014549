//! What a model would be asked about the questions of a source.

use plimsoll_core::{Prompt, Question, Seed};
use plimsoll_ingest::pool::{Duplicates, Pool, PoolDataset, PoolOptions, PoolRole, RoleShares, pool};
use plimsoll_ingest::prompts::{InstructionOrder, PromptSpec, PromptStyle, prompt, prompt_hash};
use serde::Serialize;

use plimsoll_pipeline::questions::QuestionSet;
use plimsoll_pipeline::{Failure, FailureKind, OrFail as _};

/// How the questions are asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct PromptOptions {
    pub(super) style: PromptStyle,
    pub(super) instruction: InstructionOrder,
    pub(super) few_shot: usize,
    pub(super) seed: u64,
}

/// A prompt and its question.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Shown {
    pub(super) question_id: String,
    pub(super) style: PromptStyle,
    /// Whether the answer comes with a confidence (`verbalization_1s`).
    pub(super) verbalized: bool,
    pub(super) prompt_hash: String,
    pub(super) prompt: Prompt,
}

/// The main prompt of every question, and the one that asks for a confidence beside the answer. Without
/// exemplars these are all questions; with exemplars those whose role is the main one, since no question
/// helps to answer another in which it is an exemplar itself.
pub(super) fn all(read: &QuestionSet, options: &PromptOptions) -> Result<Vec<Shown>, Failure> {
    let dataset = read.dataset.get();
    let main = PromptSpec::new(dataset, options.style).with_instruction(options.instruction);
    let verbalized = main.clone().verbalized();
    if options.few_shot == 0 {
        let both = |question| [shown(question, &[], &main), shown(question, &[], &verbalized)];
        return Ok(read.ingested.questions.iter().flat_map(both).collect());
    }
    let pool = draw_pool(read, options)?;
    let exemplars: Vec<&Question> = pool.questions(dataset.id(), PoolRole::FewShot).collect();
    if exemplars.len() < options.few_shot {
        return Err(Failure::input(format!(
            "only {} of the {} questions have the role of an exemplar, and {} are wanted",
            exemplars.len(),
            read.ingested.questions.len(),
            options.few_shot
        )));
    }
    let both = |question| [shown(question, &exemplars, &main), shown(question, &[], &verbalized)];
    Ok(pool.questions(dataset.id(), PoolRole::Main).flat_map(both).collect())
}

fn draw_pool(read: &QuestionSet, options: &PromptOptions) -> Result<Pool, Failure> {
    let entry = PoolDataset {
        questions: read.ingested.questions.clone(),
        refused: read.ingested.refused.len() as u64,
        unlabelled: read.ingested.unlabelled(),
        sample: None,
        few_shot: options.few_shot,
    };
    let options = PoolOptions {
        seed: Seed::new(options.seed),
        shares: RoleShares::USUAL,
        probe_rows_per_main_row: 0.0,
        duplicates: Duplicates::Keep,
    };
    pool(vec![entry], &options).or_fail(FailureKind::Input)
}

fn shown(question: &Question, exemplars: &[&Question], spec: &PromptSpec) -> Shown {
    let prompt = prompt(question, exemplars, spec);
    Shown {
        question_id: question.question_id.to_string(),
        style: spec.style,
        verbalized: spec.verbalized,
        prompt_hash: prompt_hash(&prompt),
        prompt,
    }
}
