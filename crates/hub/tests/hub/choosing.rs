//! Which files are taken: layouts, the hub's own Parquet copy, names that would escape.

use std::fs;

use plimsoll_hub::FileSelection;

use crate::fixture::{Here, SOURCE};
use plimsoll_test_support::hub_server::{HostReply, Hub, HubContent, commit};

const CONVERTED: &str = "refs/convert/parquet";

fn names(here: &Here, source: &str, selection: &FileSelection) -> Vec<String> {
    here.fetch(source, selection).unwrap().files.into_iter().map(|file| file.name).collect()
}

#[test]
fn the_hub_s_own_copy_is_read_where_main_has_no_parquet() {
    let content = HubContent::dataset("o/n")
        .revision("main", &[("train.json", b"{}"), ("n.py", b"")])
        .revision(CONVERTED, &[("default/test/0000.parquet", b"t"), ("default/train/0000.parquet", b"r")]);
    let hub = Hub::start(content);
    let here = Here::new(&hub.front);
    let fetched = here.fetch(SOURCE, &FileSelection::parquet(None, Some("test"))).unwrap();
    assert_eq!(fetched.revision.as_deref(), Some(CONVERTED));
    assert_eq!(fetched.commit, Some(commit(CONVERTED)));
    assert_eq!(fetched.files[0].name, "default/test/0000.parquet");
    assert!(here.repository().join("refs").join(CONVERTED).is_file());
    let copy = format!("hf://datasets/o/n@{CONVERTED}");
    assert_eq!(names(&here, &copy, &FileSelection::parquet(Some("default"), None)).len(), 2);
    let pinned = format!("hf://datasets/o/n@{}", commit("main"));
    let message = here.failure(&pinned, &FileSelection::parquet(None, Some("test")));
    assert!(
        message.contains("if the hub's own copy of `main` will do, write `@refs/convert/parquet`"),
        "{message}"
    );
    let mut offline = here.options;
    offline.offline = true;
    let here = Here { options: offline, folder: tempfile::tempdir().unwrap() };
    assert_eq!(
        names(&here, SOURCE, &FileSelection::parquet(None, Some("test"))),
        ["default/test/0000.parquet"]
    );
}

#[test]
fn no_parquet_anywhere_says_what_there_is() {
    let hub =
        Hub::start(HubContent::dataset("o/n").revision("main", &[("train.json", b"{}"), ("n.py", b"")]));
    let here = Here::new(&hub.front);
    let message = here.failure(SOURCE, &FileSelection::parquet(None, Some("test")));
    assert!(message.contains("cannot choose files of `hf://datasets/o/n@main`"), "{message}");
    assert!(
        message.contains(
            "no Parquet file, and the hub has made no copy of it on the branch refs/convert/parquet either; there is `n.py`, `train.json`"
        ),
        "{message}"
    );
    assert_eq!(names(&here, SOURCE, &FileSelection::files(&["*.json"])), ["train.json"]);
}

#[test]
fn a_failure_while_looking_for_the_copy_is_not_taken_for_its_absence() {
    let hub = Hub::start(HubContent::dataset("o/n").revision("main", &[("train.json", b"{}")]));
    let here = Here::new(&hub.front);
    hub.front.instead(|request, _| request.path.ends_with(CONVERTED).then(|| HostReply::new(500, "")));
    assert!(here.failure(SOURCE, &FileSelection::parquet(None, None)).contains("failed with status 500"));
}

