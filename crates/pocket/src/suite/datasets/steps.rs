//! Word problems in two steps (as `GSM8K`): a number of fruits goes up or down twice. The three numbers are
//! held out together, whatever the words.

use plimsoll_core::AnswerKind;

use crate::suite::arithmetic::{Steps, clause};
use crate::suite::draw::{Draw, fill};
use crate::suite::generator::{About, Generator, domain};
use crate::suite::item::{Item, Level};
use crate::suite::side::Side;
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
    fn about(&self) -> &'static About {
        &About {
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

    fn items(&self, world: &World, draw: &mut Draw) -> Vec<Item> {
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
        vec![Item::new(steps.key(), question, steps.value().to_string(), level)]
    }

    fn statement(&self, _world: &World, draw: &mut Draw) -> String {
        loop {
            let (steps, _) = drawn(draw);
            if Side::of(&steps.key()) == Side::Training {
                return steps.tell();
            }
        }
    }
}

/// Steps of a level: numbers up to 5, up to 9, and a first one of two digits.
fn drawn(draw: &mut Draw) -> (Steps, Level) {
    let level = Level::ALL[draw.below(3)];
    let (low, high, by) = match level {
        Level::Easy => (1, 5, 4),
        Level::Medium => (3, 9, 9),
        Level::Hard => (10, 40, 9),
    };
    (Steps::draw((low, high), by, draw), level)
}
