//! The figure of a setting: what is gained, and whether it holds. `figure.js` draws every other setting by the same
//! arithmetic, so that its first drawing changes nothing.

use std::fmt::Write as _;

use super::data::{CurveData, MethodData, Milli};
use super::setting::{Setting, text};
use crate::drawing::Ink;
use crate::text::escape;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 286.0;
/// Left, right, top and bottom of what is within the axes of the first panel.
const FRAME: [f64; 4] = [50.0, 438.0, 14.0, 244.0];
/// Left and right of the second panel's axis.
const SPAN: [f64; 2] = [150.0, 438.0];
/// Height of a dataset's row.
const ROW: f64 = 17.0;
/// Space above the first row, and below the last.
const HEAD: f64 = 14.0;
const FOOT: f64 = 42.0;
/// Letters of a dataset's name that fit beside its row.
const LETTERS: usize = 18;
/// Lines of the grid lie on multiples of these thousandths.
const STEP: i32 = 50;

/// The scale of accuracies.
#[derive(Debug, Clone, Copy)]
struct Scale {
    low: i32,
    high: i32,
}

impl Scale {
    fn of(curve: &CurveData) -> Self {
        let columns = [&curve.accuracy, &curve.low, &curve.high, &curve.random];
        let levels = [curve.slm, curve.llm];
        let values =
            || columns.iter().flat_map(|column| column.iter()).chain(&levels).filter_map(|value| *value);
        let (low, high) = (values().min().unwrap_or(0), values().max().unwrap_or(1000));
        let low = low.div_euclid(STEP) * STEP;
        Self { low, high: (-(-high).div_euclid(STEP) * STEP).max(low + STEP) }
    }

    fn y(self, value: i32) -> f64 {
        let [_, _, top, bottom] = FRAME;
        top + f64::from(self.high - value) * (bottom - top) / f64::from(self.high - self.low)
    }

    fn step(self) -> i32 {
        if self.high - self.low > 400 { 2 * STEP } else { STEP }
    }
}

fn x(value: i32) -> f64 {
    FRAME[0] + f64::from(value) * (FRAME[1] - FRAME[0]) / 1000.0
}

fn across(value: i32) -> f64 {
    SPAN[0] + f64::from(value) * (SPAN[1] - SPAN[0]) / 1000.0
}

/// A length with one digit, as short as it can be.
fn px(value: f64) -> String {
    format!("{}", (value * 10.0).round() / 10.0)
}

fn path(ratio: &[Milli], column: &[Milli], scale: Scale) -> String {
    let mut path = String::new();
    for (ratio, value) in ratio.iter().zip(column) {
        if let (Some(ratio), Some(value)) = (ratio, value) {
            let letter = if path.is_empty() { 'M' } else { 'L' };
            // Writing to a string cannot fail, here and below.
            let _ = write!(path, "{letter}{} {}", px(x(*ratio)), px(scale.y(*value)));
        }
    }
    path
}

fn band(curve: &CurveData, scale: Scale) -> String {
    let reversed = |column: &[Milli]| column.iter().rev().copied().collect::<Vec<_>>();
    let low = path(&reversed(&curve.ratio), &reversed(&curve.low), scale);
    let high = path(&curve.ratio, &curve.high, scale);
    if low.is_empty() || high.is_empty() {
        String::new()
    } else {
        format!("{high}{}Z", low.replacen('M', "L", 1))
    }
}

