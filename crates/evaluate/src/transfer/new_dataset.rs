//! What guarantees about a new dataset, made of the pool's datasets, are worth on the one that was held out.

use plimsoll_core::records::TransferRow;
use plimsoll_fit::dataset_guarantee::{dataset_guarantee, worst_of_k};
use plimsoll_fit::t_bound::t_bound;
use plimsoll_fit::{Curve, DatasetSelection, PreparedSeries};
use plimsoll_router::thresholds::DatasetGuarantee;
use plimsoll_router::{Risk, Target};

/// A row with what the guarantees of a risk target say of the held-out dataset, whose curve this is; empty for other
/// targets and for a pool of one dataset.
pub(super) fn guarantees(
    prepared: &PreparedSeries<'_>,
    pool: &DatasetSelection,
    target: &Target,
    curve: &Curve,
) -> Option<TransferRow> {
    let (risk, alpha, delta) = target.risk()?;
    let held = |found: &DatasetGuarantee| Held::new(found, risk, curve);
    let promised = dataset_guarantee(prepared, pool, risk, alpha, delta);
    let worst = worst_of_k(prepared, pool, risk, alpha, delta).as_ref().map(held);
    let bound = t_bound(prepared, pool, risk, alpha, delta).as_ref().map(held);
    let main = promised.as_ref().map(held);
    Some(TransferRow {
        dataset_guarantee_kind: promised.as_ref().map(|found| found.kind.name().to_owned()),
        dataset_guarantee_k: promised.as_ref().map(|found| found.k),
        dataset_guarantee_promise: promised.as_ref().map(|found| found.promise),
        dataset_guarantee_threshold: promised.as_ref().map(|found| found.threshold.get()),
        dataset_guarantee_ratio: main.map(|held| held.ratio),
        dataset_guarantee_violated: main.and_then(|held| held.violated),
        worst_of_k_ratio: worst.map(|held| held.ratio),
        worst_of_k_violated: worst.and_then(|held| held.violated),
        t_bound_ratio: bound.map(|held| held.ratio),
        t_bound_violated: bound.and_then(|held| held.violated),
        ..TransferRow::default()
    })
}

/// A guarantee's threshold on the held-out dataset.
#[derive(Debug, Clone, Copy)]
struct Held {
    ratio: f64,
    /// `None` for a regret without graded LLM answers.
    violated: Option<bool>,
}

impl Held {
    fn new(found: &DatasetGuarantee, risk: Risk, curve: &Curve) -> Self {
        let here = curve.at(found.threshold);
        Self { ratio: here.routing_ratio, violated: here.risk(risk).map(|observed| observed > found.alpha) }
    }
}
