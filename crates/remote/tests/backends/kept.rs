//! The cache of replies.

use std::path::{Path, PathBuf};

use plimsoll_remote::openai::OpenAi;
use serde_json::json;

use crate::fixture::{everything, requests, rows, spec, stopped};
use plimsoll_test_support::chat_server::{Server, ServerReply};

fn cached(server: &Server, folder: &Path) -> OpenAi {
    let price = json!({"price": {"input_per_mtok": 1.0, "output_per_mtok": 2.0}});
    let mut spec = spec(&server.base_url, &price);
    spec.cache = Some(folder.to_owned());
    OpenAi::new(spec)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn a_second_run_asks_nothing_and_gives_the_same_rows() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let first = cached(&server, folder.path());
    let rows_of_first = rows(&first, &requests(5), &everything());
    let asked = server.requests().len();
    assert_eq!((asked, files(folder.path()).len()), (5 * 6, 5 * 6));
    assert!(first.spent_usd() > 0.0);
    let second = cached(&server, folder.path());
    assert_eq!(rows(&second, &requests(5), &everything()), rows_of_first, "latencies and costs included");
    assert_eq!(server.requests().len(), asked);
    assert!(second.spent_usd() == 0.0, "kept replies cost nothing");
    // More samples need only the new ones.
    let more = everything().with_samples(5, 1.0).unwrap();
    rows(&second, &requests(5), &more);
    assert_eq!(server.requests().len(), asked + 5 * 2);
}

#[test]
fn failures_are_not_kept() {
    let server = Server::scripted(|_, before| (before < 3).then(|| ServerReply::new(500, "")));
    let folder = tempfile::tempdir().unwrap();
    let signals = plimsoll_core::SignalRequest::answer();
    let failed = rows(&cached(&server, folder.path()), &requests(1), &signals);
    assert!(failed[0].generations[0].failure.is_some() && files(folder.path()).is_empty());
    let answered = rows(&cached(&server, folder.path()), &requests(1), &signals);
    assert!(answered[0].generations[0].text.is_some());
}

#[test]
fn damaged_files_are_named() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let signals = plimsoll_core::SignalRequest::answer();
    rows(&cached(&server, folder.path()), &requests(1), &signals);
    let path = files(folder.path()).remove(0);
    let whole = std::fs::read_to_string(&path).unwrap();
    let other = whole.replacen("\"request\":\"", "\"request\":\"0", 1);
    let newer = whole.replacen("\"version\":2", "\"version\":3", 1);
    let unknown = whole.replacen("\"completion\":{", "\"refused\":{", 1);
    let reason = format!("{}\"came\":{{\"refused\":\"because\"}}}}", whole.split("\"came\"").next().unwrap());
    for text in [
        &unknown,
        &reason,
        "",
        "null",
        "{}",
        "[[[[[[",
        &whole[..whole.len() / 2],
        &other,
        &newer,
        "\u{0}\u{0}",
    ] {
        std::fs::write(&path, text).unwrap();
        let error = stopped(&cached(&server, folder.path()), &requests(1), &signals);
        assert!(error.contains("is damaged") && error.contains(path.to_str().unwrap()), "{error}");
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let error = stopped(&cached(&server, folder.path()), &requests(1), &signals);
    assert!(error.contains("cannot read"), "{error}");
    std::fs::remove_dir(&path).unwrap();
    rows(&cached(&server, folder.path()), &requests(1), &signals);
    assert!(std::fs::read_to_string(&path).unwrap().len() > 100);
}
