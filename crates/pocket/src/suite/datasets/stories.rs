//! Sums in a story with a number that has nothing to do with them (as `SVAMP`). The three numbers are held
//! out together, whatever the words.

use plimsoll_core::AnswerKind;

use crate::suite::arithmetic::{self, Steps, clause};
use crate::suite::draw::{Sampler, fill};
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::{Difficulty, SuiteItem};
use crate::suite::world::{FRUITS, World};

/// The stories, `{x}` being what happens.
const STORIES: &[&str] = &[
    "{p} has {a} {f} and {d} {g}. {p} {x}.",
    "{p} has {d} {g} and {a} {f}. {p} {x}.",
    "{p} has {a} {f}, {d} {g}, and {x}.",
    "There are {a} {f} and {d} {g}. {p} {x}.",
    "There are {d} {g} and {a} {f}. {p} {x}.",
    "With {a} {f} and {d} {g}, {p} {x}.",
    "With {d} {g} and {a} {f}, {p} {x}.",
    "Near {d} {g} lie {a} {f}, and {p} {x}.",
];

const QUESTIONS: &[&str] = &[
    "How many {f} are there now?",
    "How many {f} has {p} now?",
    "What is the number of {f}?",
    "Count the {f}.",
    "How many {f}?",
    "Of {f}, how many are there?",
    "How many {f} does that make?",
    "Tell the number of {f} that are there.",
];

/// The maker.
#[derive(Debug)]
pub(super) struct Stories;

impl Generator for Stories {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_stories",
            name: "Pocket stories",
            domain: domain::MATH,
            kind: AnswerKind::Number,
            files: &[
                ("test", &["pocket_stories_test.jsonl"]),
                ("validation", &["pocket_stories_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let level = Difficulty::ALL[draw.below(3)];
        let (low, high, by) = match level {
            Difficulty::Easy => (1, 5, 4),
            Difficulty::Medium => (3, 9, 9),
            Difficulty::Hard => (10, 40, 9),
        };
        let (steps, fruits) = (Steps::draw(low..=high, by, draw), draw.distinct(FRUITS.len(), 2));
        let (fruit, other) = (FRUITS[fruits[0]], FRUITS[fruits[1]]);
        // The second step of the two is the number that does not count.
        let (by, idle) = (steps.by[0], steps.by[1].unsigned_abs());
        let what = clause(by, fruit, draw);
        let values = [
            ("p", world.person(draw)),
            ("f", fruit),
            ("g", other),
            ("a", &steps.start.to_string()),
            ("d", &idle.to_string()),
            ("x", &what),
        ];
        let passage = fill(STORIES[draw.template(STORIES.len())], &values);
        let question = fill(QUESTIONS[draw.template(QUESTIONS.len())], &values);
        let answer = (i64::from(steps.start) + by).to_string();
        let key = format!("story/{}/{by}/{idle}", steps.start);
        vec![SuiteItem { passage: Some(passage), ..SuiteItem::new(key, question, answer, level) }]
    }

    fn statement(&self, _world: &World, draw: &mut Sampler) -> String {
        arithmetic::statement(draw)
    }
}
