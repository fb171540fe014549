//! How fast a model loads, reads prompts and writes: `speed MODEL [f32|bf16] [TIMES|load]` prints one JSON
//! object; with `load` it only loads and reads one prompt, which touches every weight.
//!
//! Each figure is the best of TIMES runs (3 unless given). Weights of any values will do.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use candle_core::{DType, Device};
use plimsoll_engine::{Decoder, KvCache, OpenedModel, Placement, Positions, StepRow};
use serde_json::json;

/// Tokens of a prompt.
const PROMPT: usize = 256;
/// Tokens that each row writes.
const WRITTEN: usize = 16;
/// The batches that write.
const BATCHES: [usize; 2] = [1, 16];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let folder = arguments.first().ok_or("usage: speed MODEL [f32|bf16] [TIMES]")?;
    let (name, dtype) = match arguments.get(1).map(String::as_str) {
        None | Some("f32") => ("f32", DType::F32),
        Some("bf16") => ("bf16", DType::BF16),
        Some(other) => return Err(format!("`{other}` is neither f32 nor bf16").into()),
    };
    let only_load = arguments.get(2).is_some_and(|word| word == "load");
    let times: usize = if only_load { 0 } else { arguments.get(2).map_or(Ok(3), |times| times.parse())? };
    let start = Instant::now();
    let decoder =
        &OpenedModel::open(Path::new(folder))?.load_decoder(Placement { dtype, device: Device::Cpu })?;
    let load_s = start.elapsed().as_secs_f64();
    let loaded_mb = peak_mb();
    let prefill = best(times.max(1), || prefill(decoder))?;
    let mut decode = serde_json::Map::new();
    for rows in BATCHES.into_iter().filter(|_| !only_load) {
        decode.insert(rows.to_string(), best(times, || write(decoder, rows))?.into());
    }
    let report = json!({
        "architecture": decoder.spec().architecture,
        "parameters": decoder.spec().parameters(),
        "dtype": name,
        "load_s": load_s,
        "peak_mb_after_load": loaded_mb,
        "peak_mb": peak_mb(),
        "prefill_tokens_per_s": prefill,
        "decode_tokens_per_s_by_batch": decode,
    });
    println!("{report}");
    Ok(())
}

/// The highest of as many runs.
fn best(times: usize, run: impl Fn() -> Result<f64, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut best = 0.0_f64;
    for _ in 0..times {
        best = best.max(run()?);
    }
    Ok(best)
}

fn prompt(decoder: &Decoder, row: usize) -> Vec<u32> {
    let vocabulary = u32::try_from(decoder.spec().vocabulary).unwrap_or(u32::MAX);
    (0..).map(|token: u32| token.wrapping_mul(7919) % vocabulary).skip(row).take(PROMPT).collect()
}

/// Prompt tokens a second, of one prompt.
fn prefill(decoder: &Decoder) -> Result<f64, Box<dyn Error>> {
    let (tokens, mut cache) = (prompt(decoder, 0), decoder.cache());
    let start = Instant::now();
    decoder.step(&mut [StepRow::new(&tokens, &mut cache)])?;
    Ok(PROMPT as f64 / start.elapsed().as_secs_f64())
}

/// Tokens a second of all rows, each after a prompt of its own.
fn write(decoder: &Decoder, rows: usize) -> Result<f64, Box<dyn Error>> {
    let mut caches: Vec<KvCache> = Vec::new();
    for row in 0..rows {
        let mut cache = decoder.cache();
        let tokens = prompt(decoder, row);
        let mut reading = StepRow::new(&tokens, &mut cache);
        reading.logits = Positions::None;
        decoder.step(&mut [reading])?;
        caches.push(cache);
    }
    let start = Instant::now();
    for _ in 0..WRITTEN {
        let mut step: Vec<StepRow<'_>> = caches.iter_mut().map(|cache| StepRow::new(&[7], cache)).collect();
        decoder.step(&mut step)?;
    }
    Ok((rows * WRITTEN) as f64 / start.elapsed().as_secs_f64())
}

/// The most memory that this process has held, where the system says so.
fn peak_mb() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
