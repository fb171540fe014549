//! Whether two texts give the same answer.

use plimsoll_core::question::{AnswerKind, Question};

use crate::coqa;
use crate::extract::Extraction;
use crate::number::parse_number;

/// Whether two extractions of one question's replies hold the same answer: where they do, [`grade`](crate::grade())
/// gives both the same grade, whatever the gold answers are.
///
/// Choices and yes or no are compared as they are, numbers by exact value, short texts without case, punctuation and
/// articles ([`coqa::exact`]). A text without an answer equals none, not even another such text: what it would count as
/// is not known.
///
/// ```
/// use plimsoll_core::Reply;
/// use plimsoll_label::{extract, same_answer};
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/apples.json");
/// # let question = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
/// // `question` asks "How many apples are left?".
/// let answer = |text| extract(&question, &Reply::complete(text));
/// assert!(same_answer(&question, &answer("The answer is 24/2."), &answer("12 apples")));
/// assert!(!same_answer(&question, &answer("12"), &answer("13")));
/// assert!(!same_answer(&question, &answer("I cannot say."), &answer("I cannot say.")));
/// ```
pub fn same_answer(question: &Question, left: &Extraction, right: &Extraction) -> bool {
    let (Some(left), Some(right)) = (left.answer(), right.answer()) else { return false };
    match question.answer_kind {
        AnswerKind::Choice | AnswerKind::Boolean => left.trim().eq_ignore_ascii_case(right.trim()),
        AnswerKind::Number => parse_number(left).zip(parse_number(right)).is_some_and(|(a, b)| a == b),
        AnswerKind::Span => coqa::exact(left, right),
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::Reply;
    use serde_json::json;

    use super::*;
    use crate::testing::{question, span_question};

    fn same(question: &Question, left: &str, right: &str) -> bool {
        let answer = |text| crate::extract(question, &Reply::complete(text));
        same_answer(question, &answer(left), &answer(right))
    }

    #[test]
    fn each_kind_by_its_own_rule() {
        let choices = json!([{"label": "A", "text": "Paris"}, {"label": "B", "text": "Rome"}]);
        let fields =
            json!({"answer_kind": "choice", "question": "Where?", "choices": choices, "gold": ["A"]});
        let choice = question(&fields);
        assert!(same(&choice, "B", "The answer is (B) Rome."));
        assert!(same(&choice, "Rome", "b"));
        assert!(!same(&choice, "A", "B"));
        assert!(!same(&choice, "D", "D"), "outside of the choices there is no answer");
        let boolean = question(&json!({"answer_kind": "boolean", "question": "Is it?", "gold": ["yes"]}));
        assert!(same(&boolean, "Yes.", "yes, it is"));
        assert!(!same(&boolean, "Yes.", "No."));
        let span = span_question("Who?", &["x"]);
        assert!(same(&span, "The White House", "white house."));
        assert!(!same(&span, "White House", "Black House"));
        assert!(!same(&span, "", ""));
    }
}
