//! Every method on synthetic rows: values worked by hand, reasons, parameters.

use plimsoll_core::records::{FollowUpRow, GenerationRow, TokenRow};
use plimsoll_core::{AnswerKind, Label, MissingSignal};
use plimsoll_router::Confidence;
use serde_json::{Value, json};

use super::*;
use crate::observed::ObservedSignals;

/// Absolute: f32 log-probs written as decimals.
const WORKED: f64 = 1e-6;

fn token(text: &str, start: u32, probability: f32) -> TokenRow {
    let end = start + u32::try_from(text.len()).unwrap();
    TokenRow { text: text.into(), start, end, logprob: Some(probability.ln()), ..TokenRow::default() }
}

/// "The answer is B." with a stop token, which has no span.
fn answer() -> GenerationRow {
    let stop =
        TokenRow { text: "<end>".into(), start: 16, end: 16, logprob: Some(-9.0), ..TokenRow::default() };
    GenerationRow {
        question_id: "d/test/0".into(),
        text: Some("The answer is B.".into()),
        tokens: Some(vec![token("The answer is", 0, 0.5), token(" B", 13, 0.25), token(".", 15, 1.0), stop]),
        follow_ups: vec![
            FollowUpRow {
                id: "p_true".into(),
                true_mass: Some(0.6),
                false_mass: Some(0.2),
                ..FollowUpRow::default()
            },
            FollowUpRow {
                id: "verbalization_2s".into(),
                text: Some("About 70%.".into()),
                ..FollowUpRow::default()
            },
        ],
        ..GenerationRow::default()
    }
}

fn label() -> Label {
    Label {
        answer: Some("B".into()),
        span: Some(14..15),
        tokens: Some(1..2),
        correct: Some(true),
        grader: "exact".into(),
        rule: "answer_is".into(),
        reason: None,
    }
}

fn sample(text: &str) -> GenerationRow {
    GenerationRow { text: Some(text.into()), ..GenerationRow::default() }
}

fn parameters(id: &str) -> Value {
    match id {
        "jaccard_degree" => json!({"samples": 3, "temperature": 1.0}),
        "token_entropy" => json!({"k": 3}),
        "trained_probe" => json!({"layer": -8, "epochs": 20, "learning_rate": 5.0e-4}),
        "ood_probe" => json!({"layer": -8, "epochs": 20, "learning_rate": 1.0e-4}),
        _ => Value::Null,
    }
}

fn score(id: &str, observed: &ObservedSignals<'_>) -> Result<f64, String> {
    let resolved = method(id).unwrap().resolve(&parameters(id)).unwrap();
    let Scoring::Closed(score) = resolved.scoring else { panic!("{id} is no closed form") };
    score(observed, &resolved.parameters).map(Confidence::get).map_err(|reason| reason.name().to_owned())
}

#[track_caller]
fn assert_score(id: &str, observed: &ObservedSignals<'_>, expected: Result<f64, &str>) {
    match (score(id, observed), expected) {
        (Ok(found), Ok(expected)) => assert!((found - expected).abs() <= WORKED, "{id}: {found}"),
        (found, expected) => assert_eq!(found, expected.map_err(str::to_owned), "{id}"),
    }
}

#[test]
fn ids_are_unique_and_all_are_there() {
    let ids: Vec<&str> = METHODS.iter().map(|method| method.id()).collect();
    let expected = [
        "average_token_probability",
        "perplexity",
        "p_true",
        "jaccard_degree",
        "verbalization_1s",
        "verbalization_2s",
        "trained_probe",
        "ood_probe",
        "token_margin",
        "token_entropy",
        "min_token_probability",
    ];
    assert_eq!(ids, expected);
    assert!(method("guess").is_none());
    for method in METHODS {
        let resolved = method.resolve(&parameters(method.id())).unwrap();
        assert_eq!((resolved.id, resolved.definition), (method.id(), method.definition()));
    }
}

#[test]
fn values_worked_by_hand() {
    let (answer, label) = (answer(), label());
    let samples = [sample("a b"), sample("A b"), sample("c")];
    let verbalized = sample("Answer: B\nConfidence: 0.9");
    let observed = ObservedSignals {
        kind: AnswerKind::Choice,
        question: "",
        answer: Some(&answer),
        label: Some(&label),
        samples: &samples,
        verbalized: Some(&verbalized),
    };
    assert_score("average_token_probability", &observed, Ok(0.25));
    // Not a choice: all tokens but the stop token.
    let number = ObservedSignals { kind: AnswerKind::Number, ..observed };
    assert_score("average_token_probability", &number, Ok((0.5 + 0.25 + 1.0) / 3.0));
    assert_score("perplexity", &observed, Ok((0.5f64 * 0.25).cbrt()));
    assert_score("min_token_probability", &observed, Ok(0.25));
    assert_score("token_margin", &observed, Err("no_top_logprobs"));
    assert_score("token_entropy", &observed, Err("no_top_logprobs"));
    assert_score("p_true", &observed, Ok(0.75));
    assert_score("jaccard_degree", &observed, Ok(5.0 / 9.0));
    assert_score("verbalization_1s", &observed, Ok(0.9));
    assert_score("verbalization_2s", &observed, Ok(0.7));
}

