//! Batched generation by a model of the engine: a greedy answer and samples for each prompt.

use plimsoll_core::Seed;
use plimsoll_core::prompt::Message;
use plimsoll_engine::chat::Moment;
use plimsoll_engine::generation::{Sequence, StopRules};
use plimsoll_engine::sampling::Sampling;
use plimsoll_engine::{EngineError, KvCache, LanguageModel, StepRow};

/// Prompts in one batch.
const MAX_PROMPTS: usize = 24;

/// How answers are generated.
#[derive(Debug, Clone, Copy)]
pub struct GenerationSpec {
    /// Sampled answers beside the greedy one.
    pub samples: usize,
    /// How samples are drawn.
    pub sampling: Sampling,
    /// Maximum number of tokens of an answer.
    pub max_tokens: usize,
    /// Seed of the samples.
    pub seed: Seed,
    /// The date that chat templates may print; the toy template does not.
    pub now: Moment,
}

/// The answers of each prompt, the greedy one first.
///
/// # Errors
/// [`EngineError`] as the engine has them.
pub fn generate(
    model: &LanguageModel,
    chats: &[&[Message]],
    spec: &GenerationSpec,
) -> Result<Vec<Vec<String>>, EngineError> {
    let mut answers = Vec::with_capacity(chats.len());
    for (batch, chats) in chats.chunks(MAX_PROMPTS).enumerate() {
        answers.extend(generate_chunk(model, chats, spec, (batch * MAX_PROMPTS) as u64)?);
    }
    Ok(answers)
}

struct OpenSequence<'m> {
    sequence: Sequence<'m>,
    cache: KvCache,
    token: u32,
}

fn generate_chunk(
    model: &LanguageModel,
    chats: &[&[Message]],
    spec: &GenerationSpec,
    first: u64,
) -> Result<Vec<Vec<String>>, EngineError> {
    let prompts: Vec<Vec<u32>> =
        chats.iter().map(|chat| model.encode_chat(chat, spec.now)).collect::<Result<_, _>>()?;
    let mut caches: Vec<KvCache> = prompts.iter().map(|_| model.decoder().cache()).collect();
    let rows = prompts.iter().zip(&mut caches).map(|(prompt, cache)| StepRow::new(prompt, cache));
    let outputs = step(model, &mut rows.collect::<Vec<_>>())?;
    let each = 1 + spec.samples;
    let mut sequences = Vec::with_capacity(prompts.len() * each);
    for ((index, mut cache), logits) in (first..).zip(caches).zip(&outputs) {
        for sample in 0..each {
            let sampling = if sample == 0 { Sampling::greedy() } else { spec.sampling };
            let stop = StopRules {
                tokens: model.stop_tokens().to_vec(),
                strings: Vec::new(),
                max_tokens: spec.max_tokens,
            };
            let seed = spec.seed.derive_index(index).derive_index(sample as u64);
            let mut sequence = Sequence::new(model.tokenizer(), sampling, stop, seed);
            let token = sequence.advance(logits)?.unwrap_or(0);
            sequences.push(OpenSequence { sequence, cache: cache.fork(), token });
        }
    }
    while sequences.iter().any(|one| !one.sequence.is_finished()) {
        let mut open: Vec<&mut OpenSequence<'_>> =
            sequences.iter_mut().filter(|one| !one.sequence.is_finished()).collect();
        let mut rows: Vec<StepRow<'_>> = open
            .iter_mut()
            .map(|one| StepRow::new(std::slice::from_ref(&one.token), &mut one.cache))
            .collect();
        let outputs = step(model, &mut rows)?;
        drop(rows);
        for (one, logits) in open.into_iter().zip(&outputs) {
            one.token = one.sequence.advance(logits)?.unwrap_or(0);
        }
    }
    let texts: Vec<String> = sequences
        .into_iter()
        .map(|one| Ok(one.sequence.finish()?.text))
        .collect::<Result<_, EngineError>>()?;
    Ok(texts.chunks(each).map(<[String]>::to_vec).collect())
}

/// The logits after the last token of each row.
fn step(model: &LanguageModel, rows: &mut [StepRow<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
    let outputs = model.decoder().step(rows)?;
    let logits = outputs.into_iter().filter_map(|output| output.logits);
    Ok(logits
        .map(|logits| logits.flatten_all()?.to_vec1::<f32>())
        .collect::<candle_core::Result<_>>()
        .map_err(plimsoll_engine::StepError::Device)?)
}
