//! The texts of prompts. Whoever changes a word here changes [`VERSION`].

use plimsoll_core::AnswerKind;

use super::spec::{InstructionOrder, PromptSpec, PromptStyle};

/// Version of the texts.
pub const VERSION: &str = "1";

/// What to do, and how to answer.
pub(super) fn instruction(spec: &PromptSpec, kind: AnswerKind) -> String {
    let opening = match spec.instruction {
        InstructionOrder::First => before(kind, spec.verbalized),
        InstructionOrder::Last => after(kind, spec.verbalized),
    };
    format!("{opening} {}", form(kind, spec))
}

/// What to do, said before the question.
fn before(kind: AnswerKind, verbalized: bool) -> &'static str {
    use AnswerKind::{Boolean, Choice, Number, Span};
    match (kind, verbalized) {
        (Choice, false) => "Answer the multiple-choice question.",
        (Choice, true) => "Answer the multiple-choice question and say how sure you are.",
        (Number, false) => "Solve the problem.",
        (Number, true) => "Solve the problem and say how sure you are.",
        (Boolean, false) => "Read the passage and answer the question.",
        (Boolean, true) => "Read the passage, answer the question and say how sure you are.",
        (Span, false) => "Read the text and answer the question that follows it.",
        (Span, true) => "Read the text, answer the question that follows it and say how sure you are.",
    }
}

/// What to do, said after the question: asked, which small models follow better there than an order.
fn after(kind: AnswerKind, verbalized: bool) -> &'static str {
    use AnswerKind::{Boolean, Choice, Number, Span};
    match (kind, verbalized) {
        (Choice, false) => "Which option is right?",
        (Choice, true) => "Which option is right, and how sure are you?",
        (Number, false) => "What is the answer?",
        (Number, true) => "What is the answer, and how sure are you?",
        (Boolean, false) => "What does the passage say?",
        (Boolean, true) => "What does the passage say, and how sure are you?",
        (Span, false) => "What does the text say?",
        (Span, true) => "What does the text say, and how sure are you?",
    }
}

/// How to answer.
fn form(kind: AnswerKind, spec: &PromptSpec) -> String {
    use PromptStyle::{ChainOfThought, Direct};
    match (spec.style, spec.verbalized) {
        (Direct, false) => answer_alone(kind, spec.instruction).to_owned(),
        (ChainOfThought, false) => format!("Think step by step, then end with {}", last_line(kind)),
        (Direct, true) => format!("Reply with two lines only:\n{}", two_lines(kind)),
        (ChainOfThought, true) => {
            format!("Think step by step, then end with two lines:\n{}", two_lines(kind))
        }
    }
}

fn answer_alone(kind: AnswerKind, order: InstructionOrder) -> &'static str {
    match kind {
        // With the words of the other order Qwen2.5-Coder-0.5B answers B to half of CommonsenseQA; with these its answers spread.
        AnswerKind::Choice if order == InstructionOrder::Last => "Reply with its letter only.",
        AnswerKind::Choice => "Reply with the letter of the right option only.",
        AnswerKind::Number => {
            "Reply with the final number only, in digits, without units and without explanation."
        }
        AnswerKind::Boolean => "Reply with yes or no only.",
        AnswerKind::Span => {
            "Reply with the shortest answer that is complete, a few words at most. If the text does not say, reply unknown."
        }
    }
}

fn last_line(kind: AnswerKind) -> &'static str {
    match kind {
        AnswerKind::Choice => "a line \"The answer is X.\" where X is the letter of the right option.",
        AnswerKind::Number => {
            "a line \"The answer is N.\" where N is the final number, in digits and without units."
        }
        AnswerKind::Boolean => "a line \"The answer is yes.\" or \"The answer is no.\"",
        AnswerKind::Span => {
            "a line \"The answer is ...\" with the shortest answer that is complete, a few words at most, or unknown if the \
             text does not say."
        }
    }
}

fn two_lines(kind: AnswerKind) -> String {
    let answer = match kind {
        AnswerKind::Choice => "the letter of the right option",
        AnswerKind::Number => "the final number, in digits and without units",
        AnswerKind::Boolean => "yes or no",
        AnswerKind::Span => {
            "the shortest answer that is complete, a few words at most, or unknown if the text does not say"
        }
    };
    format!("Answer: {answer}\nConfidence: the probability that your answer is right, a number from 0 to 1")
}

/// What the answer begins with, after the question: small models forget what stood before a long text.
pub(super) fn cue(kind: AnswerKind, style: PromptStyle, verbalized: bool) -> Option<&'static str> {
    if verbalized {
        return None;
    }
    Some(match (style, kind) {
        (PromptStyle::ChainOfThought, _) => "Let's think step by step.",
        (PromptStyle::Direct, AnswerKind::Choice) => "Answer (letter only):",
        (PromptStyle::Direct, AnswerKind::Number) => "Answer (number only):",
        (PromptStyle::Direct, AnswerKind::Boolean) => "Answer (yes or no):",
        (PromptStyle::Direct, AnswerKind::Span) => "Answer (a few words):",
    })
}

/// Whether the answer is right. Reasoning is not repeated: it stands just before.
pub(super) fn p_true(style: PromptStyle) -> &'static str {
    match style {
        PromptStyle::Direct => {
            "Proposed answer: {answer}\nIs the proposed answer to the question correct? Reply with True or False only."
        }
        PromptStyle::ChainOfThought => {
            "Is your final answer to the question correct? Reply with True or False only."
        }
    }
}

/// How likely the answer is right.
pub(super) fn confidence(style: PromptStyle) -> &'static str {
    match style {
        PromptStyle::Direct => {
            "Your answer: {answer}\nHow likely is it that your answer is right? Reply with a number from 0 to 1 only."
        }
        PromptStyle::ChainOfThought => {
            "How likely is it that your final answer is right? Reply with a number from 0 to 1 only."
        }
    }
}
