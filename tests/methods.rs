//! The methods from a model to their confidences, against `goldens/methods/goldens.py`, which starts from
//! what transformers computes of the same tiny model, and against LM-Polygraph's estimators.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use plimsoll_backend::{Backend as _, BackendObserver, Batch, Cancel, Control, Observation, Request};
use plimsoll_core::records::{GenerationRow, HiddenStateRow, TokenRow};
use plimsoll_core::stated::ReplyTask;
use plimsoll_core::{AnswerKind, Decoding, Label, ModelId, Prompt, Question, Reply, Seed, SignalRequest};
use plimsoll_engine::chat::Moment;
use plimsoll_engine::{HashCache, LocalBackend, OpenedModel, Placement};
use plimsoll_label::{Policy, extract, grade, token_span};
use plimsoll_router::Confidence;
use plimsoll_uq::methods::{PromptKind, Scoring};
use plimsoll_uq::probe::{Probe, ProbeError};
use plimsoll_uq::verbalized::read;
use plimsoll_uq::{METHODS, MethodConfig, MissingReason, ObservedSignals};
use serde::Deserialize;
use serde_json::{Value, json};

/// Of a probability, between transformers and the engine: both sum in f32, in orders of their own.
const F32_SUMS: f64 = 1e-5;
/// Of a log-probability or of a number of a hidden state, between the same.
const F32_LOGITS: f64 = 1e-4;
/// Of what is computed from texts alone, in f64.
const F64_SUMS: f64 = 1e-12;

#[derive(Deserialize)]
struct Golden {
    answer_tokens: u32,
    reply_tokens: u32,
    layer: i32,
    samples: u32,
    /// Tokens that are listed at each position.
    likeliest: usize,
    /// Replies by hand with the confidence that they state, or why they state none: to the prompt that asks for
    /// both, and to the second turn.
    replies_both: Vec<(String, Option<f64>, Option<String>)>,
    replies_sure: Vec<(String, Option<f64>, Option<String>)>,
    questions: Vec<Row>,
}

/// A question with all that was seen of it.
#[derive(Deserialize)]
struct Row {
    question: Question,
    prompt: Prompt,
    verbalized_prompt: Prompt,
    samples: Vec<String>,
    text: String,
    tokens: Vec<Token>,
    finish: String,
    /// First token of the option and the one after its last.
    option: Option<(usize, usize)>,
    verbalized: String,
    second: String,
    true_mass: f64,
    false_mass: f64,
    false_alone: f64,
    state: Vec<f64>,
    lm_polygraph: Polygraph,
    /// By method: the confidence, or why there is none.
    confidences: BTreeMap<String, (Option<f64>, Option<String>)>,
}

#[derive(Deserialize)]
struct Token {
    id: u32,
    logprob: f64,
    /// Of the likeliest tokens at its position, likeliest first.
    top: Vec<f64>,
}

/// What LM-Polygraph says; `goldens.py` tells how it differs.
#[derive(Deserialize)]
struct Polygraph {
    perplexity: f64,
    forbidden: f64,
    same_tokens: bool,
    p_true: f64,
    p_true_forbidden: f64,
    jaccard: f64,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/goldens/methods"))
}

fn golden() -> Golden {
    serde_json::from_str(&std::fs::read_to_string(folder().join("goldens.json")).unwrap()).unwrap()
}

fn backend() -> LocalBackend {
    let opened = OpenedModel::open(&folder().join("model")).unwrap();
    let hashes = opened.hashes(&HashCache::none()).unwrap();
    let model = opened.load(Placement::cpu_f32()).unwrap();
    LocalBackend::new(ModelId::new("tiny").unwrap(), model, &hashes, Moment::date(2025, 1, 1).unwrap())
}

/// Every method, with the parameters of the golden.
fn methods(golden: &Golden) -> Vec<MethodConfig> {
    let parameters = |id: &str| match id {
        "jaccard_degree" => json!({"samples": golden.samples, "temperature": 1.0}),
        "token_entropy" => json!({"k": golden.likeliest}),
        "trained_probe" => json!({"layer": golden.layer, "epochs": 20, "learning_rate": 5e-4}),
        "ood_probe" => json!({"layer": golden.layer, "epochs": 20, "learning_rate": 1e-4}),
        _ => Value::Null,
    };
    METHODS.iter().map(|method| method.resolve(&parameters(method.id())).unwrap()).collect()
}

/// What all methods of a prompt want of the model.
fn signals(methods: &[MethodConfig], prompt: PromptKind) -> SignalRequest {
    let requests = methods.iter().filter(|method| method.prompt == prompt).map(|method| &method.request);
    requests.fold(SignalRequest::answer(), |all, request| all.union(request))
}

