//! How a sentence ends, four options (as `HellaSwag`): which thing goes with two others.

use plimsoll_core::AnswerKind;

use crate::suite::draw::Draw;
use crate::suite::facts;
use crate::suite::generator::{About, Generator, domain};
use crate::suite::item::Item;
use crate::suite::world::{Relation, World};

/// The maker.
#[derive(Debug)]
pub(super) struct Endings;

impl Generator for Endings {
    fn about(&self) -> &'static About {
        &About {
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

    fn items(&self, world: &World, draw: &mut Draw) -> Vec<Item> {
        vec![facts::ask(Relation::Last, 4, world, draw)]
    }

    fn statement(&self, world: &World, draw: &mut Draw) -> String {
        facts::tell(Relation::Last, world, draw)
    }
}
