//! What differs between two thresholds files.

use plimsoll_router::histogram::{Histogram, bin_edge};
use plimsoll_router::thresholds::{Calibration, Method, ModelIdentity, OperatingPoint};
use plimsoll_router::{Threshold, Thresholds};
use serde::Serialize;

/// What differs.
#[derive(Debug, Serialize)]
pub(super) struct Changes<'a> {
    /// SHA-256 of the old file.
    pub(super) old: &'a str,
    /// SHA-256 of the new file.
    pub(super) new: &'a str,
    /// Fields beside the operating points.
    pub(super) identity: Vec<Change>,
    /// Methods of the new file alone.
    pub(super) methods_added: Vec<&'a str>,
    /// Methods of the old file alone.
    pub(super) methods_removed: Vec<&'a str>,
    /// Operating points of the methods of both files.
    pub(super) points: Vec<Point<'a>>,
}

/// A field that differs.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    /// Path of the field.
    pub(super) field: String,
    /// Its old value.
    pub(super) old: Option<String>,
    /// Its new value.
    pub(super) new: Option<String>,
}

/// An operating point of one or both files.
#[derive(Debug, Serialize)]
pub(super) struct Point<'a> {
    /// Its method.
    pub(super) method: &'a str,
    /// Its target.
    pub(super) target: String,
    /// `added`, `removed`, `changed` or `same`.
    pub(super) change: &'static str,
    /// Thresholds; null where there is none.
    pub(super) old_threshold: Option<f64>,
    pub(super) new_threshold: Option<f64>,
    /// Statuses; null where the point is not there.
    pub(super) old_status: Option<&'static str>,
    pub(super) new_status: Option<&'static str>,
    /// Share of questions deferred.
    pub(super) old_routing_ratio: Option<f64>,
    pub(super) new_routing_ratio: Option<f64>,
    /// Overall accuracy.
    pub(super) old_accuracy: Option<f64>,
    pub(super) new_accuracy: Option<f64>,
    /// Estimated share of questions whose route changes; null unless both have a threshold.
    pub(super) flipped_share_estimate: Option<f64>,
}

/// Compares two files.
pub(super) fn changes<'a>(old: &'a Thresholds, new: &'a Thresholds) -> Changes<'a> {
    let mut points = Vec::new();
    for method in &new.methods {
        if let Some(before) = old.methods.iter().find(|before| before.id == method.id) {
            points.extend(method_points(before, method));
        }
    }
    let without = |one: &'a Thresholds, other: &Thresholds| -> Vec<&'a str> {
        let there = |id: &str| other.methods.iter().any(|method| method.id == id);
        one.methods.iter().map(|method| method.id.as_str()).filter(|id| !there(id)).collect()
    };
    Changes {
        old: &old.sha256,
        new: &new.sha256,
        identity: identity(old, new),
        methods_added: without(new, old),
        methods_removed: without(old, new),
        points,
    }
}

fn method_points<'a>(old: &'a Method, new: &'a Method) -> Vec<Point<'a>> {
    let find = |method: &'a Method, point: &OperatingPoint| {
        method.operating_points.iter().find(|other| other.target == point.target)
    };
    let gone = old.operating_points.iter().filter(|point| find(new, point).is_none());
    new.operating_points
        .iter()
        .map(|point| (find(old, point), Some(point)))
        .chain(gone.map(|point| (Some(point), None)))
        .filter_map(|(before, after)| {
            let target = after.or(before)?.target.to_string();
            Some(pair(&new.id, target, before, after, &new.reference))
        })
        .collect()
}

fn pair<'a>(
    method: &'a str,
    target: String,
    old: Option<&OperatingPoint>,
    new: Option<&OperatingPoint>,
    reference: &Histogram,
) -> Point<'a> {
    let threshold =
        |point: Option<&OperatingPoint>| point.and_then(|point| point.threshold).map(Threshold::get);
    let ratio = |point: Option<&OperatingPoint>| Some(point?.achieved?.routing_ratio.value);
    let accuracy = |point: Option<&OperatingPoint>| Some(point?.achieved?.accuracy?.value);
    let (old_threshold, new_threshold) = (threshold(old), threshold(new));
    Point {
        method,
        target,
        change: match (old, new) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(old), Some(new)) if old == new => "same",
            _ => "changed",
        },
        old_threshold,
        new_threshold,
        old_status: old.map(|point| point.status.name()),
        new_status: new.map(|point| point.status.name()),
        old_routing_ratio: ratio(old),
        new_routing_ratio: ratio(new),
        old_accuracy: accuracy(old),
        new_accuracy: accuracy(new),
        flipped_share_estimate: old_threshold
            .zip(new_threshold)
            .map(|(old, new)| flipped_share(reference, old, new)),
    }
}

