//! `NaN` and `Infinity` in recordings: nothing where nobody reads them, an error that names the field where
//! somebody does.

use plimsoll_core::SignalRequest;
use plimsoll_remote::replay::{RecordingFields, RecordingFile, RecordingFormat, Replay, ReplaySpec};

use crate::fixture::{model, requests, rows, stopped};

const SPELLINGS: [&str; 6] = ["NaN", "Infinity", "-Infinity", "nan", "-inf", "+Infinity"];

/// These lines as a model; why they are none.
fn replay(lines: &str, format: RecordingFormat) -> Result<Replay, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.jsonl");
    std::fs::write(&path, lines).unwrap();
    let questions = if format == RecordingFormat::Generations { "" } else { "made/test/" }.to_owned();
    let file = RecordingFile { path, format, questions, fields: RecordingFields::default() };
    let spec = ReplaySpec { id: model(), recorded_as: "m".to_owned(), files: vec![file] };
    // The file stays open and readable once its folder is gone.
    Replay::open(&spec).map_err(|error| error.to_string())
}

fn ours(more: &str) -> String {
    format!("{{\"question_id\": \"made/test/0\", \"text\": \"a b\"{more}}}\n")
}

#[test]
fn in_a_field_that_nobody_reads_they_cost_nothing() {
    for word in SPELLINGS {
        for more in [
            format!(", \"exact_match\": {word}"),
            format!(",\"metrics\":{{\"a\":[{word},{{\"b\":{word}}}]}}"),
            format!(", \"said\": \"{word}, \\\"{word}\\\"\", \"loss\": {word}"),
            format!(", \"samples\": [\"c\", {{\"text\": \"d\", \"score\": {word}}}]"),
            format!(", \"follow_ups\": [{{\"id\": \"x\", \"text\": \"y\", \"score\": {word}}}]"),
        ] {
            let lines = ours(&more) + &ours("").replace("made/test/0", "made/test/1");
            let replay = replay(&lines, RecordingFormat::Generations).unwrap();
            assert_eq!(replay.recordings(), 2);
            for answered in rows(&replay, &requests(2), &SignalRequest::answer()) {
                assert_eq!(answered.generations[0].text.as_deref(), Some("a b"), "{more}");
            }
        }
        // As the lm-evaluation-harness writes them: a metric, and log-likelihoods of given texts.
        let line = format!("{{\"doc_id\": 0, \"resps\": [[\"a b\"]], \"exact_match\": {word}}}");
        let replay_of = |line: &str| replay(line, RecordingFormat::LmEvaluationHarness).unwrap();
        let answered = rows(&replay_of(&line), &requests(1), &SignalRequest::answer()).remove(0);
        assert_eq!(answered.generations[0].text.as_deref(), Some("a b"));
        let line = format!("{{\"doc_id\": 0, \"resps\": [[[-0.5, false]], [[{word}, false]]]}}");
        let answered = rows(&replay_of(&line), &requests(1), &SignalRequest::answer()).remove(0);
        assert_eq!(
            answered.generations[0].failure.map(plimsoll_core::MissingSignal::name),
            Some("nothing_generated")
        );
    }
}

#[test]
fn in_a_field_that_is_read_they_are_named() {
    for word in SPELLINGS {
        for (more, field) in [
            (format!(", \"tokens\": [\"a b\"], \"logprobs\": [{word}]"), "logprobs"),
            (format!(", \"latency_ms\": {word}"), "latency_ms"),
            (format!(", \"prompt_tokens\": {word}"), "prompt_tokens"),
            (format!(", \"finish_reason\": {word}"), "finish_reason"),
            (format!(", \"follow_ups\": [{{\"id\": \"x\", \"true_mass\": {word}}}]"), "follow_ups"),
            (
                format!(
                    ", \"tokens\": [{{\"text\": \"a b\", \"start\": 0, \"end\": 3, \"logprob\": {word}}}]"
                ),
                "tokens",
            ),
        ] {
            let replay = replay(&ours(&more), RecordingFormat::Generations).unwrap();
            let error = stopped(&replay, &requests(1), &SignalRequest::answer());
            let expected = format!("line 1: `{field}` holds NaN or Infinity, which are no JSON; write null");
            assert!(error.contains(&expected), "{more}: {error}");
        }
        let sample =
            replay(&ours(&format!(", \"samples\": [{word}]")), RecordingFormat::Generations).unwrap();
        let error = stopped(&sample, &requests(1), &SignalRequest::answer());
        assert!(error.contains("line 1: `samples` holds no object"), "{error}");
    }
}

#[test]
fn they_name_no_question() {
    for word in SPELLINGS {
        for (line, format, expected) in [
            (
                format!("{{\"question_id\": {word}}}"),
                RecordingFormat::Generations,
                "neither a text nor a number",
            ),
            (format!("{{\"row\": {word}}}"), RecordingFormat::Generations, "`row` holds NaN or Infinity"),
            (format!("{{\"doc_id\": {word}}}"), RecordingFormat::LmEvaluationHarness, "`doc_id` holds NaN"),
            (word.to_owned(), RecordingFormat::Generations, "line 1 is no JSON object"),
            (format!("{{{word}: 1}}"), RecordingFormat::Generations, "line 1 is no JSON object"),
        ] {
            let error = replay(&line, format).unwrap_err();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
    for cut in ["{\"a\": Na", "{\"a\": \"NaN", "{\"a\": -Infinity", "{\"a\": \"\u{fffd}\\"] {
        let error = replay(&format!("{}{cut}", ours("")), RecordingFormat::Generations).unwrap_err();
        assert!(error.contains("line 2 is no JSON object"), "{cut}: {error}");
    }
}
