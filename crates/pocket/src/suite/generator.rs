//! What makes the items of a dataset: one file under [`super::datasets`] each.

use std::fmt::Debug;

use plimsoll_core::AnswerKind;
use plimsoll_ingest::dataset::NativeFiles;

use super::draw::Draw;
use super::item::Item;
use super::world::World;

/// What a dataset is.
#[derive(Debug)]
pub(crate) struct About {
    /// Its id (`pocket_sums`).
    pub(crate) id: &'static str,
    /// Its name for people.
    pub(crate) name: &'static str,
    /// Domain of the paper.
    pub(crate) domain: &'static str,
    /// Kind of answer.
    pub(crate) kind: AnswerKind,
    /// Its files, for folders.
    pub(crate) files: &'static [NativeFiles],
}

/// A dataset's maker.
pub(crate) trait Generator: Debug + Sync {
    /// What the dataset is.
    fn about(&self) -> &'static About;

    /// Items that are made together and share a side: twins, the turns of a story, mostly one. Never
    /// empty.
    fn items(&self, world: &World, draw: &mut Draw) -> Vec<Item>;

    /// A sentence or two that tell what the dataset asks about, or the like.
    fn statement(&self, world: &World, draw: &mut Draw) -> String;
}

/// Domains of the paper.
pub(crate) mod domain {
    pub(crate) const MATH: &str = "math";
    pub(crate) const COMMONSENSE: &str = "commonsense";
    pub(crate) const CONVERSATIONAL: &str = "conversational";
    pub(crate) const PROBLEM_SOLVING: &str = "problem_solving";
}
