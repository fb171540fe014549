//! What came out of a run, for people: how good the models are, and what the confidences are worth.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use plimsoll_core::records::{AlignmentRow, MACRO, POOL};
use plimsoll_core::{ModelId, Outcome, ScoreTable, Series};
use plimsoll_uq::Resolved;
use plimsoll_uq::methods::PromptKind;
use serde::Serialize;

use crate::text_table::{Side, TextTable, number};

/// The overview of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    /// Answers of each model per dataset, the pool (`*`) last.
    pub(crate) models: Vec<ModelRow>,
    /// Each method of each small model.
    pub(crate) methods: Vec<MethodRow>,
}

/// Answers of a model to the main prompts of a dataset.
#[derive(Debug, Serialize)]
pub(crate) struct ModelRow {
    dataset: String,
    model: String,
    rows: u64,
    /// Over all rows, ungraded counted as wrong.
    accuracy: f64,
    ungraded: u64,
}

/// A method of a small model over the whole pool.
#[derive(Debug, Serialize)]
pub(crate) struct MethodRow {
    slm: String,
    method: String,
    rows: u64,
    missing: u64,
    roc_auc: Option<f64>,
    roc_auc_low: Option<f64>,
    roc_auc_high: Option<f64>,
    /// Mean over datasets.
    roc_auc_macro: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    rows: u64,
    right: u64,
    ungraded: u64,
}

impl Counts {
    fn add(&mut self, outcome: Outcome) {
        self.rows += 1;
        self.right += u64::from(outcome.is_correct());
        self.ungraded += u64::from(!outcome.is_graded());
    }
}

/// The overview of a table of scores and, if it was judged, its alignment.
pub(crate) fn overview(table: &ScoreTable, planned: &[Resolved], alignment: &[AlignmentRow]) -> Overview {
    let mut counts: BTreeMap<(String, usize), Counts> = BTreeMap::new();
    for series in own_answers(table, planned) {
        count(series.slm.as_str(), series, &series.slm_outcome, table, &mut counts);
    }
    for series in one_per_llm(table) {
        if let Some(llm) = &series.llm {
            count(llm.as_str(), series, &series.llm_outcome, table, &mut counts);
        }
    }
    let datasets = table.questions.datasets();
    let name = |dataset: usize| datasets.get(dataset).map_or(POOL, |dataset| dataset.id.as_str());
    let mut models: Vec<ModelRow> = counts
        .into_iter()
        .map(|((model, dataset), counts)| ModelRow {
            dataset: name(dataset).to_owned(),
            model,
            rows: counts.rows,
            accuracy: counts.right as f64 / counts.rows as f64,
            ungraded: counts.ungraded,
        })
        .collect();
    models.sort_by_key(|row| {
        datasets.iter().position(|d| d.id.as_str() == row.dataset).unwrap_or(datasets.len())
    });
    Overview { models, methods: methods(table, alignment) }
}

/// One series of each small model whose grades are those of the answers to the main prompts. The answers that
/// a one-step verbalization grades are those of its own prompt.
fn own_answers<'t>(table: &'t ScoreTable, methods: &[Resolved]) -> Vec<&'t Series> {
    let speaks_of_main = |series: &Series| {
        let method = methods.iter().find(|method| method.id == series.method.as_str());
        method.is_none_or(|method| method.prompt == PromptKind::Main)
    };
    let mut found: Vec<&Series> = Vec::new();
    for series in &table.series {
        match found.iter_mut().find(|known| known.slm == series.slm) {
            None => found.push(series),
            Some(known) if !speaks_of_main(known) && speaks_of_main(series) => *known = series,
            Some(_) => {}
        }
    }
    found
}

fn one_per_llm(table: &ScoreTable) -> Vec<&Series> {
    let mut seen: Vec<&ModelId> = Vec::new();
    let mut found = Vec::new();
    for series in &table.series {
        if let Some(llm) = series.llm.as_ref().filter(|llm| !seen.contains(llm)) {
            seen.push(llm);
            found.push(series);
        }
    }
    found
}

