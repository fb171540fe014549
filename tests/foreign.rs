//! `import`: files that other programs wrote, in `tests/foreign`.

use crate::harness::{Sandbox, repository};

fn samples(model: &str) -> String {
    let folder = repository().join("tests/foreign/lm-eval").join(model);
    folder.join("samples_colours_2026-01-01T00-00-00.000000.jsonl").to_str().unwrap().to_owned()
}

#[test]
fn samples_of_lm_eval_become_thresholds_that_say_what_their_confidence_is() {
    let (small, large) = (samples("small"), samples("large"));
    for out in ["scores.csv", "scores.parquet"] {
        let sandbox = Sandbox::new();
        let run = sandbox.run(&[
            "import", "--from", "lm-eval", &small, "--llm", &large, "--slm-id", "small", "--llm-id", "large",
            "--out", out,
        ]);
        let wrote = format!("wrote 24 rows of lm-eval:choice_margin, lm-eval:choice_probability to {out}");
        run.exits(0).shows([&wrote]);
        sandbox.sh(&format!("fit --scores {out} --fraction 1 --ratio 0.5 --bootstrap 0 --out out")).exits(0);
        let methods = sandbox.json("out/small--large.thresholds.json")["methods"].clone();
        assert!(
            methods[1]["definition"]
                .as_str()
                .unwrap()
                .contains("softmax over the log-likelihoods of the choices")
        );
    }
}

#[test]
fn formats_and_tools_that_are_unknown() {
    let sandbox = Sandbox::new();
    let small = samples("small");
    let run = sandbox.run(&["import", "--from", "lm-eval", &small, "--out", "scores.xlsx"]);
    run.exits(2).says(["ends neither in .parquet nor in .csv"]);
    let run = sandbox.run(&["import", "--from", "mine", &small, "--out", "scores.csv"]);
    run.exits(2).says(["lm-eval"]);
    assert!(!sandbox.exists("scores.csv"));
}
