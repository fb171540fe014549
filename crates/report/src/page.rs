//! `report.html`: one section per pair of models, and one with the provenance.
//!
//! It opens with the explorer, which says what is gained and whether that holds. The page reads without a script; with one,
//! every setting can be explored and the sections of other pairs can be hidden. It asks for nothing from a
//! network: figures are inline, style and script too. How much of the figures is inline is bounded by
//! [`MAX_INLINE_BYTES`]: first the overviews of every pair, then the figures by dataset of each pair's best method, then
//! those of the others; what does not fit is linked as a file beside the page.

mod explorer;
mod markup;
mod new_data;
mod origin;
mod other_slm;
mod points;
mod rates;

use std::fmt::Write as _;

pub(crate) use self::origin::{datasets, models, served};

use self::markup::TextColumns;
use crate::error::ReportError;
use crate::figures::Plot;
use crate::figures::heat::Heat;
use crate::findings::{Tone, findings};
use crate::inputs::ReportInputs;
use crate::text::{escape, pair_name, plural};
use crate::view::PairView;

/// Bytes of figures that a page holds at most, beside the overviews of each pair.
pub const MAX_INLINE_BYTES: usize = 4 << 20;

/// The figures of one pair.
#[derive(Debug, Default)]
pub(crate) struct PairFigures {
    pub(crate) ranking: Option<Heat>,
    /// Routing curves on the pool, the most confident, cost.
    pub(crate) overviews: Vec<Plot>,
    /// Transfer of all methods.
    pub(crate) transfer_heats: Vec<Heat>,
    pub(crate) targets: Option<Plot>,
    /// By dataset, of each method, in the order of the methods.
    pub(crate) by_method: Vec<(String, Vec<Plot>)>,
}

impl PairFigures {
    /// Every figure of panels.
    pub(crate) fn plots(&self) -> impl Iterator<Item = &Plot> {
        let details = self.by_method.iter().flat_map(|(_, plots)| plots);
        self.overviews.iter().chain(&self.targets).chain(details)
    }

    /// Every coloured table.
    pub(crate) fn heats(&self) -> impl Iterator<Item = &Heat> {
        self.ranking.iter().chain(&self.transfer_heats)
    }

    fn detail_bytes(&self, best: Option<&str>, best_only: bool) -> usize {
        let wanted = |(method, _): &&(String, Vec<Plot>)| (Some(method.as_str()) == best) == best_only;
        self.by_method.iter().filter(wanted).flat_map(|(_, plots)| plots).map(Plot::bytes).sum()
    }
}

/// How much of the figures by dataset a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    Overviews,
    BestMethod,
    All,
}

