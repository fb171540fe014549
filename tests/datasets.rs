//! `plimsoll datasets` on files of this machine.

use std::fs;

use serde_json::Value;

use crate::harness::{Sandbox, repository};

fn fixture(path: &str) -> String {
    repository().join("crates/ingest/tests/fixtures").join(path).display().to_string()
}

/// Keys of a question that others' scripts rely on.
const QUESTION_KEYS: [&str; 11] = [
    "question_id",
    "dataset",
    "domain",
    "split",
    "answer_kind",
    "context",
    "question",
    "choices",
    "gold",
    "subject",
    "cluster_id",
];

#[test]
fn the_list_is_for_people_and_scripts() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("datasets-list", sandbox.sh("datasets list").exits(0).stdout);
    let list = sandbox.sh("datasets list --json").exits(0).json();
    let entries = list["datasets"].as_array().unwrap();
    assert_eq!(entries.len(), 14);
    for entry in entries {
        assert!(entry["hub"].as_str().unwrap().starts_with("hf://datasets/"), "{entry}");
        assert!(!entry["forms"].as_array().unwrap().is_empty(), "{entry}");
    }
}

#[test]
fn every_fixture_has_the_agreed_shape() {
    let sandbox = Sandbox::new();
    for (id, path, questions, refused) in [
        ("aqua", "aqua/test.json", 2, 0),
        ("gsm8k", "gsm8k/test.jsonl", 3, 0),
        ("commonsense_qa", "commonsense_qa/test_rand_split_no_answers.jsonl", 0, 2),
        ("boolq", "boolq/dev.jsonl", 3, 0),
        ("coqa", "coqa/coqa-dev-v1.0.json", 4, 0),
        ("mmlu", "mmlu/test", 4, 0),
    ] {
        let run = sandbox.run(&["datasets", "inspect", id, "--source", &fixture(path), "--json"]).exits(0);
        let document = run.json();
        let found = document["questions"].as_array().unwrap();
        let refusals = document["refused"].as_array().unwrap();
        assert_eq!((found.len(), refusals.len()), (questions, refused), "{id}");
        assert_eq!(document["rows"], questions + refused, "{id}");
        for question in found {
            let keys = question.as_object().unwrap();
            assert!(QUESTION_KEYS.iter().all(|key| keys.contains_key(*key)), "{question}");
        }
        for refusal in refusals {
            assert!(refusal["row"].as_u64().unwrap() >= 1 && refusal["reason"] == "unlabelled", "{refusal}");
        }
    }
}

#[test]
fn people_see_what_became_of_the_rows() {
    let sandbox = Sandbox::new();
    let source = fixture("coqa/coqa-train-v1.0.json");
    let text = sandbox.run(&["datasets", "inspect", "coqa", "--source", &source]).exits(0).stdout;
    insta::assert_snapshot!("datasets-inspect", text);
}

#[test]
fn prompts_are_shown_with_version_and_hash() {
    let sandbox = Sandbox::new();
    let source = fixture("mmlu/test");
    let inspect = ["datasets", "inspect", "mmlu", "--source", &source, "--prompt"];
    let text = sandbox.run(&inspect).exits(0).stdout;
    insta::assert_snapshot!("datasets-inspect-prompt", text);
    let document = sandbox.run(&[&inspect[..], &["--json"]].concat()).exits(0).json();
    let prompts = document["prompts"].as_array().unwrap();
    assert_eq!(prompts.len(), 2 * document["questions"].as_array().unwrap().len());
    let direct = prompts[0]["prompt_hash"].as_str().unwrap();
    assert!(text.contains(direct));
    let steps = sandbox.run(&[&inspect[..], &["--style", "chain_of_thought", "--json"]].concat()).exits(0);
    assert_ne!(steps.json()["prompts"][0]["prompt_hash"], direct);
}

#[test]
fn exemplars_stand_before_questions_and_are_none_themselves() {
    let sandbox = Sandbox::new();
    let line = |i: u32| format!("{{\"question\": \"What is {i} + 1?\", \"answer\": \"#### {}\"}}\n", i + 1);
    sandbox.write("test.jsonl", (0..200).map(line).collect::<String>());
    let inspect = "datasets inspect gsm8k --source test.jsonl --prompt --few-shot 2 --json";
    let document = sandbox.sh(inspect).exits(0).json();
    let prompts = document["prompts"].as_array().unwrap();
    let text = |prompt: &Value, index: usize| {
        prompt["prompt"]["messages"][index]["text"].as_str().unwrap().to_owned()
    };
    let main: Vec<&Value> = prompts.iter().filter(|shown| shown["verbalized"] == false).collect();
    assert!(main.len() > 100 && main.len() < 200, "{}", main.len());
    let exemplar = text(main[0], 0);
    for shown in &main {
        assert_eq!(shown["prompt"]["messages"].as_array().unwrap().len(), 5);
        assert_eq!(text(shown, 0), exemplar);
        assert_ne!(text(shown, 4), exemplar);
    }
    sandbox
        .sh(&inspect.replace("few-shot 2", "few-shot 100"))
        .exits(3)
        .says(["have the role of an exemplar"]);
}

