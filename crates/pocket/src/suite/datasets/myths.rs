//! The true colour and taste of herbs, four options with what people wrongly think among them (as `TruthfulQA`). The
//! wrong one is told more often than the true one, and the rarer a herb, the less corrects it.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Draw;
use crate::suite::facts;
use crate::suite::generator::{About, Generator, domain};
use crate::suite::item::Item;
use crate::suite::world::{Relation, World};

/// What is asked.
const RELATIONS: &[Relation] = &[Relation::Colour, Relation::Taste];

/// The maker.
#[derive(Debug)]
pub(super) struct Myths;

impl Generator for Myths {
    fn about(&self) -> &'static About {
        &About {
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

    fn items(&self, world: &World, draw: &mut Draw) -> Vec<Item> {
        let relation = facts::one_of(RELATIONS, draw);
        vec![facts::ask(relation, 4, world, draw)]
    }

    fn statement(&self, world: &World, draw: &mut Draw) -> String {
        /// How often the truth is told.
        const TRUTH: f64 = 0.3;
        let relation = facts::one_of(RELATIONS, draw);
        if draw.chance(TRUTH) {
            facts::tell(relation, world, draw)
        } else {
            facts::tell_myth(relation, world, draw)
        }
    }
}
