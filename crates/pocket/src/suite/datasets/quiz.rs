//! Sums and differences with five numbers to choose from (as `AQuA`). The wrong ones are near the right one.

use plimsoll_core::AnswerKind;

use crate::suite::arithmetic::{self, Sum};
use crate::suite::draw::{Sampler, fill};
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::SuiteItem;
use crate::suite::world::World;

/// Questions for a sum.
const PLUS: &[&str] = &[
    "Choose {a} + {b}.",
    "Which number is {a} + {b}?",
    "If you add {b} to {a}, you get",
    "The sum of {a} and {b} is",
    "{a} and {b} more are",
    "Together {a} and {b} make",
    "From {a}, go up by {b}.",
    "Put {a} and {b} in one pot. How many are in it?",
];

/// Questions for a difference.
const MINUS: &[&str] = &[
    "Choose {a} - {b}.",
    "Which number is {a} - {b}?",
    "If you take {b} from {a}, you get",
    "The difference of {a} and {b} is",
    "{a} and {b} less are",
    "Without {b}, {a} is only",
    "From {a}, go down by {b}.",
    "A pot holds {a}, and {b} fall out. How many are in it?",
];

/// How far wrong options lie from the right one.
const OFF: &[i64] = &[-11, -10, -9, -2, -1, 1, 2, 9, 10, 11];

/// The maker.
#[derive(Debug)]
pub(super) struct Quiz;

impl Generator for Quiz {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_quiz",
            name: "Pocket quiz",
            domain: domain::MATH,
            kind: AnswerKind::Choice,
            files: &[
                ("test", &["pocket_quiz_test.jsonl"]),
                ("validation", &["pocket_quiz_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, _world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let sum = Sum::draw(draw);
        let templates = if sum.minus { MINUS } else { PLUS };
        let template = templates[draw.template(templates.len())];
        let question = fill(template, &[("a", &sum.a.to_string()), ("b", &sum.b.to_string())]);
        let item = SuiteItem::new(sum.key(), question, sum.value().to_string(), sum.level);
        vec![SuiteItem { options: near(sum, 5, draw), ..item }]
    }

    fn statement(&self, _world: &World, draw: &mut Sampler) -> String {
        arithmetic::statement(draw)
    }
}

/// What comes out of a sum, among numbers near it.
pub(super) fn near(sum: Sum, options: usize, draw: &mut Sampler) -> Vec<String> {
    let near = OFF.iter().map(|off| i64::from(sum.value()) + off).filter(|number| *number >= 0);
    let near: Vec<String> = near.map(|number| number.to_string()).collect();
    let others: Vec<&str> = near.iter().map(String::as_str).collect();
    draw.options(&sum.value().to_string(), &others, options)
}
