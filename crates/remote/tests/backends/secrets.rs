//! A key that the server sends back reaches no row, no error, no event and no file.

use std::path::Path;

use plimsoll_remote::openai::OpenAi;
use serde_json::{Value, json};

use crate::fixture::{KEY, answer, everything, requests, spec};
use plimsoll_test_support::chat_server::{Server, ServerReply, completion};

type Echo = dyn Fn(&Value) -> ServerReply + Send + Sync;

fn assert_not_in(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_not_in(&path);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(KEY), "{}", path.display());
            // Nor in pieces.
            assert!(!text.contains("never") && !text.contains("shown-"), "{}", path.display());
        }
    }
}

#[test]
fn a_key_that_is_echoed_is_seen_by_nobody() {
    let escaped = KEY.chars().fold(String::new(), |text, c| format!("{text}\\u{:04x}", u32::from(c)));
    let pieces =
        |body: &Value| completion(body, &[("sk-", -1.0), ("never-", -1.0), ("shown-0123", -1.0)], true);
    let replies: Vec<Box<Echo>> = vec![
        Box::new(|_| ServerReply::json(400, &json!({"error": {"message": format!("bad key {KEY}")}}))),
        Box::new(|_| {
            ServerReply::json(401, &json!({"error": {"message": format!("bad key {KEY}"), "code": KEY}}))
        }),
        Box::new(|_| ServerReply::new(500, format!("<html>Authorization: Bearer {KEY}</html>"))),
        Box::new(move |_| ServerReply::new(503, format!("{{\"error\": \"{escaped}\"}}"))),
        Box::new(|_| ServerReply::json(200, &json!({"error": {"message": KEY}}))),
        Box::new(|body| {
            let mut reply = completion(body, &[("You sent ", -1.0), (KEY, -1.0), (KEY, -1.0)], false);
            reply["model"] = json!(KEY);
            reply["system_fingerprint"] = json!(format!("fp {KEY}"));
            reply["choices"][0]["finish_reason"] = json!(KEY);
            ServerReply::json(200, &reply)
        }),
        Box::new(move |body| ServerReply::json(200, &pieces(body))),
    ];
    for reply in replies {
        let server = Server::scripted(move |request, _| Some(reply(&request.body)));
        let folder = tempfile::tempdir().unwrap();
        let mut spec = spec(&server.base_url, &json!({}));
        spec.cache = Some(folder.path().to_owned());
        // `answer` looks at rows, events, errors and the backend itself.
        let (rows, _) = answer(&OpenAi::new(spec), &requests(2), &everything());
        assert!(!format!("{rows:?}").contains("never-"), "{rows:?}");
        assert_not_in(folder.path());
    }
}
