//! Parquet and JSON lines as `--scores`.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use crate::fixture::{fitted, pool};
use crate::harness::Sandbox;

/// Writes 100 synthetic rows; `confidence` is the column of that name.
fn write(sandbox: &Sandbox, name: &str, confidence: ArrayRef) {
    let rows = confidence.len();
    let text = |value: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new((0..rows).map(|row| Some(value(row))).collect::<StringArray>())
    };
    let batch = RecordBatch::try_from_iter([
        ("question_id", text(&|row| format!("q{row}"))),
        ("dataset", text(&|row| format!("d{}", row % 3))),
        ("method", text(&|_| "good".to_owned())),
        ("confidence", confidence),
        ("slm_correct", Arc::new((0..rows).map(|row| Some(row % 4 != 0)).collect::<BooleanArray>())),
    ])
    .unwrap();
    let file = File::create(sandbox.path(name)).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn good() -> ArrayRef {
    Arc::new((0..100).map(|row| Some(f64::from(row) / 100.0)).collect::<Float64Array>())
}

#[test]
fn whole_truncated_and_damaged() {
    let sandbox = Sandbox::new();
    write(&sandbox, "scores.parquet", good());
    sandbox.sh("fit --scores scores.parquet --bootstrap 0 --out out").exits(0);
    let bytes = sandbox.read("scores.parquet");
    for length in [0, 3, 8, bytes.len() / 2, bytes.len() - 1] {
        sandbox.write("cut.parquet", &bytes[..length]);
        sandbox.sh("fit --scores cut.parquet --out cut").exits(3).says(["cut.parquet"]);
    }
    // Damage in the middle may make the reader give up, stumble, or give other values; never a panic.
    for at in (4..bytes.len()).step_by(97) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        sandbox.write("damaged.parquet", damaged);
        let run = sandbox.sh("fit --scores damaged.parquet --bootstrap 0 --out damaged");
        assert!([0, 3].contains(&run.code), "byte {at}: {} {}", run.code, run.stderr);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    }
    assert_eq!(sandbox.files("cut"), [""; 0]);
}

#[test]
fn a_column_of_another_type_is_named() {
    let sandbox = Sandbox::new();
    write(&sandbox, "scores.parquet", Arc::new(BooleanArray::from(vec![true; 10])));
    sandbox
        .sh("fit --scores scores.parquet --out out")
        .exits(3)
        .says(["column `confidence` is of type Boolean"]);
    write(&sandbox, "scores.parquet", Arc::new(Float64Array::from(vec![0.5, f64::NAN, 1.7])));
    let run = sandbox.sh("fit --scores scores.parquet --out out").exits(3);
    run.says([
        "2 rows cannot be used",
        "`scores.parquet` data row 2: confidence NaN",
        "data row 3: confidence 1.7",
    ]);
}

#[test]
fn json_lines_give_the_same_thresholds() {
    let sandbox = fitted("");
    let lines: String = pool()
        .lines()
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let [id, dataset, domain, slm, llm, method, confidence, correct, llm_correct] = cells[..] else {
                panic!("{line}")
            };
            let confidence = if confidence.is_empty() { "null" } else { confidence };
            format!(
                "{{\"question_id\":\"{id}\",\"dataset\":\"{dataset}\",\"domain\":\"{domain}\",\"slm\":\"{slm}\",\
                 \"llm\":\"{llm}\",\"method\":\"{method}\",\"confidence\":{confidence},\"slm_correct\":{correct},\
                 \"llm_correct\":{llm_correct}}}\n"
            )
        })
        .collect();
    sandbox.write("scores.jsonl", &lines);
    sandbox.sh("fit --scores scores.jsonl --bootstrap 20 --out lines").exits(0);
    let methods =
        |folder: &str| sandbox.json(&format!("{folder}/small--large.thresholds.json"))["methods"].clone();
    assert_eq!(methods("out"), methods("lines"));
    sandbox.write("scores.jsonl", lines.replacen("}\n{", "}\n[", 1));
    sandbox.sh("fit --scores scores.jsonl --out bad").exits(3).says(["`scores.jsonl` line 2"]);
}
