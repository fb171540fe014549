//! `plimsoll datasets` on a hub: a local server that speaks the hub's paths.

use serde_json::Value;

use crate::harness::{Run, Sandbox};
use plimsoll_test_support::benchmark_files::{HubFile, forms};
use plimsoll_test_support::hub_server::{HostReply, Hub, HubContent, commit};

/// Runs a command against a hub, with a cache in the sandbox.
fn on(hub: &Hub, sandbox: &Sandbox, arguments: &str) -> Run {
    let mut command = sandbox.command(&arguments.split_whitespace().collect::<Vec<_>>());
    command.env("HF_ENDPOINT", &hub.front.address).env("HF_HOME", sandbox.path("cache"));
    for variable in ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    Run::from_command(command)
}

/// Repository and configuration by which a dataset is known.
fn known(sandbox: &Sandbox, id: &str) -> (String, String) {
    let list = sandbox.sh("datasets list --json").exits(0).json();
    let entry = list["datasets"].as_array().unwrap().iter().find(|entry| entry["id"] == id).unwrap().clone();
    let text = |key: &str| entry[key].as_str().unwrap().to_owned();
    (text("hub"), text("config"))
}

fn bytes(file: &HubFile, sandbox: &Sandbox) -> Vec<u8> {
    std::fs::read(file.write(sandbox.root())).unwrap()
}

#[test]
fn every_dataset_is_read_from_its_repository() {
    let sandbox = Sandbox::new();
    for file in forms() {
        let (id, parquet) = (file.dataset, bytes(&file, &sandbox));
        let (source, config) = known(&sandbox, id);
        let repository = source.strip_prefix("hf://datasets/").unwrap();
        let name = format!("{config}/test-00000-of-00001.parquet");
        let other = "other/test-00000-of-00001.parquet";
        let content = HubContent::dataset(repository)
            .revision("main", &[("README.md", b"made up"), (&name, &parquet), (other, b"not this one")]);
        let hub = Hub::start(content);
        std::fs::remove_dir_all(sandbox.path("cache")).ok();
        let inspect = format!("datasets inspect {id} --source {source} --split test --json");
        let from_hub = on(&hub, &sandbox, &inspect).exits(0).json();
        let path = file.write(sandbox.root());
        let local =
            ["datasets", "inspect", id, "--source", path.to_str().unwrap(), "--split", "test", "--json"];
        let from_file = sandbox.run(&local).exits(0).json();
        assert!(!from_hub["questions"].as_array().unwrap().is_empty(), "{id} {}", file.name);
        let ids = |document: &Value| -> Vec<Value> {
            let questions = document["questions"].as_array().unwrap().iter();
            questions.map(|question| question["question_id"].clone()).collect()
        };
        assert_eq!(ids(&from_hub), ids(&from_file), "{id} {}", file.name);
        assert_eq!(from_hub["questions"], from_file["questions"], "{id} {}", file.name);
    }
}

#[test]
fn the_commit_is_shown_and_the_cache_serves_offline() {
    let sandbox = Sandbox::new();
    let file = forms().into_iter().find(|file| file.dataset == "gsm8k").unwrap();
    let parquet = bytes(&file, &sandbox);
    let name = "main/test-00000-of-00001.parquet";
    let hub = Hub::start(HubContent::dataset("openai/gsm8k").revision("main", &[(name, &parquet)]));
    let inspect = "datasets inspect gsm8k --source hf://datasets/openai/gsm8k@main --split test";
    on(&hub, &sandbox, inspect).exits(0).shows([&commit("main"), name]);
    let (_, downloads) = hub.count();
    let mut command = sandbox.command(&inspect.split_whitespace().collect::<Vec<_>>());
    command.env("HF_ENDPOINT", "http://127.0.0.1:9").env("HF_HOME", sandbox.path("cache"));
    command.env("HF_HUB_OFFLINE", "1");
    Run::from_command(command).exits(0).shows([&commit("main")]);
    on(&hub, &sandbox, inspect).exits(0);
    assert_eq!(hub.count().1, downloads, "nothing is fetched twice");
}

#[test]
fn refusals_say_what_to_do() {
    let sandbox = Sandbox::new();
    let hub = Hub::start(HubContent::dataset("o/n").revision("main", &[("README.md", b"text")]));
    let inspect =
        |source: &str| on(&hub, &sandbox, &format!("datasets inspect gsm8k --source {source} --split test"));
    inspect("hf://datasets/o/n").exits(3).says(["Parquet"]);
    inspect("hf://datasets/o/missing").exits(3).says(["o/missing"]);
    inspect("hf://datasets/o/n@nope").exits(3).says(["nope"]);
    hub.front.instead(|_, _| Some(HostReply::refusal(403, "GatedRepo")));
    inspect("hf://datasets/o/n").exits(3).says(["HF_TOKEN"]);
    let bad = on(&hub, &sandbox, "datasets inspect gsm8k --source hf://nonsense --split test");
    bad.exits(2).says(["hf://nonsense"]);
}
