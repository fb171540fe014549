//! Budgets and prices.

use plimsoll_core::SignalRequest;
use plimsoll_remote::openai::OpenAi;
use serde_json::{Value, json};

use crate::fixture::{answer, chain, requests, rows, spec};
use plimsoll_test_support::chat_server::{Server, ServerReply, usual};

fn priced(server: &Server, limits: &Value) -> OpenAi {
    // 10 tokens in and 3 out: 1,600 USD a million requests of the usual reply.
    let price = json!({"input_per_mtok": 100.0, "output_per_mtok": 200.0});
    OpenAi::new(spec(&server.base_url, &json!({"price": price, "limits": limits})))
}

#[test]
fn a_budget_is_kept_and_what_was_answered_is_not_lost() {
    let server = Server::start();
    let backend = priced(&server, &json!({"concurrency": 8, "budget_usd": 0.05}));
    let (rows, ended) = answer(&backend, &requests(200), &SignalRequest::answer());
    let error = chain(&ended.unwrap_err());
    assert!(error.contains("the budget of 0.05 USD is spent"), "{error}");
    assert!(backend.spent_usd() <= 0.05 && backend.spent_usd() > 0.03, "{}", backend.spent_usd());
    let in_rows: f64 = rows.iter().filter_map(|row| row.generations[0].cost_usd).sum();
    assert!((in_rows - backend.spent_usd()).abs() < 1e-9, "every reply that was paid for is a row");
    assert_eq!(server.requests().len(), rows.len());
}

#[test]
fn a_budget_of_nothing_asks_nothing() {
    let server = Server::start();
    let (rows, ended) =
        answer(&priced(&server, &json!({"budget_usd": 0.0})), &requests(2), &SignalRequest::answer());
    assert!(rows.is_empty() && ended.is_err() && server.requests().is_empty());
}

#[test]
fn a_budget_needs_a_server_that_counts() {
    let server = Server::scripted(|request, _| {
        let mut body = usual(request);
        body["usage"] = json!(null);
        Some(ServerReply::json(200, &body))
    });
    let (_, ended) =
        answer(&priced(&server, &json!({"budget_usd": 5.0})), &requests(1), &SignalRequest::answer());
    assert!(chain(&ended.unwrap_err()).contains("does not report how many tokens"));
    let row = &rows(&priced(&server, &json!({})), &requests(1), &SignalRequest::answer())[0].generations[0];
    assert_eq!((row.cost_usd, row.prompt_tokens), (None, None));
}

#[test]
fn lost_replies_count_at_their_bound() {
    let server = Server::scripted(|_, before| (before == 0).then(|| ServerReply::new(200, "{\"choi")));
    let backend = priced(&server, &json!({"concurrency": 1}));
    rows(&backend, &requests(1), &SignalRequest::answer());
    // One usual reply, and one of at least 16 tokens.
    assert!(backend.spent_usd() > 0.0016 + 16.0 * 200.0 / 1e6, "{}", backend.spent_usd());
}
