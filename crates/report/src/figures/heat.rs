//! Tables of coloured cells: ROC AUC by method and dataset, accuracy over random, missing shares.

use plimsoll_core::records::{MACRO, POOL};
use plotters::drawing::IntoDrawingArea as _;
use plotters::element::{Rectangle, Text};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, IntoFont as _, RGBColor, TextStyle};

use crate::drawing::{Ink, standalone};
use crate::error::ReportError;
use crate::statistics::{accuracy_over_random, curve_rmse, dataset_alone, held_out_datasets};
use crate::text::{clean, share, short};
use crate::view::{MethodView, PairView};

/// Width of the names of rows in a file.
const NAMES: i32 = 240;
/// Width of a cell in a file.
const CELL: i32 = 136;
/// Height of a row in a file.
const ROW: i32 = 26;
/// Size of letters in a file; the library takes a line's height.
const SIZE: f64 = 15.0;

/// The share of the full colour that a cell has at most. The page's letters have a contrast of 4.5 on it, in the light and
/// in the dark; on more of the colour neither dark nor white ones would.
const STRONGEST: f64 = 0.65;

/// Letters on a cell of a file.
const LETTERS: RGBColor = RGBColor(17, 17, 17);

/// The full colour: blue above the middle, orange below.
const fn full(strength: f64) -> (u8, u8, u8) {
    if strength < 0.0 { (0xB3, 0x58, 0x06) } else { (0x1B, 0x5E, 0xA0) }
}

/// A table of coloured cells.
#[derive(Debug, Clone)]
pub(crate) struct Heat {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) about: String,
    /// What the rows are.
    pub(crate) corner: &'static str,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<(String, Vec<Option<f64>>)>,
    /// The value without colour.
    pub(crate) middle: f64,
    /// Distance from the middle at which the colour is full.
    pub(crate) reach: f64,
}

impl Heat {
    /// How far a value is from the middle, as a share of the full colour; below the middle negative.
    fn strength(&self, value: f64) -> f64 {
        ((value - self.middle) / self.reach).clamp(-1.0, 1.0) * STRONGEST
    }

    /// Ground of a cell on white.
    fn ground(&self, value: f64) -> RGBColor {
        let strength = self.strength(value);
        let (red, green, blue) = full(strength);
        let mix = |full: u8| {
            let mixed = 255.0 + (f64::from(full) - 255.0) * strength.abs();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
            let byte = mixed.round() as u8;
            byte
        };
        RGBColor(mix(red), mix(green), mix(blue))
    }

    /// The style of a cell of the page: its colour lies over the page's ground, light or dark.
    pub(crate) fn style(&self, value: f64) -> String {
        let strength = self.strength(value);
        let (red, green, blue) = full(strength);
        format!("background:rgb({red} {green} {blue}/{:.2})", strength.abs())
    }

    /// As a file.
    pub(crate) fn file(&self) -> Result<String, ReportError> {
        let columns = i32::try_from(self.columns.len()).unwrap_or(0);
        let rows = i32::try_from(self.rows.len()).unwrap_or(0);
        let (width, height) = (NAMES + columns * CELL + 16, 72 + rows * ROW);
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let mut svg = String::new();
        let drawn = {
            let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            self.draw(&area).and_then(|()| area.present().map_err(|error| error.to_string()))
        };
        drawn.map_err(|problem| ReportError::Draw { figure: self.title.clone(), problem })?;
        let inner = crate::drawing::inner(&svg);
        Ok(standalone(size, &self.title, &self.about, &inner))
    }

    fn draw(
        &self,
        area: &plotters::drawing::DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    ) -> Result<(), String> {
        let ink = Ink::Text.color();
        let text = |label: String, x: i32, y: i32, side: HPos, color: RGBColor| {
            let style = TextStyle::from(("sans-serif", SIZE).into_font()).color(&color);
            let style = style.pos(Pos::new(side, VPos::Center));
            area.draw(&Text::new(clean(&label), (x, y), style)).map_err(|error| error.to_string())
        };
        text(self.title.clone(), 12, 20, HPos::Left, ink)?;
        for (x, column) in (NAMES..).step_by(CELL.unsigned_abs() as usize).zip(&self.columns) {
            text(shorter(column, 19), x + CELL / 2, 50, HPos::Center, ink)?;
        }
        for (y, (name, values)) in (64..).step_by(ROW.unsigned_abs() as usize).zip(&self.rows) {
            text(short(name), NAMES - 10, y + ROW / 2, HPos::Right, ink)?;
            for (x, value) in (NAMES..).step_by(CELL.unsigned_abs() as usize).zip(values) {
                let Some(value) = value else {
                    text(share(None), x + CELL / 2, y + ROW / 2, HPos::Center, ink)?;
                    continue;
                };
                let ground = self.ground(*value);
                let corners = [(x + 1, y + 1), (x + CELL - 1, y + ROW - 1)];
                let cell = Rectangle::new(corners, ground.filled());
                area.draw(&cell).map_err(|error| error.to_string())?;
                text(share(Some(*value)), x + CELL / 2, y + ROW / 2, HPos::Center, LETTERS)?;
            }
        }
        Ok(())
    }
}

