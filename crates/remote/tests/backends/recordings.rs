//! Recordings of ours and of others, whole and damaged.

use std::path::{Path, PathBuf};

use plimsoll_backend::{Backend as _, Observation, Request};
use plimsoll_core::SignalRequest;
use plimsoll_remote::replay::{RecordingFields, RecordingFile, RecordingFormat, Replay, ReplaySpec};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::fixture::{chain, everything, greedy, model, requests, rows, stopped};

fn file(folder: &TempDir, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join("r.jsonl");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn spec(path: &Path, format: RecordingFormat, fields: RecordingFields) -> ReplaySpec {
    let questions = if format == RecordingFormat::Generations { "" } else { "made/test/" }.to_owned();
    let file = RecordingFile { path: path.to_owned(), format, questions, fields };
    ReplaySpec { id: model(), recorded_as: "m".to_owned(), files: vec![file] }
}

fn ours(path: &Path) -> ReplaySpec {
    spec(path, RecordingFormat::Generations, RecordingFields::default())
}

/// The rows of one question out of these lines.
fn replayed(lines: &str, signals: &SignalRequest) -> Observation {
    let folder = tempfile::tempdir().unwrap();
    let replay = Replay::open(&ours(&file(&folder, lines))).unwrap();
    rows(&replay, &requests(1), signals).remove(0)
}

fn samples(count: u32) -> SignalRequest {
    SignalRequest::answer().with_samples(count, 1.0).unwrap()
}

const ID: &str = r#""question_id": "made/test/0""#;

#[test]
fn texts_tokens_and_samples_as_others_write_them() {
    let line = format!(
        r#"{{{ID}, "text": "It is 4", "tokens": ["It", " is", " 4", "<eos>"], "logprobs": [-0.5, -0.25, -1, -0.1],
            "samples": ["4", {{"text": "5", "finish_reason": "length"}}], "novelty": {{"a": [1]}}}}"#
    )
    .replace('\n', " ");
    let answered = replayed(&line, &samples(3).with_logprobs());
    let [answer, first, second, third] = answered.generations.as_slice() else { panic!() };
    let spans: Vec<_> =
        answer.tokens.as_ref().unwrap().iter().map(|token| (token.start, token.end)).collect();
    assert_eq!(spans, [(0, 2), (2, 5), (5, 7), (7, 7)]);
    assert_eq!((answer.latency_ms, answer.cost_usd, answer.attempts), (None, None, 0), "nothing is invented");
    assert_eq!((first.text.as_deref(), second.text.as_deref()), (Some("4"), Some("5")));
    assert_eq!(
        (third.text.as_deref(), third.failure.map(plimsoll_core::MissingSignal::name)),
        (None, Some("not_recorded"))
    );
}