#[test]
fn what_is_missing_has_a_reason() {
    let nothing = ObservedSignals {
        kind: AnswerKind::Number,
        question: "",
        answer: None,
        label: None,
        samples: &[],
        verbalized: None,
    };
    for id in METHODS.iter().map(|method| method.id()).filter(|id| !id.ends_with("probe")) {
        assert_score(id, &nothing, Err("not_recorded"));
    }

    let failed = GenerationRow { failure: Some(MissingSignal::TimedOut), ..GenerationRow::default() };
    let observed = ObservedSignals { answer: Some(&failed), verbalized: Some(&failed), ..nothing };
    for id in ["average_token_probability", "perplexity", "p_true", "verbalization_1s", "verbalization_2s"] {
        assert_score(id, &observed, Err("timed_out"));
    }

    let mut bare = GenerationRow { text: Some("42".into()), ..GenerationRow::default() };
    assert_score("perplexity", &ObservedSignals { answer: Some(&bare), ..nothing }, Err("no_logprobs"));
    assert_score("p_true", &ObservedSignals { answer: Some(&bare), ..nothing }, Err("no_such_follow_up"));
    bare.logprobs_missing = Some(MissingSignal::TokensDoNotJoin);
    assert_score(
        "perplexity",
        &ObservedSignals { answer: Some(&bare), ..nothing },
        Err("tokens_do_not_join"),
    );

    let mut listed = answer();
    listed.follow_ups[0].missing_reason = Some(MissingSignal::NeitherListed);
    listed.follow_ups[1].text = Some("very sure".into());
    let observed = ObservedSignals { answer: Some(&listed), ..nothing };
    assert_score("p_true", &observed, Err("neither_listed"));
    assert_score("verbalization_2s", &observed, Err("verbalized_no_number"));

    let choice = ObservedSignals { kind: AnswerKind::Choice, ..observed };
    assert_score("average_token_probability", &choice, Err("no_option_span"));
    let unfound = Label { tokens: None, ..label() };
    let choice = ObservedSignals { label: Some(&unfound), ..choice };
    assert_score("average_token_probability", &choice, Err("no_option_span"));
    let beyond = Label { tokens: Some(7..9), ..label() };
    assert_score(
        "average_token_probability",
        &ObservedSignals { label: Some(&beyond), ..choice },
        Err("no_option_span"),
    );
}

#[test]
fn an_answer_of_nothing_but_a_stop_token_has_no_confidence() {
    let mut empty = answer();
    empty.text = Some(String::new());
    empty.tokens = empty.tokens.map(|tokens| tokens[3..].to_vec());
    let observed = ObservedSignals {
        kind: AnswerKind::Span,
        question: "",
        answer: Some(&empty),
        label: None,
        samples: &[],
        verbalized: None,
    };
    assert_score("perplexity", &observed, Err("empty_answer"));
    assert_score("average_token_probability", &observed, Err("empty_answer"));
}

#[test]
fn log_probs_that_are_none_are_missing_not_numbers() {
    for logprob in [Some(f32::NAN), Some(0.5), None] {
        let mut broken = answer();
        broken.tokens.as_mut().unwrap()[1].logprob = logprob;
        let label = label();
        let observed = ObservedSignals {
            kind: AnswerKind::Choice,
            question: "",
            answer: Some(&broken),
            label: Some(&label),
            samples: &[],
            verbalized: None,
        };
        let reason = if logprob.is_some() { "invalid_logprobs" } else { "no_logprobs" };
        assert_score("perplexity", &observed, Err(reason));
        assert_score("average_token_probability", &observed, Err(reason));
    }
}

#[test]
fn fewer_samples_are_no_smaller_scale() {
    let observed = |samples| ObservedSignals {
        kind: AnswerKind::Span,
        question: "",
        answer: None,
        label: None,
        samples,
        verbalized: None,
    };
    let two = [sample("a"), sample("a")];
    assert_score("jaccard_degree", &observed(&two), Err("not_recorded"));
    let failed = GenerationRow { failure: Some(MissingSignal::ServerFailed), ..GenerationRow::default() };
    let three = [sample("a"), failed, sample("a")];
    assert_score("jaccard_degree", &observed(&three), Err("server_failed"));
    // More than the plan asks for are cut to the first ones, not averaged in.
    let four = [sample("a"), sample("a"), sample("a"), sample("z")];
    assert_score("jaccard_degree", &observed(&four), Ok(1.0));
}

