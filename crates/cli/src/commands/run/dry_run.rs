//! What a run would do, what it would take, and what is missing for it. Nothing is written.

use std::path::Path;

use serde_json::json;

use super::dependencies::Dependencies;
use super::origin::Origin;
use super::stage::{Report, stale};
use super::{Stage, folder_of};
use crate::console::Console;
use crate::failure::Failure;
use crate::folder::OutputFolder;
use crate::pipeline::Plan;
use crate::stages::outlook::{self, Outlook};

/// Says what a run would do.
pub(super) fn run(
    plan: &Plan,
    plan_path: &Path,
    (out, until): (&Path, Stage),
    console: &Console,
) -> Result<(), Failure> {
    let outlook = match plan.asking() {
        None => None,
        Some(asking) => {
            let outlook = outlook::look(asking, plan, (folder_of(plan_path), out), console)?;
            console.text(outlook::text(&outlook))?;
            Some(outlook)
        }
    };
    let is_ready = outlook.as_ref().is_none_or(Outlook::is_ready);
    let mut reports = Vec::new();
    if is_ready {
        let origin = Origin::find(plan, plan_path, (out, until), console)?;
        let on = Dependencies::new(plan, origin);
        reports = stages(&on, (out, until), console)?;
    } else {
        console.text("the stages that would run are told once nothing is missing\n")?;
    }
    let mut document = json!({
        "name": plan.name, "sha256": plan.sha256(), "out": out, "dry_run": true, "stages": reports,
    });
    if let Some(outlook) = outlook {
        document["outlook"] = json!(outlook);
    }
    console.document(&document)
}

fn stages(
    on: &Dependencies<'_>,
    (out, until): (&Path, Stage),
    console: &Console,
) -> Result<Vec<Report>, Failure> {
    let folder = OutputFolder::look(out, console);
    let mut reports = Vec::new();
    // What the stages before it would give is not known, so a later stage may turn out to be current.
    let (mut changes, mut any): (Option<Stage>, bool) = (None, false);
    for stage in Stage::of(on.plan, until) {
        let reason = stale(&folder, on, stage)?;
        let (status, line) = match (&reason, changes) {
            (Some(reason), _) => ("would_run", format!("would run: {reason}")),
            (None, _) if any && stage == Stage::Report => {
                ("may_run", "would run if what it shows turns out to be other".to_owned())
            }
            (None, Some(Stage::Score)) => {
                ("may_run", "would run if the scores turn out to be others".to_owned())
            }
            (None, Some(before)) => (
                "may_run",
                format!("would run if what {} gives turns out to be something else", before.name()),
            ),
            (None, None) => ("skipped", "would be skipped, unchanged".to_owned()),
        };
        if reason.is_some() && stage <= Stage::Score {
            changes = Some(stage);
        }
        any |= reason.is_some();
        console.text(format!("{:<9} {line}\n", stage.name()))?;
        reports.push(Report { stage: stage.name(), status, reason });
    }
    Ok(reports)
}
