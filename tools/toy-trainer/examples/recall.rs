//! The gate of the trainer in a toy: recall of one of five pairs, by a decoder of so many layers after so many
//! steps: `cargo run --release -p plimsoll-toy-trainer --example recall -- --layers 4 --steps 450 --seed 1`.
//!
//! Recall should be above .95 by step 450.

use std::io::{Write as _, stdout};
use std::time::Instant;

use plimsoll_core::Seed;
use plimsoll_toy_trainer::network::TrainableDecoder;
use plimsoll_toy_trainer::optimiser::{Optimiser, OptimiserState};
use plimsoll_toy_trainer::shape::ModelShape;
use plimsoll_toy_trainer::{TrainingConfig, parameters, toy};

/// Documents of a step.
const DOCUMENTS: u64 = 64;
/// Steps between two evaluations.
const EVAL_INTERVAL: u64 = 50;
/// Steps in which the rate grows to its height.
const WARM_UP: u64 = 30;
/// Exercises of an evaluation.
const EXERCISES: u64 = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let number = |name: &str| -> Result<u64, Box<dyn std::error::Error>> {
        let index = words.iter().position(|word| word == name).ok_or(format!("{name} is missing"))?;
        Ok(words.get(index + 1).ok_or(format!("{name} needs a value"))?.parse()?)
    };
    let (layers, steps, seed) = (number("--layers")?, number("--steps")?, Seed::new(number("--seed")?));
    let config = TrainingConfig::slm();
    let shape =
        ModelShape { vocabulary: toy::VOCABULARY as usize, layers: usize::try_from(layers)?, ..config.shape };
    let mut network = TrainableDecoder::new(shape);
    let layout = network.layout().clone();
    let mut parameters = parameters::draw(&shape, &layout, seed.derive("numbers"))?;
    let mut optimiser = Optimiser::new(config.optimiser, OptimiserState::new(&layout));
    let mut gradient = vec![0.0; layout.len()];
    let (mut tokens, started) = (0, Instant::now());
    for step in 0..steps {
        let documents = step * DOCUMENTS..(step + 1) * DOCUMENTS;
        let samples: Vec<_> = documents.map(|index| toy::sample(seed.derive("train"), index)).collect();
        tokens += samples.iter().map(|sample| sample.tokens.len() - 1).sum::<usize>();
        let loss = network.gradient(&parameters, &samples, &mut gradient);
        let warm = ((step + 1) as f32 / WARM_UP as f32).min(1.0);
        optimiser.step(&layout, &mut parameters, &mut gradient, config.rate * warm);
        if (step + 1).is_multiple_of(EVAL_INTERVAL) {
            writeln!(
                stdout(),
                "step {} loss {:.3} recall {:.3} tokens {tokens} {:.0} tokens/s",
                step + 1,
                loss.mean(),
                recall(&mut network, &parameters, seed),
                tokens as f64 / started.elapsed().as_secs_f64()
            )?;
        }
    }
    Ok(())
}

fn recall(network: &mut TrainableDecoder, parameters: &[f32], seed: Seed) -> f64 {
    let right = (0..EXERCISES).filter(|index| {
        let exercise = toy::exercise(seed.derive("test"), *index);
        let logits = network.logits(parameters, &exercise);
        let target = exercise.tokens.last().map_or(0.0, |token| logits[*token as usize]);
        logits.iter().filter(|logit| **logit >= target).count() == 1
    });
    right.count() as f64 / EXERCISES as f64
}
