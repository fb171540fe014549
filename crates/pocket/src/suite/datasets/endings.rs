//! How a sentence ends, four options (as `HellaSwag`): which thing goes with two others.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Sampler;
use crate::suite::facts;
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::SuiteItem;
use crate::suite::world::{Relation, World};

/// The maker.
#[derive(Debug)]
pub(super) struct Endings;

impl Generator for Endings {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_endings",
            name: "Pocket endings",
            domain: domain::COMMONSENSE,
            kind: AnswerKind::Choice,
            files: &[
                ("test", &["pocket_endings_test.jsonl"]),
                ("validation", &["pocket_endings_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        vec![facts::ask(Relation::Last, 4, world, draw)]
    }

    fn statement(&self, world: &World, draw: &mut Sampler) -> String {
        facts::statement(Relation::Last, world, draw)
    }
}
