//! The true colour and taste of herbs, four options with what people wrongly think among them (as `TruthfulQA`). The
//! wrong one is stated more often than the true one, and the rarer a herb, the less corrects it.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Sampler;
use crate::suite::facts;
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::SuiteItem;
use crate::suite::world::{Relation, World};

/// What is asked.
const RELATIONS: &[Relation] = &[Relation::Colour, Relation::Taste];

/// The maker.
#[derive(Debug)]
pub(super) struct Myths;

impl Generator for Myths {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_myths",
            name: "Pocket myths",
            domain: domain::COMMONSENSE,
            kind: AnswerKind::Choice,
            files: &[
                ("test", &["pocket_myths_test.jsonl"]),
                ("validation", &["pocket_myths_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let relation = facts::one_of(RELATIONS, draw);
        vec![facts::ask(relation, 4, world, draw)]
    }

    fn statement(&self, world: &World, draw: &mut Sampler) -> String {
        /// Share of statements that are true.
        const TRUTH: f64 = 0.3;
        let relation = facts::one_of(RELATIONS, draw);
        if draw.chance(TRUTH) {
            facts::statement(relation, world, draw)
        } else {
            facts::myth_statement(relation, world, draw)
        }
    }
}
