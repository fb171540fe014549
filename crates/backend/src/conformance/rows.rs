//! What holds of every row, and of two runs.

use plimsoll_core::MissingSignal;
use plimsoll_core::records::{FollowUpRow, GenerationRow, HiddenStateRow, TokenRow};

use super::{Suite, Violation};
use crate::backend::Backend;
use crate::capability::Support;
use crate::observation::{Observation, RowKey, are_top_logprobs, is_logprob, sample_decoding};

/// Checks every row of a request.
pub(super) fn check(
    suite: &Suite,
    backend: &dyn Backend,
    observation: &Observation,
) -> Result<(), Violation> {
    const RULE: &str = "the rows of a request are those that were requested, in order";
    let id = observation.question_id.as_str();
    let Some(request) = suite.requests.iter().find(|request| request.question_id == observation.question_id)
    else {
        return Err(Violation::new(RULE, format!("`{id}` was not requested")));
    };
    let key = RowKey::new(request, backend.model());
    let mut expected = vec![key.generation(&suite.decoding, 0)];
    for samples in suite.signals.samples() {
        let decoding = sample_decoding(suite.decoding, samples);
        expected.extend((1..=samples.count).map(|index| key.generation(&decoding, index)));
    }
    if !observation.generations.iter().map(own_key).eq(expected.iter().map(own_key)) {
        return Err(Violation::new(RULE, format!("`{id}`: other generations")));
    }
    let states: Vec<HiddenStateRow> =
        suite.signals.hidden_states().iter().map(|signal| key.hidden_state(signal)).collect();
    let state_key = |row: &HiddenStateRow| (row.prompt_hash.clone(), row.layer, row.position);
    if !observation.hidden_states.iter().map(state_key).eq(states.iter().map(state_key)) {
        return Err(Violation::new(RULE, format!("`{id}`: other hidden states")));
    }
    for row in &observation.generations {
        generation(suite, backend, row)?;
    }
    let support = backend.capabilities().hidden_states;
    observation.hidden_states.iter().try_for_each(|row| hidden_state(support, row))
}

type GenerationKey<'a> = (&'a str, &'a str, &'a str, &'a str, u32);

fn own_key(row: &GenerationRow) -> GenerationKey<'_> {
    (&row.question_id, &row.model, &row.prompt_hash, &row.decoding_hash, row.sample_index)
}

fn generation(suite: &Suite, backend: &dyn Backend, row: &GenerationRow) -> Result<(), Violation> {
    let location = format!("`{}` sample {}", row.question_id, row.sample_index);
    let broken = |rule| Err(Violation::new(rule, format!("{location}: {row:?}")));
    if row.text.is_some() == row.failure.is_some() {
        return broken("a row has a text, or a known reason for its absence");
    }
    let capabilities = backend.capabilities();
    if row.sample_index > 0 {
        return if row.follow_ups.is_empty() { Ok(()) } else { broken("samples have no follow-ups") };
    }
    if let Some(tokens) = &row.tokens {
        check_tokens(row.text.as_deref().unwrap_or_default(), tokens, &location)?;
        check_likeliest(suite.signals.top_logprobs(), tokens, &location)?;
    }
    if suite.signals.logprobs() {
        let has =
            row.tokens.as_ref().is_some_and(|tokens| tokens.iter().all(|token| token.logprob.is_some()));
        if has == row.logprobs_missing.is_some() {
            return broken("requested log-probs are there, or a known reason is");
        }
        if row.text.is_some() && !fits(capabilities.logprobs, row.logprobs_missing) {
            return broken("log-probs are as the capabilities say");
        }
    }
    let ids = row.follow_ups.iter().map(|follow_up| &follow_up.id);
    if !ids.eq(suite.signals.follow_ups().keys()) {
        return broken("follow-ups are those that were requested, in order");
    }
    row.follow_ups.iter().try_for_each(|follow_up| reply(suite, follow_up, &location))
}

/// Tokens fill the text without gaps, and what they say is what stands there.
fn check_tokens(text: &str, tokens: &[TokenRow], location: &str) -> Result<(), Violation> {
    let mut end = 0;
    for token in tokens {
        let bytes = text.as_bytes().get(token.start as usize..token.end as usize);
        let Some(bytes) = bytes.filter(|_| token.start == end) else {
            return Err(Violation::new(
                "spans of tokens follow each other",
                format!("{location}: {token:?}"),
            ));
        };
        end = token.end;
        let says = String::from_utf8_lossy(bytes);
        if !token.text.contains(&*says) && !says.contains(char::REPLACEMENT_CHARACTER) {
            let found = format!("{location}: {token:?} spans {says:?}");
            return Err(Violation::new("a token's span is a part of its text", found));
        }
        if token.logprob.is_some_and(|logprob| !is_logprob(logprob)) {
            return Err(Violation::new("log-probs are at most 0", format!("{location}: {token:?}")));
        }
    }
    if end as usize == text.len() {
        Ok(())
    } else {
        Err(Violation::new("tokens join to the text", format!("{location}: {end} of {} bytes", text.len())))
    }
}