#[test]
fn a_cut_of_a_recording_is_one_by_whatever_name() {
    for (fields, finish, text) in [
        (r#""text": "3 + 4 is", "finish_reason": "MAX_TOKENS""#, "length", Some("3 + 4 is")),
        (r#""text": null, "finish_reason": "length""#, "length", Some("")),
        (r#""text": null, "failure": "timed_out", "finish_reason": "length""#, "length", None),
        (r#""text": "4", "finish_reason": "eos_token""#, "stop", Some("4")),
        (r#""text": "4", "finish_reason": "SAFETY""#, "content_filter", Some("4")),
    ] {
        let answered = replayed(
            &format!(r#"{{{ID}, "starts_in_reasoning": true, {fields}}}"#),
            &SignalRequest::answer(),
        );
        let row = &answered.generations[0];
        assert_eq!(
            (row.finish_reason.map(plimsoll_core::Finish::name), row.text.as_deref()),
            (Some(finish), text),
            "{fields}"
        );
        assert_eq!(row.starts_in_reasoning, Some(true));
    }
}

#[test]
fn what_is_not_recorded_has_a_reason() {
    let signals = everything();
    for (line, failure, logprobs) in [
        (String::new(), Some("not_recorded"), "no_answer"),
        (format!("{{{ID}}}"), Some("not_recorded"), "no_answer"),
        (format!("{{{ID}, \"text\": \"a\"}}"), None, "no_logprobs"),
        (
            format!("{{{ID}, \"text\": \"a\", \"tokens\": [\"b\"], \"logprobs\": [-1]}}"),
            None,
            "tokens_do_not_join",
        ),
        (
            format!("{{{ID}, \"text\": \"a\", \"tokens\": [\"a\"], \"logprobs\": [0.5]}}"),
            None,
            "invalid_logprobs",
        ),
        (format!("{{{ID}, \"text\": \"a\", \"logprobs\": [-1]}}"), None, "tokens_do_not_join"),
        (format!("{{{ID}, \"failure\": \"timed_out\"}}"), Some("timed_out"), "no_answer"),
        (format!("{{{ID}, \"text\": \"a\", \"prompt_hash\": \"0\"}}"), Some("other_prompt"), "no_answer"),
        (format!("{{{ID}, \"text\": \"a\", \"decoding_hash\": \"0\"}}"), Some("not_recorded"), "no_answer"),
        (format!("{{{ID}, \"text\": \"a\", \"model\": \"n\"}}"), Some("not_recorded"), "no_answer"),
    ] {
        let answered = replayed(&line, &signals);
        let answer = &answered.generations[0];
        assert_eq!(answer.failure.map(plimsoll_core::MissingSignal::name), failure, "{line}");
        assert_eq!(answer.logprobs_missing.map(plimsoll_core::MissingSignal::name), Some(logprobs), "{line}");
        assert!(
            answer
                .follow_ups
                .iter()
                .all(|row| row.missing_reason.map(plimsoll_core::MissingSignal::name) == Some("not_recorded"))
        );
        assert_eq!(answered.generations.len(), 4);
    }
}

#[test]
fn recordings_of_other_prompts_and_models_stand_beside() {
    let hash = requests(1)[0].prompt.hash();
    let lines = format!(
        "{{{ID}, \"text\": \"other\", \"prompt_hash\": \"0\"}}\n\n{{{ID}, \"text\": \"this\", \"prompt_hash\": \"{hash}\"}}\n\
         {{{ID}, \"text\": \"another model's\", \"model\": \"n\"}}\r\n"
    );
    assert_eq!(replayed(&lines, &samples(0)).generations[0].text.as_deref(), Some("this"));
}

#[test]
fn samples_of_two_temperatures_are_told_apart_or_missing() {
    let both = samples(1).with_samples(1, 0.5).unwrap();
    let unknown = replayed(&format!("{{{ID}, \"text\": \"a\", \"samples\": [\"b\"]}}"), &both);
    let failures: Vec<_> =
        unknown.generations.iter().map(|row| row.failure.map(plimsoll_core::MissingSignal::name)).collect();
    assert_eq!(failures, [None, Some("temperature_not_recorded"), Some("temperature_not_recorded")]);
    let hash = |temperature| greedy().at_temperature(temperature).unwrap().hash();
    let line = |text, hash: String| {
        format!("{{{ID}, \"text\": \"{text}\", \"sample_index\": 1, \"decoding_hash\": \"{hash}\"}}\n")
    };
    let known = replayed(&(line("warm", hash(1.0)) + &line("cool", hash(0.5))), &both);
    let texts: Vec<_> = known.generations.iter().map(|row| row.text.as_deref()).collect();
    assert_eq!(texts, [None, Some("cool"), Some("warm")]);
}

#[test]
fn rows_and_numbers_name_questions_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "{\"row\": 1, \"text\": \"one\"}\n{\"question_id\": 0, \"text\": \"nought\"}\n");
    let mut spec = ours(&path);
    let error = Replay::open(&spec).unwrap_err().to_string();
    assert!(error.contains("by row only"), "{error}");
    spec.files[0].questions = "made/test/".to_owned();
    let replay = Replay::open(&spec).unwrap();
    let texts: Vec<_> = rows(&replay, &requests(2), &samples(0))
        .iter()
        .map(|row| row.generations[0].text.clone().unwrap())
        .collect();
    assert_eq!(texts, ["nought", "one"]);
}

#[test]
fn the_harness_s_samples() {
    let lines = [
        r#"{"doc_id": 0, "doc": {"q": 1}, "target": "4", "arguments": [["q", {}]], "resps": [["It is 4", "Five"]], "filtered_resps": ["4"], "filter": "strict-match", "exact_match": 1.0}"#,
        r#"{"doc_id": 1, "resps": [[[-1.5, false]], [[-0.5, true]]], "filtered_resps": [[-1.5, false]], "acc": 1.0}"#,
        r#"{"doc_id": 2, "resps": ["flat"], "filter": "none"}"#,
        r#"{"doc_id": 3, "resps": [[["-1.5", "False"]], [["-0.5", "True"]]]}"#,
        r#"{"doc_id": 4, "resps": []}"#,
        r#"{"doc_id": 0, "resps": [["It is 4", "Five"]], "filtered_resps": ["[invalid]"], "filter": "flexible-extract"}"#,
    ];
    let folder = tempfile::tempdir().unwrap();
    let format = RecordingFormat::LmEvaluationHarness;
    let spec = spec(&file(&folder, lines.join("\n")), format, RecordingFields::default());
    let found = rows(&Replay::open(&spec).unwrap(), &requests(6), &samples(2));
    let texts: Vec<_> = found.iter().map(|row| row.generations[0].text.as_deref()).collect();
    assert_eq!(texts, [Some("It is 4"), None, Some("flat"), None, None, None]);
    let failure = |index: usize| found[index].generations[0].failure.map(plimsoll_core::MissingSignal::name);
    for index in [1, 3, 4] {
        assert_eq!(failure(index), Some("nothing_generated"), "{index}");
    }
    assert_eq!(failure(5), Some("not_recorded"));
    assert_eq!(found[0].generations[1].text.as_deref(), Some("Five"));
    assert_eq!(found[0].generations[2].failure.map(plimsoll_core::MissingSignal::name), Some("not_recorded"));
}

#[test]
fn two_lines_that_differ_are_named_and_two_that_agree_count_once() {
    let line = |text| format!("{{{ID}, \"text\": \"{text}\"}}\n");
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, line("a") + "{\"question_id\": \"x\"}\n" + &line("b"));
    let replay = Replay::open(&ours(&path)).unwrap();
    let error = stopped(&replay, &requests(1), &samples(0));
    assert!(error.contains("question `made/test/0` is recorded twice and differently"), "{error}");
    assert!(error.contains("line 1") && error.contains("line 3"), "{error}");
    assert_eq!(replayed(&(line("a") + &line("a")), &samples(0)).generations[0].text.as_deref(), Some("a"));
}

#[test]
fn damaged_lines_are_named_with_file_and_line() {
    let good = format!("{{{ID}, \"text\": \"a\"}}\n");
    for (bad, problem) in [
        (&b"{\"question_id\": \"x\", \"tex"[..], "line 2 is no JSON object"),
        (b"[1]", "line 2 is no JSON object"),
        (b"{\"question_id\": \"\xff\"}", "line 2 is no JSON object"),
        (b"{\"text\": \"a\"}", "line 2: `question_id` is missing"),
        (b"{\"question_id\": [1]}", "line 2: `question_id` is neither a text nor a number"),
        (b"{\"question_id\": \"x\", \"model\": 7}", "line 2: `model` is no text"),
        (b"{\"row\": -1}", "line 2: `row` is no whole number"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, [good.as_bytes(), bad].concat());
        let error = Replay::open(&ours(&path)).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
        assert!(error.to_string().contains("r.jsonl"), "{error}");
    }
    // What a line holds beside its name is read when it is asked for.
    for (fields, problem) in [
        ("\"text\": 7", "`text` is no text"),
        ("\"text\": \"a\", \"tokens\": [\"a\"], \"logprobs\": [-1, -1]", "`logprobs` has another length"),
        ("\"text\": \"a\", \"tokens\": [\"a\"], \"token_ids\": []", "`token_ids` has another length"),
        ("\"text\": \"a\", \"tokens\": [1]", "`tokens` is no list of texts"),
        (
            "\"text\": \"a\", \"tokens\": [{\"text\": \"a\", \"start\": 0, \"end\": 2}]",
            "do not fill the text",
        ),
        (
            "\"text\": \"a\", \"tokens\": [{\"text\": \"a\", \"start\": 1, \"end\": 1}]",
            "do not follow each other",
        ),
        (
            "\"text\": \"a\", \"tokens\": [{\"text\": \"a\", \"start\": 0, \"end\": 1, \"logprob\": 1}]",
            "above 0",
        ),
        ("\"samples\": [7]", "`samples` holds no object"),
        ("\"samples\": \"abc\"", "`samples` is no list"),
        ("\"sample_index\": -1", "`sample_index` is no whole number"),
        ("\"follow_ups\": {}", "`follow_ups` is no list of follow-ups"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, format!("\n{{{ID}, {fields}}}"));
        let error = stopped(&Replay::open(&ours(&path)).unwrap(), &requests(1), &everything());
        assert!(error.contains(problem) && error.contains("r.jsonl` line 2"), "{error}");
    }
}

#[test]
fn odd_files_are_read_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Replay::open(&ours(&folder.path().join("none"))).unwrap_err();
    assert!(missing.to_string().contains("cannot open"), "{missing}");
    let deep = format!("{{{ID}, \"x\": {}", "[".repeat(200_000));
    assert!(Replay::open(&ours(&file(&folder, deep))).is_err());
    let marked = format!("\u{feff}{{{ID}, \"text\": \"a\"}}\r\n   \r\n");
    assert_eq!(replayed(&marked, &samples(0)).generations[0].text.as_deref(), Some("a"));
    let endless = file(&folder, vec![b' '; (64 << 20) + 2]);
    let error = Replay::open(&ours(&endless)).unwrap_err().to_string();
    assert!(error.contains("line 1 is longer than 67108864 bytes"), "{error}");
}

#[test]
fn the_identity_is_that_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let identity = |text: &str| Replay::open(&ours(&file(&folder, text))).unwrap().identity();
    let first = identity("{\"question_id\": 1}\n");
    assert_eq!(first, identity("{\"question_id\": 1}\n"));
    assert_ne!(first, identity("{\"question_id\": 1} \n"));
}

fn any_value() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "null",
        "1",
        "-1",
        "1.5",
        "true",
        "\"made/test/0\"",
        "\"a\"",
        "[]",
        "[\"a\"]",
        "[-1]",
        "[null]",
        "{}",
        "[[\"a\"]]",
        "[{\"text\":\"a\"}]",
        "[{\"text\":\"a\",\"start\":0,\"end\":1}]",
        "18446744073709551616",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn any_line_is_replayed_or_refused(
        fields in prop::collection::vec(
            (prop::sample::select(vec![
                "question_id", "row", "doc_id", "resps", "text", "samples", "tokens", "logprobs", "token_ids",
                "sample_index", "follow_ups", "attempts", "failure", "prompt_tokens",
            ]), any_value()), 0..6),
        is_harness in any::<bool>(),
    ) {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, format!("{{{}}}", fields.join(", ")));
        let format = if is_harness { RecordingFormat::LmEvaluationHarness } else { RecordingFormat::Generations };
        if let Ok(replay) = Replay::open(&spec(&path, format, RecordingFields::default())) {
            let (rows, ended) = crate::fixture::answer(&replay, &requests(2), &everything());
            match ended {
                Ok(()) => prop_assert_eq!(rows.len(), 2),
                Err(error) => prop_assert!(chain(&error).contains("r.jsonl` line 1")),
            }
        }
    }

    #[test]
    fn any_bytes_are_indexed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let folder = tempfile::tempdir().unwrap();
        let _ = Replay::open(&ours(&file(&folder, bytes)));
    }
}

/// Asks of questions that nobody recorded, with their rows.
#[test]
fn an_ask_without_a_row_is_found_by_its_id_only() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(
        &file(&folder, "{\"doc_id\": 0, \"resps\": [[\"a\"]]}"),
        RecordingFormat::LmEvaluationHarness,
        RecordingFields::default(),
    );
    let replay = Replay::open(&spec).unwrap();
    let without = Request { source_row: None, ..requests(1).remove(0) };
    assert_eq!(
        rows(&replay, &[without], &samples(0))[0].generations[0]
            .failure
            .map(plimsoll_core::MissingSignal::name),
        Some("not_recorded")
    );
    assert_eq!(rows(&replay, &requests(1), &samples(0))[0].generations[0].text.as_deref(), Some("a"));
}
