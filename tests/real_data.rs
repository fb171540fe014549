//! The pipelines of the repository on the real logs that they are for.
//!
//! The logs are not in the repository: the tests run where `PLIMSOLL_REAL_DATA` names the folder that
//! holds `real_outputs/`, and say so where it does not.

use std::env;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{Run, Sandbox, repository};

/// Where the logs of this name are, if they are anywhere.
pub(crate) fn logs(name: &str) -> Option<PathBuf> {
    let folder =
        env::var_os("PLIMSOLL_REAL_DATA").map(|root| PathBuf::from(root).join("real_outputs").join(name));
    if folder.is_none() {
        println!("skipped: PLIMSOLL_REAL_DATA is not set, so there are no {name} logs to run on");
    }
    folder
}

#[test]
fn mmlu_pro_logs_end_to_end() {
    let Some(logs) = logs("tao-mmlu-pro-confidence") else { return };
    let sandbox = Sandbox::new();
    let pipeline = repository().join("pipelines/mmlu-pro-logs.yaml");
    let run = |out: &str| {
        let mut command = sandbox.command(&["run", pipeline.to_str().unwrap(), "--out", out, "--json"]);
        command.env("MMLU_PRO_LOGS", &logs);
        Run::from_command(command).exits(0).json()
    };
    let first = run("out");
    let points = first["operating_points"].as_array().unwrap();
    assert_eq!(points.len(), 2 * 3 * 16, "SLMs x methods x targets");
    assert!(points.iter().any(|point| point["target_kind"] == "regret" && point["status"] == "reached"));
    for slm in ["llama-3.2-3b-instruct", "llama-3.1-8b-instruct"] {
        let file = sandbox.json(&format!("out/{slm}--llama-3.1-70b-instruct.thresholds.json"));
        assert_eq!(file["calibration"]["datasets"].as_array().unwrap().len(), 14);
        assert_eq!(file["methods"].as_array().unwrap().len(), 3);
        assert!(file["methods"].as_array().unwrap().iter().all(|method| method["rows"]["pool"] == 12_032));
    }
    let summary = first["transfer_summary"].as_array().unwrap();
    let ratio = |slm: &str, method: &str| -> &Value {
        summary
            .iter()
            .find(|row| {
                row["slm"] == slm
                    && row["method"] == method
                    && row["by"] == "dataset"
                    && row["target_kind"] == "routing_ratio"
            })
            .unwrap()
    };
    // What the logs are known for: the wording ranks answers, the token probabilities hardly do.
    for slm in ["llama-3.2-3b-instruct", "llama-3.1-8b-instruct"] {
        let gain = |method| ratio(slm, method)["accuracy_over_random"].as_f64().unwrap();
        assert!(gain("linguistic_confidence") > 0.03, "{slm}");
        assert!(gain("mean_token_probability").abs() < 0.01, "{slm}");
    }
    let second = run("out");
    assert!(second["stages"].as_array().unwrap().iter().all(|stage| stage["status"] == "skipped"));
}
