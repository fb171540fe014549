//! Pieces of HTML; every text that comes from outside is escaped here.

use std::fmt::Write as _;

use crate::drawing::{Drawn, Ink};
use crate::figures::heat::Heat;
use crate::figures::{Grid, Plot};
use crate::findings::{Finding, Tone};
use crate::text::{breakable, escape, share};

/// Columns of whose cells a table makes left-aligned, wrapping text.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TextColumns(pub(crate) &'static [usize]);

/// Bytes of a text from which on its cell does not get narrow.
const WIDE: usize = 40;

/// A table that scrolls by itself where it is too wide.
pub(crate) fn table(grid: &Grid, caption: &str, texts: TextColumns) -> String {
    let mut html = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table><thead><tr>",
        escape(caption)
    );
    for (column, head) in grid.head.iter().enumerate() {
        let class = if texts.0.contains(&column) { " class=\"text\"" } else { "" };
        // Writing to a string cannot fail, here and below.
        let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", breakable(head));
    }
    html.push_str("</tr></thead><tbody>\n");
    for row in &grid.rows {
        html.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let _ = match column {
                0 => write!(html, "<th scope=\"row\">{}</th>", breakable(cell)),
                column if texts.0.contains(&column) => {
                    write!(
                        html,
                        "<td class=\"text{}\">{}</td>",
                        if cell.len() > WIDE { " wide" } else { "" },
                        escape(cell)
                    )
                }
                _ => write!(html, "<td>{}</td>", escape(cell)),
            };
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// A table behind a summary.
pub(crate) fn folded(summary: &str, inner: &str) -> String {
    format!("<details><summary>{}</summary>\n{inner}</details>\n", escape(summary))
}

/// A link to a figure's file.
fn file_link(name: &str) -> String {
    // Names of files hold letters, digits and `._-` alone.
    format!("<a href=\"figures/{name}.svg\">as SVG</a>")
}

/// A figure with its legend, caption and table.
pub(crate) fn plot(plot: &Plot) -> String {
    let mut html = format!("<figure>\n<h3>{}</h3>\n", escape(&plot.title));
    html.push_str(&legend(&plot.legend));
    let few = match plot.panels.len() {
        1 => " one",
        2 => " two",
        _ => "",
    };
    let _ = writeln!(html, "<div class=\"panels{few}\">");
    for panel in &plot.panels {
        html.push_str(&svg(panel, &plot.title));
    }
    let _ = writeln!(
        html,
        "</div>\n<figcaption>{} ({})</figcaption>",
        escape(&plot.about),
        file_link(&plot.name)
    );
    html.push_str(&folded("Table", &table(&plot.table, &plot.title, TextColumns::default())));
    html.push_str("</figure>\n");
    html
}

/// A figure that is only linked.
pub(crate) fn linked(plot: &Plot) -> String {
    format!("<li><a href=\"figures/{}.svg\">{}</a></li>\n", plot.name, escape(&plot.title))
}

fn svg(panel: &Drawn, title: &str) -> String {
    format!(
        "<svg class=\"fig\" role=\"img\" aria-label=\"{}: {}\" viewBox=\"0 0 {} {}\"><title>{}</title>\n{}\n</svg>\n",
        escape(title),
        escape(&panel.title),
        panel.width,
        panel.height,
        escape(&panel.title),
        panel.inner
    )
}

fn legend(entries: &[(Ink, String)]) -> String {
    let mut html = String::from("<ul class=\"legend\">");
    for (ink, label) in entries {
        let dashes =
            ink.dashes().map_or_else(String::new, |dashes| format!(" stroke-dasharray=\"{dashes}\""));
        let _ = write!(
            html,
            "<li><svg class=\"fig\" width=\"30\" height=\"8\" aria-hidden=\"true\"><path d=\"M1 4h28\" stroke=\"{}\" \
             stroke-width=\"3\"{dashes} fill=\"none\"/></svg>{}</li>",
            ink.hex(),
            escape(label)
        );
    }
    html.push_str("</ul>\n");
    html
}

/// A table of coloured cells, which is figure and numbers in one.
pub(crate) fn heat(heat: &Heat) -> String {
    let mut html = format!(
        "<figure>\n<h3>{}</h3>\n<div class=\"scroll heat\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table>\
         <thead><tr><th scope=\"col\">{}</th>",
        escape(&heat.title),
        escape(&heat.title),
        escape(heat.corner)
    );
    for column in &heat.columns {
        let _ = write!(html, "<th scope=\"col\">{}</th>", breakable(column));
    }
    html.push_str("</tr></thead><tbody>\n");
    for (name, values) in &heat.rows {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", breakable(name));
        for value in values {
            let style = value.map_or_else(String::new, |value| format!(" style=\"{}\"", heat.style(value)));
            let _ = write!(html, "<td{style}>{}</td>", share(*value));
        }
        html.push_str("</tr>\n");
    }
    let _ = writeln!(
        html,
        "</tbody></table></div>\n<figcaption>{} ({})</figcaption>\n</figure>",
        escape(&heat.about),
        file_link(&heat.name)
    );
    html
}

/// The findings as a list.
pub(crate) fn findings(findings: &[Finding]) -> String {
    let mut html = String::from("<ul class=\"findings\">\n");
    for finding in findings {
        let (class, word) = match finding.tone {
            Tone::Holds => ("holds", "<b>Holds:</b> "),
            Tone::Caution => ("caution", "<b>Caution:</b> "),
            Tone::Plain => ("plain", ""),
        };
        let _ = writeln!(html, "<li class=\"{class}\">{word}{}</li>", escape(&finding.text));
    }
    html.push_str("</ul>\n");
    html
}

/// The style sheet, with the dark form of every colour of the figures.
pub(crate) fn style() -> String {
    format!(
        "{}{}@media (prefers-color-scheme:dark){{{}}}\n",
        include_str!("style.css"),
        include_str!("explorer/style.css"),
        crate::drawing::dark_rules(".fig ")
    )
}
