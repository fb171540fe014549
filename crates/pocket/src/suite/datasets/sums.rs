//! Sums and differences of two numbers. Hard ones have two digits on both sides; pairs of operands are
//! held out.

use plimsoll_core::AnswerKind;

use crate::suite::arithmetic::{self, Sum};
use crate::suite::draw::{Sampler, fill};
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::SuiteItem;
use crate::suite::world::World;

/// Questions for a sum.
const PLUS: &[&str] = &[
    "What is {a} plus {b}?",
    "{a} + {b} = ?",
    "Add {a} and {b}.",
    "How much is {a} and {b} together?",
    "What do {a} and {b} make?",
    "Find the sum of {a} and {b}.",
    "{a} plus {b} is what?",
    "Which number is {b} more than {a}?",
];

/// Questions for a difference.
const MINUS: &[&str] = &[
    "What is {a} minus {b}?",
    "{a} - {b} = ?",
    "Take {b} from {a}.",
    "How much is {a} without {b}?",
    "What is left of {a} without {b}?",
    "Find the difference of {a} and {b}.",
    "{a} minus {b} is what?",
    "Which number is {b} less than {a}?",
];

/// The maker.
#[derive(Debug)]
pub(super) struct SumQuestions;

impl Generator for SumQuestions {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_sums",
            name: "Pocket sums",
            domain: domain::MATH,
            kind: AnswerKind::Number,
            files: &[
                ("test", &["pocket_sums_test.jsonl"]),
                ("validation", &["pocket_sums_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, _world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let sum = Sum::draw(draw);
        let templates = if sum.minus { MINUS } else { PLUS };
        let template = templates[draw.template(templates.len())];
        let question = fill(template, &[("a", &sum.a.to_string()), ("b", &sum.b.to_string())]);
        vec![SuiteItem::new(sum.key(), question, sum.value().to_string(), sum.level)]
    }

    fn statement(&self, _world: &World, draw: &mut Sampler) -> String {
        arithmetic::statement(draw)
    }
}
