//! The explorer: the first screen of the page. It says of one setting what is gained and whether it holds; with a script,
//! of any: pair, method, kind and value of the target.
//!
//! Without the script the setting that ranks best, at a routing ratio near 0.3, stays. Data are embedded as JSON in which
//! nothing can end the element, and the script writes texts alone.

mod ask;
mod data;
mod figure;
mod held_out;
mod setting;
mod stops;

use std::fmt::Write as _;

use self::data::{Data, data};
use self::setting::{Setting, text};
use super::markup::{TextColumns, folded, table};
use crate::error::ReportError;
use crate::figures::Grid;
use crate::text::escape;
use crate::view::PairView;

/// The section; empty if no pair has a curve.
///
/// # Errors
/// [`ReportError::Data`].
pub(super) fn section(pairs: &[PairView<'_>]) -> Result<String, ReportError> {
    let Some(data) = data(pairs) else { return Ok(String::new()) };
    let Some(setting) = Setting::first(&data) else { return Ok(String::new()) };
    let mut html = String::from("<section id=\"explore\">\n<h2>What do you gain, and does it hold?</h2>\n");
    html.push_str(&sentences(&setting));
    html.push_str(&figure(&setting));
    html.push_str(CONTROLS);
    html.push_str(&point(&setting));
    html.push_str(&ask(&setting));
    let _ = writeln!(
        html,
        "<script type=\"application/json\" id=\"explore-data\">{}</script>\n</section>",
        embedded(&data)?
    );
    Ok(html)
}

/// The script, a function of its own.
pub(super) fn script() -> String {
    format!(
        "(function(){{\n\"use strict\";\nvar INK = {};\n{}{}{}{}}})();",
        figure::inks(),
        include_str!("explorer/setting.js"),
        include_str!("explorer/ask.js"),
        include_str!("explorer/figure.js"),
        include_str!("explorer/controls.js")
    )
}

/// What needs the script is shown by it. The values of a list are set by it, too.
const CONTROLS: &str = "<div class=\"controls\" id=\"explore-controls\" role=\"group\" aria-label=\"Setting\" hidden>\n\
<label>SLM<select data-choose=\"slm\"></select></label>\n\
<label>LLM<select data-choose=\"llm\"></select></label>\n\
<label>Method<select data-choose=\"method\"></select></label>\n\
<label>Target<select data-choose=\"kind\"></select></label>\n\
<label class=\"wide\"><span id=\"explore-value\"></span><input type=\"range\" min=\"0\" step=\"1\" data-choose=\"stop\" \
list=\"explore-fitted\"></label>\n<datalist id=\"explore-fitted\"></datalist>\n</div>\n\
<p class=\"unseen\" id=\"explore-status\" role=\"status\"></p>\n";

fn sentences(setting: &Setting<'_>) -> String {
    let (is_caution, holds) = setting.holds();
    let (class, word) = if is_caution { ("caution", "Caution:") } else { ("holds", "Holds:") };
    format!(
        "<ul class=\"findings lead\">\n<li class=\"plain\"><b>Gain:</b> <span id=\"explore-gain-text\">{}</span></li>\n\
         <li class=\"{class}\" id=\"explore-holds\"><b>{word}</b> <span>{}</span></li>\n</ul>\n",
        escape(&setting.gain()),
        escape(&holds)
    )
}

fn figure(setting: &Setting<'_>) -> String {
    let has_held_out = !setting.held_out().is_empty();
    let mut html = String::from("<figure class=\"explore\">\n<ul class=\"legend\">");
    for (label, mark) in figure::legend(setting.method, has_held_out) {
        let _ = write!(
            html,
            "<li><svg class=\"fig\" width=\"30\" height=\"12\" aria-hidden=\"true\">{mark}</svg>{label}</li>"
        );
    }
    let _ = writeln!(
        html,
        "</ul>\n<div class=\"both\">\n{}{}</div>\n<figcaption>First what is gained on the pool. Then whether it holds: with \
         thresholds from the other datasets, the accuracy that these predict for a held-out dataset, and the true \
         one.</figcaption>\n</figure>",
        figure::gain(setting),
        figure::transfer(setting)
    );
    html
}

fn point(setting: &Setting<'_>) -> String {
    let mut grid = Grid::new(&[
        "at this setting",
        "threshold",
        "deferred",
        "accuracy",
        "SLM wrong, of the kept",
        "US dollars per 1,000",
    ]);
    grid.rows.extend(setting.rows().into_iter().map(Vec::from));
    let mut html = String::from(
        "<p class=\"soft\">The thresholds file was fitted on the calibration set; the routing curve is of the whole pool.</p>\n",
    );
    html.push_str(&table(&grid, "This setting", TextColumns::default()));
    let _ = writeln!(
        html,
        "<p><b>Guarantee:</b> <span id=\"explore-guarantee\">{}</span></p>",
        escape(setting.guarantee())
    );
    let mut grid = Grid::new(&[
        "held out",
        "predicted accuracy",
        "true accuracy",
        "with its own threshold",
        "predicted share deferred",
        "deferred",
    ]);
    for (name, row) in setting.held_out() {
        let cells = row.iter().map(|value| text(*value));
        grid.rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
    }
    let inner = table(&grid, "Held-out datasets at this setting", TextColumns::default());
    html.push_str(&folded("Predicted and true of each held-out dataset", &inner));
    html
}

fn ask(setting: &Setting<'_>) -> String {
    let mut html = String::from("<h3>Ask for it</h3>\n");
    for (name, lines) in ["Command line", "Python", "Rust"].iter().zip(ask::lines(setting)) {
        let _ = writeln!(
            html,
            "<p class=\"soft\">{name}</p>\n<pre tabindex=\"0\" aria-label=\"{name}\"><code>{}</code></pre>",
            escape(&lines)
        );
    }
    html
}

/// JSON that neither HTML nor a script can misread: no character of markup is left in it.
fn embedded(data: &Data) -> Result<String, ReportError> {
    let json = serde_json::to_string(data)?;
    Ok(json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e"))
}
