//! The rows of the inputs, sorted by what a section or a figure speaks of.

use std::collections::BTreeMap;

use plimsoll_core::records::{
    AlignmentRow, CurveAreaRow, CurveRow, HoldOut, OtherSlmRow, POOL, TransferCurveRow, TransferRow,
};
use plimsoll_router::Thresholds;

use crate::inputs::{AtChance, DatasetCounts, ReportInputs, SeriesCounts, UsualAnswer};

/// One (SLM, LLM) with everything known of it.
#[derive(Debug, Default)]
pub(crate) struct PairView<'a> {
    pub(crate) slm: &'a str,
    pub(crate) llm: Option<&'a str>,
    pub(crate) thresholds: Option<&'a Thresholds>,
    /// Where the SLM does no better than guessing.
    pub(crate) at_chance: Vec<&'a AtChance>,
    /// Where the SLM or the LLM answers nearly everything alike.
    pub(crate) usual_answers: Vec<&'a UsualAnswer>,
    /// What its thresholds do with other SLMs.
    pub(crate) other_slm: Vec<&'a OtherSlmRow>,
    /// By id.
    pub(crate) methods: BTreeMap<&'a str, MethodView<'a>>,
}

/// One method of a pair; maps go by dataset.
#[derive(Debug, Default)]
pub(crate) struct MethodView<'a> {
    pub(crate) id: &'a str,
    pub(crate) counts: Option<&'a SeriesCounts>,
    pub(crate) alignment: BTreeMap<&'a str, &'a AlignmentRow>,
    pub(crate) curves: BTreeMap<&'a str, Vec<&'a CurveRow>>,
    pub(crate) areas: BTreeMap<&'a str, &'a CurveAreaRow>,
    pub(crate) transfer: Vec<&'a TransferRow>,
    /// By kind of what is held out and its name.
    pub(crate) transfer_curves: BTreeMap<(HoldOut, &'a str), Vec<&'a TransferCurveRow>>,
}

/// Share of the questions that a method must have a confidence for to be compared with the others: an ROC AUC over a few
/// answers says nothing of the questions that it has to defer.
const MIN_SCORED: f64 = 0.9;

impl MethodView<'_> {
    /// Whether it has a confidence for nearly every question; so it is taken where nothing is counted.
    pub(crate) fn is_mostly_scored(&self) -> bool {
        let Some(counts) = self.counts else { return true };
        let rows: u64 = counts.datasets.iter().map(DatasetCounts::rows).sum();
        let scored: u64 = counts.datasets.iter().map(DatasetCounts::scored).sum();
        scored as f64 >= MIN_SCORED * rows as f64
    }

    /// ROC AUC on a dataset, the pool or the mean over datasets.
    pub(crate) fn roc_auc(&self, dataset: &str) -> Option<f64> {
        self.alignment.get(dataset).and_then(|row| row.roc_auc).filter(|auc| auc.is_finite())
    }
}

impl<'a> PairView<'a> {
    /// The method with the highest pooled ROC AUC among those with a confidence for nearly every question, or among all if
    /// none has; the first by name on a tie.
    pub(crate) fn best(&self) -> Option<&MethodView<'a>> {
        let rank = |method: &MethodView<'_>| {
            (method.is_mostly_scored(), method.roc_auc(POOL).unwrap_or(f64::NEG_INFINITY))
        };
        self.methods.values().reduce(|best, method| if rank(method) > rank(best) { method } else { best })
    }

    /// The datasets that any method of the pair has rows of, by name.
    pub(crate) fn datasets(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = self
            .methods
            .values()
            .flat_map(|method| {
                let counted = method.counts.into_iter().flat_map(|counts| &counts.datasets);
                let counted = counted.map(|counts| counts.dataset.as_str());
                let aligned = method.alignment.keys().copied().filter(|name| !is_summary(name));
                counted.chain(aligned)
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Whether a dataset's name stands for the pool or for the mean over datasets.
pub(crate) fn is_summary(dataset: &str) -> bool {
    [POOL, plimsoll_core::records::MACRO].contains(&dataset)
}

/// The pairs, by name of the SLM and of the LLM.
pub(crate) fn pairs(inputs: &ReportInputs) -> Vec<PairView<'_>> {
    let mut pairs = Pairs::default();
    for counts in &inputs.series {
        pairs.method(&counts.slm, counts.llm.as_deref(), &counts.method).counts = Some(counts);
    }
    for row in &inputs.alignment {
        let method = pairs.method(&row.slm, row.llm.as_deref(), &row.method);
        method.alignment.insert(&row.dataset, row);
    }
    for row in &inputs.curves {
        let method = pairs.method(&row.slm, row.llm.as_deref(), &row.method);
        method.curves.entry(&row.dataset).or_default().push(row);
    }
    for row in &inputs.curve_areas {
        let method = pairs.method(&row.slm, row.llm.as_deref(), &row.method);
        method.areas.insert(&row.dataset, row);
    }
    for row in &inputs.transfer {
        pairs.method(&row.slm, row.llm.as_deref(), &row.method).transfer.push(row);
    }
    for row in &inputs.transfer_curves {
        let method = pairs.method(&row.slm, row.llm.as_deref(), &row.method);
        method.transfer_curves.entry((row.by, &row.held_out)).or_default().push(row);
    }
    for thresholds in &inputs.thresholds {
        let (slm, llm) = (thresholds.slm.id.as_str(), thresholds.llm.as_ref().map(|llm| llm.id.as_str()));
        for method in &thresholds.methods {
            pairs.method(slm, llm, &method.id);
        }
        pairs.pair(slm, llm).thresholds = Some(thresholds);
    }
    for pair in pairs.0.values_mut() {
        let is_of_pair = |row: &&OtherSlmRow| row.slm == pair.slm && row.llm.as_deref() == pair.llm;
        pair.other_slm = inputs.other_slm.iter().filter(is_of_pair).collect();
        pair.at_chance = inputs.at_chance.iter().filter(|found| found.model == pair.slm).collect();
        let is_of_pair = |found: &&UsualAnswer| found.model == pair.slm || Some(&*found.model) == pair.llm;
        pair.usual_answers = inputs.usual_answers.iter().filter(is_of_pair).collect();
    }
    pairs.0.into_values().collect()
}

#[derive(Default)]
struct Pairs<'a>(BTreeMap<(&'a str, Option<&'a str>), PairView<'a>>);

impl<'a> Pairs<'a> {
    fn pair(&mut self, slm: &'a str, llm: Option<&'a str>) -> &mut PairView<'a> {
        self.0.entry((slm, llm)).or_insert_with(|| PairView { slm, llm, ..PairView::default() })
    }

    fn method(&mut self, slm: &'a str, llm: Option<&'a str>, id: &'a str) -> &mut MethodView<'a> {
        let methods = &mut self.pair(slm, llm).methods;
        methods.entry(id).or_insert_with(|| MethodView { id, ..MethodView::default() })
    }
}
