//! Panels side by side, with a title and a legend: a figure as a file.

use std::fmt::Write as _;

use super::ink::{Ink, dark_rules};
use crate::text::escape;

/// Panels in a row.
const COLUMNS: usize = 4;
/// Space around and between.
const GAP: u32 = 12;
/// Height of the title and of a line of the legend.
const LINE: u32 = 22;
/// Width of a letter of the legend, roughly; there is no font to measure.
const LETTER: u32 = 7;

/// A panel as it was drawn.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    /// Its title, not escaped.
    pub(crate) title: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The elements, without the surrounding tag.
    pub(crate) inner: String,
}

/// A whole SVG file of this size.
pub(crate) fn standalone(size: (u32, u32), title: &str, about: &str, inner: &str) -> String {
    let (width, height) = size;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui, sans-serif\" role=\"img\">\n<title>{}</title>\n<desc>{}</desc>\n\
         <style>@media (prefers-color-scheme: dark){{{}}}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n{inner}\n</svg>\n",
        escape(title),
        escape(about),
        dark_rules(""),
        Ink::Paper.hex(),
    )
}

/// The file of a figure.
pub(crate) fn sheet(title: &str, about: &str, legend: &[(Ink, String)], panels: &[Drawn]) -> String {
    let columns = u32::try_from(panels.len().clamp(1, COLUMNS)).unwrap_or(1);
    let (panel_width, panel_height) = panels.first().map_or((0, 0), |panel| (panel.width, panel.height));
    let width = columns * (panel_width + GAP) + GAP;
    let mut inner = String::new();
    let text = Ink::Text.hex();
    // Writing to a string cannot fail.
    let _ = writeln!(
        inner,
        "<text x=\"{GAP}\" y=\"{}\" font-size=\"15\" font-weight=\"600\" fill=\"{text}\">{}</text>",
        GAP + 13,
        escape(title)
    );
    let top = GAP + LINE + draw_legend(&mut inner, legend, width) + GAP / 2;
    let (mut x, mut y) = (GAP, top);
    for (index, panel) in panels.iter().enumerate() {
        if index > 0 && index % COLUMNS == 0 {
            (x, y) = (GAP, y + panel_height + GAP);
        }
        let _ = writeln!(
            inner,
            "<svg x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\">\n<title>{}</title>\n{}\n</svg>",
            escape(&panel.title),
            panel.inner,
            w = panel.width,
            h = panel.height,
        );
        x += panel_width + GAP;
    }
    standalone((width, y + panel_height + GAP), title, about, &inner)
}

/// Writes the legend and gives its height.
fn draw_legend(inner: &mut String, legend: &[(Ink, String)], width: u32) -> u32 {
    let (mut x, mut line) = (GAP, 0);
    for (ink, label) in legend {
        let letters = u32::try_from(label.chars().count()).unwrap_or(0);
        let wide = 34 + letters * LETTER + 16;
        if x + wide > width && x > GAP {
            (x, line) = (GAP, line + 1);
        }
        let y = GAP + LINE + line * LINE + 8;
        let dashes =
            ink.dashes().map_or_else(String::new, |dashes| format!(" stroke-dasharray=\"{dashes}\""));
        let _ = writeln!(
            inner,
            "<path d=\"M{x} {y}h26\" stroke=\"{}\" stroke-width=\"3\"{dashes} fill=\"none\"/>\
             <text x=\"{}\" y=\"{}\" font-size=\"12\" fill=\"{}\">{}</text>",
            ink.hex(),
            x + 32,
            y + 4,
            Ink::Text.hex(),
            escape(label)
        );
        x += wide;
    }
    if legend.is_empty() { 0 } else { (line + 1) * LINE }
}
