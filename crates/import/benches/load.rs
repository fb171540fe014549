//! How long a large file of scores takes to load: `cargo bench -p plimsoll-import --bench load -- [ROWS]`.
//! Once with as many questions as rows, which is the slow case, and once with eight methods to a question.
#![expect(clippy::print_stdout, reason = "a benchmark reports to whoever runs it")]

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use plimsoll_core::column;
use plimsoll_core::records::ScoreRow;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    // As a test (`cargo test --all-targets`), it only shows that it runs.
    let default = if arguments.iter().any(|argument| argument == "--bench") { 10_000_000 } else { 1_000 };
    let rows = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(default);
    let folder = tempfile::tempdir()?;
    for methods in [1, 8] {
        let scores = Scores { rows, methods };
        for (name, write) in [("scores.parquet", Scores::parquet as Write), ("scores.csv", Scores::csv)] {
            let path = folder.path().join(name);
            write(&scores, &path)?;
            let mebibytes = std::fs::metadata(&path)?.len() >> 20;
            let start = Instant::now();
            let imported = plimsoll_import::read_scores(&[path], &())?;
            let seconds = start.elapsed().as_secs_f64();
            println!("{name}: {} rows, {methods} methods, {mebibytes} MiB: {seconds:.2} s", imported.rows);
        }
    }
    Ok(())
}

type Write = fn(&Scores, &Path) -> Result<(), Box<dyn Error>>;

/// Synthetic scores: for each method every question once, in 14 datasets.
struct Scores {
    rows: u64,
    methods: u64,
}

impl Scores {
    fn question(&self, row: u64) -> u64 {
        row % self.rows.div_ceil(self.methods)
    }

    fn dataset(&self, row: u64) -> String {
        format!("dataset{}", self.question(row) % 14)
    }

    fn question_id(&self, row: u64) -> String {
        format!("{}/test/{}", self.dataset(row), self.question(row))
    }

    fn method(&self, row: u64) -> String {
        format!("method_{}", row / self.rows.div_ceil(self.methods))
    }

    fn parquet(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut file = Some(File::create(path)?);
        let mut writer = None;
        for start in (0..self.rows).step_by(1 << 16) {
            let batch = self.batch(start..(start + (1 << 16)).min(self.rows))?;
            if let Some(file) = file.take() {
                writer = Some(ArrowWriter::try_new(file, batch.schema(), Some(properties.clone()))?);
            }
            if let Some(writer) = &mut writer {
                writer.write(&batch)?;
            }
        }
        writer.map(ArrowWriter::close).transpose()?;
        Ok(())
    }

    fn batch(&self, rows: std::ops::Range<u64>) -> Result<RecordBatch, Box<dyn Error>> {
        let text = |value: fn(&Self, u64) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(rows.clone().map(|row| value(self, row))))
        };
        let flag = |value: fn(u64) -> bool| -> ArrayRef {
            Arc::new(rows.clone().map(|row| Some(value(row))).collect::<BooleanArray>())
        };
        let confidence: ArrayRef = Arc::new(Float64Array::from_iter_values(rows.clone().map(number)));
        Ok(RecordBatch::try_from_iter([
            (column!(ScoreRow, question_id), text(Self::question_id)),
            (column!(ScoreRow, dataset), text(Self::dataset)),
            (column!(ScoreRow, method), text(Self::method)),
            (column!(ScoreRow, confidence), confidence),
            (column!(ScoreRow, slm_correct), flag(slm_correct)),
            (column!(ScoreRow, llm_correct), flag(llm_correct)),
        ])?)
    }

    fn csv(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let mut file = BufWriter::new(File::create(path)?);
        let names = [
            column!(ScoreRow, question_id),
            column!(ScoreRow, dataset),
            column!(ScoreRow, method),
            column!(ScoreRow, confidence),
            column!(ScoreRow, slm_correct),
            column!(ScoreRow, llm_correct),
        ];
        writeln!(file, "{}", names.join(","))?;
        for row in 0..self.rows {
            let (id, dataset, method) = (self.question_id(row), self.dataset(row), self.method(row));
            let (slm, llm) = (slm_correct(row), llm_correct(row));
            writeln!(file, "{id},{dataset},{method},{},{slm},{llm}", number(row))?;
        }
        file.flush()?;
        Ok(())
    }
}

/// A number in [0, 1) that looks random.
fn number(row: u64) -> f64 {
    (row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1u64 << 53) as f64
}

fn slm_correct(row: u64) -> bool {
    number(row) > 1.0 / 3.0
}

fn llm_correct(row: u64) -> bool {
    number(row + 1) > 0.1
}
