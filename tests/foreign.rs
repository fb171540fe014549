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
fn files_of_routers_become_thresholds_that_say_what_their_confidence_is() {
    let of = |tool: &str, name: &str| {
        repository().join("tests/foreign").join(tool).join(name).to_str().unwrap().to_owned()
    };
    let responses = of("routellm", "colours_responses.csv");
    let (data, routing) = (of("llmrouter", "routing_data_test.jsonl"), of("llmrouter", "hybrid_llm.jsonl"));
    let verified = of("llmrouter", "router_automix_llamapair_ver_outputs.jsonl");
    let cases: [(&[&str], &str, &str); 3] = [
        (
            &["routellm", &responses, "--slm-id", "openai/small", "--llm-id", "openai/large"],
            "win rate",
            "routellm:bert:one_minus",
        ),
        (
            &["llmrouter", &data, "--routing", &routing, "--slm-id", "small", "--llm-id", "large"],
            "hybrid router",
            "llmrouter:router_score",
        ),
        (
            &["llmrouter", &verified, "--slm-id", "small", "--llm-id", "large"],
            "self-verifications",
            "llmrouter:p_ver_13b",
        ),
    ];
    for (arguments, definition, method) in cases {
        let sandbox = Sandbox::new();
        let arguments = [&["import", "--out", "scores.parquet", "--from"], arguments].concat();
        sandbox.run(&arguments).exits(0).shows([format!("wrote 12 rows of {method}").as_str()]);
        sandbox.sh("fit --scores scores.parquet --fraction 1 --ratio 0.5 --bootstrap 0 --out out").exits(0);
        let file = std::fs::read_dir(sandbox.path("out")).unwrap().map(|entry| entry.unwrap().path());
        let file =
            file.into_iter().find(|path| path.to_str().unwrap().ends_with(".thresholds.json")).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(definition) && text.contains(method), "{text}");
    }
}

#[test]
fn options_of_another_program_are_refused() {
    let (sandbox, small) = (Sandbox::new(), samples("small"));
    let run = |arguments: &[&str]| {
        let arguments = [&["import", "--out", "s.csv", small.as_str(), "--from"], arguments].concat();
        sandbox.run(&arguments).exits(2)
    };
    run(&["lm-eval", "--router", "mf"]).says(["--router is for --from routellm alone"]);
    run(&["lm-eval", "--llm-id", "large"]).says(["--llm-id names a model of which there are no files"]);
    run(&["routellm"]).says(["--slm-id <ID>", "--llm-id <ID>"]);
    run(&["llmrouter", "--slm-id", "a", "--llm-id", "b", "--metric", "acc"])
        .says(["--metric is for --from lm-eval alone"]);
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
