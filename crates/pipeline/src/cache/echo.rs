//! A model and requests for tests of the cache.

use plimsoll_backend::conformance::Scripted;
use plimsoll_backend::request::Request;
use plimsoll_core::{Prompt, QuestionId};

/// Answers with the id of the question, and what comes `after`.
pub(crate) fn echo(after: &str) -> Scripted {
    let after = after.to_owned();
    Scripted::new("m", move |request, _, _| Ok(format!("{}{after}", request.question_id)))
}

/// Five requests.
pub(crate) fn requests() -> Vec<Request> {
    let prompt = Prompt {
        version: "1".into(),
        messages: Vec::new(),
        follow_ups: Vec::new(),
        true_strings: Vec::new(),
        false_strings: Vec::new(),
    };
    let request = |number: u64| Request {
        question_id: QuestionId::new(format!("d/test/{number}")).unwrap(),
        source_row: Some(number),
        prompt: prompt.clone(),
    };
    (0..5).map(request).collect()
}
