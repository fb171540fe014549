//! Facts about people, places and money, five options (as `CommonsenseQA`). A model is unsure about
//! facts that it was seldom told, and about wordings that it never met with this fact.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Draw;
use crate::suite::facts;
use crate::suite::generator::{About, Generator, domain};
use crate::suite::item::Item;
use crate::suite::world::{Relation, World};

/// What is asked.
const RELATIONS: &[Relation] = &[Relation::Land, Relation::Job, Relation::Birth, Relation::Coin];

/// The maker.
#[derive(Debug)]
pub(super) struct Facts;

impl Generator for Facts {
    fn about(&self) -> &'static About {
        &About {
            id: "pocket_facts",
            name: "Pocket facts",
            domain: domain::COMMONSENSE,
            kind: AnswerKind::Choice,
            files: &[
                ("test", &["pocket_facts_test.jsonl"]),
                ("validation", &["pocket_facts_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Draw) -> Vec<Item> {
        let relation = facts::one_of(RELATIONS, draw);
        vec![facts::ask(relation, 5, world, draw)]
    }

    fn statement(&self, world: &World, draw: &mut Draw) -> String {
        let relation = facts::one_of(RELATIONS, draw);
        facts::tell(relation, world, draw)
    }
}
