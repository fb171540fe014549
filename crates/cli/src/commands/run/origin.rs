//! Where the scores of a run come from: foreign files, or models that are asked.

use std::path::Path;

use plimsoll_router::thresholds::ModelIdentity;

use super::{Stage, folder_of};
use crate::backend::{Places, Prepared, REPLIES};
use crate::console::Console;
use crate::failure::Failure;
use crate::pipeline::Plan;
use crate::pipeline::plan::Origin as Written;
use crate::stages::asked::{Asked, Group};
use crate::stages::import::Inputs;

/// Where the scores come from, found.
#[derive(Debug)]
pub(super) enum Origin<'a> {
    /// Foreign files.
    Import(Box<Inputs>),
    /// Models.
    Asking(Box<Models<'a>>),
}

/// What is asked, and of whom.
#[derive(Debug)]
pub(super) struct Models<'a> {
    /// The questions and prompts.
    pub(super) asked: Asked<'a>,
    /// Which model is asked what.
    pub(super) groups: Vec<Group>,
    /// The models, small ones first, until they are used; empty if no stage needs any.
    pub(super) prepared: Vec<Prepared<'a>>,
    /// Their identities.
    pub(super) identities: Vec<String>,
    /// As thresholds files name them.
    pub(super) named: Vec<ModelIdentity>,
    /// The judge, until it is used.
    pub(super) judge: Option<Prepared<'a>>,
    /// Its identity.
    pub(super) judge_identity: Option<String>,
}

impl<'a> Origin<'a> {
    /// Finds what a plan starts from; models only if a stage up to `until` asks them.
    pub(super) fn find(
        plan: &'a Plan,
        plan_path: &Path,
        (out, until): (&Path, Stage),
        console: &Console,
    ) -> Result<Self, Failure> {
        let asking = match &plan.origin {
            Written::Import(import) => {
                return Ok(Self::Import(Box::new(Inputs::find(import, plan_path)?)));
            }
            Written::Asking(asking) => asking,
        };
        let base = folder_of(plan_path);
        let asked = Asked::gather(asking, plan.seed, (base, false), console)?;
        let groups = asked.groups();
        let replies = out.join(REPLIES);
        let places = Places { base, replies: &replies, offline: false };
        let wanted = if until >= Stage::Infer { usize::MAX } else { 0 };
        let prepared: Vec<Prepared<'a>> = asked
            .models()
            .take(wanted)
            .map(|model| Prepared::find(model, places, console))
            .collect::<Result<_, _>>()?;
        let judge = plan.labels.grading.as_ref().and_then(|grading| grading.judge.as_ref());
        let judge = judge.filter(|_| until >= Stage::Label);
        let judge = judge.map(|judge| Prepared::find(judge, places, console)).transpose()?;
        Ok(Self::Asking(Box::new(Models {
            groups,
            identities: prepared.iter().map(|model| model.identity.clone()).collect(),
            named: prepared.iter().map(|model| model.named(&asking.decoding)).collect(),
            judge_identity: judge.as_ref().map(|judge| judge.identity.clone()),
            prepared,
            judge,
            asked,
        })))
    }
}
