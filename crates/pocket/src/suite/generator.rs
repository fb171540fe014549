//! What makes the items of a dataset: one file under [`super::datasets`] each.

use std::fmt::Debug;

use plimsoll_core::AnswerKind;
use plimsoll_ingest::dataset::NativeFiles;

use super::draw::Sampler;
use super::item::SuiteItem;
use super::world::World;

/// Metadata of a dataset.
#[derive(Debug)]
pub(crate) struct DatasetInfo {
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

/// Generates the items of a dataset.
pub(crate) trait Generator: Debug + Sync {
    /// Its metadata.
    fn info(&self) -> &'static DatasetInfo;

    /// Items that are generated together and share a side: twins, the turns of a story, mostly one. Never
    /// empty.
    fn items(&self, world: &World, draw: &mut Sampler) -> Vec<SuiteItem>;

    /// A sentence or two that state what the dataset asks about, or the like.
    fn statement(&self, world: &World, draw: &mut Sampler) -> String;
}

/// Domains of the paper.
pub(crate) mod domain {
    pub(crate) const MATH: &str = "math";
    pub(crate) const COMMONSENSE: &str = "commonsense";
    pub(crate) const CONVERSATIONAL: &str = "conversational";
    pub(crate) const PROBLEM_SOLVING: &str = "problem_solving";
}
