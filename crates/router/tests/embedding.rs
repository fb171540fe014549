//! The crate as an app has it: packed by cargo, unpacked outside this workspace, built there without a
//! network, and its examples run.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::{json, Value};

/// Where cargo packs and builds; kept, so that a second run compiles the crate alone.
const TARGET: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/embedding");

fn cargo(folder: &Path, arguments: &str) {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments.split(' '))
        .args(["--offline", "--quiet", "--target-dir", TARGET])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The folder of the examples that were built from the packed crate.
static EXAMPLES: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = concat!("plimsoll-router-", env!("CARGO_PKG_VERSION"));
    cargo(Path::new(env!("CARGO_MANIFEST_DIR")), "package --no-verify --allow-dirty");
    let away = tempfile::tempdir().unwrap();
    let packed = Path::new(TARGET).join("package").join(format!("{name}.crate"));
    // Cargo packs with a fixed time of change; `-m` takes the present, so that what changed is built again.
    let unpacked = Command::new("tar").arg("-xzmf").arg(packed).current_dir(away.path()).status().unwrap();
    assert!(unpacked.success());
    let crate_folder = away.path().join(name);
    let manifest = std::fs::read_to_string(crate_folder.join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("workspace = true"), "cargo has put the workspace's values in: {manifest}");
    cargo(&crate_folder, "check --locked --all-features");
    cargo(&crate_folder, "build --locked --examples");
    Path::new(TARGET).join("debug").join("examples")
});

fn conformance(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/conformance").join(name)
}

/// Runs an example with these lines as its input.
fn run(example: &str, arguments: &[&str], input: &str) -> Output {
    let program = EXAMPLES.join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // An example that refuses its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn fails(output: &Output, message: &str) {
    assert!(!output.status.success(), "{message}");
    assert!(text(&output.stderr).contains(message), "{} has no `{message}`", text(&output.stderr));
}

#[test]
fn decide_passes_the_conformance_vectors() {
    let vectors: Value = serde_json::from_slice(&std::fs::read(conformance("decide.json")).unwrap()).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let file = conformance("example.thresholds.json");
    for point_cases in cases.chunk_by(|one, next| one["threshold_id"] == next["threshold_id"]) {
        let id = point_cases[0]["threshold_id"].as_str().unwrap();
        let (method, target) = id.split_once('/').unwrap();
        let line = |case: &Value| match &case["confidence"] {
            Value::Null => "missing\n".to_owned(),
            number => format!("{number}\n"),
        };
        let input: String = point_cases.iter().map(line).collect();
        let output = run("decide", &[file.to_str().unwrap(), method, target], &input);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "drift: \"collecting\"\n");
        let records: Vec<Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(records.len(), point_cases.len());
        for (record, case) in records.iter().zip(point_cases) {
            for key in ["threshold_id", "threshold", "confidence", "route", "reason"] {
                assert_eq!(record[key], case[key], "{key} of {case}");
            }
            assert_eq!(record["thresholds_sha256"], vectors["sha256"]);
            assert_eq!(record["method"], json!(method));
        }
    }
}

#[test]
fn decide_refuses_what_is_not_there_and_what_is_no_confidence() {
    let file = conformance("example.thresholds.json");
    let file = file.to_str().unwrap();
    let decide = |arguments: &[&str], input: &str| run("decide", arguments, input);
    let point = [file, "perplexity", "routing_ratio=0.3"];
    fails(&decide(&[file], ""), "give a thresholds file, a method and a target");
    fails(&decide(&[file, "p_true", "routing_ratio=0.3"], ""), "no method `p_true`; it has: perplexity");
    fails(&decide(&[file, "perplexity", "accuracy=0.5"], ""), "no operating point `accuracy=0.5`");
    fails(&decide(&[file, "perplexity", "selective_error=0.01:0.1"], ""), "its status is infeasible");
    fails(&decide(&[file, "perplexity", "ratio=0.3"], ""), "no such target");
    let foreign = conformance("decide.json");
    fails(
        &decide(&[foreign.to_str().unwrap(), "perplexity", "routing_ratio=0.3"], ""),
        "does not follow its schema",
    );
    for (line, problem) in [
        ("", "empty string"),
        ("null", "invalid float"),
        ("1.5", "not a finite number in [0, 1]"),
        ("-0.1", "not a finite number in [0, 1]"),
        ("NaN", "not a finite number in [0, 1]"),
        ("inf", "not a finite number in [0, 1]"),
        ("0.5 0.6", "invalid float"),
    ] {
        let output = decide(&point, &format!("0.5\n{line}\n0.5\n"));
        fails(&output, problem);
        fails(&output, "line 2");
        assert_eq!(text(&output.stdout).lines().count(), 1, "the line before `{line}` is answered");
    }
}

#[test]
fn score_on_device_computes_from_32_bits_and_decides() {
    let folder = tempfile::tempdir().unwrap();
    let device = |text: &str| {
        let path = folder.path().join("device.json");
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let file = conformance("example.thresholds.json");
    let file = file.to_str().unwrap();
    let small = device(r#"{"id": "small"}"#);
    let point = [file, small.as_str(), "perplexity", "routing_ratio=0.3"];
    // Log-probabilities that 32 bits hold exactly, so that the sums are known. The threshold is 0.3.
    let input = "-0.25 -0.75\n\n-2 -2.5\nNaN -1\n0 0 0\n-inf\n";
    let output = run("score_on_device", &point, input);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let expected = [
        format!("{} keep", (-0.5f64).exp()),
        "missing defer".to_owned(),
        format!("{} defer", (-2.25f64).exp()),
        "missing defer".to_owned(),
        "1 keep".to_owned(),
        "0 defer".to_owned(),
    ];
    assert_eq!(text(&output.stdout).lines().collect::<Vec<_>>(), expected);
    // A number that 32 bits round: the confidence is that of the rounded one.
    let output = run("score_on_device", &point, "-0.1\n");
    assert_eq!(text(&output.stdout), format!("{} keep\n", f64::from(-0.1f32).exp()));

    fails(&run("score_on_device", &point, "-0.1 x\n"), "line 1: invalid float");
    fails(&run("score_on_device", &point[..2], ""), "give a thresholds file, a file with the device's model");
    for (identity, problem) in [
        (r#"{"id": "other"}"#, "fitted for id `small`, this device has `other`"),
        (r#"{"id": "small", "weight_sha256": "a"}"#, "unknown field"),
        (r#"{"quantisation": "Q4_K_M"}"#, "missing field `id`"),
        ("", "EOF"),
    ] {
        let other = device(identity);
        fails(&run("score_on_device", &[file, &other, "perplexity", "routing_ratio=0.3"], ""), problem);
    }
}