/// The answers to a prompt of every question, in their order.
fn answers(golden: &Golden, signals: &SignalRequest, prompt: impl Fn(&Row) -> Prompt) -> Vec<Observation> {
    let ask = |row: &Row| Request {
        question_id: row.question.question_id.clone(),
        source_row: None,
        prompt: prompt(row),
    };
    let requests: Vec<Request> = golden.questions.iter().map(ask).collect();
    let greedy = Decoding::new(0.0, 1.0, golden.answer_tokens).unwrap();
    let batch = Batch::new(&requests, signals, greedy, Seed::new(50)).unwrap();
    let mut answered: Vec<Observation> = Vec::new();
    let (cancel, progress) = (Cancel::new(), Arc::new(()) as Arc<dyn BackendObserver>);
    backend().answer(&batch, &mut answered, &Control { cancel: &cancel, progress: &progress }).unwrap();
    let position =
        |answered: &Observation| requests.iter().position(|ask| ask.question_id == answered.question_id);
    answered.sort_by_key(position);
    assert_eq!(answered.len(), requests.len());
    answered
}

fn policy() -> Policy {
    serde_json::from_value(json!({
        "refusal": "wrong", "truncated": "wrong", "empty": "wrong", "ambiguous": "wrong", "no_answer": "wrong",
        "outside_choices": "wrong", "number_relative_tolerance": 0.0, "span": "exact_match",
    }))
    .unwrap()
}

/// The label of an answer, its tokens among it.
fn label(question: &Question, answer: &GenerationRow) -> Label {
    let reply = Reply::from_generation(answer).unwrap();
    let mut label = grade(question, &extract(question, &reply), &policy());
    let tokens = answer.tokens.as_ref().unwrap();
    let ranges: Vec<_> = tokens.iter().map(|token| token.start as usize..token.end as usize).collect();
    label.tokens = label.span.as_ref().and_then(|span| token_span(span, &ranges));
    label
}

/// What the methods see of a question. The samples are those of the golden: no two programs draw alike.
struct Seen {
    answer: GenerationRow,
    label: Label,
    samples: Vec<GenerationRow>,
    verbalized: GenerationRow,
    state: HiddenStateRow,
}

impl Seen {
    fn new(row: &Row, answered: &Observation, verbalized: &Observation) -> Self {
        let (answer, samples) = answered.generations.split_first().unwrap();
        let with_text = |(sample, text): (&GenerationRow, &String)| {
            assert!(sample.text.is_some());
            GenerationRow { text: Some(text.clone()), ..sample.clone() }
        };
        Self {
            label: label(&row.question, answer),
            answer: answer.clone(),
            samples: samples.iter().zip(&row.samples).map(with_text).collect(),
            verbalized: verbalized.generations[0].clone(),
            state: answered.hidden_states[0].clone(),
        }
    }

    fn observed<'r>(&'r self, row: &'r Row) -> ObservedSignals<'r> {
        ObservedSignals {
            kind: row.question.answer_kind,
            question: &row.question.question,
            answer: Some(&self.answer),
            label: Some(&self.label),
            samples: &self.samples,
            verbalized: Some(&self.verbalized),
        }
    }

    fn logprobs(&self) -> Vec<f64> {
        let tokens = self.answer.tokens.iter().flatten();
        tokens.map(|token| f64::from(token.logprob.unwrap())).collect()
    }
}

fn seen(golden: &Golden) -> Vec<Seen> {
    let methods = methods(golden);
    let main = answers(golden, &signals(&methods, PromptKind::Main), |row| row.prompt.clone());
    let both =
        answers(golden, &signals(&methods, PromptKind::Verbalized), |row| row.verbalized_prompt.clone());
    golden
        .questions
        .iter()
        .zip(main.iter().zip(&both))
        .map(|(row, (main, both))| Seen::new(row, main, both))
        .collect()
}

/// The largest distance of each thing that was compared.
#[derive(Default)]
struct Distances(BTreeMap<String, f64>);

impl Distances {
    fn add(
        &mut self,
        what: &str,
        (found, expected): (f64, f64),
        tolerance: f64,
        row_name: &dyn std::fmt::Debug,
    ) {
        let distance = (found - expected).abs();
        assert!(distance <= tolerance, "{what} of {row_name:?}: {found}, golden {expected}");
        let largest = self.0.entry(what.to_owned()).or_default();
        *largest = largest.max(distance);
    }

    fn print(&self) {
        for (what, distance) in &self.0 {
            println!("{what}: {distance:.1e}");
        }
    }
}

