//! One setting of the explorer in words and rows. `setting.js` says the same of every other setting; a test in a browser
//! holds the two to each other.

use super::data::{Data, MethodData, Milli, PairData, PointData};
use super::held_out::{HeldOut, HeldOutPoint};
use super::stops::Stop;
use crate::text::NONE;

/// Mean distance of predicted and true, in thousandths, beyond which the first screen cautions; as the findings do.
const FAR: i32 = 50;

/// What is said where nothing was held out, and where the page does not hold it.
const UNKNOWN: &str = "Not known: nothing was held out here. Thresholds may not fit other data.";
const CUT: &str = "Not on this page, which would be too large: it has the curves of held-out datasets of the method that ranks best. \
                   All are in tables/transfer_curves.parquet.";

/// A pair, a method of it and a value of a target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) pair: &'a PairData,
    pub(super) method: &'a MethodData,
    pub(super) kind: &'static str,
    pub(super) stop: &'a Stop,
}

/// The row of a held-out dataset.
pub(super) type HeldOutRow<'a> = (&'a str, HeldOutPoint);

impl<'a> Setting<'a> {
    /// What is shown first.
    pub(super) fn first(data: &'a Data) -> Option<Self> {
        let start = data.start;
        let pair = data.pairs.get(start.pair)?;
        let method = pair.methods.get(start.method)?;
        let kind = method.kinds.get(start.kind)?;
        Some(Self { pair, method, kind: kind.kind, stop: kind.stops.get(start.stop)? })
    }

    /// The operating point of the thresholds file, if it has one here.
    pub(super) fn point(&self) -> Option<&'a PointData> {
        self.stop.point.and_then(|point| self.method.points.get(point))
    }

    /// The value of a column of the curve.
    pub(super) fn at(&self, column: &[Milli]) -> Milli {
        self.stop.grid.and_then(|grid| column.get(grid).copied().flatten())
    }

    fn amount(&self, column: &'a [String]) -> &'a str {
        self.stop.grid.and_then(|grid| column.get(grid)).map_or(NONE, String::as_str)
    }

    /// What is gained.
    pub(super) fn gain(&self) -> String {
        let curve = &self.method.curve;
        let slm = &self.pair.slm;
        let (Some(ratio), Some(accuracy)) = (self.at(&curve.ratio), self.at(&curve.accuracy)) else {
            return format!("No threshold of {} reaches {}={}.", self.method.id, self.kind, self.stop.text);
        };
        if self.method.of_kept {
            return format!(
                "Deferring {} % of the questions, by {}, {slm} is right on {} % of those that it keeps.",
                points(ratio),
                self.method.id,
                points(accuracy)
            );
        }
        let llm = self.pair.llm.as_deref().unwrap_or("the LLM");
        let over = curve.slm.map_or(0, |alone| accuracy - alone);
        format!(
            "Deferring {} % of the questions to {llm}, by {}, gives an accuracy of {}: {} points {} {slm} alone ({}); deferring as \
             many at random gives {}.",
            points(ratio),
            self.method.id,
            within(Some(accuracy), self.at(&curve.low), self.at(&curve.high)),
            points(over.abs()),
            if over < 0 { "below" } else { "above" },
            text(curve.slm),
            text(self.at(&curve.random))
        )
    }

    /// The held-out datasets: of the operating point, where transfer has tried it, else of the curve.
    pub(super) fn held_out(&self) -> Vec<HeldOutRow<'a>> {
        let named = self.method.held_out.iter();
        if let Some(point) = self.point().filter(|point| !point.held_out.is_empty()) {
            return named.zip(&point.held_out).map(|(of, row)| (of.name.as_str(), *row)).collect();
        }
        let row = |of: &'a HeldOut| -> HeldOutRow<'a> {
            let columns = [&of.predicted, &of.accuracy, &of.own, &of.predicted_ratio, &of.ratio];
            (of.name.as_str(), columns.map(|column| self.at(column)))
        };
        named.map(row).filter(|(_, row)| row.iter().any(Option::is_some)).collect()
    }

    /// Whether it holds, and whether that is a caution.
    pub(super) fn holds(&self) -> (bool, String) {
        let rows = self.held_out();
        let off = |predicted: usize, true_: usize| -> Vec<(i32, &str)> {
            let far = |(name, row): &HeldOutRow<'a>| Some(((row[predicted]? - row[true_]?).abs(), *name));
            rows.iter().filter_map(far).collect()
        };
        let (accuracy, ratio) = (off(0, 1), off(3, 4));
        let Some(ratio_off) = mean(&ratio) else {
            let text = if self.method.is_cut { CUT } else { UNKNOWN };
            return (true, text.to_owned());
        };
        let mut sentences = Vec::new();
        if let (Some(average), Some(worst)) = (mean(&accuracy), worst(&accuracy)) {
            sentences.push(format!(
                "With thresholds from the other datasets, the accuracy on {} is off its prediction by {} points on average, at \
                 worst by {} on {};",
                datasets(accuracy.len()),
                points(average),
                points(worst.0),
                worst.1
            ));
            sentences.push(format!("the share deferred is off by {} points.", points(ratio_off)));
        } else {
            sentences.push(format!(
                "With thresholds from the other datasets, the share deferred on {} is off its prediction by {} points on average.",
                datasets(ratio.len()),
                points(ratio_off)
            ));
        }
        let far = mean(&accuracy).is_some_and(|average| average > FAR) || ratio_off > FAR;
        let violated = self.point().and_then(|point| point.violations);
        if let Some((failed, with_threshold, delta)) = violated {
            sentences.push(format!(
                "The risk exceeded its bound in {failed} of {with_threshold} splits; delta allows {} %.",
                points(delta)
            ));
        }
        (far || violated.is_some_and(|(failed, all, delta)| exceeds(failed, all, delta)), sentences.join(" "))
    }

    /// The rows of the table: the file, the pool, and what there is to compare.
    pub(super) fn rows(&self) -> Vec<[String; 6]> {
        let curve = &self.method.curve;
        let none = || NONE.to_owned();
        let cells = self.point().map(|point| point.cells.clone()).unwrap_or_default();
        let cells = cells.map(|cell| if cell.is_empty() { none() } else { cell });
        let named = |name: &str, [a, b, c, d, e]: [String; 5]| [name.to_owned(), a, b, c, d, e];
        let pool = [
            self.amount(&curve.threshold).to_owned(),
            text(self.at(&curve.ratio)),
            within(self.at(&curve.accuracy), self.at(&curve.low), self.at(&curve.high)),
            text(self.at(&curve.kept_error)),
            self.amount(&curve.usd).to_owned(),
        ];
        let random = [
            none(),
            text(self.at(&curve.ratio)),
            text(self.at(&curve.random)),
            none(),
            self.amount(&curve.random_usd).to_owned(),
        ];
        vec![
            named("thresholds file", cells),
            named("routing curve", pool),
            named("at random", random),
            named("SLM alone", [none(), "0.000".to_owned(), text(curve.slm), none(), none()]),
            named("LLM alone", [none(), "1.000".to_owned(), text(curve.llm), none(), none()]),
        ]
    }

    /// What is guaranteed.
    pub(super) fn guarantee(&self) -> &'a str {
        self.point()
            .map_or("None: the thresholds file has no operating point here.", |point| &point.guarantee)
    }
}

