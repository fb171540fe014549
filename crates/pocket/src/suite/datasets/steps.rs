//! Word problems in two steps (as `GSM8K`): a number of fruits goes up or down twice. The three numbers are
//! held out together, whatever the words.

use plimsoll_core::AnswerKind;

use crate::suite::arithmetic::{Steps, clause};
use crate::suite::draw::{Sampler, fill};
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::{Difficulty, SuiteItem};
use crate::suite::side::SuiteSide;
use crate::suite::world::{FRUITS, World};

/// The problems.
const TEMPLATES: &[&str] = &[
    "{p} has {a} {f}. {p} {x} and {y}. How many {f} has {p} now?",
    "{p} has {a} {f}, then {x} and {y}. How many {f} are there?",
    "There are {a} {f}. {p} {x} and then {y}. How many {f} are there?",
    "At first {p} has {a} {f}. Later {p} {x} and {y}. How many at the end?",
    "With {a} {f}, {p} {x}, then {y}. How many {f} does that make?",
    "{p} begins with {a} {f}, {x} and {y}. What is the number of {f} then?",
    "{a} {f} are in the pot of {p}, who {x} and {y}. How many now?",
    "Count for {p}, who with {a} {f} {x} and {y}.",
];

/// The maker.
#[derive(Debug)]
pub(super) struct TwoSteps;

impl Generator for TwoSteps {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_steps",
            name: "Pocket steps",
            domain: domain::MATH,
            kind: AnswerKind::Number,
            files: &[
                ("test", &["pocket_steps_test.jsonl"]),
                ("validation", &["pocket_steps_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let (steps, level) = drawn(draw);
        let clauses = steps.by.map(|by| clause(by, "", draw));
        let values = [
            ("p", world.person(draw)),
            ("f", draw.pick(FRUITS)),
            ("a", &steps.start.to_string()),
            ("x", &clauses[0]),
            ("y", &clauses[1]),
        ];
        let question = fill(TEMPLATES[draw.template(TEMPLATES.len())], &values);
        vec![SuiteItem::new(steps.key(), question, steps.value().to_string(), level)]
    }

    fn statement(&self, _world: &World, draw: &mut Sampler) -> String {
        loop {
            let (steps, _) = drawn(draw);
            if SuiteSide::from_key(&steps.key()) == SuiteSide::Training {
                return steps.statement();
            }
        }
    }
}

/// Steps of a level: numbers up to 5, up to 9, and a first one of two digits.
fn drawn(draw: &mut Sampler) -> (Steps, Difficulty) {
    let level = Difficulty::ALL[draw.below(3)];
    let (low, high, by) = match level {
        Difficulty::Easy => (1, 5, 4),
        Difficulty::Medium => (3, 9, 9),
        Difficulty::Hard => (10, 40, 9),
    };
    (Steps::draw(low..=high, by, draw), level)
}
