//! Prompts that end within reasoning, and what is made of a text whose reasoning stands before the answer.

use std::collections::BTreeMap;

use plimsoll_backend::{Backend as _, Observation};
use plimsoll_core::prompt::{Message, Role};
use plimsoll_core::records::GenerationRow;
use plimsoll_core::{Decoding, Seed};
use plimsoll_engine::chat::TemplateVariables;
use plimsoll_engine::sampling::Sampling;
use plimsoll_engine::{GenerationOptions, HashCache, LanguageModel, LocalBackend, Placement};
use serde_json::{Value, json};

use crate::model::{
    LAYERS, TEMPLATE, everything, greedy, id, now, opened_with, requests, rows, tokenizer, weights,
};

/// As templates of models that always reason end.
const OPENS: &str = "{% if add_generation_prompt %}<|say|><think>\n{% endif %}";
/// As those that can be told not to.
const SWITCH: &str = "{% if add_generation_prompt %}<|say|>\
{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}{% endif %}";
/// As those whose models open reasoning themselves end.
const ASKS: &str = "{% if add_generation_prompt %}<|say|>{% endif %}";

fn template(end: &str) -> String {
    TEMPLATE.replace(ASKS, end)
}

fn backend(tokenizer: &Value, template: &str, variables: TemplateVariables) -> LocalBackend {
    let (_folder, opened) = opened_with(&weights(1, 1.0), tokenizer, template);
    let hashes = opened.hashes(&HashCache::none()).unwrap();
    let model = opened.with_variables(variables).unwrap().load(Placement::cpu_f32()).unwrap();
    LocalBackend::new(id(), model, &hashes, now())
}

fn thinking(flag: bool) -> TemplateVariables {
    TemplateVariables::new([("enable_thinking".to_owned(), json!(flag))]).unwrap()
}

fn flags(answered: &Observation) -> Vec<Option<bool>> {
    answered.generations.iter().map(|row| row.starts_in_reasoning).collect()
}

#[test]
fn a_prompt_that_opens_reasoning_is_told_and_an_answer_that_never_comes_is_none() {
    for (end, variables) in [
        (OPENS, TemplateVariables::default()),
        (SWITCH, TemplateVariables::default()),
        (SWITCH, thinking(true)),
    ] {
        let backend = backend(&tokenizer(), &template(end), variables);
        for answered in rows(&backend, &requests(4), &everything(), greedy()) {
            assert_eq!(flags(&answered), [Some(true); 6]);
            // The model is random and closes nothing: all that it says is reasoning.
            for row in &answered.generations[0].follow_ups {
                let expected = if row.id == "no_such" { "no_such_follow_up" } else { "no_answer" };
                assert_eq!(
                    row.missing_reason.map(plimsoll_core::MissingSignal::name),
                    Some(expected),
                    "{row:?}"
                );
                assert_eq!((&row.text, row.true_mass, row.starts_in_reasoning), (&None, None, None));
            }
            for row in &answered.hidden_states {
                let expected = match (row.layer, row.position.name()) {
                    (-8, _) => Some("no_such_layer"),
                    (_, "last_answer_token") => Some("no_answer"),
                    _ => None,
                };
                assert_eq!(row.missing_reason.map(plimsoll_core::MissingSignal::name), expected, "{row:?}");
            }
        }
    }
}

#[test]
fn a_prompt_whose_reasoning_is_closed_or_never_opened_begins_with_the_answer() {
    let closed = (SWITCH, thinking(false));
    for (end, variables) in [closed, (ASKS, TemplateVariables::default())] {
        let backend = backend(&tokenizer(), &template(end), variables);
        for answered in rows(&backend, &requests(4), &everything(), greedy()) {
            assert_eq!(flags(&answered), [Some(false); 6]);
            for row in &answered.generations[0].follow_ups {
                let is_there = row.id != "no_such";
                assert_eq!(row.starts_in_reasoning, is_there.then_some(false));
                assert_eq!(row.finish_reason.is_some(), row.text.is_some(), "{row:?}");
                assert!(
                    row.finish_reason
                        .map(plimsoll_core::Finish::name)
                        .is_none_or(|name| ["stop", "length"].contains(&name))
                );
            }
        }
    }
}

#[test]
fn marks_in_a_question_open_nothing() {
    let mut requests = requests(5);
    let texts =
        ["What does <think> do?", "<think>", "</think><think>", "<think>\n", "Say: assistant<|say|><think>"];
    for (request, text) in requests.iter_mut().zip(texts) {
        request.prompt.messages.pop();
        request.prompt.messages.push(Message { role: Role::User, text: text.to_owned() });
    }
    for (end, expected) in [(ASKS, false), (OPENS, true)] {
        let backend = backend(&tokenizer(), &template(end), TemplateVariables::default());
        for answered in rows(&backend, &requests, &everything(), greedy()) {
            assert_eq!(flags(&answered), [Some(expected); 6], "{end}");
        }
    }
}

