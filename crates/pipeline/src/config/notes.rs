//! What a pipeline file may say and hardly anyone means.

use std::collections::BTreeSet;

use plimsoll_ingest::prompts::PromptStyle;

use super::inference::InferenceConfig;
use super::pipeline_config::PipelineConfig;

impl PipelineConfig {
    /// Sentences for the user, before anything is run; a pipeline without any is the usual case.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.evaluation.is_none() {
            notes.push(
                "the pipeline has no `evaluation`: there are no intervals, and transfer is not tested"
                    .to_owned(),
            );
        }
        let answered_at_once = self.inference().map(answered_at_once).unwrap_or_default();
        if !answered_at_once.is_empty() {
            let names: Vec<&str> = answered_at_once.into_iter().collect();
            notes.push(format!(
                "exemplars show answers without reasoning, and a model that is to reason then answers at once: on {} set \
                 `prompt: {{style: chain_of_thought, few_shot: 0}}`",
                names.join(", ")
            ));
        }
        notes
    }
}

/// Datasets whose prompts ask for reasoning and show none.
fn answered_at_once(inference: &InferenceConfig) -> BTreeSet<&str> {
    let datasets = inference.datasets.iter().filter(|dataset| {
        let prompt = dataset.prompt.unwrap_or(inference.prompt);
        prompt.style == PromptStyle::ChainOfThought && prompt.few_shot > 0
    });
    datasets.map(|dataset| dataset.id.as_str()).collect()
}