fn depth(pairs: &[PairView<'_>], figures: &[PairFigures], max_bytes: usize) -> Depth {
    let bytes = |best_only: bool| -> usize {
        let both = pairs.iter().zip(figures);
        both.map(|(pair, of)| of.detail_bytes(pair.best().map(|best| best.id), best_only)).sum()
    };
    let (best, others) = (bytes(true), bytes(false));
    if best + others <= max_bytes {
        Depth::All
    } else if best <= max_bytes {
        Depth::BestMethod
    } else {
        Depth::Overviews
    }
}

/// The page; `max_bytes` is [`MAX_INLINE_BYTES`] except in tests.
///
/// # Errors
/// [`ReportError::Data`].
pub(crate) fn page(
    inputs: &ReportInputs,
    pairs: &[PairView<'_>],
    figures: &[PairFigures],
    max_bytes: usize,
) -> Result<String, ReportError> {
    let depth = depth(pairs, figures, max_bytes);
    let plan = escape(&inputs.provenance.pipeline);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src 'self'\">\n\
         <title>{plan}: when to defer to the larger model</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        markup::style()
    );
    html.push_str(&header(inputs, pairs));
    html.push_str("<main>\n");
    html.push_str(&explorer::section(pairs)?);
    html.push_str(&overview(pairs));
    for (index, (pair, of)) in pairs.iter().zip(figures).enumerate() {
        html.push_str(&section(index, pair, of, depth));
    }
    html.push_str(&origin::section(inputs));
    html.push_str(READING);
    let _ = write!(
        html,
        "</main>\n<footer>Every number is in <code>tables/*.parquet</code>; every figure is a file in \
         <code>figures/</code>. The same tables give the same page.</footer>\n<script>{}\n{}</script>\n</body>\n</html>\n",
        include_str!("page/script.js").trim(),
        explorer::script()
    );
    Ok(html)
}

fn header(inputs: &ReportInputs, pairs: &[PairView<'_>]) -> String {
    let methods: std::collections::BTreeSet<&str> =
        pairs.iter().flat_map(|pair| pair.methods.keys().copied()).collect();
    let datasets: std::collections::BTreeSet<&str> = pairs.iter().flat_map(PairView::datasets).collect();
    let mut html = format!(
        "<header>\n<h1>{}</h1>\n<p>A small model (SLM) keeps its answer, or defers to a large one (LLM): {} of \
         models, {} of confidence, {}.</p>\n<nav aria-label=\"Sections\"><a href=\"#explore\">Explore</a>",
        escape(&inputs.provenance.pipeline),
        plural(pairs.len(), "pair"),
        plural(methods.len(), "method"),
        plural(datasets.len(), "dataset")
    );
    for (index, pair) in pairs.iter().enumerate() {
        let _ = write!(html, "<a href=\"#pair-{index}\">{}</a>", escape(&pair_name(pair.slm, pair.llm)));
    }
    html.push_str("<a href=\"#origin\">Provenance</a><a href=\"#reading\">How to read it</a>");
    if pairs.len() > 1 {
        html.push_str("<label id=\"choose\" hidden>Show <select><option value=\"\">all pairs</option>");
        for (index, pair) in pairs.iter().enumerate() {
            let name = escape(&pair_name(pair.slm, pair.llm));
            let _ = write!(html, "<option value=\"pair-{index}\">{name}</option>");
        }
        html.push_str("</select></label>");
    }
    html.push_str("</nav>\n</header>\n");
    html
}

/// The number of cautions of every pair.
fn overview(pairs: &[PairView<'_>]) -> String {
    if pairs.len() < 2 {
        return String::new();
    }
    let mut html = String::from("<section id=\"overview\">\n<h2>All pairs</h2>\n<ul>\n");
    for (index, pair) in pairs.iter().enumerate() {
        let all = findings(pair);
        let cautions = all.iter().filter(|finding| finding.tone == Tone::Caution).count();
        let holds = all.iter().filter(|finding| finding.tone == Tone::Holds).count();
        let best = pair.best().map_or("no method", |best| best.id);
        let _ = writeln!(
            html,
            "<li><a href=\"#pair-{index}\">{}</a>: best by {}; findings: {holds} where it holds, {cautions} with caution.</li>",
            escape(&pair_name(pair.slm, pair.llm)),
            escape(best)
        );
    }
    html.push_str("</ul>\n</section>\n");
    html
}

fn section(index: usize, pair: &PairView<'_>, figures: &PairFigures, depth: Depth) -> String {
    let mut html = format!(
        "<section class=\"pair\" id=\"pair-{index}\">\n<h2>{}</h2>\n",
        escape(&pair_name(pair.slm, pair.llm))
    );
    html.push_str(&markup::findings(&findings(pair)));
    if let Some(grid) = rates::accuracies(pair) {
        html.push_str("<h3>Who is right</h3>\n");
        html.push_str(&markup::table(&grid, "Accuracies by dataset", TextColumns::default()));
        html.push_str("<p class=\"soft\">Over the questions with a graded LLM answer; an ungraded SLM answer counts as wrong.</p>\n");
    }
    if let Some(heat) = &figures.ranking {
        html.push_str(&markup::heat(heat));
    }
    for plot in &figures.overviews {
        html.push_str(&markup::plot(plot));
    }
    if let Some(plot) = &figures.targets {
        html.push_str(&markup::plot(plot));
    }
    if let Some(grid) = rates::transfer(pair) {
        html.push_str("<h3>Transfer of thresholds to held-out datasets</h3>\n");
        html.push_str(&markup::table(&grid, "Transfer by method", TextColumns::default()));
    }
    for heat in &figures.transfer_heats {
        html.push_str(&markup::heat(heat));
    }
    html.push_str(&new_data(pair));
    html.push_str(&other_slm::section(pair));
    html.push_str(&thresholds(pair));
    html.push_str(&details(pair, figures, depth));
    html.push_str(&missing(pair));
    html.push_str("</section>\n");
    html
}

/// What to expect on data that were not fitted on, and what is promised there.
fn new_data(pair: &PairView<'_>) -> String {
    let tables = [
        (
            new_data::ratios(pair),
            "Mean distance from the asked routing ratio on held-out datasets",
            "With the threshold as it was fitted; after <code>plimsoll adapt</code> to so many confidences without a label; \
             and over so many decisions of a tracker.",
        ),
        (
            new_data::guarantees(pair),
            "Guarantees on held-out datasets",
            "A guarantee over rows promises nothing of a new dataset. One over datasets holds for a new dataset drawn like \
             the pool's: it is violated with at most the promised share. The t bound assumes that the datasets' risks are near a \
             normal distribution.",
        ),
        (
            new_data::labels(pair),
            "What labels of a new dataset buy",
            "Mean distance from an accuracy, or from a gap to the LLM, after adapting to 500 questions of the held-out dataset \
             and so many labelled ones; where they lie between keeping everything and the best. The cautious choice keeps one \
             standard deviation to spare. Without a label an absolute accuracy cannot be promised.",
        ),
    ];
    let mut html = String::new();
    for (grid, caption, remark) in tables {
        if let Some(grid) = grid {
            let heading = if html.is_empty() { "<h3>On data not fitted on</h3>\n" } else { "" };
            let table = markup::table(&grid, caption, TextColumns(&[1, 3]));
            let _ = write!(html, "{heading}<p class=\"soft\">{remark}</p>\n{table}");
        }
    }
    html
}

fn thresholds(pair: &PairView<'_>) -> String {
    let Some(file) = pair.thresholds else { return String::new() };
    let best = pair.best().map(|best| best.id);
    let mut html = String::from(
        "<h3>Operating points</h3>\n<p class=\"soft\">Fitted on the calibration set, with 95 % intervals by \
        bootstrap over clusters, the threshold held fixed. The SLM's answer is kept if its confidence is at least the \
        threshold; without a confidence the question is deferred.</p>\n",
    );
    for method in pair.methods.values() {
        let points = points::points(pair, method);
        if points.is_empty() {
            continue;
        }
        let grid = points::operating_points(points);
        let caption = format!("Operating points of {}", method.id);
        let remark = grid.head.len() - 1;
        let texts = if remark == 6 { TextColumns(&[6]) } else { TextColumns(&[7]) };
        let open = if Some(method.id) == best { " open" } else { "" };
        let _ = write!(
            html,
            "<details{open}><summary>{}</summary>\n{}</details>\n",
            escape(method.id),
            markup::table(&grid, &caption, texts)
        );
    }
    let guarantees = points::guarantees(pair);
    if !guarantees.rows.is_empty() {
        let methods = plural(file.methods.len(), "method");
        let _ = write!(
            html,
            "<h3>Guarantees</h3>\n<p class=\"soft\">risk ≤ alpha with probability at least 1 − delta (written \
             <code>risk=alpha:delta</code>), on the distribution of the pool, each for one operating point; choosing the best \
             of {methods} by its result needs delta divided by their number. On held-out datasets nothing is guaranteed: the \
             table counts how often the risk was exceeded there.</p>\n{}",
            markup::table(&guarantees, "Guarantees", TextColumns(&[7]))
        );
    }
    html
}

fn details(pair: &PairView<'_>, figures: &PairFigures, depth: Depth) -> String {
    let best = pair.best().map(|best| best.id);
    let mut html = String::new();
    let mut links = String::new();
    for (method, plots) in figures.by_method.iter().filter(|(_, plots)| !plots.is_empty()) {
        let is_best = Some(method.as_str()) == best;
        if depth == Depth::All || (is_best && depth == Depth::BestMethod) {
            let open = if is_best { " open" } else { "" };
            let _ = writeln!(
                html,
                "<details class=\"method\"{open}><summary>{} by dataset{}</summary>",
                escape(method),
                if is_best { ", the method that ranks best" } else { "" }
            );
            for plot in plots {
                html.push_str(&markup::plot(plot));
            }
            html.push_str("</details>\n");
        } else {
            links.extend(plots.iter().map(markup::linked));
        }
    }
    if !links.is_empty() {
        let _ = write!(
            html,
            "<details class=\"method\"><summary>Figures by dataset, as files</summary>\n<p class=\"soft\">A page holds at most {} \
             MiB of figures by dataset; these lie beside it.</p>\n<ul>\n{links}</ul></details>\n",
            MAX_INLINE_BYTES >> 20
        );
    }
    if html.is_empty() { html } else { format!("<h3>By dataset</h3>\n{html}") }
}

fn missing(pair: &PairView<'_>) -> String {
    let Some(by_method) = rates::by_method(pair) else { return String::new() };
    let mut html = String::from("<h3>Missing confidences and ungraded answers</h3>\n");
    html.push_str(&markup::table(&by_method, "Missing and ungraded by method", TextColumns(&[3])));
    match rates::by_dataset(pair) {
        Some(grid) => {
            let table = markup::table(&grid, "Missing and ungraded by dataset", TextColumns::default());
            html.push_str(&markup::folded("By dataset", &table));
        }
        None => html.push_str("<p class=\"soft\">Every row has a confidence and a graded SLM answer.</p>\n"),
    }
    if let Some(grid) = rates::answer_masses(pair) {
        html.push_str(
            "<p class=\"soft\">A method that compares the probabilities of two replies is uninformative where both are \
             unlikely: their joint probability.</p>\n",
        );
        html.push_str(&markup::table(
            &grid,
            "Probability of the replies that are compared",
            TextColumns(&[1]),
        ));
    }
    html
}

/// How to read the page, and what it does not say.
const READING: &str = "<section id=\"reading\">\n<h2>How to read it</h2>\n<ul>\n\
<li><strong>Confidence</strong>: a number in [0, 1], higher = more likely right. It need not be a probability: only its order matters for routing.</li>\n\
<li><strong>Routing ratio</strong>: the share of questions that is deferred to the LLM, least confident first, missing confidences before all.</li>\n\
<li>Every share, accuracy, cost and risk is over all rows. Ungraded SLM answers count as wrong unless the pipeline leaves them out.</li>\n\
<li><strong>Held out</strong>: thresholds are fitted without a dataset and applied to it. Curves are of the first repeat; tables are means over all.</li>\n\
<li>The bands are 95 % bootstrap intervals of the accuracy at a fixed threshold. They say nothing about datasets of another kind.</li>\n\
<li>The best method is the one with the highest ROC AUC on these very rows; choosing by that is a little optimistic.</li>\n\
<li>Intervals are not adjusted for the number of methods and datasets that are shown.</li>\n</ul>\n</section>\n";
