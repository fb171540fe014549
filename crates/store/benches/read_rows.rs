//! Time to read a table of hidden states, directly and through JSON text: `cargo bench -p plimsoll-store`.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark reports and stops")]

use std::path::Path;
use std::time::{Duration, Instant};

use arrow::json::LineDelimitedWriter;
use plimsoll_core::records::HiddenStateRow;
use plimsoll_core::signal::Position;
use plimsoll_store::tables::hidden_states;
use plimsoll_store::{Provenance, read_batches, read_rows, write_rows};

const ROWS: u32 = 2_000;
const WIDTH: u32 = 1_024;
const REPEATS: usize = 5;

fn main() {
    let row = |index: u32| HiddenStateRow {
        question_id: format!("synthetic/test/{index}"),
        model: "small".to_owned(),
        prompt_hash: "00".repeat(32),
        layer: -8,
        position: Position::LastPromptToken,
        vector: Some((0..WIDTH).map(|at| ((at * 31 + index * 17) as f32 * 0.001).sin()).collect()),
        missing_reason: None,
    };
    let rows: Vec<HiddenStateRow> = (0..ROWS).map(row).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hidden_states.parquet");
    write_rows(&hidden_states::TABLE, &rows, &path, &Provenance::default()).unwrap();
    let direct =
        median(|| assert_eq!(read_rows::<HiddenStateRow>(&path, &hidden_states::TABLE).unwrap(), rows));
    let text = median(|| assert_eq!(through_text(&path), rows));
    println!(
        "{ROWS} hidden states of {WIDTH} values: directly {direct:.1?}, through JSON text {text:.1?}: {:.1} times",
        text.as_secs_f64() / direct.as_secs_f64()
    );
}

fn median(read: impl Fn()) -> Duration {
    let mut times: Vec<Duration> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            read();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[REPEATS / 2]
}

/// The rows by way of a line of JSON each.
fn through_text(path: &Path) -> Vec<HiddenStateRow> {
    let mut rows = Vec::new();
    for batch in read_batches(path, &hidden_states::TABLE).unwrap() {
        let mut text = Vec::new();
        let mut writer = LineDelimitedWriter::new(&mut text);
        writer.write(&batch.unwrap()).unwrap();
        writer.finish().unwrap();
        rows.extend(
            serde_json::Deserializer::from_slice(&text).into_iter::<HiddenStateRow>().map(Result::unwrap),
        );
    }
    rows
}