/// The likeliest tokens are there only where they were asked for, and no more of them.
fn check_likeliest(wanted: u8, tokens: &[TokenRow], location: &str) -> Result<(), Violation> {
    let is_wrong = |token: &&TokenRow| {
        token
            .top_logprobs
            .as_ref()
            .is_some_and(|top| top.len() > usize::from(wanted) || !are_top_logprobs(top))
    };
    match tokens.iter().find(is_wrong) {
        Some(token) => Err(Violation::new(
            "likeliest log-probs are those asked for, falling",
            format!("{location}: {token:?}"),
        )),
        None => Ok(()),
    }
}

fn reply(suite: &Suite, row: &FollowUpRow, location: &str) -> Result<(), Violation> {
    const RULE: &str = "a follow-up holds what was requested, or a known reason";
    let broken = |rule| Err(Violation::new(rule, format!("{location}: {row:?}")));
    let Some(signal) = suite.signals.follow_ups().get(&row.id) else { return broken(RULE) };
    let masses = [row.true_mass, row.false_mass];
    if masses.iter().flatten().any(|mass| !(0.0..=1.0).contains(mass)) {
        return broken("masses are probabilities");
    }
    let has_masses = masses.iter().all(Option::is_some) && row.censored.is_some();
    let is_whole = (signal.text_tokens.is_none() || row.text.is_some()) && (!signal.masses || has_masses);
    if is_whole == row.missing_reason.is_some() {
        return broken(RULE);
    }
    Ok(())
}

fn hidden_state(support: Support, row: &HiddenStateRow) -> Result<(), Violation> {
    const RULE: &str = "a hidden state is there and finite, or a known reason is";
    let broken = |rule| Err(Violation::new(rule, format!("{row:?}")));
    let reason = row.missing_reason;
    let is_finite = |vector: &Vec<f32>| !vector.is_empty() && vector.iter().all(|value| value.is_finite());
    if row.vector.is_some() == reason.is_some() {
        return broken(RULE);
    }
    if !row.vector.as_ref().is_none_or(is_finite) {
        return broken(RULE);
    }
    let is_as_said = match support {
        Support::No(reason_given) => reason == Some(reason_given),
        Support::Yes | Support::Unknown => true,
    };
    if is_as_said { Ok(()) } else { broken("hidden states are as the capabilities say") }
}

fn fits(support: Support, reason: Option<MissingSignal>) -> bool {
    match support {
        Support::Yes => reason.is_none(),
        Support::Unknown => true,
        Support::No(reason_given) => reason == Some(reason_given),
    }
}

/// Two runs give the same rows; times and attempts are not of the rows' content.
pub(super) fn agree(first: &Observation, second: &Observation, tolerance: f64) -> Result<(), Violation> {
    const RULE: &str = "rows do not depend on order and batch";
    let differ = |what: &str| Err(Violation::new(RULE, format!("`{}`: {what} differ", first.question_id)));
    if first.generations.len() != second.generations.len() {
        return differ("row counts");
    }
    for (one, other) in first.generations.iter().zip(&second.generations) {
        if rounded(one) != rounded(other) {
            return differ("texts or reasons");
        }
        if !close(&values(one), &values(other), tolerance) {
            return differ("log-probs or masses");
        }
    }
    let bare = |row: &HiddenStateRow| HiddenStateRow { vector: None, ..row.clone() };
    if !first.hidden_states.iter().map(bare).eq(second.hidden_states.iter().map(bare)) {
        return differ("hidden states");
    }
    let values = |observation: &Observation| -> Vec<f64> {
        observation
            .hidden_states
            .iter()
            .flat_map(|row| row.vector.iter().flatten())
            .map(|x| f64::from(*x))
            .collect()
    };
    if close(&values(first), &values(second), tolerance) { Ok(()) } else { differ("hidden states") }
}

/// A row without what may differ between two runs: times, attempts, and values that are compared apart.
fn rounded(row: &GenerationRow) -> GenerationRow {
    let mut row = GenerationRow { latency_ms: None, attempts: 0, ..row.clone() };
    for token in row.tokens.iter_mut().flatten() {
        token.logprob = token.logprob.map(|_| 0.0);
        token.top_logprobs = token.top_logprobs.as_ref().map(|top| vec![0.0; top.len()]);
    }
    for follow_up in &mut row.follow_ups {
        follow_up.true_mass = follow_up.true_mass.map(|_| 0.0);
        follow_up.false_mass = follow_up.false_mass.map(|_| 0.0);
    }
    row
}

fn values(row: &GenerationRow) -> Vec<f64> {
    let logprobs = row.tokens.iter().flatten().filter_map(|token| token.logprob).map(f64::from);
    let likeliest = row.tokens.iter().flatten().flat_map(|token| token.top_logprobs.iter().flatten());
    let masses = row.follow_ups.iter().flat_map(|row| [row.true_mass, row.false_mass]).flatten();
    logprobs.chain(likeliest.map(|logprob| f64::from(*logprob))).chain(masses).collect()
}

fn close(first: &[f64], second: &[f64], tolerance: f64) -> bool {
    first.len() == second.len() && first.iter().zip(second).all(|(a, b)| (a - b).abs() <= tolerance)
}
