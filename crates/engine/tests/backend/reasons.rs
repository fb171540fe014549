//! What spoils one ask, and what stops a batch.

use std::error::Error as _;
use std::sync::Arc;

use plimsoll_backend::{
    Backend as _, BackendError, BackendEvent, BackendObserver, Batch, Cancel, Cause, Control, Observation,
    Sink, SinkError,
};
use plimsoll_core::prompt::{Message, Role};
use plimsoll_core::{Decoding, MissingSignal, Seed, SignalRequest};
use plimsoll_engine::{LocalBackend, LocalLimits};

use crate::model::{
    BACKEND, CONTEXT, SEED, answer, backend, everything, greedy, id, loaded, now, request, requests, rows,
};

/// All that stands in the rows of an ask for which nothing was computed.
fn reasons(answered: &Observation) -> Vec<&str> {
    let generations = answered.generations.iter().map(|row| {
        assert_eq!((&row.text, row.attempts, row.prompt_tokens), (&None, 0, None));
        row.failure.map(MissingSignal::name)
    });
    let answer = &answered.generations[0];
    let replies = answer.follow_ups.iter().map(|row| row.missing_reason.map(MissingSignal::name));
    let states = answered.hidden_states.iter().map(|row| row.missing_reason.map(MissingSignal::name));
    let all =
        generations.chain([answer.logprobs_missing.map(MissingSignal::name)]).chain(replies).chain(states);
    all.map(Option::unwrap).collect()
}

#[test]
fn one_ask_that_cannot_be_answered_spoils_no_other() {
    let mut requests = requests(8);
    let good = rows(&BACKEND, &requests, &everything(), greedy());
    let question = |text: &str, row| request(row, text);
    requests[2] = question("what is forbidden", 2);
    requests[5] = question(&"long ".repeat(CONTEXT), 5);
    let mixed = rows(&BACKEND, &requests, &everything(), greedy());
    for (index, (found, expected)) in mixed.iter().zip(&good).enumerate() {
        let reason = match index {
            2 => MissingSignal::TemplateRefused,
            5 => MissingSignal::ContextTooLong,
            _ => {
                let texts = |answered: &Observation| -> Vec<Option<String>> {
                    answered.generations.iter().map(|row| row.text.clone()).collect()
                };
                assert_eq!(texts(found), texts(expected));
                continue;
            }
        };
        assert!(reasons(found).iter().all(|name| *name == reason.name()), "{found:?}");
        assert_eq!(reasons(found).len(), 6 + 1 + 4 + 5);
    }
}

#[test]
fn a_context_that_is_nearly_full() {
    let backend = &BACKEND;
    let fits = |text: &str| {
        let messages = request(0, text).prompt.messages;
        backend.language_model().encode_chat(&messages, now()).unwrap().len()
    };
    let spare = CONTEXT - fits("");
    for (missing, expected) in [(0, None), (1, Some(1)), (2, Some(2))] {
        let requests = [request(0, &"x".repeat(spare - missing))];
        let decoding = Decoding::new(1.0, 1.0, 1000).unwrap();
        let row = &rows(backend, &requests, &everything(), decoding)[0];
        let answer = &row.generations[0];
        let Some(max) = expected else {
            assert!(reasons(row).iter().all(|name| *name == "context_too_long"));
            continue;
        };
        // With `missing` places free so many tokens are read after the prompt, and one more is chosen.
        let count = answer.completion_tokens.unwrap();
        assert!(count <= max + 1, "{count}");
        if answer.finish_reason.map(plimsoll_core::Finish::name) == Some("length") {
            assert_eq!(count, max + 1);
        }
        // A second turn is longer than the first.
        assert_eq!(answer.follow_ups[2].missing_reason.map(MissingSignal::name), Some("context_too_long"));
        // The one that stands alone is short.
        assert_eq!(answer.follow_ups[0].missing_reason, None);
        for row in &row.hidden_states {
            let reason = row.missing_reason.map(MissingSignal::name);
            let is_unread = row.position.name() == "last_answer_token" && count == max + 1;
            let expected =
                if row.layer == -8 { Some("no_such_layer") } else { is_unread.then_some("context_too_long") };
            assert_eq!(reason, expected, "{row:?}");
        }
    }
}

#[test]
fn spellings_that_no_token_tells_are_a_reason() {
    let mut requests = requests(2);
    requests[0].prompt.false_strings = vec!["Truce".to_owned()];
    requests[0].prompt.true_strings = vec!["Truth".to_owned()];
    let row = &rows(&BACKEND, &requests, &everything(), greedy())[0].generations[0].follow_ups[2];
    assert_eq!((row.id.as_str(), row.true_mass, row.censored), ("p_true", None, None));
    assert_eq!(row.missing_reason.map(MissingSignal::name), Some("no_spelling_token"));
    assert!(row.text.is_some(), "the reply is there all the same");
}

