//! One panel: a small chart with its title, axes and marks.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::types::RangedCoordf64;
use plotters::drawing::{DrawingArea, IntoDrawingArea as _};
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::prelude::SVGBackend;
use plotters::style::{Color as _, IntoFont as _, ShapeStyle, TextStyle};

use super::ink::{INKS, Ink};
use super::sheet::Drawn;
use crate::error::ReportError;
use crate::text::short;

/// Width of a panel.
const WIDTH: u32 = 300;
/// Its height.
const HEIGHT: u32 = 214;
/// Size of its labels; the library takes a line's height, of which letters are 1/1.24.
const LABEL: f64 = 13.0;
/// Size of its title.
const TITLE: f64 = 15.5;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// How the numbers of an axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    /// 0.25 as `25 %`.
    Percent,
    /// With one or two digits.
    Plain,
    /// With as many digits as small amounts need.
    Dollars,
}

/// An axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) label: &'static str,
    pub(crate) tick: Tick,
}

impl Axis {
    /// A share from 0 to 1.
    pub(crate) const fn share(label: &'static str) -> Self {
        Self { low: 0.0, high: 1.0, label, tick: Tick::Percent }
    }

    /// An axis that holds these numbers, with a little room.
    pub(crate) fn around(label: &'static str, tick: Tick, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            return Self { low: 0.0, high: 1.0, label, tick };
        }
        let room = ((high - low) * 0.06).max(high.abs() * 1e-3).max(1e-9);
        Self { low: low - room, high: high + room, label, tick }
    }

    fn write(&self, value: f64) -> String {
        // Of what rounds to zero, the sign would be shown.
        let value = if value.abs() < 1e-12 { 0.0 } else { value };
        match self.tick {
            Tick::Percent if self.high - self.low < 0.05 => format!("{:.1}%", value * 100.0),
            Tick::Percent => format!("{:.0}%", value * 100.0),
            Tick::Plain if self.high - self.low < 0.5 => format!("{value:.2}"),
            Tick::Plain => format!("{value:.1}"),
            // No zero too many: six of them stand in a row.
            Tick::Dollars => {
                let text = format!("{value:.6}");
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
        }
    }
}

/// Something drawn in a panel. Points that are not finite are left out.
#[derive(Debug, Clone)]
pub(crate) enum PlotMark {
    /// A line through points.
    Line { ink: Ink, width: u32, points: Vec<(f64, f64)> },
    /// A shaded region with this outline.
    Region { ink: Ink, opacity: f64, outline: Vec<(f64, f64)> },
    /// Dots.
    Dots { ink: Ink, points: Vec<(f64, f64)> },
}

impl PlotMark {
    /// A line of the usual width.
    pub(crate) fn line(ink: Ink, points: Vec<(f64, f64)>) -> Self {
        let width = if matches!(ink, Ink::Main) { 2 } else { 1 };
        Self::Line { ink, width, points }
    }

    /// A level over the whole width.
    pub(crate) fn level(ink: Ink, x: &Axis, value: Option<f64>) -> Self {
        let ends = |value| vec![(x.low.max(0.0), value), (x.high.min(1.0), value)];
        Self::Line { ink, width: 1, points: value.map(ends).unwrap_or_default() }
    }
}

/// A panel.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    /// A name, as whoever gave it wrote it.
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Drawn in this order.
    pub(crate) marks: Vec<PlotMark>,
}

impl Panel {
    /// As SVG.
    pub(crate) fn draw(&self) -> Result<Drawn, ReportError> {
        let mut svg = String::new();
        let drawn = {
            let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
            self.draw_on(&area).and_then(|()| area.present().map_err(|error| error.to_string()))
        };
        drawn.map_err(|problem| ReportError::Draw { figure: self.title.clone(), problem })?;
        Ok(Drawn { title: self.title.clone(), width: WIDTH, height: HEIGHT, inner: inner(&svg) })
    }

    fn draw_on(&self, area: &Area<'_>) -> Result<(), String> {
        let ink = Ink::Text.color();
        let title = TextStyle::from(("sans-serif", TITLE).into_font()).color(&ink);
        area.draw(&Text::new(short(&self.title), (8, 5), title)).map_err(|error| error.to_string())?;
        let mut chart = ChartBuilder::on(area)
            .margin(4)
            .margin_right(18)
            .margin_top(24)
            .x_label_area_size(32)
            .y_label_area_size(46)
            .build_cartesian_2d(self.x.low..self.x.high, self.y.low..self.y.high)
            .map_err(|error| error.to_string())?;
        let label = TextStyle::from(("sans-serif", LABEL).into_font()).color(&ink);
        chart
            .configure_mesh()
            .x_labels(6)
            .y_labels(5)
            .max_light_lines(1)
            .light_line_style(Ink::Grid.color().mix(0.0))
            .bold_line_style(Ink::Grid.color())
            .axis_style(Ink::Text.color())
            .label_style(label.clone())
            .axis_desc_style(label)
            .x_desc(self.x.label)
            .y_desc(self.y.label)
            .x_label_formatter(&|value| self.x.write(*value))
            .y_label_formatter(&|value| self.y.write(*value))
            .draw()
            .map_err(|error| error.to_string())?;
        for mark in &self.marks {
            self.mark(&mut chart, mark)?;
        }
        Ok(())
    }

    fn mark(&self, chart: &mut Chart<'_, '_>, mark: &PlotMark) -> Result<(), String> {
        let shown = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
            let finite = points.iter().filter(|(x, y)| x.is_finite() && y.is_finite());
            finite
                .map(|(x, y)| (x.clamp(self.x.low, self.x.high), y.clamp(self.y.low, self.y.high)))
                .collect()
        };
        match mark {
            PlotMark::Line { ink, width, points } => {
                let style = ShapeStyle { color: ink.color().to_rgba(), filled: false, stroke_width: *width };
                let points = shown(points);
                let line = (points.len() > 1).then(|| PathElement::new(points, style));
                chart.draw_series(line).map_err(|error| error.to_string())?;
            }
            PlotMark::Region { ink, opacity, outline } => {
                let outline = shown(outline);
                let region = (outline.len() > 2).then(|| Polygon::new(outline, ink.color().mix(*opacity)));
                chart.draw_series(region).map_err(|error| error.to_string())?;
            }
            PlotMark::Dots { ink, points } => {
                let dots = shown(points).into_iter().map(|point| Circle::new(point, 2, ink.color().filled()));
                chart.draw_series(dots).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

/// What the library wrote between the opening and the closing tag, with the dashes of each ink and without what the
/// surrounding figure says once for all.
pub(crate) fn inner(svg: &str) -> String {
    let from = svg.find('>').map_or(0, |end| end + 1);
    let to = svg.rfind("</svg>").unwrap_or(svg.len());
    let mut inner = svg.get(from..to).unwrap_or_default().trim().replace(" opacity=\"1\"", "");
    inner = inner.replace(" font-family=\"sans-serif\"", "");
    for style in INKS {
        if let Some(dashes) = style.dashes {
            let stroke = format!("stroke=\"{}\"", style.hex());
            inner = inner.replace(&stroke, &format!("{stroke} stroke-dasharray=\"{dashes}\""));
        }
    }
    inner
}
