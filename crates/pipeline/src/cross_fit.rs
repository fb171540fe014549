//! Cross-fitted confidences for transfer tests: those of methods that learn, by a learner that never saw the held-out
//! data.

pub(crate) mod probes;

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

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::{RunFolder, table_path};

/// The confidences of one transfer test, by question.
type FoldConfidences = BTreeMap<String, Option<f64>>;

/// The methods of a run, and their confidences for transfer tests.
#[derive(Debug)]
pub struct CrossFittedConfidences<'a> {
    methods: &'a [MethodConfig],
    /// By small model, method and test.
    folds: BTreeMap<(String, String, String), FoldConfidences>,
}

impl<'a> CrossFittedConfidences<'a> {
    /// Reads the table of confidences, if any method needs it.
    pub(crate) fn read(methods: &'a [MethodConfig], folder: &RunFolder) -> Result<Self, Failure> {
        let mut folds: BTreeMap<(String, String, String), FoldConfidences> = BTreeMap::new();
        if methods.iter().any(learns_from_other_datasets) {
            let path = folder.path(&table_path(confidences::TABLE.name));
            for row in read_rows::<ConfidenceRow>(&path, &confidences::TABLE).or_fail(FailureKind::Stage)? {
                if let Some(fold) = row.fold {
                    let confidences = folds.entry((row.model, row.method, fold)).or_default();
                    confidences.insert(row.question_id, row.confidence);
                }
            }
        }
        Ok(Self { methods, folds })
    }

    fn method(&self, series: &ScoreSeries) -> Option<&MethodConfig> {
        self.methods.iter().find(|method| method.id == series.method.as_str())
    }

    /// Whether a series' scores depend on labels of the datasets that they are for.
    pub(crate) fn in_domain_labels(&self, series: &ScoreSeries) -> InDomainLabels {
        match self.method(series).map(|method| &method.scoring) {
            None => InDomainLabels::Unknown,
            Some(Scoring::Probe(probe)) if probe.kind == ProbeKind::SameDataset => InDomainLabels::True,
            Some(_) => InDomainLabels::False,
        }
    }

    /// The series with the cross-fitted confidences of each fold, if its method learns from labels of other datasets.
    pub(crate) fn cross_fitted(
        &self,
        series: &ScoreSeries,
        questions: &Questions,
        by: &[HoldOut],
    ) -> Result<Option<CrossFittedSeries>, Failure> {
        if !self.method(series).is_some_and(learns_from_other_datasets) {
            return Ok(None);
        }
        let mut series_by_fold = CrossFittedSeries::new();
        for by in by {
            for dataset in questions.datasets() {
                let name = match by {
                    HoldOut::Dataset => dataset.id.as_str(),
                    HoldOut::Domain => dataset.domain.as_str(),
                };
                let key = (series.slm.to_string(), series.method.to_string(), fold_name(*by, name));
                let Some(confidences) = self.folds.get(&key) else { continue };
                let confidence = |question: &u32| {
                    let known = confidences.get(questions.id(*question)).copied().flatten();
                    known.and_then(|confidence| Confidence::new(confidence).ok())
                };
                let other = series.with_confidences(series.question.iter().map(confidence));
                series_by_fold.insert((*by, name.to_owned()), other.or_fail(FailureKind::Stage)?);
            }
        }
        Ok(Some(series_by_fold))
    }
}

fn learns_from_other_datasets(method: &MethodConfig) -> bool {
    matches!(&method.scoring, Scoring::Probe(probe) if probe.kind == ProbeKind::OtherDatasets)
}

/// The name of a transfer test in the table of confidences.
fn fold_name(by: HoldOut, name: &str) -> String {
    format!("{}={name}", by.name())
}