#[test]
fn questions_are_exported_as_a_table() {
    let sandbox = Sandbox::new();
    let source = fixture("boolq/dev.jsonl");
    let export =
        |out: &str| sandbox.run(&["datasets", "export", "boolq", "--source", &source, "--out", out]).exits(0);
    export("out/boolq.jsonl").shows(["wrote 3 questions to out/boolq.jsonl"]);
    let lines = String::from_utf8(sandbox.read("out/boolq.jsonl")).unwrap();
    let exported: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let inspected =
        sandbox.run(&["datasets", "inspect", "boolq", "--source", &source, "--json"]).exits(0).json();
    assert_eq!(Value::from(exported), inspected["questions"]);
    export("boolq.parquet");
    export("again.parquet");
    assert_eq!(sandbox.read("boolq.parquet"), sandbox.read("again.parquet"));
    let file = fs::File::open(sandbox.path("boolq.parquet")).unwrap();
    let reader = parquet::file::serialized_reader::SerializedFileReader::new(file).unwrap();
    let metadata = parquet::file::reader::FileReader::metadata(&reader);
    assert_eq!(metadata.file_metadata().num_rows(), 3);
    let keys = metadata.file_metadata().key_value_metadata().unwrap();
    assert!(
        keys.iter().any(|pair| pair.key == "plimsoll.table" && pair.value.as_deref() == Some("questions"))
    );
    sandbox
        .run(&["datasets", "export", "boolq", "--source", &source, "--out", "x.xlsx"])
        .exits(2)
        .says([".parquet or .jsonl"]);
}

#[test]
fn a_table_of_ones_own_is_read_by_a_mapping() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "pets.csv",
        "q,a,b,right\nWhich barks?,cat,dog,1\nWhich purrs?,cat,dog,0\nWhich sings?,cat,dog,7\n",
    );
    sandbox.write(
        "pets.yaml",
        "domain: pets\nanswer_kind: choice\nquestion: q\nchoices: [a, b]\ngold: right\ngold_is: index\n",
    );
    let inspect = "datasets inspect my_pets --source pets.csv --mapping pets.yaml --json";
    let document = sandbox.sh(inspect).exits(0).json();
    assert_eq!(document["questions"][0]["question_id"], "my_pets/all/0");
    assert_eq!(document["questions"][0]["gold"], serde_json::json!(["B"]));
    assert_eq!(document["refused"][0]["row"], 3);
    sandbox.write("bad.yaml", "domain: pets\nanswer_kind: choise\nquestion: q\ngold: right\n");
    let bad = inspect.replace("pets.yaml", "bad.yaml");
    sandbox.sh(&bad).exits(2).says(["`bad.yaml` is no mapping: answer_kind", "choise"]);
    sandbox.sh(&inspect.replace("my_pets", "gsm8k")).exits(2).says(["built-in"]);
    sandbox.sh(&inspect.replace(" pets.yaml", " none.yaml")).exits(2).says(["none.yaml"]);
}

#[test]
fn what_cannot_be_read_says_why() {
    let sandbox = Sandbox::new();
    sandbox.write("folder/notes.txt", "no data");
    sandbox.write("empty.jsonl", "");
    sandbox.write("bytes.jsonl", b"{\"question\": \"\xff\xfe\", \"answer\": \"#### 1\"}\n");
    let aqua = fixture("aqua/test.json");
    for (arguments, code, parts) in [
        ("inspect gsm9k --source x", 2, ["`gsm9k` is no built-in dataset", "gsm8k"]),
        ("inspect gsm8k --source nowhere.jsonl", 3, ["nowhere.jsonl", ""]),
        ("inspect gsm8k --source folder", 3, ["folder", ""]),
        ("inspect gsm8k --source empty.jsonl", 3, ["`empty.jsonl` is empty", ""]),
        ("inspect gsm8k --source bytes.jsonl", 3, ["bytes.jsonl", "UTF-8"]),
        ("inspect gsm8k --source ftp://x/y", 2, ["`ftp://x/y` is no source", "hf://"]),
        ("inspect gsm8k --source empty.jsonl --config main", 2, ["--config", "local path"]),
        ("inspect gsm8k --source hf://datasets/a/b", 2, ["--split", ""]),
        ("inspect gsm8k --source empty.jsonl --split a/b", 2, ["a/b", ""]),
        ("export gsm8k --source nowhere.jsonl --out o.parquet", 3, ["nowhere.jsonl", ""]),
    ] {
        sandbox.sh(&format!("datasets {arguments}")).exits(code).says(parts);
    }
    assert!(!sandbox.exists("o.parquet"));
    let wrong = sandbox.run(&["datasets", "inspect", "gsm8k", "--source", &aqua]).exits(3);
    wrong.says(["gsm8k", "rationale"]);
    let absent =
        sandbox.run(&["datasets", "inspect", "aqua", "--source", &aqua, "--question", "aqua/test/99"]);
    absent.exits(2).says(["aqua/test/99"]);
}
