//! Trains a small decoder on the toy of recall: `cargo run --release -p plimsoll-pocket --example recall -- 4 600`.
use std::io::{Write as _, stdout};
use std::time::Instant;
use plimsoll_core::Seed;
use plimsoll_pocket::train::{network::Network, numbers, optimiser::{Memory, Optimiser, Settings}, shape::Shape, toy};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |index: usize, other: f64| arguments.get(index).map_or(Ok(other), |text| text.parse::<f64>());
    let layers = number(1, 4.0)? as usize;
    let steps = number(2, 600.0)? as usize;
    let rate = number(3, 4e-3)? as f32;
    let docs = number(4, 64.0)? as u64;
    let shape = Shape { vocabulary: toy::VOCABULARY as usize, hidden: 128, layers, heads: 4, feed_forward: 352, context: 64, rope_theta: 1e4, norm_epsilon: 1e-5 };
    let mut network = Network::new(shape);
    let layout = network.layout().clone();
    let seed = Seed::new(number(5, 1.0)? as u64);
    let mut values = numbers::draw(&shape, &layout, seed.derive("numbers"))?;
    let settings = Settings { momentum: 0.95, first: 0.9, second: 0.95, epsilon: 1e-8, other_rate: number(6, 1.0)? as f32, decay: 0.0, longest: 1.0 };
    let mut optimiser = Optimiser::new(settings, Memory::new(&layout));
    let mut gradient = vec![0.0; layout.len()];
    let (mut tokens, start) = (0, Instant::now());
    let (mut back, mut forward) = (0.0, 0.0);
    let mut out = stdout().lock();
    for step in 0..steps {
        let samples: Vec<_> = (0..docs).map(|i| toy::sample(seed.derive("train"), step as u64 * docs + i)).collect();
        tokens += samples.iter().map(|s| s.tokens.len() - 1).sum::<usize>();
        let t = Instant::now();
        let loss = network.gradient(&values, &samples, &mut gradient);
        forward += t.elapsed().as_secs_f64();
        let warm = ((step + 1) as f32 / 30.0).min(1.0);
        let t = Instant::now();
        let length = optimiser.step(&layout, &mut values, &mut gradient, rate * warm);
        back += t.elapsed().as_secs_f64();
        if (step + 1) % 50 == 0 {
            let mut right = 0;
            for index in 0..200 {
                let exercise = toy::exercise(seed.derive("test"), index);
                let logits = network.logits(&values, &exercise);
                let best = (0..logits.len()).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap_or(0);
                right += u32::from(best == exercise.tokens[exercise.tokens.len() - 1] as usize);
            }
            writeln!(out, "step {} loss {:.3} length {length:.2} recall {:.2} tokens {tokens} {:.0} tok/s grad {forward:.1}s opt {back:.1}s", step + 1, loss.mean(), f64::from(right) / 200.0, tokens as f64 / start.elapsed().as_secs_f64())?;
        }
    }
    Ok(())
}
