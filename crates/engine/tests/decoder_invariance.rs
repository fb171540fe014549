//! The same answer however it is run: alone, beside others, token by token, in pieces, or from a shared prefix.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use candle_core::Tensor;
use plimsoll_engine::{
    Decoder, DecoderSpec, Hidden, KvCache, Placement, Positions, Safetensors, StepRow, read_config,
};
use proptest::prelude::*;

/// Of logits that differ by several units, in f32: sums are taken in another order. Half of the rows come within
/// 3e-6, but their norms magnify, and some of these random prompts by much: of 200,000 rows of `phi3_crossing` three
/// were beyond 1e-4, the furthest at 1.4e-4.
const TOLERANCE: f32 = 1e-3;
/// Rows of the largest batch.
const ROWS: usize = 32;
/// Tokens of each greedy continuation.
const GREEDY: usize = 4;

/// One of each kind of attention: plain with groups, windowed, both with two rotary embeddings, `LongRoPE` that
/// is crossed.
const MODELS: [&str; 5] = ["llama", "mistral_window", "gemma3", "qwen2_window", "phi3_crossing"];

static DECODERS: LazyLock<Vec<Decoder>> = LazyLock::new(|| MODELS.iter().map(|name| load(name)).collect());

/// The same by tensors.
static REFERENCES: LazyLock<Vec<Decoder>> = LazyLock::new(|| {
    let load = |name: &&str| {
        let (spec, tensors) = files(name);
        Decoder::load_reference(spec, &tensors, Placement::cpu_f32()).unwrap()
    };
    MODELS.iter().map(load).collect()
});

fn load(name: &str) -> Decoder {
    let (spec, tensors) = files(name);
    Decoder::load(spec, &tensors, Placement::cpu_f32()).unwrap()
}

fn files(name: &str) -> (DecoderSpec, Safetensors) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/decoder").join(name);
    let spec = read_config(&fs::read_to_string(folder.join("config.json")).unwrap()).unwrap();
    (spec, Safetensors::open(&folder).unwrap())
}

/// The logits after the last token, step by step, with the greedy tokens.
#[derive(Debug, Clone, Default)]
struct Trace {
    logits: Vec<Vec<f32>>,
    tokens: Vec<u32>,
}

impl Trace {
    fn take(&mut self, logits: &Tensor) -> u32 {
        let logits = logits.to_vec2::<f32>().unwrap().remove(0);
        let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap();
        self.logits.push(logits);
        let best = u32::try_from(best).unwrap();
        self.tokens.push(best);
        best
    }

    /// Equal tokens as long as the best two logits are further apart than the tolerance; from a tie on the
    /// texts may part.
    fn agrees(&self, other: &Self) -> Result<(), TestCaseError> {
        for (step, (own, others)) in self.logits.iter().zip(&other.logits).enumerate() {
            let off = own.iter().zip(others).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            prop_assert!(off <= TOLERANCE, "step {}: {}", step, off);
            let mut sorted = own.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            if sorted[0] - sorted[1] <= 2.0 * TOLERANCE {
                return Ok(());
            }
            prop_assert_eq!(self.tokens[step], other.tokens[step]);
        }
        Ok(())
    }
}

/// Continues caches greedily, all in one batch; `next` are the tokens that each has not read yet.
fn greedy(decoder: &Decoder, caches: &mut [KvCache], mut next: Vec<Vec<u32>>) -> Vec<Trace> {
    let mut traces = vec![Trace::default(); caches.len()];
    for _ in 0..GREEDY {
        let mut rows: Vec<StepRow<'_>> =
            next.iter().zip(caches.iter_mut()).map(|(tokens, cache)| StepRow::new(tokens, cache)).collect();
        let outputs = decoder.step(&mut rows).unwrap();
        next = traces
            .iter_mut()
            .zip(outputs)
            .map(|(trace, output)| vec![trace.take(&output.logits.unwrap())])
            .collect();
    }
    traces
}

fn alone(decoder: &Decoder, prompt: &[u32]) -> Trace {
    greedy(decoder, &mut [decoder.cache()], vec![prompt.to_vec()]).remove(0)
}

/// The prompt but its last token, in steps of `size`.
fn read_in_steps(decoder: &Decoder, prompt: &[u32], size: usize) -> KvCache {
    let mut cache = decoder.cache();
    for piece in prompt[..prompt.len() - 1].chunks(size) {
        let mut row = StepRow::new(piece, &mut cache);
        row.logits = Positions::None;
        assert!(decoder.step(&mut [row]).unwrap()[0].logits.is_none());
    }
    cache
}

