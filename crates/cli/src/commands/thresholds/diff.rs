//! `plimsoll thresholds diff`.

mod changes;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use self::changes::{Changes, Point, changes};
use crate::console::Console;
use crate::text_table::{Side, TextTable, number};
use plimsoll_pipeline::Failure;
use plimsoll_pipeline::threshold_files::read_file;

/// Compare two files.
///
/// Says what a device would notice when OLD is replaced by NEW: changes of identity and data, methods and
/// operating points that come or go, and for each operating point the thresholds, the statuses, what was
/// achieved, and the share of questions whose route flips. That share is an estimate: confidences are
/// taken from the reference histogram of NEW, evenly spread inside each bin.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  plimsoll thresholds diff released.thresholds.json new.thresholds.json")]
pub(crate) struct DiffArguments {
    /// The file that is deployed
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The file that would replace it
    #[arg(value_name = "NEW")]
    new: PathBuf,
}

/// Runs the command.
pub(super) fn run(arguments: &DiffArguments, console: &Console) -> Result<(), Failure> {
    let (old, new) = (read_file(&arguments.old)?, read_file(&arguments.new)?);
    let changes = changes(&old, &new);
    console.document(&changes)?;
    console.text(text(&changes))
}

fn text<'a>(changes: &'a Changes<'a>) -> String {
    if changes.old == changes.new {
        return format!("the same content, sha256 {}\n", changes.old);
    }
    // Writing to a `String` cannot fail.
    let mut text = format!("old sha256 {}\nnew sha256 {}\n", changes.old, changes.new);
    for change in &changes.identity {
        let shown = |value: &'a Option<String>| value.as_deref().unwrap_or("(none)");
        let _ = writeln!(text, "{}: {} -> {}", change.field, shown(&change.old), shown(&change.new));
    }
    for (what, methods) in [("added", &changes.methods_added), ("removed", &changes.methods_removed)] {
        for method in methods {
            let _ = writeln!(text, "method {method} {what}");
        }
    }
    let changed: Vec<&Point<'_>> = changes.points.iter().filter(|point| point.change != "same").collect();
    let same = changes.points.len() - changed.len();
    text.push_str(&points(&changed).text(0));
    let _ = writeln!(text, "{} operating points changed, {same} are the same", changed.len());
    if changed.iter().any(|point| point.flipped_share_estimate.is_some()) {
        text.push_str(
            "flips: estimated share of questions whose route changes, from the new file's reference histogram\n",
        );
    }
    text
}

fn points(points: &[&Point<'_>]) -> TextTable {
    let mut table = TextTable::new(&[
        ("operating point", Side::Left),
        ("threshold", Side::Left),
        ("deferred", Side::Left),
        ("accuracy", Side::Left),
        ("status", Side::Left),
        ("flips", Side::Right),
    ]);
    let arrow = |old: String, new: String| if old == new { new } else { format!("{old} -> {new}") };
    for point in points {
        let status = match point.change {
            "changed" => {
                arrow(point.old_status.unwrap_or("-").to_owned(), point.new_status.unwrap_or("-").to_owned())
            }
            other => other.to_owned(),
        };
        let threshold =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.6}"));
        table.push([
            format!("{}/{}", point.method, point.target),
            arrow(threshold(point.old_threshold), threshold(point.new_threshold)),
            arrow(number(point.old_routing_ratio), number(point.new_routing_ratio)),
            arrow(number(point.old_accuracy), number(point.new_accuracy)),
            status,
            number(point.flipped_share_estimate),
        ]);
    }
    table
}
