//! An exam of several subjects, four options (as `MMLU`): all the facts and sums in other words. The subject
//! of a question is set.

use plimsoll_core::AnswerKind;

use crate::suite::arithmetic::{self, Sum};
use crate::suite::datasets::quiz::near;
use crate::suite::draw::{Sampler, fill};
use crate::suite::facts::{self, FactQuestion};
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::SuiteItem;
use crate::suite::world::{Relation, World};

/// Subjects, and what they ask for.
const SUBJECTS: &[(&str, Relation, &str)] = &[
    ("geography", Relation::Land, "the land of {e}"),
    ("work", Relation::Job, "the job of {e}"),
    ("biography", Relation::Birth, "the birth place of {e}"),
    ("money", Relation::Coin, "the coin of {e}"),
    ("nature", Relation::Class, "the kind of the beast {e}"),
    ("nature", Relation::Food, "the food of the beast {e}"),
    ("crafts", Relation::Tool, "the tool to {e}"),
];

/// The last subject.
const ARITHMETIC: &str = "arithmetic";

/// How it is asked for.
const FRAMES: &[&str] = &[
    "Name {n}.",
    "Which of these is {n}?",
    "Pick {n}.",
    "Tell me {n}.",
    "Mark {n}.",
    "What would you say is {n}?",
    "One of these is {n}. Which?",
    "In the exam they ask for {n}.",
];

/// Options of a question.
const OPTIONS: usize = 4;

/// The maker.
#[derive(Debug)]
pub(super) struct Subjects;

impl Generator for Subjects {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_subjects",
            name: "Pocket subjects",
            domain: domain::PROBLEM_SOLVING,
            kind: AnswerKind::Choice,
            files: &[
                ("test", &["pocket_subjects_test.jsonl"]),
                ("validation", &["pocket_subjects_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let (index, frame) = (draw.below(SUBJECTS.len() + 1), draw.template(FRAMES.len()));
        let Some((subject, relation, noun)) = SUBJECTS.get(index) else {
            let sum = Sum::draw(draw);
            let noun = format!("{} {} {}", sum.a, if sum.minus { "minus" } else { "plus" }, sum.b);
            let item = SuiteItem::new(
                sum.key(),
                fill(FRAMES[frame], &[("n", &noun)]),
                sum.value().to_string(),
                sum.level,
            );
            return vec![SuiteItem { options: near(sum, OPTIONS, draw), subject: Some(ARITHMETIC), ..item }];
        };
        let rank = draw.ranked(world.table(*relation).entities.len());
        let noun = fill(noun, &[("e", &world.table(*relation).entities[rank])]);
        let question = fill(FRAMES[frame], &[("n", &noun)]);
        let words = format!("subject/{frame}");
        let of = FactQuestion { relation: *relation, rank, words: &words, question, options: OPTIONS };
        let item = of.item(world, draw);
        vec![SuiteItem { subject: Some(subject), ..item }]
    }

    fn statement(&self, world: &World, draw: &mut Sampler) -> String {
        match SUBJECTS.get(draw.below(SUBJECTS.len() + 1)) {
            Some((_, relation, _)) => facts::statement(*relation, world, draw),
            None => arithmetic::statement(draw),
        }
    }
}
