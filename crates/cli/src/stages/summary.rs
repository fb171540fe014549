//! What came out of a run, for people: how good the models are, and what the confidences are worth.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use plimsoll_core::records::{AlignmentRow, MACRO, POOL};
use plimsoll_core::{ModelId, Outcome, ScoreSeries, ScoreTable};
use plimsoll_report::inputs::{AnswerMass, ServedModelCounts, ServedState};
use plimsoll_store::read_columns;
use plimsoll_store::tables::confidences::{self, columns};
use plimsoll_uq::methods::PromptKind;
use plimsoll_uq::{MethodConfig, MissingReason};
use serde::{Deserialize, Serialize};

use crate::console::harmless;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::text_table::{Side, TextTable, number};

/// The overview of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    /// Answers of each model per dataset, the pool (`*`) last.
    pub(crate) models: Vec<ModelRow>,
    /// Each method of each small model.
    pub(crate) methods: Vec<MethodRow>,
    /// What the servers of models said they are.
    pub(crate) served: Vec<ServedRow>,
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
    /// Mean probability of the replies whose probabilities the method compares; null for other methods.
    answer_mass: Option<f64>,
    /// Rows without a confidence because these have too little of it.
    masses_too_small: Option<u64>,
}

/// What so many replies of a server say of it.
#[derive(Debug, Serialize)]
pub(crate) struct ServedRow {
    model: String,
    served_model: Option<String>,
    system_fingerprint: Option<String>,
    replies: u64,
    /// Of the model's replies that say something.
    share: f64,
}

/// A row of the table of confidences, as far as the overview needs it.
#[derive(Debug, Deserialize)]
struct MassRow {
    model: String,
    method: String,
    missing_reason: Option<String>,
    answer_mass: Option<f64>,
}

/// Masses of the replies that methods compare, by small model and method.
#[derive(Debug, Default)]
pub(crate) struct Masses(BTreeMap<(String, String), (AnswerMass, u64)>);

impl Masses {
    /// Reads the table of confidences.
    ///
    /// # Errors
    /// A failure for a table that cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let mut all = Self::default();
        let wanted = [columns::MODEL, columns::METHOD, columns::MISSING_REASON, columns::ANSWER_MASS];
        let rows: Vec<MassRow> = read_columns(path, &confidences::TABLE, &wanted).or_fail(Kind::Stage)?;
        for row in rows {
            let Some(mass) = row.answer_mass else { continue };
            let (masses, too_small) = all.0.entry((row.model, row.method)).or_default();
            masses.rows += 1;
            masses.sum += mass;
            *too_small += u64::from(row.missing_reason == Some(MissingReason::MassesTooSmall.name()));
        }
        Ok(all)
    }

    fn of(&self, series: &ScoreSeries) -> Option<(AnswerMass, u64)> {
        self.0.get(&(series.slm.to_string(), series.method.to_string())).copied()
    }
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

/// The overview of a table of scores, of what was observed beside them and, if it was judged, of its alignment.
pub(crate) fn overview(
    (table, masses): (&ScoreTable, &Masses),
    planned: &[MethodConfig],
    alignment: &[AlignmentRow],
    served: Vec<ServedModelCounts>,
) -> Overview {
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
    let served = served.into_iter().flat_map(served_rows).collect();
    Overview { models, methods: methods((table, masses), alignment), served }
}

fn served_rows(of: ServedModelCounts) -> Vec<ServedRow> {
    let all = of.replies() as f64;
    let row = |state: ServedState| ServedRow {
        model: of.model.clone(),
        share: state.replies as f64 / all,
        served_model: state.served_model,
        system_fingerprint: state.system_fingerprint,
        replies: state.replies,
    };
    let others =
        ServedState { served_model: Some("others".to_owned()), replies: of.others, ..ServedState::default() };
    of.states.into_iter().chain((of.others > 0).then_some(others)).map(row).collect()
}