/// Counts outcomes per dataset, and over all of them behind the last.
fn count(
    model: &str,
    series: &Series,
    outcomes: &[Outcome],
    table: &ScoreTable,
    counts: &mut BTreeMap<(String, usize), Counts>,
) {
    let pool = table.questions.datasets().len();
    for (question, outcome) in series.question.iter().zip(outcomes) {
        for dataset in [table.questions.dataset_index(*question), pool] {
            counts.entry((model.to_owned(), dataset)).or_default().add(*outcome);
        }
    }
}

fn methods(table: &ScoreTable, alignment: &[AlignmentRow]) -> Vec<MethodRow> {
    let mut rows: Vec<MethodRow> = Vec::new();
    for series in &table.series {
        let known = |row: &MethodRow| row.slm == series.slm.as_str() && row.method == series.method.as_str();
        if rows.iter().any(known) {
            // The same confidences before another large model.
            continue;
        }
        let of = |dataset: &str| {
            alignment.iter().find(|row| {
                row.slm == series.slm.as_str()
                    && row.method == series.method.as_str()
                    && row.dataset == dataset
            })
        };
        let (pool, mean) = (of(POOL), of(MACRO));
        rows.push(MethodRow {
            slm: series.slm.to_string(),
            method: series.method.to_string(),
            rows: series.len() as u64,
            missing: (0..series.len()).filter(|row| series.confidence(*row).is_none()).count() as u64,
            roc_auc: pool.and_then(|row| row.roc_auc),
            roc_auc_low: pool.and_then(|row| row.roc_auc_low),
            roc_auc_high: pool.and_then(|row| row.roc_auc_high),
            roc_auc_macro: mean.and_then(|row| row.roc_auc),
        });
    }
    rows
}

/// The overview as text.
pub(crate) fn text(overview: &Overview) -> String {
    let mut text = String::from("\naccuracy (ungraded answers count as wrong)\n");
    let is_small = |name: &str| overview.methods.iter().any(|row| row.slm == name);
    let mut names: Vec<&str> = Vec::new();
    for row in &overview.models {
        if !names.contains(&row.model.as_str()) {
            names.push(&row.model);
        }
    }
    names.sort_by_key(|name| !is_small(name));
    let mut columns = vec![("dataset", Side::Left), ("questions", Side::Right)];
    columns.extend(names.iter().map(|name| (*name, Side::Right)));
    columns.push(("ungraded, all models", Side::Right));
    let mut table = TextTable::new(&columns);
    let mut datasets: Vec<&str> = Vec::new();
    for row in &overview.models {
        if !datasets.contains(&row.dataset.as_str()) {
            datasets.push(&row.dataset);
        }
    }
    for dataset in datasets {
        let of = |name: &str| overview.models.iter().find(|row| row.dataset == dataset && row.model == name);
        let rows = names.iter().filter_map(|name| of(name)).map(|row| row.rows).max().unwrap_or(0);
        let ungraded: u64 = names.iter().filter_map(|name| of(name)).map(|row| row.ungraded).sum();
        let accuracies = names.iter().map(|name| number(of(name).map(|row| row.accuracy)));
        let label = if dataset == POOL { "all" } else { dataset };
        let cells = [label.to_owned(), rows.to_string()].into_iter().chain(accuracies);
        table.push(cells.chain([ungraded.to_string()]));
    }
    text.push_str(&table.text(2));
    text.push_str("\nconfidence against correctness (ROC AUC: 0.5 knows nothing)\n");
    let mut table = TextTable::new(&[
        ("model", Side::Left),
        ("method", Side::Left),
        ("ROC AUC", Side::Left),
        ("mean over datasets", Side::Right),
        ("missing", Side::Right),
    ]);
    for row in &overview.methods {
        let mut auc = number(row.roc_auc);
        if let (Some(low), Some(high)) = (row.roc_auc_low, row.roc_auc_high) {
            // Writing to a `String` cannot fail.
            let _ = write!(auc, " [{low:.4}, {high:.4}]");
        }
        let share = format!("{} of {}", row.missing, row.rows);
        table.push([row.slm.clone(), row.method.clone(), auc, number(row.roc_auc_macro), share]);
    }
    text.push_str(&table.text(2));
    text
}