fn shorter(name: &str, max_chars: usize) -> String {
    let name = short(name);
    if name.chars().count() <= max_chars {
        return name;
    }
    let head: String = name.chars().take(max_chars - 1).collect();
    format!("{head}…")
}

/// ROC AUC by dataset and method, with the pool, the mean over datasets, and that of the dataset alone.
pub(crate) fn roc_auc(pair: &PairView<'_>, pair_part: &str) -> Option<Heat> {
    let methods: Vec<&MethodView<'_>> = pair.methods.values().filter(|m| !m.alignment.is_empty()).collect();
    if methods.is_empty() {
        return None;
    }
    let row = |name: &str, dataset: &str| {
        (name.to_owned(), methods.iter().map(|method| method.roc_auc(dataset)).collect::<Vec<_>>())
    };
    let mut rows = vec![row("all together", POOL), row("mean over datasets", MACRO)];
    rows.extend(pair.datasets().into_iter().map(|dataset| row(dataset, dataset)));
    let mut columns: Vec<String> = methods.iter().map(|method| method.id.to_owned()).collect();
    let alone = pair.best().and_then(|best| best.counts).and_then(dataset_alone);
    if alone.is_some() {
        columns.push("dataset alone".to_owned());
        for (index, (_, values)) in rows.iter_mut().enumerate() {
            values.push(alone.filter(|_| index == 0));
        }
    }
    let about = "ROC AUC: how often a right answer of the SLM has a higher confidence than a wrong one; 0.5 is chance. \
                 “Dataset alone” ranks all questions of a dataset alike, by the SLM's accuracy on it: how much of the \
                 value on all together comes from telling datasets apart.";
    Some(Heat {
        name: format!("{pair_part}.roc_auc"),
        title: format!("ROC AUC: {}", pair.slm),
        about: about.to_owned(),
        corner: "dataset",
        columns,
        rows,
        middle: 0.5,
        reach: 0.45,
    })
}

/// Accuracy above random routing at the same ratio, by held-out dataset and method.
pub(crate) fn over_random(pair: &PairView<'_>, pair_part: &str) -> Option<Heat> {
    by_held_out(pair, accuracy_over_random).map(|HeldOutValues { columns, rows }| Heat {
        name: format!("{pair_part}.over_random"),
        title: "Accuracy over random routing, held-out datasets".to_owned(),
        about: "Accuracy with thresholds fitted on the other datasets, minus that of deferring as many questions at \
                random; mean over routing ratios and repeats. Orange: worse than random."
            .to_owned(),
        corner: "held out",
        columns,
        rows,
        middle: 0.0,
        reach: 0.10,
    })
}

/// By how much the true curve with the others' thresholds is nearer to the true one than the random line.
pub(crate) fn nearer_than_random(pair: &PairView<'_>, pair_part: &str) -> Option<Heat> {
    let figure = |method: &MethodView<'_>, held_out: &str| {
        let (own, random) = curve_rmse(method, held_out)?;
        Some(random - own)
    };
    by_held_out(pair, figure).map(|HeldOutValues { columns, rows }| Heat {
        name: format!("{pair_part}.curve_rmse"),
        title: "How well curves transfer, against the random line".to_owned(),
        about: "Distance of the random line from a held-out dataset's true curve, minus the distance of the curve with \
                the other datasets' thresholds (root mean square over the shares 0, 0.01, .., 1; mean over repeats). \
                Orange: the random line is nearer, so the other datasets were of no use for this one."
            .to_owned(),
        corner: "held out",
        columns,
        rows,
        middle: 0.0,
        reach: 0.06,
    })
}

/// Values by held-out dataset and method.
struct HeldOutValues {
    columns: Vec<String>,
    rows: Vec<(String, Vec<Option<f64>>)>,
}

fn by_held_out(
    pair: &PairView<'_>,
    figure: impl Fn(&MethodView<'_>, &str) -> Option<f64>,
) -> Option<HeldOutValues> {
    let methods: Vec<&MethodView<'_>> = pair.methods.values().filter(|m| !m.transfer.is_empty()).collect();
    let mut names: Vec<&str> = methods.iter().flat_map(|method| held_out_datasets(method)).collect();
    names.sort_unstable();
    names.dedup();
    let row = |name: &&str| {
        ((*name).to_owned(), methods.iter().map(|method| figure(method, name)).collect::<Vec<_>>())
    };
    let rows: Vec<_> = names.iter().map(row).collect();
    let any = rows.iter().flat_map(|(_, values)| values).any(Option::is_some);
    any.then(|| HeldOutValues { columns: methods.iter().map(|method| method.id.to_owned()).collect(), rows })
}
