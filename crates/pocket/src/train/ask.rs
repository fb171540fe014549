//! Many prompts at once to a model of the engine: a greedy answer and samples for each.

use plimsoll_core::Seed;
use plimsoll_core::prompt::Message;
use plimsoll_engine::chat::Moment;
use plimsoll_engine::generation::{Sequence, StopRules};
use plimsoll_engine::sampling::Sampling;
use plimsoll_engine::{EngineError, KvCache, LanguageModel, StepRow};

/// Prompts that are under way at once.
const PROMPTS: usize = 24;

/// How answers are made.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// Answers beside the greedy one.
    pub samples: usize,
    /// Their temperature's sampling.
    pub sampling: Sampling,
    /// The most tokens of an answer.
    pub most_tokens: usize,
    /// What samples are drawn from.
    pub seed: Seed,
    /// What templates are told of the time; none of ours asks.
    pub now: Moment,
}

/// The answers of each prompt, the greedy one first.
///
/// # Errors
/// [`EngineError`] as the engine has them.
pub fn ask(
    model: &LanguageModel,
    chats: &[&[Message]],
    how: &Asking,
) -> Result<Vec<Vec<String>>, EngineError> {
    let mut answers = Vec::with_capacity(chats.len());
    for (number, chats) in chats.chunks(PROMPTS).enumerate() {
        answers.extend(some(model, chats, how, (number * PROMPTS) as u64)?);
    }
    Ok(answers)
}

struct Growing<'m> {
    sequence: Sequence<'m>,
    cache: KvCache,
    token: u32,
}

fn some(
    model: &LanguageModel,
    chats: &[&[Message]],
    how: &Asking,
    first: u64,
) -> Result<Vec<Vec<String>>, EngineError> {
    let prompts: Vec<Vec<u32>> =
        chats.iter().map(|chat| model.encode_chat(chat, how.now)).collect::<Result<_, _>>()?;
    let mut caches: Vec<KvCache> = prompts.iter().map(|_| model.decoder().cache()).collect();
    let rows = prompts.iter().zip(&mut caches).map(|(prompt, cache)| StepRow::new(prompt, cache));
    let behind = step(model, &mut rows.collect::<Vec<_>>())?;
    let each = 1 + how.samples;
    let mut growing = Vec::with_capacity(prompts.len() * each);
    for ((place, mut cache), logits) in (first..).zip(caches).zip(&behind) {
        for number in 0..each {
            let sampling = if number == 0 { Sampling::greedy() } else { how.sampling };
            let stop = StopRules {
                tokens: model.stop_tokens().to_vec(),
                strings: Vec::new(),
                max_tokens: how.most_tokens,
            };
            let seed = how.seed.derive_index(place).derive_index(number as u64);
            let mut sequence = Sequence::new(model.tokenizer(), sampling, stop, seed);
            let token = sequence.advance(logits)?.unwrap_or(0);
            growing.push(Growing { sequence, cache: cache.fork(), token });
        }
    }
    while growing.iter().any(|one| !one.sequence.is_finished()) {
        let mut open: Vec<&mut Growing<'_>> =
            growing.iter_mut().filter(|one| !one.sequence.is_finished()).collect();
        let mut rows: Vec<StepRow<'_>> = open
            .iter_mut()
            .map(|one| StepRow::new(std::slice::from_ref(&one.token), &mut one.cache))
            .collect();
        let behind = step(model, &mut rows)?;
        drop(rows);
        for (one, logits) in open.into_iter().zip(&behind) {
            one.token = one.sequence.advance(logits)?.unwrap_or(0);
        }
    }
    let texts: Vec<String> =
        growing.into_iter().map(|one| Ok(one.sequence.finish()?.text)).collect::<Result<_, EngineError>>()?;
    Ok(texts.chunks(each).map(<[String]>::to_vec).collect())
}

/// The logits behind the last token of each row.
fn step(model: &LanguageModel, rows: &mut [StepRow<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
    let outputs = model.decoder().step(rows)?;
    let logits = outputs.into_iter().filter_map(|output| output.logits);
    Ok(logits
        .map(|logits| logits.flatten_all()?.to_vec1::<f32>())
        .collect::<candle_core::Result<_>>()
        .map_err(plimsoll_engine::StepError::Device)?)
}
