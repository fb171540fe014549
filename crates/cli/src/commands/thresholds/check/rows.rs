//! Labelled rows by method, from tables of scores or from a decision log.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use plimsoll_core::scores::DEFAULT_SLM;
use plimsoll_core::{ModelId, ScoreSeries, ScoreTable, Seed};
use plimsoll_fit::check::CheckedRow;
use plimsoll_pipeline::series_name::pair_name;
use plimsoll_pipeline::{Failure, decision_log};
use plimsoll_router::Thresholds;

use crate::console::Console;

/// The rows of each method.
#[derive(Debug)]
pub(super) struct RowsByMethod(BTreeMap<String, Vec<CheckedRow>>);

impl RowsByMethod {
    /// The rows of the file's pair of models.
    pub(super) fn from_tables(
        patterns: &[String],
        thresholds: &Thresholds,
        console: &Console,
    ) -> Result<Self, Failure> {
        let mut table = console.scores(patterns)?.read(console)?.table;
        if thresholds.calibration.ungraded_excluded {
            table.exclude_ungraded();
        }
        let rows: BTreeMap<String, Vec<CheckedRow>> = own_series(&table, thresholds)
            .into_iter()
            .map(|series| (series.method.as_str().to_owned(), rows(&table, series)))
            .collect();
        if rows.is_empty() {
            let llm = thresholds.llm.as_ref().map(|llm| llm.id.as_str());
            let pair = |series: &ScoreSeries| {
                pair_name(series.slm.as_str(), series.llm.as_ref().map(ModelId::as_str))
            };
            let mut pairs: Vec<String> = table.series.iter().map(pair).collect();
            pairs.dedup();
            return Err(Failure::input(format!(
                "the thresholds file is for {}, and the tables have scores of: {}",
                pair_name(&thresholds.slm.id, llm),
                pairs.join(", ")
            )));
        }
        Ok(Self(rows))
    }

    /// The decisions of a log. Of a label that is not there nothing is known.
    ///
    /// Where routes were explored, those that a coin chose are left out, and of the others so many that each question
    /// had the same chance to stay: a plain sample of the traffic.
    pub(super) fn from_log(path: &Path, thresholds: &Thresholds) -> Result<Self, Failure> {
        let mut rows: BTreeMap<String, Vec<CheckedRow>> = BTreeMap::new();
        let decisions = decision_log::read(path)?;
        let usual = || decisions.iter().filter(|decision| !decision.explored);
        let smallest = usual().filter_map(|decision| decision.propensity).fold(1.0, f64::min);
        let seed = Seed::new(thresholds.calibration.seed).derive("check");
        for decision in usual() {
            decision_log::check_method(path, decision, &thresholds.methods)?;
            if seed.uniform_key(decision.line as u64) >= smallest / decision.propensity.unwrap_or(1.0) {
                continue;
            }
            rows.entry(decision.method.clone()).or_default().push(CheckedRow {
                confidence: decision.confidence,
                slm: decision.slm_correct.map(|correct| Some(correct).into()),
                llm: decision.llm_correct.map(|correct| Some(correct).into()),
                costs_usd: None,
            });
        }
        Ok(Self(rows))
    }

    /// The rows of a method.
    pub(super) fn of(&self, method: &str) -> Result<&[CheckedRow], Failure> {
        self.0.get(method).map(Vec::as_slice).ok_or_else(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            Failure::input(format!(
                "there is no new row of method `{method}`; there are rows of: {}. --method checks one method",
                known.join(", ")
            ))
        })
    }
}

/// The series of the file's models. A table that leaves a model unnamed speaks of the file's.
fn own_series<'a>(table: &'a ScoreTable, thresholds: &Thresholds) -> Vec<&'a ScoreSeries> {
    let llm = thresholds.llm.as_ref().map(|llm| llm.id.as_str());
    let pairs =
        [thresholds.slm.id.as_str(), DEFAULT_SLM].into_iter().flat_map(|slm| [(slm, llm), (slm, None)]);
    let named = |(slm, llm)| {
        let same = move |series: &&ScoreSeries| {
            series.slm.as_str() == slm && series.llm.as_ref().map(ModelId::as_str) == llm
        };
        table.series.iter().filter(same).collect::<Vec<_>>()
    };
    pairs.map(named).find(|own| !own.is_empty()).unwrap_or_default()
}

/// One row of each cluster: the first by key, which depends on no order of the table.
fn rows(table: &ScoreTable, series: &ScoreSeries) -> Vec<CheckedRow> {
    let mut seen = HashSet::new();
    let is_first = |row: &usize| seen.insert(table.questions.cluster(series.question[*row]));
    let costs = |row: usize| Some((series.slm_cost_usd.as_ref()?[row], series.llm_cost_usd.as_ref()?[row]));
    let checked = |row: usize| CheckedRow {
        confidence: series.confidence(row),
        slm: Some(series.slm_outcome[row]),
        llm: Some(series.llm_outcome[row]),
        costs_usd: costs(row),
    };
    (0..series.len()).filter(is_first).map(checked).collect()
}
