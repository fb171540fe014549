//! Readers of documents and answers.

use std::sync::LazyLock;

use plimsoll_core::{AnswerKind, Question, Reply};
use plimsoll_label::extract;
use plimsoll_router::Thresholds;

/// A thresholds file: what is accepted is written back as the same document.
pub fn thresholds(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(thresholds) = Thresholds::from_json(text) else { return };
    let Ok(written) = thresholds.to_json() else { panic!("an accepted file cannot be written") };
    let again = Thresholds::from_json(&written);
    assert!(again.is_ok_and(|again| again == thresholds), "not the same document");
}

/// A question of each kind of answer.
static QUESTIONS: LazyLock<Vec<Question>> = LazyLock::new(|| {
    let question = |kind: AnswerKind, choices: &str, gold: &str| {
        let name = kind.name();
        let json = format!(
            r#"{{"question_id": "d/test/{name}", "dataset": "d", "domain": "x", "split": "test", "answer_kind": "{name}",
                "question": "How many apples are left?", "choices": [{choices}], "gold": ["{gold}"],
                "source_file": "x", "source_row": 0, "content_hash": ""}}"#
        );
        serde_json::from_str(&json).expect("a question")
    };
    let choices = r#"{"label": "A", "text": "three apples"}, {"label": "B", "text": "none"}"#;
    vec![
        question(AnswerKind::Choice, choices, "A"),
        question(AnswerKind::Number, "", "3"),
        question(AnswerKind::Boolean, "", "yes"),
        question(AnswerKind::Span, "", "three apples"),
    ]
});

/// The answer in a model's reply: a found answer is a piece of the text. The first byte chooses the kind of question.
pub fn answer_extraction(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let Ok(text) = str::from_utf8(body) else { return };
    let question = &QUESTIONS[usize::from(*first) % QUESTIONS.len()];
    for reply in [Reply::complete(text), Reply::cut(text)] {
        let extraction = extract(question, &reply);
        if let Some(found) = extraction.found() {
            assert!(text.get(found.span.clone()).is_some(), "a span outside the text: {:?}", found.span);
        }
    }
}
