//! What was computed, what would have been, and what was foreseen.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plimsoll_backend::{Backend as _, BackendEvent, BackendObserver, Batch, Cancel, Control, Observation};
use plimsoll_core::signal::Position;
use plimsoll_core::{Decoding, Seed, SignalRequest};
use plimsoll_engine::{LocalBackend, LocalLimits};

use crate::model::{
    SEED, backend, everything, greedy, id, loaded, now, opened, request, requests, rows, weights,
};

fn apart() -> LocalLimits {
    LocalLimits { shares_prefixes: false, ..LocalLimits::default() }
}

#[test]
fn what_is_computed_apart_is_what_the_count_says_it_would_be() {
    let (requests, signals) = (requests(20), everything());
    let shared = backend(LocalLimits::default());
    rows(&shared, &requests, &signals, greedy());
    let single = backend(apart());
    rows(&single, &requests, &signals, greedy());
    let (shared, single) = (shared.computed(), single.computed());
    assert_eq!(shared.unshared, single.unshared);
    // Each state costs a token in either way; those at an answer without tokens are missing.
    let states = single.computed() - single.unshared;
    assert!((2 * 20..=4 * 20).contains(&states), "{states}");
    assert!(shared.computed() * 3 < single.computed(), "{shared:?} {single:?}");
    assert!(shared.decoded > 0 && shared.decoded == single.decoded);
}

#[test]
fn a_kept_prefix_is_read_once() {
    let backend = backend(LocalLimits::default());
    let (requests, signals) = (requests(10), SignalRequest::answer());
    let decoding = Decoding::new(0.0, 1.0, 1).unwrap();
    let mut before = 0;
    let mut run = |requests| {
        rows(&backend, requests, &signals, decoding);
        let now = backend.computed().prefilled;
        now - std::mem::replace(&mut before, now)
    };
    let (first, second) = (run(&requests), run(&requests));
    let saved = first - second;
    assert!(saved >= 96 && saved % 32 == 0, "{first} {second}");
    let foreseen = backend.estimate(&requests, &signals, decoding);
    assert_eq!(foreseen.prefill_tokens, first);
}

#[test]
fn an_estimate_needs_no_weights_and_says_what_comes() {
    let (_folder, opened) = opened(&weights(1, 1.0));
    let encoder = opened.encoder(now()).unwrap();
    let mut requests = requests(10);
    requests.push(request(10, "forbidden"));
    let signals = SignalRequest::answer().with_samples(4, 1.0).unwrap();
    let foreseen = encoder.estimate(&requests, &signals, greedy());
    let backend = backend(LocalLimits::default());
    assert_eq!(foreseen, backend.estimate(&requests, &signals, greedy()));
    rows(&backend, &requests, &signals, greedy());
    let computed = backend.computed();
    assert_eq!((foreseen.requests, foreseen.unanswerable, foreseen.texts), (11, 1, 50));
    assert_eq!(foreseen.prefill_tokens, computed.prefilled);
    assert_eq!(foreseen.unshared_prefill_tokens, computed.unshared - computed.decoded);
    assert_eq!(foreseen.unshared_prefill_tokens, 5 * foreseen.prompt_tokens);
    assert_eq!(foreseen.max_new_tokens, 50 * 24);
    // Follow-ups are counted as if answers were empty.
    let more = encoder.estimate(&requests, &signals.clone().with_follow_up_text("p_true", 8), greedy());
    assert_eq!((more.texts, more.max_new_tokens), (60, 50 * 24 + 10 * 8));
    assert!(more.prefill_tokens > foreseen.prefill_tokens);
    let masses = encoder.estimate(&requests, &signals.with_follow_up_masses("p_true"), greedy());
    assert_eq!((masses.texts, masses.prefill_tokens), (50, more.prefill_tokens));
    assert_eq!(encoder.estimate(&[], &everything(), greedy()), plimsoll_engine::TokenEstimate::default());
}

#[test]
fn the_identity_depends_on_the_model_and_not_on_limits_or_an_unread_date() {
    let made = |seed, scale, limits, day| {
        let (model, hashes) = loaded(seed, scale);
        let moment = plimsoll_engine::chat::Moment::date(2025, 1, day).unwrap();
        LocalBackend::new(id(), model, &hashes, moment).with_limits(limits).identity()
    };
    let first = made(1, 1.0, LocalLimits::default(), 1);
    assert_eq!(first.len(), 64);
    // The template shows no date.
    assert_eq!(first, made(1, 1.0, apart(), 2));
    assert_ne!(first, made(2, 1.0, LocalLimits::default(), 1));
}

#[test]
fn states_alone_need_the_answer_of_one_token() {
    let backend = backend(LocalLimits::default());
    let signals = SignalRequest::answer().with_hidden_state(-1, Position::LastPromptToken);
    let decoding = Decoding::new(0.0, 1.0, 1).unwrap();
    let found = rows(&backend, &requests(3), &signals, decoding);
    assert!(found.iter().all(|row| row.hidden_states[0].vector.is_some()));
    assert_eq!(backend.computed().decoded, 0);
}

/// Looks at the memory of caches after each step.
#[derive(Debug)]
struct CacheWatch {
    backend: Arc<LocalBackend>,
    highest: AtomicUsize,
}

impl BackendObserver for CacheWatch {
    fn event(&self, _: &BackendEvent<'_>) {
        let bytes = self.backend.language_model().decoder().cached_bytes().unwrap();
        self.highest.fetch_max(bytes, Ordering::Relaxed);
    }
}

#[test]
fn caches_stay_within_the_budget_and_use_it() {
    const BUDGET: usize = 2 << 20;
    let limits = LocalLimits { cache_bytes: BUDGET, ..LocalLimits::default() };
    let backend = Arc::new(backend(limits));
    let watch = Arc::new(CacheWatch { backend: Arc::clone(&backend), highest: AtomicUsize::new(0) });
    let (requests, signals) = (requests(40), everything());
    let progress: Arc<dyn BackendObserver> = watch.clone();
    let control = Control { cancel: &Cancel::new(), progress: &progress };
    let batch = Batch::new(&requests, &signals, greedy(), Seed::new(SEED)).unwrap();
    let mut rows: Vec<Observation> = Vec::new();
    backend.answer(&batch, &mut rows, &control).unwrap();
    assert_eq!(rows.len(), requests.len());
    let highest = watch.highest.load(Ordering::Relaxed);
    assert!(highest <= BUDGET && highest > BUDGET / 4, "{highest} of {BUDGET}");
    drop(watch);
    // What is left is the prefix that is kept for the next batch.
    let left = backend.language_model().decoder().cached_bytes().unwrap();
    assert!(left < BUDGET / 8, "{left}");
}
