//! Tests of the prompts.

use std::collections::BTreeSet;

use plimsoll_core::canonical::canonical_sha256;
use plimsoll_core::prompt::ANSWER_SLOT;
use plimsoll_core::{AnswerKind, Choice, DatasetId, DomainId, QuestionId};

use super::*;
use crate::datasets::DATASETS;
use crate::normal::sha256;

fn question(kind: AnswerKind) -> Question {
    let choice = |label: &str, text: &str| Choice { label: label.into(), text: text.into() };
    let is_choice = kind == AnswerKind::Choice;
    Question {
        question_id: QuestionId::new("made/test/0").unwrap(),
        dataset: DatasetId::new("made").unwrap(),
        domain: DomainId::new("math").unwrap(),
        split: "test".into(),
        answer_kind: kind,
        context: Some("A story with \"quotes\" and {answer} in it.".into()),
        question: "What is it?".into(),
        choices: if is_choice { vec![choice("A", "a cat"), choice("B", "a dog")] } else { Vec::new() },
        gold: vec![if is_choice { "B" } else { "7" }.into()],
        subject: None,
        cluster_id: None,
        source_file: "x".into(),
        source_row: 0,
        content_hash: String::new(),
    }
}

fn spec(style: PromptStyle) -> PromptSpec {
    PromptSpec {
        style,
        instruction: InstructionOrder::First,
        verbalized: false,
        task: Some("Do this.".into()),
    }
}

#[test]
fn a_direct_prompt_reads_so() {
    let asked = question(AnswerKind::Choice);
    let prompt = prompt(&asked, &[], &spec(PromptStyle::Direct));
    assert_eq!(
        prompt.messages[0].text,
        "Do this. Answer the multiple-choice question. Reply with the letter of the right option only.\n\n\
         A story with \"quotes\" and {answer} in it.\n\nQuestion: What is it?\n\nA. a cat\nB. a dog\n\n\
         Answer (letter only):"
    );
    assert_eq!(prompt.follow_ups[0].text(" B\n").lines().next(), Some("Proposed answer: B"));
    assert_eq!(prompt.true_strings, ["True", " True", "true", " true", "TRUE", " TRUE"]);
}

#[test]
fn the_instruction_may_stand_last() {
    let asked = question(AnswerKind::Choice);
    let last = PromptSpec { instruction: InstructionOrder::Last, ..spec(PromptStyle::Direct) };
    assert_eq!(
        prompt(&asked, &[], &last).messages[0].text,
        "A story with \"quotes\" and {answer} in it.\n\nQuestion: What is it?\n\nA. a cat\nB. a dog\n\n\
         Do this. Which option is right? Reply with its letter only."
    );
    let mut seen = BTreeSet::new();
    for kind in AnswerKind::ALL {
        for style in [PromptStyle::Direct, PromptStyle::ChainOfThought] {
            for first in [spec(style), spec(style).verbalized()] {
                let last = PromptSpec { instruction: InstructionOrder::Last, ..first.clone() };
                let (first, last) =
                    (prompt(&question(kind), &[], &first), prompt(&question(kind), &[], &last));
                assert!(last.messages[0].text.starts_with("A story"), "{kind:?}");
                assert_eq!(first.follow_ups, last.follow_ups);
                assert!(seen.insert(prompt_hash(&last)) && !last.messages[0].text.contains("  "));
                assert_eq!(
                    last.messages[0].text.contains("Confidence:"),
                    first.messages[0].text.contains("Confidence:")
                );
            }
        }
    }
}

#[test]
fn every_kind_and_style_asks_in_its_own_way() {
    let mut seen = BTreeSet::new();
    for kind in AnswerKind::ALL {
        for style in [PromptStyle::Direct, PromptStyle::ChainOfThought] {
            for spec in [spec(style), spec(style).verbalized()] {
                let prompt = prompt(&question(kind), &[], &spec);
                assert!(seen.insert(prompt_hash(&prompt)), "{kind:?} {spec:?}");
                assert_eq!(prompt.messages.last().unwrap().role, Role::User);
                assert_eq!(prompt.messages[0].text.contains("Confidence:"), spec.verbalized);
                assert!(!prompt.messages[0].text.contains("  "), "{}", prompt.messages[0].text);
                for follow_up in &prompt.follow_ups {
                    assert!(follow_up.template.matches(ANSWER_SLOT).count() <= 1);
                }
            }
        }
    }
    assert_eq!(seen.len(), 16);
}

#[test]
fn exemplars_answer_in_the_form_that_is_asked_for() {
    let (asked, shown) = (question(AnswerKind::Number), question(AnswerKind::Number));
    let direct = prompt(&asked, &[&shown, &shown], &spec(PromptStyle::Direct));
    assert_eq!(direct.messages.len(), 5);
    assert_eq!((direct.messages[1].role, direct.messages[1].text.as_str()), (Role::Assistant, "7"));
    let thought = prompt(&asked, &[&shown], &spec(PromptStyle::ChainOfThought));
    assert_eq!(thought.messages[1].text, "The answer is 7.");
    assert_eq!(prompt(&asked, &[&shown], &spec(PromptStyle::Direct).verbalized()).messages.len(), 1);
}

#[test]
fn the_hash_is_that_of_the_canonical_json() {
    let first = prompt(&question(AnswerKind::Span), &[], &spec(PromptStyle::Direct));
    assert_eq!(prompt_hash(&first), canonical_sha256(&serde_json::to_value(&first).unwrap()));
    let mut other = first.clone();
    other.messages[0].text.push('x');
    assert_ne!(prompt_hash(&first), prompt_hash(&other));
}

/// Changed words need a new version: the hash of a synthetic question's prompts, by version.
#[test]
fn the_texts_are_those_of_their_version() {
    let mut all = String::new();
    for kind in AnswerKind::ALL {
        for style in [PromptStyle::Direct, PromptStyle::ChainOfThought] {
            for spec in [spec(style), spec(style).verbalized()] {
                all.push_str(&prompt_hash(&prompt(&question(kind), &[], &spec)));
            }
        }
    }
    for dataset in DATASETS {
        all.push_str(dataset.task().unwrap_or_default());
    }
    assert_eq!((VERSION, sha256(all.as_bytes()).as_str()), ("1", TEXTS_OF_VERSION_1));
}

/// The texts as they were when the version was given.
const TEXTS_OF_VERSION_1: &str = "399bc624c7ebe30addf0bda8f9e90e9ad8b5a765684161702ac477337ebb439a";