/// The key of a cluster that no probe was trained on.
fn cluster(index: usize) -> u64 {
    1000 + index as u64
}

fn score(
    method: &MethodConfig,
    index: usize,
    row: &Row,
    seen: &Seen,
    probe: Option<&Probe>,
) -> Result<Confidence, String> {
    match (&method.scoring, probe) {
        (Scoring::Closed(score), _) => {
            score(&seen.observed(row), &method.parameters).map_err(|reason| reason.name().to_owned())
        }
        (Scoring::Probe(_), Some(probe)) => {
            Ok(probe.score(cluster(index), seen.state.vector.as_ref().unwrap()).unwrap())
        }
        (Scoring::Probe(_), None) => panic!("{} has no weights", method.id),
    }
}

#[test]
fn all_confidences_of_a_hundred_questions_are_those_of_the_reference() {
    let golden = golden();
    assert_eq!(golden.questions.len(), 100);
    let seen = seen(&golden);
    let mut distances = Distances::default();
    for method in methods(&golden) {
        let file = folder().join(format!("{}.safetensors", method.id));
        let probe = matches!(method.scoring, Scoring::Probe(_))
            .then(|| Probe::from_bytes(&std::fs::read(file).unwrap()).unwrap().0);
        for (index, (row, seen)) in golden.questions.iter().zip(&seen).enumerate() {
            let row_name = (&row.question.question_id, &seen.answer.text);
            match (score(&method, index, row, seen, probe.as_ref()), &row.confidences[method.id]) {
                (Ok(found), (Some(expected), None)) => {
                    let of_texts = ["jaccard_degree", "verbalization_1s", "verbalization_2s"];
                    let tolerance = if of_texts.contains(&method.id) { F64_SUMS } else { F32_SUMS };
                    distances.add(method.id, (found.get(), *expected), tolerance, &row_name);
                }
                (Err(found), (None, Some(expected))) => {
                    assert_eq!(found, *expected, "{} of {row_name:?}", method.id);
                }
                (found, expected) => panic!("{} of {row_name:?}: {found:?}, golden {expected:?}", method.id),
            }
        }
    }
    assert_eq!(distances.0.len(), METHODS.len());
    distances.print();
}

/// The tokens that are listed at a position of the text: as many as were asked for, with transformers' log-probabilities.
fn add_likeliest(distances: &mut Distances, found: &TokenRow, expected: &Token, id: &dyn std::fmt::Debug) {
    // The token that stops is no part of the text, and has none.
    if found.start == found.end {
        return;
    }
    let listed = found.top_logprobs.as_ref().unwrap();
    assert_eq!(listed.len(), expected.top.len(), "{id:?}");
    for (found, expected) in listed.iter().zip(&expected.top) {
        distances.add("likeliest", (f64::from(*found), *expected), F32_LOGITS, id);
    }
}

#[test]
fn what_the_methods_see_is_what_transformers_computes() {
    let golden = golden();
    let mut distances = Distances::default();
    for (row, seen) in golden.questions.iter().zip(seen(&golden)) {
        let id = &row.question.question_id;
        assert_eq!(seen.answer.text.as_ref(), Some(&row.text), "{id}");
        assert_eq!(
            seen.answer.finish_reason.map(plimsoll_core::Finish::name),
            Some(row.finish.as_str()),
            "{id}"
        );
        assert_eq!(seen.verbalized.text.as_ref(), Some(&row.verbalized), "{id}");
        let tokens = seen.answer.tokens.as_ref().unwrap();
        assert!(
            tokens.iter().map(|token| token.id).eq(row.tokens.iter().map(|token| Some(token.id))),
            "{id}"
        );
        for (found, expected) in tokens.iter().zip(&row.tokens) {
            let logprob = f64::from(found.logprob.unwrap());
            distances.add("log-probability", (logprob, expected.logprob), F32_LOGITS, id);
            add_likeliest(&mut distances, found, expected, id);
        }
        if !row.question.choices.is_empty() {
            let option = seen.label.tokens.as_ref().map(|tokens| (tokens.start, tokens.end));
            assert_eq!(option, row.option, "{id}: {:?} by {}", row.text, seen.label.rule);
        }
        let [masses, second] = &seen.answer.follow_ups[..] else { panic!("{id}: two follow-ups") };
        distances.add("true mass", (masses.true_mass.unwrap(), row.true_mass), F32_SUMS, id);
        distances.add("false mass", (masses.false_mass.unwrap(), row.false_mass), F32_SUMS, id);
        assert_eq!(second.text.as_ref(), Some(&row.second), "{id}");
        for (found, expected) in seen.state.vector.unwrap().into_iter().zip(&row.state) {
            distances.add("hidden state", (f64::from(found), *expected), F32_LOGITS, id);
        }
    }
    distances.print();
}

