//! How scores that Plimsoll made itself were made: what a transfer test must know of each series.

use std::collections::BTreeMap;

use plimsoll_core::ScoreSeries;
use plimsoll_core::records::ConfidenceRow;
use plimsoll_core::scores::Questions;
use plimsoll_evaluate::{CrossFittedSeries, HoldOut, InDomainLabels};
use plimsoll_router::Confidence;
use plimsoll_store::read_rows;
use plimsoll_store::tables::confidences;
use plimsoll_uq::MethodConfig;
use plimsoll_uq::methods::{ProbeKind, Scoring};

use super::probes::fold_name;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::{OutputFolder, table_path};

/// Confidences of one question in one transfer test.
type OfFold = BTreeMap<String, Option<f64>>;

/// The methods of a run, and the confidences that they gave for transfer tests.
#[derive(Debug)]
pub(crate) struct Made<'a> {
    methods: &'a [MethodConfig],
    /// By small model, method and test.
    folds: BTreeMap<(String, String, String), OfFold>,
}

impl<'a> Made<'a> {
    /// Reads the table of confidences, if any method needs it.
    pub(crate) fn read(methods: &'a [MethodConfig], folder: &OutputFolder) -> Result<Self, Failure> {
        let mut folds: BTreeMap<(String, String, String), OfFold> = BTreeMap::new();
        if methods.iter().any(learns_elsewhere) {
            let path = folder.path(&table_path(confidences::TABLE.name));
            for row in read_rows::<ConfidenceRow>(&path, &confidences::TABLE).or_fail(Kind::Stage)? {
                if let Some(fold) = row.fold {
                    let of_fold = folds.entry((row.model, row.method, fold)).or_default();
                    of_fold.insert(row.question_id, row.confidence);
                }
            }
        }
        Ok(Self { methods, folds })
    }

    fn method(&self, series: &ScoreSeries) -> Option<&MethodConfig> {
        self.methods.iter().find(|method| method.id == series.method.as_str())
    }

    /// Whether a series' scores saw labels of the datasets that they speak of.
    pub(crate) fn in_domain_labels(&self, series: &ScoreSeries) -> InDomainLabels {
        match self.method(series).map(|method| &method.scoring) {
            None => InDomainLabels::Unknown,
            Some(Scoring::Probe(probe)) if probe.kind == ProbeKind::SameDataset => InDomainLabels::True,
            Some(_) => InDomainLabels::False,
        }
    }

    /// The series scored anew for each split, if its method learns from labels of other datasets.
    pub(crate) fn nested(
        &self,
        series: &ScoreSeries,
        questions: &Questions,
        by: &[HoldOut],
    ) -> Result<Option<CrossFittedSeries>, Failure> {
        if !self.method(series).is_some_and(learns_elsewhere) {
            return Ok(None);
        }
        let mut nested = CrossFittedSeries::new();
        for by in by {
            for dataset in questions.datasets() {
                let name = match by {
                    HoldOut::Dataset => dataset.id.as_str(),
                    HoldOut::Domain => dataset.domain.as_str(),
                };
                let key = (series.slm.to_string(), series.method.to_string(), fold_name(*by, name));
                let Some(of_fold) = self.folds.get(&key) else { continue };
                let confidence = |question: &u32| {
                    let known = of_fold.get(questions.id(*question)).copied().flatten();
                    known.and_then(|confidence| Confidence::new(confidence).ok())
                };
                let other = series.with_confidences(series.question.iter().map(confidence));
                nested.insert((*by, name.to_owned()), other.or_fail(Kind::Stage)?);
            }
        }
        Ok(Some(nested))
    }
}

fn learns_elsewhere(method: &MethodConfig) -> bool {
    matches!(&method.scoring, Scoring::Probe(probe) if probe.kind == ProbeKind::OtherDatasets)
}
