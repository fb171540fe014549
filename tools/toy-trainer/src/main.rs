//! Trains one of the two models:
//! `cargo run --release -p plimsoll-toy-trainer -- slm --seed 1 --out FOLDER [--tokens N] [--resume]`.
//!
//! `--tokens` shortens or lengthens the second phase. A training that was cut off goes on with `--resume` and
//! the same words otherwise.

use std::io::{Write as _, stdout};
use std::path::PathBuf;
use std::time::Instant;

use plimsoll_core::Seed;
use plimsoll_toy_trainer::{Trainer, TrainingConfig};

struct TrainArguments {
    config: TrainingConfig,
    seed: u64,
    out: PathBuf,
    resume: bool,
}

fn arguments() -> Result<TrainArguments, Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let mut config = match words.next().as_deref() {
        Some("slm") => TrainingConfig::slm(),
        Some("llm") => TrainingConfig::llm(),
        _ => return Err("which model? slm or llm".into()),
    };
    let (mut seed, mut out, mut resume) = (None, None, false);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--seed" => seed = Some(value()?.parse()?),
            "--out" => out = Some(PathBuf::from(value()?)),
            "--tokens" => config.tokens = value()?.parse()?,
            "--resume" => resume = true,
            _ => return Err(format!("unknown: {word}").into()),
        }
    }
    let seed = seed.ok_or("which seed? --seed N")?;
    Ok(TrainArguments { config, seed, out: out.ok_or("where to? --out FOLDER")?, resume })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let TrainArguments { config, seed, out, resume } = arguments()?;
    let started = Instant::now();
    let mut trainer = Trainer::new(config, Seed::new(seed), &out, resume)?;
    writeln!(stdout(), "ready after {:.1} s, at {:?}", started.elapsed().as_secs_f64(), trainer.progress())?;
    let (mut tokens, mut since) = (trainer.progress().tokens, Instant::now());
    while let Some(step) = trainer.step()? {
        let Some(eval) = step.eval else { continue };
        let progress = step.progress;
        let rate = (progress.tokens - tokens) as f64 / since.elapsed().as_secs_f64();
        writeln!(
            stdout(),
            "{:>6.0} s {:?} step {} tokens {} loss {:.3} held out {:.3} recall {:.2} comparisons {:.2} accuracy {:.3} {rate:.0} tokens/s",
            started.elapsed().as_secs_f64(),
            progress.phase,
            progress.steps,
            progress.tokens,
            step.loss,
            eval.loss,
            eval.recall,
            eval.comparisons,
            eval.accuracy,
        )?;
        let shares: Vec<String> = eval
            .datasets
            .iter()
            .map(|(name, share)| format!("{} {share:.2}", name.trim_start_matches("pocket_")))
            .collect();
        writeln!(stdout(), "         {}", shares.join(", "))?;
        (tokens, since) = (progress.tokens, Instant::now());
    }
    writeln!(stdout(), "done after {:.0} s", started.elapsed().as_secs_f64())?;
    Ok(())
}
