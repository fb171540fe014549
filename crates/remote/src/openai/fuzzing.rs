//! Reads bodies as the client does, without a server.

use super::client::parse_document;
use super::refusal::ErrorBody;
use super::reply::Completion;
use crate::fuzzing::api_key;

/// Reads the body of a reply with status 200; gives what would be shown of it.
pub fn read_reply(bytes: &[u8], key: &str) -> String {
    let key = api_key(key);
    let Some(document) = parse_document(bytes, key.as_ref()) else { return String::new() };
    if ErrorBody::has_error(&document) {
        return ErrorBody::read(&document).into_error("host".to_owned(), 200, None).to_string();
    }
    format!("{:?}", Completion::read(&document, key.as_ref(), 16))
}

/// Reads the body of a refusal; gives what would be shown of it.
pub fn read_refusal(bytes: &[u8], status: u16, key: &str) -> String {
    let key = api_key(key);
    let body = match parse_document(bytes, key.as_ref()) {
        Some(document) => ErrorBody::read(&document),
        None => {
            let text = String::from_utf8_lossy(bytes);
            ErrorBody::plain(&key.map_or_else(|| text.clone().into_owned(), |key| key.redact(&text)))
        }
    };
    body.into_error("host".to_owned(), status, None).to_string()
}
