//! What a beast is, eats and wears, four options (as `OpenBookQA`). Food and cover follow from the class,
//! so that a model may find them in two steps.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Sampler;
use crate::suite::facts;
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::SuiteItem;
use crate::suite::world::{Relation, World};

/// What is asked.
const RELATIONS: &[Relation] = &[Relation::Class, Relation::Food, Relation::Cover];

/// The maker.
#[derive(Debug)]
pub(super) struct Beasts;

impl Generator for Beasts {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_beasts",
            name: "Pocket beasts",
            domain: domain::COMMONSENSE,
            kind: AnswerKind::Choice,
            files: &[
                ("test", &["pocket_beasts_test.jsonl"]),
                ("validation", &["pocket_beasts_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let relation = facts::one_of(RELATIONS, draw);
        vec![facts::ask(relation, 4, world, draw)]
    }

    fn statement(&self, world: &World, draw: &mut Sampler) -> String {
        let relation = facts::one_of(RELATIONS, draw);
        facts::statement(relation, world, draw)
    }
}