/// A share with three digits.
pub(super) fn text(value: Milli) -> String {
    value.map_or_else(
        || NONE.to_owned(),
        |value| {
            let sign = if value < 0 { "-" } else { "" };
            format!("{sign}{}.{:03}", value.abs() / 1000, value.abs() % 1000)
        },
    )
}

/// A share with its interval.
pub(super) fn within(value: Milli, low: Milli, high: Milli) -> String {
    match (value, low, high) {
        (Some(_), Some(_), Some(_)) => format!("{} [{}, {}]", text(value), text(low), text(high)),
        _ => text(value),
    }
}

/// Thousandths as points.
pub(super) fn points(value: i32) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{}", value.abs() / 10, value.abs() % 10)
}

fn datasets(number: usize) -> String {
    if number == 1 { "1 held-out dataset".to_owned() } else { format!("{number} held-out datasets") }
}

/// The mean, halves rounded up.
fn mean(values: &[(i32, &str)]) -> Milli {
    let (sum, count) = values.iter().fold((0, 0), |(sum, count), (value, _)| (sum + value, count + 1));
    (count > 0).then(|| (2 * sum + count) / (2 * count))
}

/// The first of the largest.
fn worst<'a>(values: &[(i32, &'a str)]) -> Option<(i32, &'a str)> {
    values.iter().copied().reduce(|worst, other| if other.0 > worst.0 { other } else { worst })
}

/// Whether a guarantee failed more often than delta, in thousandths, allows.
fn exceeds(failed: usize, all: usize, delta: i32) -> bool {
    failed as f64 * 1000.0 > f64::from(delta) * all as f64
}

#[cfg(test)]
mod tests {
    use super::super::data::milli;
    use super::*;
    use crate::text::share;

    #[test]
    fn thousandths_are_written_as_the_tables_write_shares() {
        for number in -4000..4000 {
            let value = Some(f64::from(number) * 0.000_312_5);
            assert_eq!(text(milli(value)), share(value), "{value:?}");
        }
        for value in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-0.0001), Some(0.0625), Some(1.0)] {
            assert_eq!(text(milli(value)), share(value), "{value:?}");
        }
    }

    #[test]
    fn means_and_points_by_hand() {
        assert_eq!(mean(&[(10, "a"), (11, "b")]), Some(11));
        assert_eq!((mean(&[]), worst(&[(1, "a"), (3, "b"), (3, "c")])), (None, Some((3, "b"))));
        assert_eq!(
            (points(301), points(-7), points(0)),
            ("30.1".to_owned(), "-0.7".to_owned(), "0.0".to_owned())
        );
        assert!(exceeds(2, 10, 100) && !exceeds(1, 10, 100));
    }
}
