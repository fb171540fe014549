//! The rows of an ask are the same however it is run.

use std::num::NonZeroUsize;
use std::time::Duration;

use plimsoll_backend::conformance::Suite;
use plimsoll_backend::{Observation, Request};
use plimsoll_core::Seed;
use plimsoll_core::records::GenerationRow;
use plimsoll_engine::{LocalBackend, LocalLimits};

use crate::model::{BACKEND, SEED, backend, everything, greedy, requests, rows};

/// Absolute, of log-probs, masses and hidden states of up to 10, in f32: sums are taken in another order.
const TOLERANCE: f64 = 1e-4;

const ASKS: usize = 60;

#[test]
fn the_model_conforms() {
    let suite = Suite {
        requests: requests(7),
        signals: everything(),
        decoding: greedy(),
        seed: Seed::new(SEED),
        tolerance: TOLERANCE,
        cancelled_within: Duration::from_secs(10),
    };
    let rows = suite.check(&*BACKEND).unwrap();
    let first = &rows[0].generations[0];
    assert_eq!(
        first.follow_ups[1].missing_reason.map(plimsoll_core::MissingSignal::name),
        Some("no_such_follow_up")
    );
    assert!(first.follow_ups[2].true_mass.unwrap() > 0.0);
    let reasons: Vec<_> = rows[0]
        .hidden_states
        .iter()
        .map(|row| row.missing_reason.map(plimsoll_core::MissingSignal::name))
        .collect();
    assert_eq!(reasons.iter().filter(|reason| **reason == Some("no_such_layer")).count(), 1, "{reasons:?}");
    let finishes: Vec<_> = rows
        .iter()
        .flat_map(|row| &row.generations)
        .map(|row| row.finish_reason.map(plimsoll_core::Finish::name))
        .collect();
    assert!(finishes.contains(&Some("stop")), "{finishes:?}");
    assert!(finishes.contains(&Some("length")), "{finishes:?}");
}

/// A row without its numbers.
fn bare(row: &GenerationRow) -> GenerationRow {
    let mut row = row.clone();
    for token in row.tokens.iter_mut().flatten() {
        token.logprob = token.logprob.map(|_| 0.0);
    }
    for reply in &mut row.follow_ups {
        (reply.true_mass, reply.false_mass) = (reply.true_mass.map(|_| 0.0), reply.false_mass.map(|_| 0.0));
    }
    row
}

fn numbers(answered: &Observation) -> Vec<f64> {
    let tokens = answered.generations.iter().flat_map(|row| row.tokens.iter().flatten());
    let logprobs = tokens.filter_map(|token| token.logprob).map(f64::from);
    let replies = answered.generations.iter().flat_map(|row| &row.follow_ups);
    let masses = replies.flat_map(|row| [row.true_mass, row.false_mass]).flatten();
    let states = answered.hidden_states.iter().flat_map(|row| row.vector.iter().flatten()).copied();
    logprobs.chain(masses).chain(states.map(f64::from)).collect()
}

fn assert_same(name: &str, first: &[Observation], second: &[Observation]) {
    assert_eq!(first.len(), second.len(), "{name}");
    for (one, other) in first.iter().zip(second) {
        let id = &one.question_id;
        assert_eq!(one.question_id, other.question_id, "{name}");
        let texts = |answered: &Observation| answered.generations.iter().map(bare).collect::<Vec<_>>();
        assert_eq!(texts(one), texts(other), "{name} {id}");
        let (ours, others) = (numbers(one), numbers(other));
        assert_eq!(ours.len(), others.len(), "{name} {id}");
        let off = ours.iter().zip(&others).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off <= TOLERANCE, "{name} {id}: {off}");
    }
}

/// All asks in batches of a size, in the order of the asks.
fn in_batches(backend: &LocalBackend, requests: &[Request], size: usize) -> Vec<Observation> {
    requests.chunks(size).flat_map(|requests| rows(backend, requests, &everything(), greedy())).collect()
}

fn limits(change: impl FnOnce(&mut LocalLimits)) -> LocalLimits {
    let mut limits = LocalLimits::default();
    change(&mut limits);
    limits
}

fn some(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn sixty_questions_in_many_ways() {
    let requests = requests(ASKS);
    let whole = in_batches(&BACKEND, &requests, ASKS);
    let again = in_batches(&BACKEND, &requests, ASKS);
    assert_eq!(whole, again, "the same batch gives the same bits");
    let fresh = backend(LocalLimits::default());
    assert_eq!(whole, in_batches(&fresh, &requests, ASKS), "a prefix computed anew gives the same bits");
    for size in [1, 7] {
        assert_same(&format!("batches of {size}"), &whole, &in_batches(&BACKEND, &requests, size));
    }
    let backwards: Vec<Request> = requests.iter().rev().cloned().collect();
    let mut reversed = in_batches(&BACKEND, &backwards, ASKS);
    reversed.reverse();
    assert_same("reversed", &whole, &reversed);
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| in_batches(&BACKEND, &requests, ASKS));
        assert_same(&format!("{threads} threads"), &whole, &found);
    }
    for (name, limits) in [
        ("nothing shared", limits(|limits| limits.shares_prefixes = false)),
        ("hardly any memory", limits(|limits| limits.cache_bytes = 1)),
        ("little memory", limits(|limits| limits.cache_bytes = 1 << 20)),
        ("one sequence", limits(|limits| limits.sequences = some(1))),
        ("short steps", limits(|limits| limits.step_tokens = some(5))),
        ("long steps", limits(|limits| (limits.step_tokens, limits.sequences) = (some(5000), some(500)))),
    ] {
        // Sequences one by one take their time.
        let is_slow = limits.sequences == some(1) || limits.cache_bytes == 1 || limits.step_tokens == some(5);
        let count = if is_slow { ASKS / 4 } else { ASKS };
        assert_same(name, &whole[..count], &in_batches(&backend(limits), &requests[..count], count));
    }
}
