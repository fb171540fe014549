//! `plimsoll sample-size`.

use clap::Args;
use plimsoll_fit::audit::questions_needed;
use plimsoll_fit::tail::{clopper_pearson_upper, max_errors, min_rows, rows_needed, zero_error_rows};
use serde::Serialize;

use crate::arguments::values;
use crate::console::Console;
use crate::text_table::complement;
use plimsoll_pipeline::Failure;

/// How many rows a guarantee needs, before anything is run.
///
/// A guarantee says: the error rate of the kept answers is at most ALPHA, with probability at least
/// 1 - DELTA over the rows that it was tested on. It is tested with the exact binomial tail, so the
/// number of kept rows that it needs is known in advance. With `calibration: {fraction:
/// 0.1}` one row in ten of the pool is tested, and of those a threshold keeps some: a guarantee on 45 kept
/// rows at a routing ratio of 0.5 needs about 45 / 0.1 / 0.5 = 900 rows of the pool.
///
/// An audit (`plimsoll audit`) bounds the share of all questions that are kept and whose answers differ.
/// A third of its questions gives the thresholds, the others are tested.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  plimsoll sample-size --alpha 0.05 --delta 0.1
  plimsoll sample-size --alpha 0.1 --delta 0.1 --rows 200 --error-rate 0.05")]
pub(crate) struct SampleSizeArguments {
    /// Largest risk, in (0, 1)
    #[arg(long, value_name = "A", value_parser = values::open_share, allow_negative_numbers = true)]
    alpha: f64,
    /// Probability that the bound may fail, in (0, 1)
    #[arg(long, value_name = "D", value_parser = values::open_share, allow_negative_numbers = true)]
    delta: f64,
    /// What could this many kept rows certify?
    #[arg(long, value_name = "N", value_parser = values::rows, allow_negative_numbers = true)]
    rows: Option<u64>,
    /// How many kept rows are needed if this is the true error rate (for an audit: the share of questions
    /// that are kept and whose answers differ)?
    #[arg(long, value_name = "E", value_parser = values::share, allow_negative_numbers = true)]
    error_rate: Option<f64>,
}

/// What a guarantee sizes.
#[derive(Debug, PartialEq, Serialize)]
struct SampleSize {
    alpha: f64,
    delta: f64,
    /// Kept rows that certify alpha if none of them is wrong.
    zero_error_rows: u64,
    /// Kept rows at which the walk over thresholds starts.
    #[serde(rename = "least_rows")]
    min_rows: u64,
    error_rate: Option<f64>,
    /// Kept rows that would do at this error rate; null if no number would.
    rows_needed: Option<u64>,
    /// Questions of an audit that bound the disagreement by alpha if no kept answer differs.
    audit_questions: Option<u64>,
    /// The same if kept answers differ at the error rate; null if no number would do.
    audit_questions_at_error_rate: Option<u64>,
    rows: Option<u64>,
    /// Wrong answers that this many kept rows may have; null if not even none certifies alpha.
    #[serde(rename = "most_errors")]
    max_errors: Option<u64>,
    /// The smallest alpha that this many kept rows certify, without a wrong one among them.
    smallest_alpha: Option<f64>,
    /// The smallest alpha that they certify with as many wrong ones as the error rate expects.
    smallest_alpha_at_error_rate: Option<f64>,
}

/// Runs the command.
pub(super) fn run(arguments: &SampleSizeArguments, console: &Console) -> Result<(), Failure> {
    let sizes = sizes(arguments);
    console.document(&sizes)?;
    console.text(text(&sizes))
}

