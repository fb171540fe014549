//! Recall in a toy, as a gate: what a model cannot recall here it cannot recall among fourteen datasets.
//!
//! A document is 2 to 6 pairs of single tokens and then queries for some of them, or, half of the time, a
//! run of tokens and the same again. Queries and the second run count, nothing else does.

use plimsoll_core::Seed;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

use super::sample::TrainingSample;

/// Tokens of the toy: one that begins, one that ends pairs, keys, values.
pub const VOCABULARY: u32 = 2 + KEYS + VALUES;
const KEYS: u32 = 60;
const VALUES: u32 = 60;
const BEGIN: u32 = 0;
const ASK: u32 = 1;

/// Pairs of a document.
const PAIRS: std::ops::RangeInclusive<usize> = 2..=6;

/// The training document with this index.
pub fn sample(seed: Seed, index: u64) -> TrainingSample {
    let mut rng = seed.derive_index(index).rng();
    if rng.random::<bool>() { repeated(&mut rng) } else { pairs(rng.random_range(PAIRS), 4, &mut rng) }
}

/// Five pairs and a query for one of them.
pub fn exercise(seed: Seed, index: u64) -> TrainingSample {
    pairs(5, 1, &mut seed.derive_index(index).rng())
}

fn repeated(rng: &mut ChaCha8Rng) -> TrainingSample {
    let length = rng.random_range(4..=10);
    let run: Vec<u32> = (0..length).map(|_| rng.random_range(2..VOCABULARY)).collect();
    let mut sample = TrainingSample { tokens: vec![BEGIN], weights: vec![0.0] };
    for (round, weight) in [(0, 0.0), (1, 1.0)] {
        for (index, token) in run.iter().enumerate() {
            sample.tokens.push(*token);
            // The first token of the second run follows from nothing.
            sample.weights.push(if round == 1 && index == 0 { 0.0 } else { weight });
        }
    }
    sample
}

fn pairs(count: usize, queries: usize, rng: &mut ChaCha8Rng) -> TrainingSample {
    let mut keys: Vec<u32> = Vec::new();
    while keys.len() < count {
        let key = 2 + rng.random_range(0..KEYS);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let values: Vec<u32> = (0..count).map(|_| 2 + KEYS + rng.random_range(0..VALUES)).collect();
    let mut sample = TrainingSample { tokens: vec![BEGIN], weights: vec![0.0] };
    for (key, value) in keys.iter().zip(&values) {
        sample.tokens.extend([*key, *value]);
        sample.weights.extend([0.0, 0.0]);
    }
    sample.tokens.push(ASK);
    sample.weights.push(0.0);
    for _ in 0..queries {
        let index = rng.random_range(0..count);
        sample.tokens.extend([keys[index], values[index]]);
        sample.weights.extend([0.0, 1.0]);
    }
    sample
}
