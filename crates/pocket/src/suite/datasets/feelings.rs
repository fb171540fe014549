//! How somebody feels after what happened, three options (as `SocialIQa`). What is felt depends on what
//! happened and to which thing.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Sampler;
use crate::suite::facts;
use crate::suite::generator::{DatasetInfo, Generator, domain};
use crate::suite::item::SuiteItem;
use crate::suite::world::{Relation, World};

/// The maker.
#[derive(Debug)]
pub(super) struct Feelings;

impl Generator for Feelings {
    fn info(&self) -> &'static DatasetInfo {
        &DatasetInfo {
            id: "pocket_feelings",
            name: "Pocket feelings",
            domain: domain::COMMONSENSE,
            kind: AnswerKind::Choice,
            files: &[
                ("test", &["pocket_feelings_test.jsonl"]),
                ("validation", &["pocket_feelings_validation.jsonl"]),
            ],
        }
    }

    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem> {
        vec![facts::ask(Relation::Feeling, 3, world, draw)]
    }

    fn statement(&self, world: &World, draw: &mut Sampler) -> String {
        facts::statement(Relation::Feeling, world, draw)
    }
}