/// The likeliest tokens at each position, those of a server that lists fewer at the last one, and the stop token's.
#[test]
fn margins_and_entropies_are_over_the_likeliest_tokens_of_the_answer() {
    let likeliest = |row: &mut GenerationRow, lists: [&[f32]; 4]| {
        for (token, list) in row.tokens.iter_mut().flatten().zip(lists) {
            token.top_logprobs = Some(list.iter().map(|probability| probability.ln()).collect());
        }
    };
    let mut row = answer();
    likeliest(&mut row, [&[0.5, 0.25, 0.125, 0.1], &[0.5, 0.25, 0.25], &[1.0, 0.0, 0.0], &[0.9]]);
    let observed = ObservedSignals {
        kind: AnswerKind::Choice,
        question: "",
        answer: Some(&row),
        label: None,
        samples: &[],
        verbalized: None,
    };
    assert_score("token_margin", &observed, Ok((0.25 + 0.25 + 1.0) / 3.0));
    // In bits 1.75, 1.5 and 0, of at most 2.
    assert_score("token_entropy", &observed, Ok(1.0 - (1.75 + 1.5 + 0.0) / 2.0 / 3.0));
    let mut few = answer();
    likeliest(&mut few, [&[0.5, 0.25], &[0.5, 0.25], &[0.75, 0.25], &[0.9]]);
    let fewer = ObservedSignals { answer: Some(&few), ..observed };
    assert_score("token_margin", &fewer, Ok(1.0 / 3.0));
    assert_score("token_entropy", &fewer, Err("no_top_logprobs"));
    let mut broken = answer();
    likeliest(&mut broken, [&[0.5, 0.25, 0.1], &[4.0, 0.25, 0.1], &[0.75, 0.25, 0.0], &[0.9]]);
    let broken = ObservedSignals { answer: Some(&broken), ..observed };
    assert_score("token_margin", &broken, Err("invalid_logprobs"));
    assert_score("token_entropy", &broken, Err("invalid_logprobs"));
}

/// "<think>no</think> B" and a stop token: the answer's two tokens are the last two with a span.
fn reasoned() -> GenerationRow {
    let tokens = [("<think>", 0, 0.9), ("no", 7, 0.1), ("</think>", 9, 0.9), (" ", 17, 0.2), ("B", 18, 0.5)];
    let stop =
        TokenRow { text: "<end>".into(), start: 19, end: 19, logprob: Some(-9.0), ..TokenRow::default() };
    let tokens = tokens.map(|(text, start, probability)| token(text, start, probability));
    GenerationRow {
        text: Some("<think>no</think> B".into()),
        tokens: Some(tokens.into_iter().chain([stop]).collect()),
        ..answer()
    }
}

#[test]
fn a_confidence_speaks_of_the_answer_and_not_of_the_reasoning_before_it() {
    let row = reasoned();
    let samples = ["<think>a b c</think>B", "<think>d</think>b", "[THINK]e[/THINK] B"].map(sample);
    let verbalized = sample("<think>Confidence: 0.1?</think>Answer: B, Confidence: 0.9");
    let observed = ObservedSignals {
        kind: AnswerKind::Span,
        question: "",
        answer: Some(&row),
        label: None,
        samples: &samples,
        verbalized: Some(&verbalized),
    };
    assert_score("perplexity", &observed, Ok(0.5));
    assert_score("average_token_probability", &observed, Ok(0.5));
    assert_score("jaccard_degree", &observed, Ok(1.0));
    assert_score("verbalization_1s", &observed, Ok(0.9));

    // A token that holds some of the answer is one of its tokens.
    let mut joined = reasoned();
    joined.tokens = Some(vec![token("<think>no", 0, 0.1), token("</think> B", 9, 0.25)]);
    assert_score("perplexity", &ObservedSignals { answer: Some(&joined), ..observed }, Ok(0.25));
}