/// One series of each small model whose grades are those of the answers to the main prompts. The answers that
/// a one-step verbalization grades are those of its own prompt.
fn own_answers<'t>(table: &'t ScoreTable, methods: &[MethodConfig]) -> Vec<&'t ScoreSeries> {
    let speaks_of_main = |series: &ScoreSeries| {
        let method = methods.iter().find(|method| method.id == series.method.as_str());
        method.is_none_or(|method| method.prompt == PromptKind::Main)
    };
    let mut found: Vec<&ScoreSeries> = Vec::new();
    for series in &table.series {
        match found.iter_mut().find(|known| known.slm == series.slm) {
            None => found.push(series),
            Some(known) if !speaks_of_main(known) && speaks_of_main(series) => *known = series,
            Some(_) => {}
        }
    }
    found
}

fn one_per_llm(table: &ScoreTable) -> Vec<&ScoreSeries> {
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
    series: &ScoreSeries,
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

fn methods((table, masses): (&ScoreTable, &Masses), alignment: &[AlignmentRow]) -> Vec<MethodRow> {
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
        let (pool, mean, masses) = (of(POOL), of(MACRO), masses.of(series));
        rows.push(MethodRow {
            slm: series.slm.to_string(),
            method: series.method.to_string(),
            rows: series.len() as u64,
            missing: (0..series.len()).filter(|row| series.confidence(*row).is_none()).count() as u64,
            roc_auc: pool.and_then(|row| row.roc_auc),
            roc_auc_low: pool.and_then(|row| row.roc_auc_low),
            roc_auc_high: pool.and_then(|row| row.roc_auc_high),
            roc_auc_macro: mean.and_then(|row| row.roc_auc),
            answer_mass: masses.and_then(|(mass, _)| mass.mean()),
            masses_too_small: masses.map(|(_, too_small)| too_small),
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
    for row in &overview.methods {
        if let (Some(mass), Some(too_small)) = (row.answer_mass, row.masses_too_small) {
            let (slm, method, rows) = (&row.slm, &row.method, row.rows);
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                text,
                "  {method} of {slm}: the replies that are compared have {} of the probability on average, too little \
                 in {too_small} of {rows} rows",
                probability(mass)
            );
        }
    }
    text.push_str(&served_text(&overview.served));
    text
}

/// What servers said they are, for people; their words command no terminal.
fn served_text(served: &[ServedRow]) -> String {
    if served.is_empty() {
        return String::new();
    }
    let mut table = TextTable::new(&[
        ("model", Side::Left),
        ("served as", Side::Left),
        ("fingerprint", Side::Left),
        ("replies", Side::Right),
        ("share", Side::Right),
    ]);
    for row in served {
        let cell =
            |text: &Option<String>| text.as_ref().map_or_else(|| "-".to_owned(), |text| on_one_line(text));
        table.push([
            row.model.clone(),
            cell(&row.served_model),
            cell(&row.system_fingerprint),
            row.replies.to_string(),
            format!("{:.1} %", 100.0 * row.share),
        ]);
    }
    format!("\nwhat the servers said they are\n{}", table.text(2))
}

/// A text of strangers in a cell.
fn on_one_line(text: &str) -> String {
    harmless(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// A probability that may be tiny.
fn probability(value: f64) -> String {
    if value > 0.0 && value < 0.00005 { format!("{value:.1e}") } else { number(Some(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_servers_command_no_terminal() {
        let served = ServedModelCounts {
            model: "small".to_owned(),
            states: vec![
                ServedState {
                    served_model: Some("gpt-x\u{1b}[31m".to_owned()),
                    system_fingerprint: Some("fp\na\t\u{9b}".to_owned()),
                    replies: 30,
                },
                ServedState { served_model: Some("gpt-x".to_owned()), system_fingerprint: None, replies: 9 },
            ],
            others: 1,
        };
        let text = served_text(&served_rows(served));
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        assert_eq!(text.lines().count(), 6, "{text}");
        for part in ["gpt-x\\u{1b}[31m", "fp\\na\\t\\u{9b}", "75.0 %", "22.5 %", "others", "2.5 %"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(served_text(&[]), "");
    }

    #[test]
    fn tiny_probabilities_are_no_zeros() {
        assert_eq!(probability(1.25e-7), "1.2e-7");
        assert_eq!((probability(0.0), probability(0.97)), ("0.0000".to_owned(), "0.9700".to_owned()));
    }
}
