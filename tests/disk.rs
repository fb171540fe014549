//! A disk that fills up in the middle of an output.
#![cfg(unix)]

use std::fs;
use std::process::Command;

use crate::fixture::{EVALUATION, pipeline, pool, sandbox, scores};
use crate::harness::{PROGRAM, Run, Sandbox};

/// Runs the program with files limited to this many blocks of 512 bytes; a write beyond fails.
fn limited(sandbox: &Sandbox, blocks: u32, arguments: &str) -> Run {
    let mut command = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {PROGRAM} {arguments}");
    command.args(["-c", &script]).current_dir(sandbox.root());
    Run::from_command(command)
}

/// Temporary files that were left.
fn leftovers(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    sandbox.files(folder).into_iter().filter(|name| name.contains(".tmp")).collect()
}

#[test]
fn the_first_output_does_not_fit() {
    let sandbox = sandbox("");
    let run = limited(&sandbox, 1, "run pipeline.yaml --out out").exits(4);
    run.says(["stage score", "scores.parquet"]);
    assert_eq!(sandbox.files("out"), [""; 0]);
}

#[test]
fn a_later_output_does_not_fit_and_what_was_finished_stays() {
    let sandbox = Sandbox::new();
    sandbox.write("scores.csv", scores(&["alpha", "beta"], 40));
    sandbox.write("pipeline.yaml", pipeline(EVALUATION));
    sandbox.sh("run pipeline.yaml --out whole").exits(0);
    let size = |name: &str| fs::metadata(sandbox.path(&format!("whole/{name}"))).unwrap().len();
    // Room for the scores and the calibration set, but not for the thresholds file.
    let (fits, does_not) = (
        size("tables/scores.parquet").max(size("tables/calibration.parquet")),
        size("small--large.thresholds.json"),
    );
    let blocks = u32::try_from(fits.div_ceil(512) + 4).unwrap();
    assert!(u64::from(blocks) * 512 < does_not, "{fits} {does_not}");
    let run = limited(&sandbox, blocks, "run pipeline.yaml --out out").exits(4);
    run.says(["stage fit", "small--large.thresholds.json"]);
    assert_eq!(
        sandbox.files("out"),
        ["manifest.json", "tables/calibration.parquet", "tables/scores.parquet"]
    );
    // With room again, the finished stages are kept.
    let run = sandbox.sh("run pipeline.yaml --out out").exits(0);
    run.shows(["score     skipped", "draw      skipped", "fit       runs"]);
    assert_eq!(leftovers(&sandbox, "out"), [""; 0]);
}

#[test]
fn what_was_there_before_stays_whole() {
    let sandbox = sandbox("");
    sandbox.sh("run pipeline.yaml --out out").exits(0);
    let before = sandbox.read("out/tables/scores.parquet");
    sandbox.write("scores.csv", pool().replacen("0.", "0.0", 1));
    limited(&sandbox, 1, "run pipeline.yaml --out out").exits(4);
    assert!(sandbox.read("out/tables/scores.parquet") == before);
    assert_eq!(leftovers(&sandbox, "out"), [""; 0]);
}

#[test]
fn standard_output_is_full() {
    if !fs::exists("/dev/full").unwrap() {
        return;
    }
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["sample-size", "--alpha", "0.1", "--delta", "0.1"]);
    command.stdout(fs::File::options().write(true).open("/dev/full").unwrap());
    Run::from_command(command).exits(4).says(["cannot write to standard output"]);
}

#[test]
fn a_folder_that_cannot_be_written_to() {
    let sandbox = sandbox("");
    sandbox.write("out", "a file");
    sandbox.sh("run pipeline.yaml --out out").exits(4).says(["cannot make the output folder `out`"]);
    sandbox.sh("run pipeline.yaml --out scores.csv/below").exits(4);
}

#[test]
fn leftovers_of_a_killed_run_are_swept() {
    let sandbox = sandbox("");
    sandbox.write("out/tables/.scores.parquet.abc123.tmp", "half");
    sandbox.write("out/tables/.mine.tmp", "not ours");
    sandbox.sh("run pipeline.yaml --out out --until score").exits(0);
    assert_eq!(leftovers(&sandbox, "out"), ["tables/.mine.tmp"]);
}
