//! How long documents of the mixture are in tokens, and how a few are split:
//! `cargo run -p plimsoll-toy-trainer --example documents -- TOKENIZER.JSON`. What counts stands in brackets.

use std::io::{Write as _, stdout};

use plimsoll_core::Seed;
use plimsoll_engine::tokenizer::Tokenizer;
use plimsoll_pocket::suite::Stream;
use plimsoll_toy_trainer::TrainingConfig;
use plimsoll_toy_trainer::reader::DocumentReader;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which tokenizer.json?")?;
    let json = std::fs::read(path)?;
    let config = TrainingConfig::slm();
    let mut reader = DocumentReader::new(&serde_json::from_slice(&json)?, config.shape.vocabulary)?;
    let tokenizer = Tokenizer::from_json(&json, config.shape.vocabulary)?;
    let stream = Stream::new(Seed::new(1), &config.mixture)?;
    let mut out = stdout().lock();
    for index in 0..60 {
        let sample = reader.document(&stream.document(index)?, &config.weights)?;
        let spelled: Vec<String> = sample
            .tokens
            .iter()
            .zip(&sample.weights)
            .map(|(token, weight)| {
                let text = tokenizer.spelling(*token).unwrap_or_default();
                if *weight > 0.0 { format!("[{text}]") } else { text }
            })
            .collect();
        writeln!(out, "{} tokens: {}", sample.tokens.len(), spelled.join("\u{b7}"))?;
    }
    Ok(())
}