#[test]
fn lm_polygraph_says_the_same_in_its_own_terms() {
    let golden = golden();
    let seen = seen(&golden);
    let alone = |row: &Row| Prompt {
        true_strings: vec!["True".to_owned()],
        false_strings: vec!["False".to_owned()],
        ..row.prompt.clone()
    };
    let masses = answers(&golden, &SignalRequest::answer().with_follow_up_masses("p_true"), alone);
    let mut distances = Distances::default();
    let mut compared = 0;
    for ((row, seen), masses) in golden.questions.iter().zip(&seen).zip(&masses) {
        let (id, theirs) = (&row.question.question_id, &row.lm_polygraph);
        // The mean over all tokens, the stop token among them, the first two without what it forbids there.
        if theirs.same_tokens {
            let logprobs = seen.logprobs();
            let mean = (logprobs.iter().sum::<f64>() + theirs.forbidden) / logprobs.len() as f64;
            distances.add("Perplexity", (-mean, theirs.perplexity), F32_LOGITS, id);
            compared += 1;
        }
        // Minus the log-probability of one spelling, the one of false that it was asked for, the
        // stop token forbidden.
        let false_alone = masses.generations[0].follow_ups[0].false_mass.unwrap();
        distances.add("PTrue", (false_alone, (-theirs.p_true - theirs.p_true_forbidden).exp()), F32_SUMS, id);
        distances.add("PTrue, transformers", (false_alone, row.false_alone), F32_SUMS, id);
        // Two empty answers share all here and nothing there.
        let texts: Vec<&str> = row.samples.iter().map(String::as_str).collect();
        let empty = texts.iter().filter(|text| text.trim().is_empty()).count() as f64;
        let both_empty = empty * (empty - 1.0) / f64::from(golden.samples).powi(2);
        let ours = Confidence::jaccard_degree(&texts).unwrap().get();
        distances.add("DegMat", (ours, 1.0 - theirs.jaccard + both_empty), F64_SUMS, id);
    }
    println!("Perplexity of {compared} replies of at least two tokens");
    assert!(compared >= 30, "{compared}");
    distances.print();
}

#[test]
fn replies_by_hand_are_read_as_the_reference_reads_them() {
    let golden = golden();
    let asked = ReplyTask { answer: Some(AnswerKind::Number), question: "" };
    let both = golden.replies_both.iter().map(|reply| (asked, reply));
    let sure = golden.replies_sure.iter().map(|reply| (ReplyTask::CONFIDENCE, reply));
    for (asked, (text, value, reason)) in both.chain(sure) {
        let found = read(&Reply::complete(text), asked).map(Confidence::get);
        let found = found.map_err(|unread| Some(MissingReason::Verbalized(unread).name().to_owned()));
        assert_eq!(found, value.ok_or(reason.clone()), "{text:?}");
    }
}

#[test]
fn the_golden_holds_every_kind_of_case() {
    let golden = golden();
    assert_eq!(golden.reply_tokens, 32, "what verbalization_2s asks for");
    let reasons: std::collections::BTreeSet<&str> = golden
        .questions
        .iter()
        .flat_map(|row| row.confidences.values().filter_map(|(_, reason)| reason.as_deref()))
        .collect();
    for reason in ["empty_answer", "no_option_span"] {
        assert!(reasons.contains(reason), "{reasons:?}");
    }
    let of_words = |row: &&Row| row.option.is_some_and(|(first, end)| end - first > 1);
    assert!(golden.questions.iter().filter(of_words).count() > 0, "an option of several tokens");
    assert!(golden.questions.iter().any(|row| row.finish == "length"));
    assert!(golden.questions.iter().any(|row| row.samples.iter().filter(|text| text.is_empty()).count() > 1));
}

#[test]
fn a_probe_of_the_golden_refuses_what_it_was_trained_on() {
    let golden = golden();
    let (probe, origin) =
        Probe::from_bytes(&std::fs::read(folder().join("ood_probe.safetensors")).unwrap()).unwrap();
    assert_eq!((origin.layer, origin.position.as_str()), (golden.layer, "last_prompt_token"));
    let trained_on = *probe.trained_on().first().unwrap();
    let state = vec![0.5; probe.width()];
    assert!(matches!(probe.score(trained_on, &state), Err(ProbeError::Leak { .. })));
    assert!(probe.score(cluster(0), &state).is_ok());
}