#[test]
fn configs_and_splits_that_are_not_there_are_answered_with_those_that_are() {
    let files: [(&str, &[u8]); 3] = [
        ("main/test/0000.parquet", b"1"),
        ("main/train/0000.parquet", b"2"),
        ("socratic/test/0000.parquet", b"3"),
    ];
    let hub = Hub::start(HubContent::dataset("o/n").revision("main", &files));
    let here = Here::new(&hub.front);
    for (config, split, part) in [
        (None, Some("test"), "say which config is meant: `main`, `socratic`"),
        (Some("x"), Some("test"), "there is no config `x`; there is `main`, `socratic`"),
        (Some("main"), Some("dev"), "there is no split `dev`; there is `test`, `train`"),
    ] {
        let message = here.failure(SOURCE, &FileSelection::parquet(config, split));
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(hub.count().1, 0, "nothing was fetched");
    assert_eq!(names(&here, SOURCE, &FileSelection::parquet(Some("main"), None)).len(), 2);
}

#[test]
fn a_file_or_folder_inside_is_taken_alone() {
    let files: [(&str, &[u8]); 3] =
        [("main/test/0000.parquet", b"1"), ("main/train/0000.parquet", b"2"), ("x y/#?.md", b"3")];
    let hub = Hub::start(HubContent::dataset("o/n").revision("main", &files));
    let here = Here::new(&hub.front);
    let inside = |path: &str| format!("{SOURCE}/{path}");
    assert_eq!(
        names(&here, &inside("main/test/0000.parquet"), &FileSelection::parquet(None, None)),
        ["main/test/0000.parquet"]
    );
    assert_eq!(
        names(&here, &inside("main"), &FileSelection::parquet(None, Some("train"))),
        ["main/train/0000.parquet"]
    );
    assert_eq!(names(&here, &inside("x y"), &FileSelection::All), ["x y/#?.md"]);
    assert!(here.failure(&inside("no"), &FileSelection::All).contains("there is no file or folder `no`"));
}

#[test]
fn names_that_would_escape_are_refused_and_nothing_is_written() {
    for name in [
        "../../../../escaped.parquet",
        "/tmp/escaped.parquet",
        "a/../../b.parquet",
        "a\\b.parquet",
        "C:x.parquet",
        "a\u{7}.parquet",
    ] {
        let hub =
            Hub::start(HubContent::dataset("o/n").revision("main", &[(name, b"evil"), ("ok.md", b"fine")]));
        let here = Here::new(&hub.front);
        for selection in [FileSelection::All, FileSelection::parquet(None, None)] {
            let message = here.failure(SOURCE, &selection);
            assert!(message.contains("the server names a file"), "{name:?}: {message}");
        }
        assert!(here.blobs().is_empty());
        assert!(!here.repository().join("snapshots").exists());
        assert_eq!(hub.count().1, 0);
        assert_eq!(
            names(&here, SOURCE, &FileSelection::files(&["*.md"])),
            ["ok.md"],
            "what is not wanted does no harm"
        );
    }
}

#[test]
fn a_file_where_a_folder_should_be_is_an_error() {
    let hub = Hub::start(HubContent::dataset("o/n").revision("main", &[("a", b"1"), ("a/b", b"2")]));
    let here = Here::new(&hub.front);
    assert!(here.failure(SOURCE, &FileSelection::All).starts_with("cannot "));
}

#[test]
fn a_mirror_that_lists_names_only_is_asked_for_the_rest() {
    let files: [(&str, &[u8]); 2] = [("test.parquet", b"rows"), ("config.json", b"{}")];
    let hub = Hub::mirror(HubContent::dataset("o/n").revision("main", &files));
    let here = Here::new(&hub.front);
    let fetched = here.fetch(SOURCE, &FileSelection::All).unwrap();
    for file in &fetched.files {
        assert_eq!(
            fs::read(&file.path).unwrap(),
            files.iter().find(|(name, _)| *name == file.name).unwrap().1
        );
    }
    assert!(hub.front.requests().iter().any(|request| request.method == "HEAD"));
    assert!(hub.cdn.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn hashes_of_a_mirror_that_are_no_file_names_are_refused() {
    for etag in ["\"../../../escaped\"", "\"\"", "\"a/b\"", "W/\"..\""] {
        let hub = Hub::mirror(HubContent::dataset("o/n").revision("main", &[("config.json", b"{}")]));
        let here = Here::new(&hub.front);
        hub.front.instead(move |request, _| {
            (request.method == "HEAD").then(|| HostReply::new(200, "{}").with("ETag", etag))
        });
        let message = here.failure(SOURCE, &FileSelection::All);
        assert!(message.contains("a file without a usable ETag"), "{message}");
        assert!(here.blobs().is_empty());
    }
}