#[test]
fn what_only_reasons_has_no_confidence() {
    let mut open = reasoned();
    open.text = Some("<think>no</think_ B".into());
    open.follow_ups[1].text = Some("<think>70%?".into());
    let samples = [sample("<think>a"), sample("<think>a"), sample("<think>a")];
    let verbalized = sample("<think>Answer: B\nConfidence: 0.9");
    let observed = ObservedSignals {
        kind: AnswerKind::Span,
        question: "",
        answer: Some(&open),
        label: None,
        samples: &samples,
        verbalized: Some(&verbalized),
    };
    assert_score("perplexity", &observed, Err("empty_answer"));
    assert_score("average_token_probability", &observed, Err("empty_answer"));
    assert_score("jaccard_degree", &observed, Err("empty_answer"));
    assert_score("verbalization_1s", &observed, Err("verbalized_still_reasoning"));
    assert_score("verbalization_2s", &observed, Err("verbalized_still_reasoning"));

    // Where the opening mark stood in the prompt, the row says so.
    let mut within = reasoned();
    within.text = Some("The answer is B.".into());
    within.starts_in_reasoning = Some(true);
    within.follow_ups[1].starts_in_reasoning = Some(true);
    let observed = ObservedSignals { answer: Some(&within), ..observed };
    assert_score("perplexity", &observed, Err("empty_answer"));
    assert_score("verbalization_2s", &observed, Err("verbalized_still_reasoning"));
}

#[test]
fn a_model_that_reasons_is_given_room_where_the_plan_says_so() {
    let room = |parameters: &Value| {
        let resolved = method("verbalization_2s").unwrap().resolve(parameters).unwrap();
        resolved.request.follow_ups()["verbalization_2s"].text_tokens
    };
    assert_eq!(room(&Value::Null), Some(32));
    assert_eq!(room(&json!({"max_new_tokens": 2048})), Some(2048));
}

#[test]
fn a_row_without_a_text_and_a_reason_has_no_text() {
    let odd = GenerationRow::default();
    let observed = ObservedSignals {
        kind: AnswerKind::Span,
        question: "",
        answer: Some(&odd),
        label: None,
        samples: &[],
        verbalized: None,
    };
    assert_score("perplexity", &observed, Err(MissingSignal::NoText.name()));
}

#[test]
fn parameters_are_checked_by_name() {
    let wrong = [
        ("perplexity", json!({"epochs": 3}), "takes no parameters"),
        ("verbalization_2s", json!({"max_new_tokens": 0}), "max_new_tokens is 0"),
        ("verbalization_2s", json!({"max_new_tokens": -1}), "verbalization_2s"),
        ("verbalization_2s", json!({"tokens": 8}), "tokens"),
        ("jaccard_degree", Value::Null, "samples"),
        ("jaccard_degree", json!({"samples": 5}), "temperature"),
        ("jaccard_degree", json!({"samples": 1, "temperature": 1.0}), "samples is 1"),
        ("jaccard_degree", json!({"samples": 5, "temperature": 0.0}), "temperature is 0"),
        ("jaccard_degree", json!({"samples": 5, "temperature": 1.0, "top_p": 1}), "top_p"),
        ("token_entropy", Value::Null, "k"),
        ("token_entropy", json!({"k": 0}), "k is 0"),
        ("token_entropy", json!({"k": 21}), "k is 21"),
        ("token_margin", json!({"k": 2}), "takes no parameters"),
        ("trained_probe", json!({"layer": -8, "epochs": 20}), "learning_rate"),
        ("trained_probe", json!({"layer": -8, "epochs": 0, "learning_rate": 0.1}), "epochs is 0"),
        ("ood_probe", json!({"layer": -8, "epochs": 1, "learning_rate": 0.0}), "learning_rate is 0"),
        ("ood_probe", json!({"layer": -8, "epochs": 1, "learning_rate": 0.1, "batch": 0}), "zero"),
        ("ood_probe", json!([]), "ood_probe"),
    ];
    for (id, parameters, named) in wrong {
        let error = method(id).unwrap().resolve(&parameters).unwrap_err().to_string();
        assert!(error.contains(named) && error.contains(id), "{error}");
    }
}

#[test]
fn a_variant_is_its_method_and_its_parameters() {
    let hash = |id: &str, parameters: &Value| method(id).unwrap().resolve(parameters).unwrap().variant_hash();
    let five = json!({"samples": 5, "temperature": 1.0});
    assert_eq!(
        hash("jaccard_degree", &five),
        hash("jaccard_degree", &json!({"temperature": 1, "samples": 5}))
    );
    assert_ne!(
        hash("jaccard_degree", &five),
        hash("jaccard_degree", &json!({"samples": 6, "temperature": 1.0}))
    );
    let probe = parameters("ood_probe");
    assert_ne!(hash("ood_probe", &probe), hash("trained_probe", &probe));
    let explicit = json!({
        "layer": -8, "epochs": 20, "learning_rate": 1.0e-4, "batch": 32, "weight_decay": 0.01,
        "position": "last_prompt_token",
    });
    assert_eq!(hash("ood_probe", &probe), hash("ood_probe", &explicit));
}
