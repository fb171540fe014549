//! Scores as a transfer takes them: of every row, and where scoring itself learns, of every split anew.

use std::collections::BTreeMap;

use plimsoll_core::ScoreSeries;
use plimsoll_core::records::{HoldOut, InDomainLabels};
use plimsoll_fit::PreparedSeries;

use super::TransferError;

/// Series by what is held out and its name: the rows of one series, scored by something that learnt
/// from neither the held-out datasets nor the row's own.
pub type CrossFittedSeries = BTreeMap<(HoldOut, String), ScoreSeries>;

/// The scores that a split is evaluated on, pool and held-out rows alike.
#[derive(Debug, Clone, Copy)]
pub enum CrossFittedScores<'a> {
    /// Those of the series itself: nothing about them depends on what is held out.
    Same,
    /// One series for each split. A threshold that is fitted on scores which saw the held-out labels has
    /// seen them too, so a split without a series of its own is refused.
    PerSplit(&'a CrossFittedSeries),
}

/// A series with what a transfer must know of how it was scored.
#[derive(Debug, Clone, Copy)]
pub struct TransferScores<'a> {
    /// The series.
    pub prepared: &'a PreparedSeries<'a>,
    /// Its scores in each split.
    pub cross_fitted: CrossFittedScores<'a>,
    /// Whether its scores saw labels of the dataset that they score.
    pub in_domain_labels: InDomainLabels,
}

impl<'a> TransferScores<'a> {
    /// Scores that do not depend on what is held out.
    pub const fn same(prepared: &'a PreparedSeries<'a>, in_domain_labels: InDomainLabels) -> Self {
        Self { prepared, cross_fitted: CrossFittedScores::Same, in_domain_labels }
    }

    /// The series of a split; `None` = that of the whole.
    pub(super) fn series_for_split(
        &self,
        by: HoldOut,
        name: &str,
    ) -> Result<Option<&'a ScoreSeries>, TransferError> {
        let CrossFittedScores::PerSplit(series) = self.cross_fitted else {
            return Ok(None);
        };
        let names = || {
            let series = self.prepared.series;
            (series.slm.to_string(), series.method.to_string(), by.name(), name.to_owned())
        };
        match series.get(&(by, name.to_owned())) {
            Some(series) if same_rows(series, self.prepared.series) => Ok(Some(series)),
            Some(_) => {
                let (slm, method, by, held_out) = names();
                Err(TransferError::OtherRows { slm, method, by, held_out })
            }
            None => {
                let (slm, method, by, held_out) = names();
                Err(TransferError::NotCrossFitted { slm, method, by, held_out })
            }
        }
    }
}

/// Whether two series differ in confidences at most.
fn same_rows(a: &ScoreSeries, b: &ScoreSeries) -> bool {
    (&a.slm, &a.llm, &a.method, &a.question) == (&b.slm, &b.llm, &b.method, &b.question)
        && (&a.slm_outcome, &a.llm_outcome) == (&b.slm_outcome, &b.llm_outcome)
        && (&a.slm_cost_usd, &a.llm_cost_usd) == (&b.slm_cost_usd, &b.llm_cost_usd)
}