#[test]
fn a_variable_is_another_prompt_and_another_identity() {
    let identity = |variables| {
        let backend = backend(&tokenizer(), &template(SWITCH), variables);
        let prompt = backend.language_model().encode_chat(&requests(1)[0].prompt.messages, now()).unwrap();
        (backend.identity(), prompt)
    };
    let (plain, off, on) =
        (identity(TemplateVariables::default()), identity(thinking(false)), identity(thinking(true)));
    assert_ne!(plain.0, off.0);
    assert_ne!(plain.0, on.0);
    assert_ne!(on.0, off.0);
    assert_eq!(plain.1, on.1);
    assert_ne!(plain.1, off.1);
    assert_eq!(off, identity(thinking(false)));
}

/// The tokenizer with other texts for some of its tokens, none of which any prompt has.
fn spelled(texts: &BTreeMap<u32, &str>) -> Value {
    let mut file = tokenizer();
    let vocabulary = file["model"]["vocab"].as_object_mut().unwrap();
    for (token, text) in texts {
        let name = vocabulary.iter().find(|(_, id)| **id == json!(token)).map(|(name, _)| name.clone());
        vocabulary.remove(&name.unwrap());
        vocabulary.insert((*text).to_owned(), json!(token));
    }
    file
}

fn generated(model: &LanguageModel, prompt: &[u32], max: u32) -> String {
    let answer = GenerationOptions {
        sampling: Sampling::greedy(),
        max_tokens: max as usize,
        stop_strings: Vec::new(),
        seed: Seed::new(0),
    };
    model.generate(prompt, &answer, &mut |_| ()).unwrap().text
}

/// A greedy answer of the tiny model of at least eight tokens, the third and sixth of which can get other texts.
fn long_answer(answered: &[Observation]) -> (usize, Vec<u32>) {
    let tokens = |row: &GenerationRow| -> Vec<u32> {
        row.tokens.iter().flatten().filter_map(|token| token.id).collect()
    };
    let rows = answered.iter().map(|answered| tokens(&answered.generations[0])).enumerate();
    let is_plain = |token: u32| token < 256 && !is_letter(token);
    let mut fitting = rows.filter(|(_, tokens)| {
        tokens.len() >= 8 && tokens[2] != tokens[5] && is_plain(tokens[2]) && is_plain(tokens[5])
    });
    fitting.next().unwrap()
}

/// Whether a token is a byte that prompts or the merges of words are made of.
fn is_letter(token: u32) -> bool {
    u8::try_from(token).is_ok_and(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

/// Reasoning that a model closes is no part of what a second turn shows, nor of what states speak of.
#[test]
fn a_second_turn_shows_the_answer_without_its_reasoning() {
    let requests = requests(12);
    let plain = backend(&tokenizer(), TEMPLATE, TemplateVariables::default());
    let decoding = Decoding::new(0.0, 1.0, 24).unwrap();
    let (index, tokens) = long_answer(&rows(&plain, &requests, &everything(), decoding));
    // What the model says third and sixth gets other texts: reasoning stands before its answer.
    let texts = BTreeMap::from([(tokens[2], "<think>hm</think>"), (tokens[5], "Ġ42")]);
    let backend = backend(&spelled(&texts), TEMPLATE, TemplateVariables::default());
    let answered = &rows(&backend, &requests[index..=index], &everything(), decoding)[0];
    let row = &answered.generations[0];
    let text = row.text.clone().unwrap();
    let said = plimsoll_core::reasoning::answer_text(&text, false).trim_start();
    assert!(text.contains("</think>") && !said.is_empty() && said.len() < text.len(), "{text:?}");
    let model = backend.language_model();
    let turn = |role, text: String| Message { role, text };
    let prompt = &requests[index].prompt;
    for (row, reply_tokens) in row.follow_ups.iter().zip([0, 0, 3, 8]) {
        let Some(follow_up) = prompt.follow_up(&row.id) else { continue };
        let mut messages = prompt.messages.clone();
        messages.push(turn(Role::Assistant, said.to_owned()));
        if !follow_up.continues {
            messages.clear();
        }
        messages.push(turn(Role::User, follow_up.text(said)));
        let tokens = model.encode_chat(&messages, now()).unwrap();
        assert_eq!(
            (row.missing_reason.map(plimsoll_core::MissingSignal::name), row.prompt_tokens),
            (None, Some(tokens.len() as u64))
        );
        if reply_tokens > 0 {
            assert_eq!(row.text, Some(generated(model, &tokens, reply_tokens)), "{}", row.id);
        }
    }
    let known: Vec<_> =
        answered.hidden_states.iter().filter(|row| row.position.name() == "last_answer_token").collect();
    assert!(known.len() == 2 && LAYERS > 2);
    assert!(known.iter().all(|row| row.vector.is_some()));
}
