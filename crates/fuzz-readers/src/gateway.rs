//! Readers of the gateway: what clients send, what servers stream, and its own files.

use std::collections::BTreeMap;

use plimsoll_core::Decoding;
#[cfg(feature = "tables")]
use plimsoll_gateway::config::{GatewayConfig, RawGateway};
use plimsoll_gateway::reply::ChunkCollector;
use plimsoll_gateway::request::{ChatRequest, SlmFields};
use plimsoll_gateway::sse::{DONE, EventReader};
use plimsoll_gateway::state::GatewayState;
use plimsoll_remote::openai::{RequestFields, TokenLimit};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::temporary::with_file;

/// The body of a chat completion: what is accepted gives both models a body with all of the client's fields but the
/// gateway's own.
pub fn gateway_request(bytes: &[u8]) {
    let Ok(request) = ChatRequest::read(bytes) else { return };
    let decoding = Decoding::new(0.0, 1.0, 256).expect("a decoding");
    let shortened = request.decoding(decoding).max_new_tokens();
    assert!((1..=256).contains(&shortened), "{shortened} tokens");
    let _ = (request.unsupported(decoding), request.free_decoding(256));
    let own = [("top_k".to_owned(), Value::from(0))];
    let own = RequestFields::new(BTreeMap::new(), own.into()).expect("a field of a server");
    let fields = SlmFields {
        model: "small",
        decoding,
        token_limit: TokenLimit::MaxTokens,
        top_logprobs: 5,
        stream: request.is_streamed(),
        fields: &own,
    };
    let asked = object(bytes);
    for (name, body) in [("small", request.slm_body(&fields)), ("large", request.llm_body("large", &own))] {
        let body = object(&body.expect("an accepted request can be sent on"));
        let text = |fields: &BTreeMap<String, Box<RawValue>>, field: &str| {
            fields.get(field).map(|value| value.get().to_owned())
        };
        assert_eq!(text(&body, "model"), Some(format!("\"{name}\"")));
        assert!(!body.contains_key("plimsoll"), "the gateway's field is sent on");
        assert_eq!(text(&body, "messages"), text(&asked, "messages"), "other messages");
        // The calibration's field before the client's, and only at the SLM.
        let client = text(&asked, "top_k").filter(|_| name == "large");
        assert_eq!(text(&body, "top_k"), Some(client.unwrap_or_else(|| "0".to_owned())), "{name}");
    }
}

/// The fields of an object as they are written; of repeated ones the last.
fn object(bytes: &[u8]) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_slice(bytes).expect("an accepted body is an object")
}

/// A streamed reply of a server: the same events whatever the pieces, and a document or a reason.
pub fn gateway_stream(bytes: &[u8]) {
    let whole = EventReader::default().push(bytes);
    let mut reader = EventReader::default();
    let pieces: Result<Vec<_>, _> = bytes.chunks(7).map(|piece| reader.push(piece)).collect();
    assert_eq!(whole, pieces.map(|events| events.concat()), "the events depend on the pieces");
    let mut collector = ChunkCollector::default();
    for event in whole.unwrap_or_default() {
        if event == DONE {
            collector.end();
        } else if let Ok(chunk) = serde_json::from_str(&event) {
            collector.take(&chunk);
        }
    }
    if let Ok(document) = collector.finish() {
        assert!(document.get("choices").is_some_and(Value::is_array), "a reply without an answer");
    }
}

/// A file of settings, without any variable of the environment.
#[cfg(feature = "tables")]
pub fn gateway_settings(bytes: &[u8]) {
    with_file("gateway.yaml", bytes, |path| {
        let Ok(raw) = plimsoll_pipeline::config::read_settings::<RawGateway>(path, "gateway settings") else {
            return;
        };
        let _ = GatewayConfig::resolve(raw, &|_| None);
    });
}

/// A file of what a gateway has learnt: what is accepted is written back as the same state.
pub fn gateway_state(bytes: &[u8]) {
    with_file("state.json", bytes, |path| {
        let Ok(Some(state)) = GatewayState::read(path) else { return };
        state.write(path).expect("a temporary file");
        let again = GatewayState::read(path);
        assert!(again.is_ok_and(|again| again == Some(state)), "not the same state");
    });
}
