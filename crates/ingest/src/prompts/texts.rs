//! The texts of prompts. Whoever changes a word here changes [`VERSION`].

use plimsoll_core::AnswerKind;

use super::spec::PromptStyle;

/// Version of the texts.
pub const VERSION: &str = "1";

/// What to do, before the question.
pub(super) fn instruction(kind: AnswerKind, style: PromptStyle, verbalized: bool) -> &'static str {
    use AnswerKind::{Boolean, Choice, Number, Span};
    use PromptStyle::{ChainOfThought, Direct};
    match (kind, style, verbalized) {
        (Choice, Direct, false) => {
            "Answer the multiple-choice question. Reply with the letter of the right option only."
        }
        (Choice, ChainOfThought, false) => {
            "Answer the multiple-choice question. Think step by step, then end with a line \"The answer is X.\" where X \
             is the letter of the right option."
        }
        (Choice, Direct, true) => {
            "Answer the multiple-choice question and say how sure you are. Reply with two lines only:\n\
             Answer: the letter of the right option\n\
             Confidence: the probability that your answer is right, a number from 0 to 1"
        }
        (Choice, ChainOfThought, true) => {
            "Answer the multiple-choice question and say how sure you are. Think step by step, then end with two lines:\n\
             Answer: the letter of the right option\n\
             Confidence: the probability that your answer is right, a number from 0 to 1"
        }
        (Number, Direct, false) => {
            "Solve the problem. Reply with the final number only, in digits, without units and without explanation."
        }
        (Number, ChainOfThought, false) => {
            "Solve the problem. Think step by step, then end with a line \"The answer is N.\" where N is the final \
             number, in digits and without units."
        }
        (Number, Direct, true) => {
            "Solve the problem and say how sure you are. Reply with two lines only:\n\
             Answer: the final number, in digits and without units\n\
             Confidence: the probability that your answer is right, a number from 0 to 1"
        }
        (Number, ChainOfThought, true) => {
            "Solve the problem and say how sure you are. Think step by step, then end with two lines:\n\
             Answer: the final number, in digits and without units\n\
             Confidence: the probability that your answer is right, a number from 0 to 1"
        }
        (Boolean, Direct, false) => "Read the passage and answer the question. Reply with yes or no only.",
        (Boolean, ChainOfThought, false) => {
            "Read the passage and answer the question. Think step by step, then end with a line \"The answer is yes.\" \
             or \"The answer is no.\""
        }
        (Boolean, Direct, true) => {
            "Read the passage, answer the question and say how sure you are. Reply with two lines only:\n\
             Answer: yes or no\n\
             Confidence: the probability that your answer is right, a number from 0 to 1"
        }
        (Boolean, ChainOfThought, true) => {
            "Read the passage, answer the question and say how sure you are. Think step by step, then end with two \
             lines:\n\
             Answer: yes or no\n\
             Confidence: the probability that your answer is right, a number from 0 to 1"
        }
        (Span, Direct, false) => {
            "Read the text and answer the question that follows it. Reply with the shortest answer that is complete, a \
             few words at most. If the text does not say, reply unknown."
        }
        (Span, ChainOfThought, false) => {
            "Read the text and answer the question that follows it. Think step by step, then end with a line \"The \
             answer is ...\" with the shortest answer that is complete, a few words at most, or unknown if the text does \
             not say."
        }
        (Span, Direct, true) => {
            "Read the text, answer the question that follows it and say how sure you are. Reply with two lines only:\n\
             Answer: the shortest answer that is complete, a few words at most, or unknown if the text does not say\n\
             Confidence: the probability that your answer is right, a number from 0 to 1"
        }
        (Span, ChainOfThought, true) => {
            "Read the text, answer the question that follows it and say how sure you are. Think step by step, then end \
             with two lines:\n\
             Answer: the shortest answer that is complete, a few words at most, or unknown if the text does not say\n\
             Confidence: the probability that your answer is right, a number from 0 to 1"
        }
    }
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
