//! What the backend says is what a slow computation says that shares nothing.

use candle_core::Tensor;
use plimsoll_backend::Request;
use plimsoll_backend::request::text_seed;
use plimsoll_core::prompt::{Message, Role};
use plimsoll_core::records::GenerationRow;
use plimsoll_core::signal::Position;
use plimsoll_core::{Decoding, Seed};
use plimsoll_engine::generation::Generated;
use plimsoll_engine::sampling::Sampling;
use plimsoll_engine::{Decoder, GenerationOptions, Hidden, LanguageModel, Positions, StepRow};

use crate::model::{BACKEND, LAYERS, SEED, everything, greedy, id, now, requests, rows, weights};

/// Absolute, of log-probs, masses and states, in f32.
const TOLERANCE: f64 = 1e-4;

fn model() -> &'static LanguageModel {
    BACKEND.language_model()
}

fn generate(prompt: &[u32], decoding: Decoding, seed: Seed) -> Generated {
    let sampling = Sampling::at(decoding.temperature()).unwrap().with_top_p(decoding.top_p()).unwrap();
    let max_tokens = decoding.max_new_tokens() as usize;
    let answer = GenerationOptions { sampling, max_tokens, stop_strings: Vec::new(), seed };
    model().generate(prompt, &answer, &mut |_| ()).unwrap()
}

fn assert_text(row: &GenerationRow, expected: &Generated, prompt: &[u32]) {
    assert_eq!(row.text.as_deref(), Some(&*expected.text));
    assert_eq!(row.finish_reason.map(plimsoll_core::Finish::name), Some(expected.finish.name()));
    assert_eq!(row.prompt_tokens, Some(prompt.len() as u64));
    assert_eq!(row.completion_tokens, Some(expected.tokens.len() as u64));
    assert_eq!((row.attempts, row.latency_ms, row.cost_usd), (1, None, None));
}

#[test]
fn texts_are_those_of_a_model_that_answers_alone() {
    let requests = requests(12);
    for (request, answered) in requests.iter().zip(rows(&BACKEND, &requests, &everything(), greedy())) {
        let prompt = model().encode_chat(&request.prompt.messages, now()).unwrap();
        let seed = |index| text_seed(Seed::new(SEED), &id(), request, index);
        let answer = generate(&prompt, greedy(), seed(0));
        let row = &answered.generations[0];
        assert_text(row, &answer, &prompt);
        let tokens = row.tokens.as_ref().unwrap();
        assert_eq!(tokens.len(), answer.tokens.len());
        for (found, expected) in tokens.iter().zip(&answer.tokens) {
            assert_eq!(
                (found.id, found.start as usize, found.end as usize),
                (Some(expected.id), expected.start, expected.end)
            );
            assert!((f64::from(found.logprob.unwrap()) - expected.logprob).abs() <= TOLERANCE);
        }
        let samples = answered.generations[1..].iter();
        for (row, (temperature, index)) in samples.zip([(0.5, 1), (0.5, 2), (1.0, 1), (1.0, 2), (1.0, 3)]) {
            let decoding = greedy().at_temperature(temperature).unwrap();
            assert_eq!((row.sample_index, &row.decoding_hash), (index, &decoding.hash()));
            assert_text(row, &generate(&prompt, decoding, seed(index)), &prompt);
            assert_eq!(row.tokens, None);
        }
        assert_follow_ups(request, row);
    }
}

#[test]
fn answers_can_be_drawn() {
    let requests = requests(6);
    let decoding = Decoding::new(1.0, 0.8, 10).unwrap();
    for (request, answered) in requests.iter().zip(rows(&BACKEND, &requests, &everything(), decoding)) {
        let prompt = model().encode_chat(&request.prompt.messages, now()).unwrap();
        let seed = text_seed(Seed::new(SEED), &id(), request, 0);
        assert_text(&answered.generations[0], &generate(&prompt, decoding, seed), &prompt);
    }
}

/// The logits after tokens, read at once.
fn logits(tokens: &[u32]) -> Vec<f64> {
    let mut cache = model().decoder().cache();
    let output = model().decoder().step(&mut [StepRow::new(tokens, &mut cache)]).unwrap().remove(0);
    output.logits.unwrap().to_vec2::<f32>().unwrap()[0].iter().map(|logit| f64::from(*logit)).collect()
}