/// What lies behind the curve: lines of the grid and their labels.
fn axes(method: &MethodData, scale: Scale) -> String {
    let mut svg = String::new();
    let [left, right, _, bottom] = FRAME;
    let (grid, ink) = (Ink::Grid.hex(), Ink::Text.hex());
    let mut value = scale.low;
    while value <= scale.high {
        let y = px(scale.y(value));
        let _ = write!(
            svg,
            "<path d=\"M{left} {y}H{right}\" stroke=\"{grid}\"/><text x=\"{}\" y=\"{y}\" dy=\"4\" text-anchor=\"end\" \
             fill=\"{ink}\">{}%</text>",
            left - 6.0,
            value / 10
        );
        value += scale.step();
    }
    for value in [0, 200, 400, 600, 800, 1000] {
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{ink}\">{}%</text>",
            px(x(value)),
            bottom + 16.0,
            value / 10
        );
    }
    let what = if method.of_kept { "accuracy of what is kept" } else { "accuracy" };
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{ink}\">{what}, against the share deferred</text>",
        px(f64::midpoint(left, right)),
        bottom + 34.0
    );
    svg
}

/// The curve of the method, with the setting on it.
pub(super) fn gain(setting: &Setting<'_>) -> String {
    let curve = &setting.method.curve;
    let scale = Scale::of(curve);
    let [left, right, top, bottom] = FRAME;
    let (main, random) = (Ink::Main.hex(), Ink::Random.hex());
    let mut svg = axes(setting.method, scale);
    let _ = write!(svg, "<path d=\"{}\" fill=\"{main}\" opacity=\"0.18\"/>", band(curve, scale));
    for (ink, level) in [(Ink::Slm, curve.slm), (Ink::Llm, curve.llm)] {
        let Some(level) = level else { continue };
        let _ = write!(
            svg,
            "<path d=\"M{left} {}H{right}\" stroke=\"{}\" stroke-width=\"1.5\" stroke-dasharray=\"{}\" fill=\"none\"/>",
            px(scale.y(level)),
            ink.hex(),
            ink.dashes().unwrap_or_default()
        );
    }
    let _ = write!(
        svg,
        "<path d=\"{}\" stroke=\"{random}\" stroke-width=\"1.5\" stroke-dasharray=\"{}\" fill=\"none\"/>\
         <path d=\"{}\" stroke=\"{main}\" stroke-width=\"2.5\" fill=\"none\"/>",
        path(&curve.ratio, &curve.random, scale),
        Ink::Random.dashes().unwrap_or_default(),
        path(&curve.ratio, &curve.accuracy, scale)
    );
    if let (Some(ratio), Some(accuracy)) = (setting.at(&curve.ratio), setting.at(&curve.accuracy)) {
        let ink = Ink::Text.hex();
        let (x, y) = (px(x(ratio)), px(scale.y(accuracy)));
        let (dx, anchor) = if ratio > 700 { (-9, "end") } else { (9, "start") };
        let _ = write!(
            svg,
            "<path d=\"M{x} {top}V{bottom}\" stroke=\"{ink}\" stroke-dasharray=\"1 3\"/>\
             <circle cx=\"{x}\" cy=\"{y}\" r=\"5.5\" fill=\"{ink}\"/>\
             <text x=\"{x}\" y=\"{y}\" dx=\"{dx}\" dy=\"17\" text-anchor=\"{anchor}\" font-weight=\"600\" fill=\"{ink}\">{}</text>",
            text(Some(accuracy))
        );
    }
    framed("gain", &setting.gain(), HEIGHT, &svg)
}

/// Predicted and true of every held-out dataset; accuracies, or shares deferred where there are none.
pub(super) fn transfer(setting: &Setting<'_>) -> String {
    let rows = setting.held_out();
    let of_ratio = rows.iter().all(|(_, row)| row[0].is_none());
    let end = HEAD + ROW * rows.len() as f64;
    let (grid, ink) = (Ink::Grid.hex(), Ink::Text.hex());
    let mut svg = String::new();
    for value in [0, 250, 500, 750, 1000] {
        let x = px(across(value));
        let _ = write!(
            svg,
            "<path d=\"M{x} {HEAD}V{end}\" stroke=\"{grid}\"/><text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"{ink}\">{}%</text>",
            end + 16.0,
            value / 10
        );
    }
    let what = if of_ratio { "share deferred" } else { "accuracy" };
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{ink}\">{what} of held-out datasets</text>",
        px(f64::midpoint(SPAN[0], SPAN[1])),
        end + 34.0
    );
    for (index, (name, row)) in rows.iter().enumerate() {
        let (predicted, own) = if of_ratio { (row[3], row[4]) } else { (row[0], row[1]) };
        dumbbell(&mut svg, name, HEAD + ROW * (index as f64 + 0.5), predicted, own);
    }
    framed("transfer", &setting.holds().1, end + FOOT, &svg)
}

