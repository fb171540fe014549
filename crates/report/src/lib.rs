//! # plimsoll-report
//!
//! From the rows of a run to what people look at: the page `report.html`, its figures as SVG, and the dataset card
//! `README.md`. A pure function: it reads and writes no file, knows no clock, and gives the same bytes for the same rows.
//!
//! ```text
//! Inputs ── view ─┬─ figures ── drawing ──┐
//!                 └─ verdict ─────────────┴─ page, card ── Report
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`inputs`] | what a report is made of |
//! | `view` | the rows, sorted by pair, method and dataset |
//! | `figures` | one file per figure: what it shows, and its table |
//! | `drawing` | marks to SVG, by the plotting library; colours |
//! | `verdict` | what the figures say, and where the claim holds less well |
//! | `page`, `card` | the documents |
//! | `text` | escaping, numbers |
//!
//! Names of models, datasets and methods are texts of strangers: they are escaped wherever they are written, and the page
//! forbids by its content security policy that anything be fetched.

mod card;
mod drawing;
mod error;
mod figures;
pub mod inputs;
mod page;
mod text;
mod verdict;
mod view;

pub use error::ReportError;
pub use inputs::Inputs;
pub use page::MAX_INLINE_BYTES;

use figures::{Plot, confidence, cost, heat, pair_part, routing, targets, top, transfer};
use page::PairFigures;
use view::PairView;

/// The documents of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// `report.html`.
    pub html: String,
    /// Name of each file of `figures/` and its text, by name.
    pub figures: Vec<(String, String)>,
    /// `README.md`.
    pub card: String,
}

/// Makes a report.
///
/// # Errors
/// [`ReportError::Draw`] if the plotting library refuses a figure.
pub fn report(inputs: &Inputs) -> Result<Report, ReportError> {
    report_within(inputs, MAX_INLINE_BYTES)
}

/// [`report`] with another bound of the bytes of figures by dataset that the page holds.
///
/// # Errors
/// As [`report`].
pub fn report_within(inputs: &Inputs, most_inline_bytes: usize) -> Result<Report, ReportError> {
    let pairs = view::pairs(inputs);
    let figures: Vec<PairFigures> = pairs.iter().map(of_pair).collect::<Result<_, _>>()?;
    let mut files = Vec::new();
    for of in &figures {
        files.extend(of.plots().map(|plot| (format!("{}.svg", plot.name), plot.file())));
        for heat in of.heats() {
            files.push((format!("{}.svg", heat.name), heat.file()?));
        }
    }
    files.sort();
    files.dedup_by(|a, b| a.0 == b.0);
    let html = page::page(inputs, &pairs, &figures, most_inline_bytes);
    Ok(Report { html, figures: files, card: card::card(inputs, &pairs) })
}

fn of_pair(pair: &PairView<'_>) -> Result<PairFigures, ReportError> {
    let part = pair_part(pair);
    let overviews = [routing::of_pool(pair, &part)?, top::plot(pair, &part)?, cost::plot(pair, &part)?];
    let mut of_methods = Vec::new();
    for method in pair.methods.values() {
        let histograms = method.counts.map(|counts| confidence::plot(&part, counts)).transpose()?;
        let plots = [histograms, routing::of_method(method, &part)?, transfer::plot(method, &part)?];
        of_methods.push((method.id.to_owned(), plots.into_iter().flatten().collect::<Vec<Plot>>()));
    }
    Ok(PairFigures {
        ranking: heat::roc_auc(pair, &part),
        overviews: overviews.into_iter().flatten().collect(),
        transfer_heats: [heat::over_random(pair, &part), heat::nearer_than_random(pair, &part)]
            .into_iter()
            .flatten()
            .collect(),
        targets: targets::plot(pair, &part)?,
        of_methods,
    })
}
