//! Real recordings of others, which are not part of the repository: `PLIMSOLL_REAL_DATA` says where the
//! folder with `real_outputs/` is.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use plimsoll_backend::Request;
use plimsoll_core::{QuestionId, SignalRequest};
use plimsoll_remote::replay::{RecordingFields, RecordingFile, RecordingFormat, Replay, ReplaySpec};
use serde_json::{Value, json};

use crate::fixture::{model, prompt, rows};

/// Relative, of a sequence's probability: log-probs are kept in single precision.
const AGREES: f64 = 1e-6;

fn say(line: &str) {
    writeln!(std::io::stderr(), "real recordings: {line}").unwrap();
}

fn folder(test: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PLIMSOLL_REAL_DATA").map(|root| Path::new(&root).join("real_outputs"));
    if found.is_none() {
        say(&format!("SKIPPED {test}, nothing was tested: PLIMSOLL_REAL_DATA is not set"));
    }
    found
}

/// The fields of a CSV text (RFC 4180).
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut is_quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut field)),
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !is_quoted => {}
            other => field.push(other),
        }
    }
    rows
}

/// The texts of a Python list of string literals.
fn python_texts(list: &str) -> Vec<String> {
    let (mut texts, mut characters) = (Vec::new(), list.chars());
    while let Some(quote) = characters.find(|c| matches!(c, '\'' | '"')) {
        let mut text = String::new();
        while let Some(character) = characters.next().filter(|c| *c != quote) {
            text.push(match character {
                '\\' => match characters.next().unwrap() {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    digits @ ('x' | 'u') => {
                        let count = if digits == 'x' { 2 } else { 4 };
                        let code: String = characters.by_ref().take(count).collect();
                        char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap()
                    }
                    other => other,
                },
                plain => plain,
            });
        }
        texts.push(text);
    }
    texts
}

fn ask(id: &str) -> Request {
    Request { question_id: QuestionId::new(id).unwrap(), source_row: None, prompt: prompt("?") }
}

/// A row of the CSV as a line of a recording, and the sequence probability that stands beside it.
fn line(id: usize, column: &dyn Fn(&str) -> String) -> (String, f64) {
    let texts = python_texts(&column("ans_tok"));
    let probabilities: Vec<f64> = serde_json::from_str(&column("probabilities")).unwrap();
    // The authors keep padding, of probability 0.
    let kept: Vec<(&String, f64)> =
        texts.iter().zip(probabilities).filter(|(_, probability)| *probability > 0.0).collect();
    let tokens: Vec<&String> = kept.iter().map(|(text, _)| *text).collect();
    let logprobs: Vec<f64> = kept.iter().map(|(_, probability)| probability.ln()).collect();
    let line = json!({"question_id": id, "text": column("response"), "tokens": tokens, "logprobs": logprobs});
    (line.to_string(), column("seq_prob").parse().unwrap())
}

#[test]
fn token_probabilities_of_four_models_give_the_stored_sequence_probabilities() {
    let Some(folder) = folder("token probabilities") else { return };
    let (mut total, mut joined) = (0, 0);
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder.join("xia-open-qa-token-probs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    assert_eq!(names.len(), 12);
    for path in names {
        let table = csv(&std::fs::read_to_string(&path).unwrap());
        let (head, table) = table.split_first().unwrap();
        let (mut lines, mut stored) = (String::new(), Vec::new());
        for (id, row) in table.iter().enumerate() {
            let column = |name: &str| {
                let is_it = |known: &String| {
                    known == name
                        || (name == "probabilities" && matches!(known.as_str(), "tok_prob" | "token_probs"))
                };
                row[head.iter().position(is_it).unwrap()].clone()
            };
            let (line, probability) = line(id, &column);
            writeln!(lines, "{line}").unwrap();
            stored.push(probability);
        }
        let index = tempfile::tempdir().unwrap();
        let recorded = index.path().join("x.jsonl");
        std::fs::write(&recorded, lines).unwrap();
        let file = RecordingFile {
            path: recorded,
            format: RecordingFormat::Generations,
            questions: "x/".to_owned(),
            fields: RecordingFields::default(),
        };
        let replay =
            Replay::open(&ReplaySpec { id: model(), recorded_as: "m".into(), files: vec![file] }).unwrap();
        let requests: Vec<Request> = (0..table.len()).map(|id| ask(&format!("x/{id}"))).collect();
        let (mut here, mut worst) = (0, 0f64);
        for (row, stored) in
            rows(&replay, &requests, &SignalRequest::answer().with_logprobs()).iter().zip(&stored)
        {
            let answer = &row.generations[0];
            assert!(answer.text.is_some());
            let Some(tokens) = &answer.tokens else {
                assert_eq!(
                    answer.logprobs_missing.map(plimsoll_core::MissingSignal::name),
                    Some("tokens_do_not_join")
                );
                continue;
            };
            here += 1;
            let logprobs: Vec<f64> = tokens.iter().map(|token| f64::from(token.logprob.unwrap())).collect();
            let geometric = (logprobs.iter().sum::<f64>() / logprobs.len() as f64).exp();
            worst = worst.max((geometric - stored).abs() / stored);
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        say(&format!("{name}: {here} of {} rows join, worst relative difference {worst:.1e}", table.len()));
        assert!(worst < AGREES, "{name}: {worst}");
        total += table.len();
        joined += here;
    }
    say(&format!("{joined} of {total} rows have tokens that join to their text"));
    assert!(joined * 100 > total * 99, "{joined} of {total}");
}

#[test]
fn twenty_samples_of_each_question() {
    let Some(folder) = folder("samples") else { return };
    let path = folder.join("lin-triviaqa-samples/demo_data.jsonl");
    let lines: Vec<Value> = std::fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let fields = RecordingFields {
        question_id: "id".to_owned(),
        samples: "generations".to_owned(),
        ..RecordingFields::default()
    };
    let format = RecordingFormat::Generations;
    let file = RecordingFile { path, format, questions: "triviaqa/all/".to_owned(), fields };
    let replay =
        Replay::open(&ReplaySpec { id: model(), recorded_as: "m".into(), files: vec![file] }).unwrap();
    assert_eq!(replay.recordings(), 500);
    let requests: Vec<Request> =
        lines.iter().map(|line| ask(&format!("triviaqa/all/{}", line["id"].as_str().unwrap()))).collect();
    let signals = SignalRequest::answer().with_samples(20, 1.0).unwrap();
    for (row, line) in rows(&replay, &requests, &signals).iter().zip(&lines) {
        let (answer, samples) = row.generations.split_first().unwrap();
        assert_eq!(
            answer.failure.map(plimsoll_core::MissingSignal::name),
            Some("not_recorded"),
            "there is no greedy answer in the file"
        );
        let texts: Vec<&str> = samples.iter().map(|row| row.text.as_deref().unwrap()).collect();
        let recorded: Vec<&str> =
            line["generations"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        assert_eq!(texts, recorded);
    }
    say(&format!("{} questions with 20 samples each", lines.len()));
}