/// Share of the questions with a confidence between two thresholds; a bin's rows are taken to be spread
/// evenly over it. Both defer a missing confidence.
fn flipped_share(reference: &Histogram, old: f64, new: f64) -> f64 {
    let (low, high) = (old.min(new), old.max(new));
    let bins = reference.counts.len();
    let mut rows = 0.0;
    for (bin, count) in reference.counts.iter().enumerate() {
        let (start, end) = (bin_edge(bin, bins), bin_edge(bin + 1, bins));
        let overlap = (high.min(end) - low.max(start)).max(0.0);
        rows += *count as f64 * overlap / (end - start);
    }
    let total = reference.total();
    if total == 0 { 0.0 } else { rows / total as f64 }
}

fn identity(old: &Thresholds, new: &Thresholds) -> Vec<Change> {
    let mut changes = Differences::default();
    changes.field("program.version", Some(&old.program.version), Some(&new.program.version));
    changes.field("pipeline.name", Some(&old.pipeline.name), Some(&new.pipeline.name));
    changes.field("pipeline.sha256", Some(&old.pipeline.sha256), Some(&new.pipeline.sha256));
    changes.model("slm", Some(&old.slm), Some(&new.slm));
    changes.model("llm", old.llm.as_ref(), new.llm.as_ref());
    changes.calibration(&old.calibration, &new.calibration);
    for method in &new.methods {
        let Some(before) = old.methods.iter().find(|before| before.id == method.id) else { continue };
        let field = format!("methods.{}.variant_sha256", method.id);
        changes.field(&field, Some(&before.variant_sha256), Some(&method.variant_sha256));
    }
    changes.0
}

#[derive(Default)]
struct Differences(Vec<Change>);

impl Differences {
    fn field(&mut self, field: &str, old: Option<&String>, new: Option<&String>) {
        if old != new {
            self.0.push(Change { field: field.to_owned(), old: old.cloned(), new: new.cloned() });
        }
    }

    fn value(&mut self, field: &str, old: &impl ToString, new: &impl ToString) {
        self.field(field, Some(&old.to_string()), Some(&new.to_string()));
    }

    fn model(&mut self, name: &str, old: Option<&ModelIdentity>, new: Option<&ModelIdentity>) {
        type Field = (&'static str, fn(&ModelIdentity) -> Option<&String>);
        const FIELDS: [Field; 7] = [
            ("id", |model| Some(&model.id)),
            ("revision", |model| model.revision.as_ref()),
            ("weights_sha256", |model| model.weights_sha256.as_ref()),
            ("tokenizer_sha256", |model| model.tokenizer_sha256.as_ref()),
            ("chat_template_sha256", |model| model.chat_template_sha256.as_ref()),
            ("quantisation", |model| model.quantisation.as_ref()),
            ("decoding", |model| model.decoding.as_ref()),
        ];
        for (field, of) in FIELDS {
            self.field(&format!("{name}.{field}"), old.and_then(of), new.and_then(of));
        }
    }

    fn calibration(&mut self, old: &Calibration, new: &Calibration) {
        self.value("calibration.bins", &old.bins, &new.bins);
        self.value("calibration.fraction", &old.fraction, &new.fraction);
        self.value("calibration.seed", &old.seed, &new.seed);
        self.value("calibration.bootstrap", &old.bootstrap, &new.bootstrap);
        self.value("calibration.labels", &old.labels.name(), &new.labels.name());
        self.value("calibration.ungraded_excluded", &old.ungraded_excluded, &new.ungraded_excluded);
        let sha256 = |calibration: &Calibration, id: &str| {
            calibration.datasets.iter().find(|dataset| dataset.id == id).map(|dataset| dataset.sha256.clone())
        };
        let mut ids: Vec<&String> =
            old.datasets.iter().chain(&new.datasets).map(|dataset| &dataset.id).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let (before, after) = (sha256(old, id), sha256(new, id));
            self.field(&format!("calibration.datasets.{id}"), before.as_ref(), after.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flips_by_hand() {
        let reference = Histogram::from_counts(vec![10, 20, 30, 40], 100);
        // Half of the second bin and a fifth of the third: (10 + 6) / 200.
        assert!((flipped_share(&reference, 0.375, 0.55) - 0.08).abs() < 1e-15);
        assert_eq!(flipped_share(&reference, 0.5, 0.5), 0.0);
        assert_eq!(flipped_share(&reference, 0.0, Threshold::DEFER_ALL.get()), 0.5);
        assert_eq!(flipped_share(&Histogram::new(3), 0.0, 1.0), 0.0);
    }
}