fn assert_follow_ups(request: &Request, answer: &GenerationRow) {
    let said = answer.text.clone().unwrap();
    let turn = |role, text: String| Message { role, text };
    let continued = |text: String| {
        let mut messages = request.prompt.messages.clone();
        messages.extend([turn(Role::Assistant, said.clone()), turn(Role::User, text)]);
        model().encode_chat(&messages, now()).unwrap()
    };
    let alone = vec![turn(Role::User, format!("Rate this: {}", said.trim()))];
    let expected = [
        ("alone", model().encode_chat(&alone, now()).unwrap(), None, true),
        ("p_true", continued(format!("Is {} right? True or False", said.trim())), Some(3), true),
        ("verbalization_2s", continued("How sure?".to_owned()), Some(8), false),
    ];
    let found = answer.follow_ups.iter().filter(|row| row.missing_reason.is_none());
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), expected.len());
    for (row, (id, prompt, text_tokens, masses)) in found.into_iter().zip(expected) {
        assert_eq!((row.id.as_str(), row.prompt_tokens), (id, Some(prompt.len() as u64)));
        let reply =
            text_tokens.map(|max| generate(&prompt, Decoding::new(0.0, 1.0, max).unwrap(), Seed::new(0)));
        assert_eq!(row.text, reply.as_ref().map(|reply| reply.text.clone()));
        assert_eq!(row.completion_tokens, Some(reply.map_or(0, |reply| reply.tokens.len() as u64)));
        assert_eq!((row.true_mass.is_some(), row.censored), (masses, masses.then_some(false)));
        if masses {
            let logits = logits(&prompt);
            let all: f64 = logits.iter().map(|logit| logit.exp()).sum();
            let mass = |spellings: [&str; 2]| -> f64 {
                let token = |spelling: &str| model().tokenizer().token(spelling).unwrap() as usize;
                spellings.iter().map(|spelling| logits[token(spelling)].exp() / all).sum()
            };
            for (found, expected) in
                [(row.true_mass, mass(["True", "ĠTrue"])), (row.false_mass, mass(["False", "ĠFalse"]))]
            {
                assert!((found.unwrap() - expected).abs() <= TOLERANCE, "{found:?} {expected}");
                assert!(expected > 0.0 && expected < 0.5, "{expected}");
            }
        }
    }
}

/// The state after the last of some tokens, read at once.
fn state(decoder: &Decoder, tokens: &[u32], layer: usize, before_norm: bool) -> Vec<f32> {
    let mut cache = decoder.cache();
    let hidden = Some(Hidden { layer, positions: Positions::Last, before_norm });
    let row = StepRow { tokens, cache: &mut cache, logits: Positions::None, hidden };
    let output = decoder.step(&mut [row]).unwrap().remove(0);
    output.hidden.unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let off = found.iter().zip(expected).map(|(a, b)| f64::from(a - b).abs()).fold(0.0, f64::max);
    assert!(off <= TOLERANCE, "{off}");
}

#[test]
fn states_are_those_of_one_reading() {
    let requests = requests(12);
    for (request, answered) in requests.iter().zip(rows(&BACKEND, &requests, &everything(), greedy())) {
        let prompt = model().encode_chat(&request.prompt.messages, now()).unwrap();
        let row = &answered.generations[0];
        let mut whole = prompt.clone();
        whole.extend(row.tokens.iter().flatten().filter_map(|token| token.id));
        if row.finish_reason.map(plimsoll_core::Finish::name) == Some("stop") {
            whole.pop();
        }
        for row in &answered.hidden_states {
            let layer = match row.layer {
                -8 => {
                    assert_eq!(
                        row.missing_reason.map(plimsoll_core::MissingSignal::name),
                        Some("no_such_layer")
                    );
                    continue;
                }
                -1 => LAYERS,
                -2 => LAYERS - 1,
                layer => usize::try_from(layer).unwrap(),
            };
            let tokens = if row.position == Position::LastPromptToken { &prompt } else { &whole };
            if tokens.len() == prompt.len() && row.position == Position::LastAnswerToken {
                assert_eq!(row.missing_reason.map(plimsoll_core::MissingSignal::name), Some("no_answer"));
                continue;
            }
            assert_close(row.vector.as_ref().unwrap(), &state(model().decoder(), tokens, layer, true));
        }
    }
}

#[test]
fn the_last_state_is_the_one_that_the_final_norm_takes() {
    let tokens: Vec<u32> = (40..90).collect();
    let raw = state(model().decoder(), &tokens, LAYERS, true);
    let normed = state(model().decoder(), &tokens, LAYERS, false);
    let weight: Vec<f32> = Tensor::to_vec1(&weights(1, 1.0)["model.norm.weight"]).unwrap();
    let square = raw.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / raw.len() as f64;
    let scale = 1.0 / (square + 1e-5).sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "the model computes in f32")]
    let expected: Vec<f32> =
        raw.iter().zip(&weight).map(|(value, weight)| (f64::from(*value) * scale) as f32 * weight).collect();
    assert_close(&normed, &expected);
}
