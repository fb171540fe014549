//! Questions to prompts.
//!
//! A prompt is one user message that says what to do, then what is asked, then how to answer, so that
//! the prompts of a dataset share a long beginning and the cue stands last; or, with [`InstructionOrder::Last`],
//! what is asked and then what to do, without a cue. There is no system message:
//! some chat templates have none. Exemplars are turns before it, answered in the very form that is asked
//! for. The texts carry a [`VERSION`]; a change of wording is a new one.
//!
//! * Direct prompts ask for the answer alone, so that its tokens are the answer's.
//! * Chain-of-thought prompts ask for a last line `The answer is ...`. Exemplars show that line alone,
//!   since benchmarks have no worked answers that hold for all of them.
//! * The one-step verbalization asks for the answer and a confidence in two lines. It shows no exemplars:
//!   these would have to show a confidence, and models repeat it.

mod spec;
mod texts;

use plimsoll_core::Question;
use plimsoll_core::prompt::{FollowUp, Message, Prompt, Role};

pub use spec::{InstructionOrder, PromptSpec, PromptStyle};
pub use texts::VERSION;

/// The follow-up that asks whether the answer is right.
pub const P_TRUE: &str = "p_true";
/// The follow-up that asks for a confidence.
pub const VERBALIZATION_2S: &str = "verbalization_2s";

/// The prompt of a question. `exemplars` are shown before it, with their answers; a verbalized prompt
/// shows none.
pub fn prompt(question: &Question, exemplars: &[&Question], spec: &PromptSpec) -> Prompt {
    let message = |role, text| Message { role, text };
    let mut messages = Vec::new();
    for exemplar in exemplars.iter().filter(|_| !spec.verbalized) {
        messages.push(message(Role::User, ask(exemplar, spec)));
        messages.push(message(Role::Assistant, reply(exemplar, spec.style)));
    }
    messages.push(message(Role::User, ask(question, spec)));
    Prompt {
        version: VERSION.to_owned(),
        messages,
        follow_ups: follow_ups(spec),
        true_strings: spellings("True"),
        false_strings: spellings("False"),
    }
}

/// Lower-case hexadecimal SHA-256 of a prompt's canonical JSON (RFC 8785).
pub fn prompt_hash(prompt: &Prompt) -> String {
    prompt.hash()
}

/// What a user says: the task, the question, the form of the answer.
fn ask(question: &Question, spec: &PromptSpec) -> String {
    let kind = question.answer_kind;
    let instruction = texts::instruction(spec, kind);
    let instruction = match &spec.task {
        Some(task) => format!("{task} {instruction}"),
        None => instruction,
    };
    let parts = match spec.instruction {
        InstructionOrder::First => {
            let cue = texts::cue(kind, spec.style, spec.verbalized).map(str::to_owned);
            [Some(instruction), Some(asked(question)), cue]
        }
        InstructionOrder::Last => [Some(asked(question)), Some(instruction), None],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
}

/// What is asked: the context, the question, its options.
fn asked(question: &Question) -> String {
    let mut text = String::new();
    if let Some(context) = &question.context {
        text.push_str(context);
        text.push_str("\n\n");
    }
    text.push_str("Question: ");
    text.push_str(&question.question);
    if !question.choices.is_empty() {
        text.push('\n');
    }
    for choice in &question.choices {
        text.push('\n');
        text.push_str(&choice.label);
        text.push_str(". ");
        text.push_str(&choice.text);
    }
    text
}

/// How an exemplar is answered.
fn reply(exemplar: &Question, style: PromptStyle) -> String {
    let gold = exemplar.gold.first().map_or("", String::as_str);
    match style {
        PromptStyle::Direct => gold.to_owned(),
        PromptStyle::ChainOfThought => format!("The answer is {gold}."),
    }
}

/// What is asked about the answer to the main prompt. The answer to a verbalized one comes with its
/// confidence, and nothing else speaks of it.
fn follow_ups(spec: &PromptSpec) -> Vec<FollowUp> {
    if spec.verbalized {
        return Vec::new();
    }
    let ask =
        |id: &str, template: &str| FollowUp { id: id.into(), template: template.into(), continues: true };
    vec![ask(P_TRUE, texts::p_true(spec.style)), ask(VERBALIZATION_2S, texts::confidence(spec.style))]
}

/// A word as it may come first: three cases, with and without a space before it.
fn spellings(word: &str) -> Vec<String> {
    let cases = [word.to_owned(), word.to_lowercase(), word.to_uppercase()];
    cases.iter().flat_map(|word| [word.clone(), format!(" {word}")]).collect()
}

#[cfg(test)]
mod tests;