fn sizes(arguments: &SampleSizeArguments) -> SampleSize {
    let SampleSizeArguments { alpha, delta, rows, error_rate } = *arguments;
    let expected = rows.zip(error_rate).map(|(rows, error_rate)| (expected_errors(rows, error_rate), rows));
    SampleSize {
        alpha,
        delta,
        zero_error_rows: zero_error_rows(alpha, delta),
        min_rows: min_rows(alpha, delta),
        error_rate,
        rows_needed: error_rate.and_then(|error_rate| rows_needed(error_rate, alpha, delta)),
        audit_questions: questions_needed(0.0, alpha, delta),
        audit_questions_at_error_rate: error_rate.and_then(|rate| questions_needed(rate, alpha, delta)),
        rows,
        max_errors: rows.and_then(|rows| max_errors(rows, alpha, delta)),
        smallest_alpha: rows.map(|rows| clopper_pearson_upper(0, rows, delta)),
        smallest_alpha_at_error_rate: expected
            .map(|(errors, rows)| clopper_pearson_upper(errors, rows, delta)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a row count, at least 0"
)]
fn expected_errors(rows: u64, error_rate: f64) -> u64 {
    ((rows as f64 * error_rate).round() as u64).min(rows)
}

fn text(sizes: &SampleSize) -> String {
    let SampleSize { alpha, delta, .. } = sizes;
    let mut lines = vec![
        format!(
            "An error rate of at most {alpha} among the kept answers, with probability at least {}:",
            complement(*delta)
        ),
        format!("  {} kept rows certify it if none of them is wrong", sizes.zero_error_rows),
        format!("  {} kept rows are the fewest at which thresholds are tested for it", sizes.min_rows),
    ];
    if let Some(error_rate) = sizes.error_rate {
        lines.push(match sizes.rows_needed {
            Some(rows) => format!("  {rows} kept rows would do if the true error rate is {error_rate}"),
            None => format!("  no number of rows would do if the true error rate is {error_rate}"),
        });
    }
    if let (Some(rows), Some(smallest)) = (sizes.rows, sizes.smallest_alpha) {
        lines.push(match sizes.max_errors {
            Some(errors) => format!("  {rows} kept rows certify it with at most {errors} wrong among them"),
            None => format!("  {rows} kept rows cannot certify it, not even with none wrong"),
        });
        lines.push(format!("  {rows} kept rows certify at best {}, with none wrong", shown(smallest)));
    }
    if let (Some(rows), Some(error_rate), Some(smallest)) =
        (sizes.rows, sizes.error_rate, sizes.smallest_alpha_at_error_rate)
    {
        let errors = expected_errors(rows, error_rate);
        lines.push(format!(
            "  {rows} kept rows with {errors} wrong, as that error rate expects, certify {}",
            shown(smallest)
        ));
    }
    lines.extend(audit_text(sizes));
    lines.push(String::new());
    lines.join("\n")
}

/// What an audit needs.
fn audit_text(sizes: &SampleSize) -> Option<String> {
    let none = format!("An audit needs about {} questions if no kept answer differs", sizes.audit_questions?);
    let Some(rate) = sizes.error_rate else { return Some(none) };
    Some(match sizes.audit_questions_at_error_rate {
        Some(questions) => format!("{none}, {questions} if a share of {rate} is kept and differs"),
        None => format!("{none}; no number would do if a share of {rate} is kept and differs"),
    })
}

/// A bound on an error rate, with the digits that matter.
fn shown(bound: f64) -> String {
    if bound < 1e-3 { format!("{bound:.3e}") } else { format!("{bound:.6}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes_at(alpha: f64, delta: f64, rows: Option<u64>, error_rate: Option<f64>) -> SampleSize {
        sizes(&SampleSizeArguments { alpha, delta, rows, error_rate })
    }

    #[test]
    fn checked_values() {
        // ANCHORS: n >= ln(delta) / ln(1 - alpha).
        for (alpha, delta, expected) in [
            (0.01, 0.1, 230),
            (0.01, 0.05, 299),
            (0.02, 0.1, 114),
            (0.02, 0.05, 149),
            (0.05, 0.1, 45),
            (0.05, 0.05, 59),
            (0.1, 0.1, 22),
            (0.1, 0.05, 29),
            (0.2, 0.1, 11),
            (0.2, 0.05, 14),
        ] {
            assert_eq!(sizes_at(alpha, delta, None, None).zero_error_rows, expected, "{alpha} {delta}");
        }
    }

    #[test]
    fn no_number_of_rows_certifies_an_error_rate_at_alpha() {
        assert_eq!(sizes_at(0.05, 0.1, None, Some(0.05)).rows_needed, None);
        assert!(sizes_at(0.05, 0.1, None, Some(0.01)).rows_needed.is_some());
    }
}
