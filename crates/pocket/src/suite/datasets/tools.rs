//! Which of two tools does it (as `PIQA`). A model is unsure about goals that it seldom met.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Sampler;
use crate::suite::facts;
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::SuiteItem;
use crate::suite::world::{Relation, World};

/// The maker.
#[derive(Debug)]
pub(super) struct Tools;

impl Generator for Tools {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_tools",
            name: "Pocket tools",
            domain: domain::COMMONSENSE,
            kind: AnswerKind::Choice,
            files: &[
                ("test", &["pocket_tools_test.jsonl"]),
                ("validation", &["pocket_tools_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        vec![facts::ask(Relation::Tool, 2, world, draw)]
    }

    fn statement(&self, world: &World, draw: &mut Sampler) -> String {
        facts::statement(Relation::Tool, world, draw)
    }
}
