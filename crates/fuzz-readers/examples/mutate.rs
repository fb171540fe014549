//! Runs a reader on changes of its corpus for some seconds, on a stable toolchain:
//! `cargo run --release -p plimsoll-fuzz-readers --example mutate -- TARGET SECONDS [SEED]`.
//!
//! An input on which the reader panics is written to `fuzz/artifacts/TARGET/`.
#![expect(clippy::print_stdout, reason = "a report to the person who runs it")]

use std::error::Error;
use std::io::Write as _;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

use plimsoll_fuzz_readers::READERS;
use plimsoll_fuzz_readers::mutation::Mutator;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, name, seconds, more @ ..] = arguments.as_slice() else {
        return Err("write TARGET SECONDS [SEED]".into());
    };
    let (_, reader) = READERS.iter().find(|(known, _)| known == name).ok_or("no such target")?;
    let seed = more.first().map_or(Ok(1), |seed| seed.parse())?;
    let limit = Duration::from_secs(seconds.parse()?);
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut corpus = Vec::new();
    for file in std::fs::read_dir(fuzz.join("corpus").join(name))? {
        corpus.push(std::fs::read(file?.path())?);
    }
    let (mut mutator, start) = (Mutator::new(seed), Instant::now());
    let (mut runs, mut failures, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    while start.elapsed() < limit {
        let input = mutator.mutated(&corpus);
        let begun = Instant::now();
        let failed = catch_unwind(|| reader(&input)).is_err();
        let is_slow = begun.elapsed() > slowest.max(Duration::from_secs(1));
        slowest = slowest.max(begun.elapsed());
        runs += 1;
        if failed || is_slow {
            failures += u64::from(failed);
            let folder = fuzz.join("artifacts").join(name);
            std::fs::create_dir_all(&folder)?;
            let kind = if failed { "crash" } else { "slow" };
            std::fs::write(folder.join(format!("{kind}-{seed}-{runs}")), &input)?;
        }
        // A corpus that grows reaches further; bounded, so that memory does not grow with it.
        if corpus.len() < 4096 && runs.is_multiple_of(64) {
            corpus.push(input);
        }
    }
    println!(
        "{name}: {runs} runs in {:.0} s, {failures} failures, slowest {slowest:?}",
        start.elapsed().as_secs_f64()
    );
    std::io::stdout().flush()?;
    if failures == 0 { Ok(()) } else { Err("the reader failed".into()) }
}