fn prompts() -> impl Strategy<Value = Vec<Vec<u32>>> {
    prop::collection::vec(prop::collection::vec(0..61_u32, 1..40), 1..=ROWS)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_batch_says_what_each_row_says_alone(prompts in prompts(), model in 0..MODELS.len()) {
        let decoder = &DECODERS[model];
        let mut caches: Vec<KvCache> = prompts.iter().map(|_| decoder.cache()).collect();
        let together = greedy(decoder, &mut caches, prompts.clone());
        for (prompt, trace) in prompts.iter().zip(&together) {
            trace.agrees(&alone(decoder, prompt))?;
        }
        for (prompt, cache) in prompts.iter().zip(&caches) {
            prop_assert_eq!(cache.len(), prompt.len() + GREEDY - 1);
        }
    }

    #[test]
    fn steps_of_any_size_say_what_one_step_says(
        prompt in prop::collection::vec(0..61_u32, 2..40), size in 1..9_usize, model in 0..MODELS.len(),
    ) {
        let decoder = &DECODERS[model];
        let cache = read_in_steps(decoder, &prompt, size);
        let last = vec![prompt[prompt.len() - 1..].to_vec()];
        greedy(decoder, &mut [cache], last).remove(0).agrees(&alone(decoder, &prompt))?;
    }

    #[test]
    fn forks_of_a_prefix_say_what_whole_prompts_say(
        prefix in prop::collection::vec(0..61_u32, 1..30),
        tails in prop::collection::vec(prop::collection::vec(0..61_u32, 1..12), 1..6),
        model in 0..MODELS.len(),
    ) {
        let decoder = &DECODERS[model];
        let mut shared = decoder.cache();
        decoder.step(&mut [StepRow::new(&prefix, &mut shared)]).unwrap();
        let mut forks: Vec<KvCache> = tails.iter().map(|_| shared.fork()).collect();
        // A fork of a fork, and one of which the source goes on.
        let again = forks[0].fork().fork();
        forks.push(again);
        let mut tails = tails;
        tails.push(tails[0].clone());
        let traces = greedy(decoder, &mut forks, tails.clone());
        for (tail, trace) in tails.iter().zip(traces) {
            let whole: Vec<u32> = prefix.iter().chain(tail).copied().collect();
            trace.agrees(&alone(decoder, &whole))?;
        }
        prop_assert_eq!(shared.tokens(), &prefix);
    }

    #[test]
    fn a_cache_cut_back_says_what_a_new_one_says(
        prompt in prop::collection::vec(0..61_u32, 2..40), share in 0.0..1.0_f64, model in 0..MODELS.len(),
    ) {
        let decoder = &DECODERS[model];
        let mut cache = decoder.cache();
        decoder.step(&mut [StepRow::new(&prompt, &mut cache)]).unwrap();
        let other = cache.fork();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let keep = (share * prompt.len() as f64) as usize;
        cache.truncate(keep);
        prop_assert_eq!(cache.len(), keep);
        let rest = vec![prompt[keep..].to_vec()];
        greedy(decoder, &mut [cache], rest).remove(0).agrees(&alone(decoder, &prompt))?;
        // Writing after the cut has not touched what the fork shares.
        prop_assert_eq!(other.tokens(), &prompt);
        let next = vec![vec![7]];
        let whole: Vec<u32> = prompt.iter().copied().chain([7]).collect();
        greedy(decoder, &mut [other], next).remove(0).agrees(&alone(decoder, &whole))?;
    }

    #[test]
    fn slices_say_what_tensors_say(
        prompts in prop::collection::vec(prop::collection::vec(0..61_u32, 1..40), 1..5),
        size in 1..50_usize, layer in 0..3_usize, before_norm in any::<bool>(), model in 0..MODELS.len(),
    ) {
        let results = [&DECODERS[model], &REFERENCES[model]].map(|decoder| {
            let mut caches: Vec<KvCache> = prompts.iter().map(|_| decoder.cache()).collect();
            let mut results = Vec::new();
            for step in 0..40_usize.div_ceil(size) {
                let mut rows: Vec<StepRow<'_>> = prompts
                    .iter()
                    .zip(&mut caches)
                    .filter_map(|(prompt, cache)| {
                        let tokens = prompt.chunks(size).nth(step)?;
                        let hidden = Some(Hidden { layer, positions: Positions::All, before_norm });
                        Some(StepRow { tokens, cache, logits: Positions::Last, hidden })
                    })
                    .collect();
                for output in decoder.step(&mut rows).unwrap() {
                    let tensors = [output.logits, output.hidden];
                    results.extend(tensors.map(|tensor| tensor.unwrap().to_vec2::<f32>().unwrap()));
                }
            }
            results
        });
        prop_assert_eq!(results[0].len(), results[1].len());
        for (flat, tensors) in results[0].iter().flatten().zip(results[1].iter().flatten()) {
            let off = flat.iter().zip(tensors).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            prop_assert!(flat.len() == tensors.len() && off <= TOLERANCE, "{}", off);
        }
    }

    #[test]
    fn listed_positions_are_rows_of_all(
        prompt in prop::collection::vec(0..61_u32, 1..40), picks in prop::collection::vec(0.0..1.0_f64, 1..6),
        layer in 0..3_usize,
    ) {
        let decoder = &DECODERS[0];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let positions: Vec<usize> = picks.iter().map(|share| (share * prompt.len() as f64) as usize).collect();
        let run = |positions: Positions| {
            let mut cache = decoder.cache();
            let hidden = Some(Hidden { layer, positions: positions.clone(), before_norm: false });
            let mut row = StepRow { tokens: &prompt, cache: &mut cache, logits: positions, hidden };
            let output = decoder.step(std::slice::from_mut(&mut row)).unwrap().remove(0);
            [output.logits.unwrap(), output.hidden.unwrap()].map(|tensor| tensor.to_vec2::<f32>().unwrap())
        };
        let (all, some) = (run(Positions::All), run(Positions::List(positions.clone())));
        for (all, some) in all.iter().zip(&some) {
            prop_assert_eq!(some.len(), positions.len());
            for (index, row) in positions.iter().zip(some) {
                let off = row.iter().zip(&all[*index]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                prop_assert!(off <= TOLERANCE, "{}", off);
            }
        }
    }
}
