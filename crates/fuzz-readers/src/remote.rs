//! Readers of servers and recordings.

use plimsoll_core::ModelId;
use plimsoll_remote::fuzzing;
use plimsoll_remote::replay::{RecordingFields, RecordingFile, RecordingFormat, Replay, ReplaySpec};

use crate::temporary::with_file;

/// The key of the server that replies are read for.
const KEY: &str = "sk-never-shown";

/// The body of a reply with status 200: nothing that is read shows the key.
pub fn chat_reply(bytes: &[u8]) {
    check_redacted(&fuzzing::read_reply(bytes, KEY));
}

/// The body of a refusal; its first byte chooses the status.
pub fn chat_refusal(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let statuses = [400, 401, 403, 404, 413, 422, 429, 500, 503];
    check_redacted(&fuzzing::read_refusal(body, statuses[usize::from(*first) % statuses.len()], KEY));
}

fn check_redacted(shown: &str) {
    assert!(!shown.contains(KEY), "the key is shown");
}

/// A file of recordings, in both formats: each line is indexed and found again.
pub fn recording(bytes: &[u8]) {
    with_file("recording.jsonl", bytes, |path| {
        for format in [RecordingFormat::Generations, RecordingFormat::LmEvaluationHarness] {
            let Ok(id) = ModelId::new("m") else { return };
            let file = RecordingFile {
                path: path.to_owned(),
                format,
                questions: "gsm8k/test/".to_owned(),
                fields: RecordingFields::default(),
            };
            let spec = ReplaySpec { id, recorded_as: "m".to_owned(), files: vec![file] };
            if let Ok(replay) = Replay::open(&spec) {
                fuzzing::replay_rows(&replay, 4);
            }
        }
    });
}
