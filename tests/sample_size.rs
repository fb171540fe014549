//! `plimsoll sample-size`.

use serde_json::json;

use crate::harness::Sandbox;

#[test]
fn numbers_for_scripts() {
    let sandbox = Sandbox::new();
    for (alpha, delta, rows) in [
        ("0.01", "0.1", 230),
        ("0.01", "0.05", 299),
        ("0.02", "0.1", 114),
        ("0.05", "0.1", 45),
        ("0.05", "0.05", 59),
        ("0.1", "0.1", 22),
        ("0.2", "0.05", 14),
    ] {
        let run = sandbox.sh(&format!("sample-size --alpha {alpha} --delta {delta} --json")).exits(0);
        assert_eq!(run.json()["zero_error_rows"], rows, "{alpha} {delta}");
    }
    let run = sandbox.sh("sample-size --alpha 0.1 --delta 0.1 --rows 1000 --error-rate 0.05 --json").exits(0);
    let needs = run.json();
    // P(Bin(1000, 0.1) <= 87) = 0.0929, and 0.1115 for 88 (scipy.stats.binom.cdf).
    assert_eq!((&needs["most_errors"], &needs["rows"]), (&json!(87), &json!(1000)));
    assert!(needs["rows_needed"].as_u64().unwrap() < 300);
}

#[test]
fn words_for_people() {
    let run = Sandbox::new().sh("sample-size --alpha 0.05 --delta 0.1 --rows 100 --error-rate 0.02").exits(0);
    insta::assert_snapshot!(run.stdout, @r"
    An error rate of at most 0.05 among the kept answers, with probability at least 0.9:
      45 kept rows certify it if none of them is wrong
      77 kept rows are the fewest at which thresholds are tested for it
      158 kept rows would do if the true error rate is 0.02
      100 kept rows certify it with at most 1 wrong among them
      100 kept rows certify at best 0.022763, with none wrong
      100 kept rows with 2 wrong, as that error rate expects, certify 0.052345
    An audit needs about 68 questions if no kept answer differs, 237 if a share of 0.02 is kept and differs
    ");
}

#[test]
fn what_cannot_be_is_said() {
    let sandbox = Sandbox::new();
    let run = sandbox.sh("sample-size --alpha 0.05 --delta 0.1 --rows 44 --error-rate 0.05").exits(0);
    run.shows(["44 kept rows cannot certify it", "no number of rows would do"]);
    for arguments in
        ["--alpha 0 --delta 0.1", "--alpha 0.1 --delta 1", "--alpha -1 --delta 0.1", "--alpha 0.1"]
    {
        sandbox.sh(&format!("sample-size {arguments}")).exits(2);
    }
    sandbox.sh("sample-size --alpha 0.1 --delta 0.1 --rows 0").exits(2).says(["a whole number from 1"]);
}
