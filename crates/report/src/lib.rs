//! # plimsoll-report
//!
//! From the rows of a run to its report: the page `report.html`, its figures as SVG, and the dataset card `README.md`.
//! A pure function: it reads and writes no file, has no clock, and gives the same bytes for the same rows.
//!
//! ```text
//! ReportInputs ── view ── statistics ─┬─ figures ── drawing ──┐
//!                                     └─ findings ────────────┴─ page, card ── Report
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`inputs`] | the rows and facts that a report shows |
//! | `view` | the rows, sorted by pair, method and dataset |
//! | `figures` | one file per figure: what it shows, and its table |
//! | `drawing` | marks to SVG, by the plotting library; colours |
//! | `statistics` | what figures, tables and findings are computed from |
//! | `findings` | the results in sentences, with cautions |
//! | `page`, `card` | the documents; `page::explorer` is the first screen, which a script moves |
//! | `text` | escaping, numbers |
//!
//! Names of models, datasets and methods are untrusted input: they are escaped wherever they are written, and the content
//! security policy of the page forbids that anything be fetched.

mod card;
mod drawing;
mod error;
mod figures;
mod findings;
pub mod inputs;
mod page;
mod statistics;
mod text;
mod view;

pub use card::card_with_tables;
pub use error::ReportError;
pub use inputs::ReportInputs;
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
pub fn report(inputs: &ReportInputs) -> Result<Report, ReportError> {
    report_within(inputs, MAX_INLINE_BYTES)
}

/// [`report`] with another bound of the bytes of figures by dataset that the page holds.
///
/// # Errors
/// As [`report`].
pub fn report_within(inputs: &ReportInputs, max_inline_bytes: usize) -> Result<Report, ReportError> {
    let pairs = view::pairs(inputs);
    let figures: Vec<PairFigures> = pairs.iter().map(pair_figures).collect::<Result<_, _>>()?;
    let mut files = Vec::new();
    for of in &figures {
        files.extend(of.plots().map(|plot| (format!("{}.svg", plot.name), plot.file())));
        for heat in of.heats() {
            files.push((format!("{}.svg", heat.name), heat.file()?));
        }
    }
    files.sort();
    files.dedup_by(|a, b| a.0 == b.0);
    let html = page::page(inputs, &pairs, &figures, max_inline_bytes)?;
    Ok(Report { html, figures: files, card: card::card(inputs, &pairs) })
}

fn pair_figures(pair: &PairView<'_>) -> Result<PairFigures, ReportError> {
    let part = pair_part(pair);
    let overviews = [routing::pool_plot(pair, &part)?, top::plot(pair, &part)?, cost::plot(pair, &part)?];
    let mut by_method = Vec::new();
    for method in pair.methods.values() {
        let histograms = method.counts.map(|counts| confidence::plot(&part, counts)).transpose()?;
        let plots = [histograms, routing::method_plot(method, &part)?, transfer::plot(method, &part)?];
        by_method.push((method.id.to_owned(), plots.into_iter().flatten().collect::<Vec<Plot>>()));
    }
    Ok(PairFigures {
        ranking: heat::roc_auc(pair, &part),
        overviews: overviews.into_iter().flatten().collect(),
        transfer_heats: [heat::over_random(pair, &part), heat::nearer_than_random(pair, &part)]
            .into_iter()
            .flatten()
            .collect(),
        targets: targets::plot(pair, &part)?,
        by_method,
    })
}