#[test]
fn a_template_that_refuses_the_second_turn_spoils_only_that() {
    let mut requests = requests(2);
    requests[1].prompt.follow_ups[1].template = "forbidden".to_owned();
    let rows = rows(&BACKEND, &requests, &everything(), greedy());
    let reason = |row: &Observation| row.generations[0].follow_ups[3].missing_reason.map(MissingSignal::name);
    assert_eq!((reason(&rows[0]), reason(&rows[1])), (None, Some("template_refused")));
}

#[test]
fn an_empty_conversation_and_an_empty_batch() {
    let mut requests = requests(2);
    requests[0].prompt.messages = Vec::<Message>::new();
    requests[1].prompt.messages = vec![Message { role: Role::User, text: String::new() }];
    let found = rows(&BACKEND, &requests, &everything(), greedy());
    assert_eq!(reasons(&found[0])[0], "template_refused");
    assert!(found[1].generations[0].text.is_some());
    assert!(rows(&BACKEND, &[], &everything(), greedy()).is_empty());
}

#[test]
fn numbers_that_overflow_stop_the_run_and_name_the_model() {
    // Every weight is finite; the logits are not.
    let (model, hashes) = loaded(1, 1e38);
    let backend = LocalBackend::new(id(), model, &hashes, now());
    let (rows, ended) = answer(&backend, &requests(4), &everything(), greedy());
    assert!(rows.is_empty());
    let error = ended.unwrap_err();
    assert_eq!(error.to_string(), "model `tiny` cannot go on answering");
    assert!(matches!(error, BackendError::Failed { cause: Cause::Model, .. }));
    let mut cause = error.source();
    let mut text = String::new();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(text.contains("the model's logit of token"), "{text}");
}

/// Cancels once so many steps were made.
#[derive(Debug)]
struct Cancelling {
    cancel: Cancel,
    steps: std::sync::Mutex<u32>,
}

impl BackendObserver for Cancelling {
    fn event(&self, event: &BackendEvent<'_>) {
        if let BackendEvent::Computed { .. } = event {
            let mut steps = self.steps.lock().unwrap();
            *steps += 1;
            if *steps >= 5 {
                self.cancel.cancel();
            }
        }
    }
}

#[test]
fn a_batch_is_cancelled_between_two_steps() {
    // As short as steps can be, so that the prefix alone takes more than five.
    for step_tokens in [8, 512] {
        let limits = LocalLimits { step_tokens: step_tokens.try_into().unwrap(), ..LocalLimits::default() };
        let backend = backend(limits);
        let cancel = Cancel::new();
        let heard = Arc::new(Cancelling { cancel: cancel.clone(), steps: std::sync::Mutex::new(0) });
        let progress: Arc<dyn BackendObserver> = heard.clone();
        let (requests, signals) = (requests(30), everything());
        let batch = Batch::new(&requests, &signals, greedy(), Seed::new(SEED)).unwrap();
        let mut rows = Vec::new();
        let ended = backend.answer(&batch, &mut rows, &Control { cancel: &cancel, progress: &progress });
        assert!(matches!(ended, Err(BackendError::Cancelled)));
        assert!(rows.len() < 5);
        assert!(*heard.steps.lock().unwrap() == 5, "no step after it");
        // What was left behind harms nobody.
        let (again, ended) = answer(&backend, &requests, &SignalRequest::answer(), greedy());
        assert!(ended.is_ok() && again.len() == 30);
    }
}

struct Full(usize);

impl Sink for Full {
    fn take(&mut self, _: Observation) -> Result<(), SinkError> {
        self.0 += 1;
        Err("the disk is full".into())
    }
}

#[test]
fn a_sink_that_fails_on_what_needs_no_computing_ends_the_batch_too() {
    let requests = [request(0, "what is forbidden"), request(1, "fine")];
    let signals = everything();
    let batch = Batch::new(&requests, &signals, greedy(), Seed::new(SEED)).unwrap();
    let (mut sink, progress): (_, Arc<dyn BackendObserver>) = (Full(0), Arc::new(()));
    let ended = BACKEND.answer(&batch, &mut sink, &Control { cancel: &Cancel::new(), progress: &progress });
    assert!(matches!(ended, Err(BackendError::Sink { .. })) && sink.0 == 1);
}