fn dumbbell(svg: &mut String, name: &str, y: f64, predicted: Milli, own: Milli) {
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{y}\" dy=\"4\" text-anchor=\"end\" fill=\"{}\">{}</text>",
        SPAN[0] - 8.0,
        Ink::Text.hex(),
        escape(&shortened(name))
    );
    let (Some(predicted), Some(own)) = (predicted, own) else { return };
    let (from, to) = (px(across(predicted)), px(across(own)));
    let (open, full) = (Ink::Slm.hex(), Ink::Main.hex());
    let _ = write!(
        svg,
        "<path d=\"M{from} {y}H{to}\" stroke=\"{full}\" stroke-width=\"2\"/>\
         <circle cx=\"{from}\" cy=\"{y}\" r=\"4.5\" fill=\"{}\" stroke=\"{open}\" stroke-width=\"2\"/>\
         <circle cx=\"{to}\" cy=\"{y}\" r=\"4.5\" fill=\"{full}\"/>",
        Ink::Paper.hex()
    );
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let head: String = name.chars().take(LETTERS - 1).collect();
    format!("{head}…")
}

fn framed(name: &str, label: &str, height: f64, inner: &str) -> String {
    format!(
        "<svg class=\"fig\" id=\"explore-{name}\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {WIDTH} {height}\">{inner}</svg>\n",
        escape(label)
    )
}

/// What the marks of the figure stand for.
pub(super) fn legend(method: &MethodData, has_held_out: bool) -> Vec<(&'static str, String)> {
    let line = |ink: Ink, width: &str| {
        let dashes =
            ink.dashes().map_or_else(String::new, |dashes| format!(" stroke-dasharray=\"{dashes}\""));
        format!(
            "<path d=\"M1 6h28\" stroke=\"{}\" stroke-width=\"{width}\"{dashes} fill=\"none\"/>",
            ink.hex()
        )
    };
    let mut entries = vec![("by confidence, with 95 % band", line(Ink::Main, "2.5"))];
    if !method.of_kept {
        entries.push(("at random", line(Ink::Random, "1.5")));
        entries.push(("SLM alone", line(Ink::Slm, "1.5")));
        entries.push(("LLM alone", line(Ink::Llm, "1.5")));
    }
    if has_held_out {
        let (paper, open, full) = (Ink::Paper.hex(), Ink::Slm.hex(), Ink::Main.hex());
        let circle = "<circle cx=\"15\" cy=\"6\"";
        entries.push((
            "held out: predicted",
            format!("{circle} r=\"4\" fill=\"{paper}\" stroke=\"{open}\" stroke-width=\"2\"/>"),
        ));
        entries.push(("held out: true", format!("{circle} r=\"4.5\" fill=\"{full}\"/>")));
    }
    entries
}

/// Colours and dashes, as an object of the script.
pub(super) fn inks() -> String {
    let inks = [
        ("main", Ink::Main),
        ("random", Ink::Random),
        ("slm", Ink::Slm),
        ("llm", Ink::Llm),
        ("grid", Ink::Grid),
        ("text", Ink::Text),
        ("paper", Ink::Paper),
    ];
    let entry = |(name, ink): &(&str, Ink)| {
        format!("{name}: \"{}\", {name}_dashes: \"{}\"", ink.hex(), ink.dashes().unwrap_or_default())
    };
    format!("{{ {} }}", inks.iter().map(entry).collect::<Vec<_>>().join(", "))
}
