//! Facts about people, places and money, five options (as `CommonsenseQA`). A model is unsure about
//! facts that were rare in training, and about wordings that never occurred with this fact.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Sampler;
use crate::suite::facts;
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::SuiteItem;
use crate::suite::world::{Relation, World};

/// What is asked.
const RELATIONS: &[Relation] = &[Relation::Land, Relation::Job, Relation::Birth, Relation::Coin];

/// The maker.
#[derive(Debug)]
pub(super) struct FactQuestions;

impl Generator for FactQuestions {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
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

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        let relation = facts::one_of(RELATIONS, draw);
        vec![facts::ask(relation, 5, world, draw)]
    }

    fn statement(&self, world: &World, draw: &mut Sampler) -> String {
        let relation = facts::one_of(RELATIONS, draw);
        facts::statement(relation, world, draw)
    }
}
