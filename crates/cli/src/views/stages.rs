//! What becomes of each stage, a line each.

use plimsoll_pipeline::stage::{Stage, StageReport, StageStatus};

/// The line of a stage.
pub(crate) fn stage_line(report: &StageReport) -> String {
    let reason = report.reason.as_deref().unwrap_or_default();
    let line = match (report.status, report.depends_on) {
        (StageStatus::Ran, _) => format!("runs: {reason}"),
        (StageStatus::Skipped, _) => "skipped, unchanged".to_owned(),
        (StageStatus::WouldRun, _) => format!("would run: {reason}"),
        (StageStatus::MayRun, None) => "would run if what it shows turns out to be other".to_owned(),
        (StageStatus::MayRun, Some(Stage::Score)) => {
            "would run if the scores turn out to be others".to_owned()
        }
        (StageStatus::MayRun, Some(before)) => {
            format!("would run if what {} gives turns out to be something else", before.name())
        }
    };
    format!("{:<9} {line}\n", report.stage.name())
}

/// The line of a stage in a dry run.
pub(crate) fn dry_run_line(report: &StageReport) -> String {
    match report.status {
        StageStatus::Skipped => format!("{:<9} would be skipped, unchanged\n", report.stage.name()),
        StageStatus::Ran | StageStatus::WouldRun | StageStatus::MayRun => stage_line(report),
    }
}
