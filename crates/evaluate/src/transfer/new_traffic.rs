//! What adapting and tracking reach on the held-out data, without a label.

use plimsoll_core::Seed;
use plimsoll_core::records::TransferRow;
use plimsoll_fit::traffic::{
    GradedQuestion, adapted_ratio_error, tracked_accuracy_cost, tracked_ratio_error,
};
use plimsoll_fit::{DatasetSelection, PreparedSeries, selection_cdf};
use plimsoll_router::{PoolCdf, TieSeed};

/// The held-out data as traffic on the scale of the pool.
#[derive(Debug)]
pub(super) struct NewTraffic {
    pool: PoolCdf,
    /// Positions of its rows on the pool's scale; `None` = missing.
    positions: Vec<Option<f64>>,
    /// Those of its rows with a graded LLM answer.
    graded: Vec<GradedQuestion>,
    seed: Seed,
}

impl NewTraffic {
    /// `None` if the pool has no scored row.
    pub(super) fn new(
        prepared: &PreparedSeries<'_>,
        held_out: &DatasetSelection,
        pool: &DatasetSelection,
        seed: &Seed,
    ) -> Option<Self> {
        let pool = selection_cdf(prepared, pool)?;
        let ties = TieSeed::new(seed.derive("ties").bits());
        let position = |confidence, row| pool.z(confidence, ties.uniform_key(prepared.key(row)));
        let scored =
            prepared.scored(held_out).map(|(confidence, row)| (Some(position(confidence, row)), row));
        let rows: Vec<(Option<f64>, u32)> =
            scored.chain(prepared.missing(held_out).map(|row| (None, row))).collect();
        let graded = |(position, row): &(Option<f64>, u32)| {
            let (slm, llm) = prepared.outcomes(*row);
            let llm_correct = llm.as_bool()?;
            Some(GradedQuestion { position: *position, slm_correct: slm.is_correct(), llm_correct })
        };
        let graded = rows.iter().filter_map(graded).collect();
        let positions = rows.into_iter().map(|(position, _)| position).collect();
        Some(Self { pool, positions, graded, seed: seed.derive("streams") })
    }

    /// A row of a routing ratio with what adapting and tracking reach.
    pub(super) fn with_errors(&self, row: TransferRow, ratio: f64) -> TransferRow {
        let adapted = |n: u64| Some(adapted_ratio_error(&self.pool, &self.positions, ratio, n, &self.seed));
        // The level of a ratio lies on the scale, so that no tracker is refused.
        let tracked = |n: u64| tracked_ratio_error(&self.pool, &self.positions, ratio, n, &self.seed).ok();
        let cost = tracked_accuracy_cost(&self.pool, &self.graded, ratio, 1_000, &self.seed).ok();
        TransferRow {
            adapted_ratio_error_25: adapted(25),
            adapted_ratio_error_50: adapted(50),
            adapted_ratio_error_100: adapted(100),
            adapted_ratio_error_500: adapted(500),
            adapted_ratio_error_1000: adapted(1_000),
            tracked_ratio_error_50: tracked(50),
            tracked_ratio_error_100: tracked(100),
            tracked_ratio_error_500: tracked(500),
            tracked_ratio_error_1000: tracked(1_000),
            tracked_accuracy_cost_1000: cost.filter(|cost| cost.is_finite()),
            ..row
        }
    }
}
