//! `report`: the page, its figures and the dataset card, from what the other stages left in the folder.

use std::collections::BTreeMap;

use plimsoll_core::records::{ConfidenceRow, DatasetRow};
use plimsoll_core::{ModelId, Outcome, ScoreSeries, ScoreTable};
use plimsoll_files::write_atomic;
use plimsoll_report::inputs::{
    AnswerMass, AtChance, ColumnFacts, DatasetCounts, DatasetFacts, ReportInputs, RunProvenance,
    SeriesCounts, TableFacts,
};
use plimsoll_router::Thresholds;
use plimsoll_router::histogram::bin_of;
use plimsoll_router::thresholds::Pipeline;
use plimsoll_store::{Table, tables};
use plimsoll_uq::MethodConfig;

use crate::chance::ChanceLevels;
use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::overview::{ModelRow, model_rows};
use crate::run_folder::manifest::{InputFile, OutputFile};
use crate::run_folder::{FIGURES, RunFolder, table_path};
use crate::served::served;
use crate::stage::Stage;
use crate::stage_key::PROGRAM_VERSION;
use crate::table_files::read_table;
use crate::usual_answers;

const PAGE: &str = "report.html";
/// The dataset card, as model hubs show it.
const CARD: &str = "README.md";
/// What stands for the reason of a missing confidence that nobody gave.
const NO_REASON: &str = "not given";

/// Tables that a folder may hold, with what each holds.
const ABOUT: &[(&Table, &str)] = &[
    (
        &tables::calibration::TABLE,
        "The calibration set: the drawn questions of each (SLM, LLM, method), with confidence, grades, bin and weight.",
    ),
    (&tables::scores::TABLE, "One row per question of each (SLM, LLM, method): confidence, grades, costs."),
    (&tables::confidences::TABLE, "What each method said of each answer, or why it said nothing."),
    (&tables::labels::TABLE, "The answer that was read from each text, and its grade."),
    (&tables::generations::TABLE, "What the models wrote."),
    (&tables::hidden_states::TABLE, "Hidden states that probes read."),
    (&tables::questions::TABLE, "The questions of the pool."),
    (&tables::datasets::TABLE, "Where the questions come from, and what became of the rows."),
    (
        &tables::alignment::TABLE,
        "How well each confidence ranks right answers first, by dataset, on the pool, and as the mean over datasets.",
    ),
    (&tables::map_metrics::TABLE, "How well each map from confidence to probability does, out of fold."),
    (
        &tables::other_slm::TABLE,
        "Thresholds of one SLM, applied to the confidences of another on the same questions.",
    ),
    (&tables::curves::TABLE, "Routing curves with their baselines."),
    (&tables::curve_areas::TABLE, "Routing curves in a few numbers."),
    (&tables::transfer::TABLE, "Thresholds fitted without a dataset or domain, applied to it."),
    (
        &tables::transfer_curves::TABLE,
        "Routing curves predicted without a dataset or domain, and the true ones.",
    ),
];

/// What a report needs beside the tables of the folder.
#[derive(Debug)]
pub(crate) struct ReportSources<'a> {
    /// The pipeline as files name it.
    pub(crate) pipeline: &'a Pipeline,
    /// The configuration, every default filled in.
    pub(crate) pipeline_yaml: String,
    /// Bins of the histograms.
    pub(crate) bins: u32,
    pub(crate) scores: &'a ScoreTable,
    /// The methods, if models were asked.
    pub(crate) methods: &'a [MethodConfig],
    pub(crate) thresholds: Vec<Thresholds>,
}

/// What a report depends on: all that the other stages wrote.
pub(crate) fn inputs(folder: &RunFolder) -> Vec<InputFile> {
    let others = Stage::ALL.into_iter().filter(|stage| *stage != Stage::Report);
    let outputs = others.filter_map(|stage| folder.stage_record(stage)).flat_map(|record| &record.outputs);
    let input = |output: &OutputFile| InputFile {
        name: output.path.clone(),
        sha256: output.sha256.clone(),
        bytes: output.bytes,
    };
    outputs.map(input).collect()
}

/// Makes the report and writes it; gives the names of its files.
pub(crate) fn write(report: ReportSources<'_>, folder: &RunFolder) -> Result<Vec<String>, Failure> {
    let report = plimsoll_report::report(&gather(report, folder)?).or_fail(FailureKind::Stage)?;
    let figures = report.figures.iter().map(|(name, svg)| (format!("{FIGURES}/{name}"), svg));
    let documents = [(PAGE.to_owned(), &report.html), (CARD.to_owned(), &report.card)];
    let mut outputs = Vec::new();
    for (output, text) in documents.into_iter().chain(figures) {
        write_atomic(&folder.path(&output), |file| file.write_all(text.as_bytes()))
            .or_fail(FailureKind::Stage)?;
        outputs.push(output);
    }
    Ok(outputs)
}

fn gather(report: ReportSources<'_>, folder: &RunFolder) -> Result<ReportInputs, Failure> {
    let confidences = read_table(&tables::confidences::TABLE, folder)?;
    let mut inputs = ReportInputs {
        provenance: RunProvenance {
            pipeline: report.pipeline.name.clone(),
            pipeline_sha256: report.pipeline.sha256.clone(),
            pipeline_yaml: Some(report.pipeline_yaml),
            program_version: PROGRAM_VERSION.to_owned(),
            excluded_ungraded: report.scores.excluded_ungraded,
        },
        datasets: dataset_facts(read_table(&tables::datasets::TABLE, folder)?, report.scores),
        series: counts(report.scores, report.bins as usize, &by_method(confidences)),
        alignment: read_table(&tables::alignment::TABLE, folder)?,
        curves: read_table(&tables::curves::TABLE, folder)?,
        curve_areas: read_table(&tables::curve_areas::TABLE, folder)?,
        transfer: read_table(&tables::transfer::TABLE, folder)?,
        transfer_curves: read_table(&tables::transfer_curves::TABLE, folder)?,
        other_slm: read_table(&tables::other_slm::TABLE, folder)?,
        served: served(folder)?,
        at_chance: at_chance(report.scores, report.methods, &ChanceLevels::of_run(folder)?),
        usual_answers: usual_answers::of_run(folder)?,
        thresholds: report.thresholds,
        tables: Vec::new(),
    };
    inputs.tables =
        ABOUT.iter().filter_map(|(table, about)| table_facts(table, about, &inputs, folder)).collect();
    Ok(inputs)
}

/// What is known of each dataset: by the table of datasets, or by the scores alone.
fn dataset_facts(rows: Vec<DatasetRow>, scores: &ScoreTable) -> Vec<DatasetFacts> {
    if rows.is_empty() {
        let datasets = scores.questions.datasets().iter();
        return datasets
            .map(|dataset| DatasetFacts {
                id: dataset.id.to_string(),
                domain: dataset.domain.to_string(),
                ..DatasetFacts::default()
            })
            .collect();
    }
    let facts = |row: DatasetRow| DatasetFacts {
        id: row.dataset,
        domain: row.domain,
        source: Some(row.source),
        commit: row.commit,
        split: Some(row.split),
        licence: Some(row.licence),
        rows: Some(row.main),
        refused: Some(row.refused),
        dropped: Some(row.dropped_exact + row.dropped_near),
    };
    rows.into_iter().map(facts).collect()
}

/// Where models do no better than guessing.
fn at_chance(scores: &ScoreTable, methods: &[MethodConfig], chance: &ChanceLevels) -> Vec<AtChance> {
    let rows = model_rows(scores, methods, chance).into_iter().filter(ModelRow::is_at_chance);
    let found = rows.filter_map(|row| {
        let (accuracy, low, high) = (row.accuracy, row.accuracy_low, row.accuracy_high);
        Some(AtChance { model: row.model, dataset: row.dataset, accuracy, low, high, chance: row.chance? })
    });
    found.collect()
}

/// What the table of confidences holds beside confidences.
#[derive(Debug, Default)]
struct ConfidenceFacts {
    /// Rows without a confidence, by reason.
    missing: BTreeMap<String, u64>,
    answer_mass: AnswerMass,
}

/// By dataset, model and method.
type AllConfidenceFacts = BTreeMap<(String, String, String), ConfidenceFacts>;

fn by_method(confidences: Vec<ConfidenceRow>) -> AllConfidenceFacts {
    let mut facts = AllConfidenceFacts::new();
    for row in confidences.into_iter().filter(|row| row.fold.is_none()) {
        let facts = facts.entry((row.dataset, row.model, row.method)).or_default();
        if row.confidence.is_none() {
            let reason = row.missing_reason.map_or_else(|| NO_REASON.to_owned(), |reason| reason.to_string());
            *facts.missing.entry(reason).or_default() += 1;
        }
        if let Some(mass) = row.answer_mass {
            facts.answer_mass.rows += 1;
            facts.answer_mass.sum += mass;
        }
    }
    facts
}

fn counts(scores: &ScoreTable, bins: usize, facts: &AllConfidenceFacts) -> Vec<SeriesCounts> {
    let counts = |series: &ScoreSeries| SeriesCounts {
        slm: series.slm.to_string(),
        llm: series.llm.as_ref().map(ModelId::to_string),
        method: series.method.to_string(),
        datasets: series_counts(scores, series, bins, facts),
    };
    scores.series.iter().map(counts).collect()
}

fn series_counts(
    scores: &ScoreTable,
    series: &ScoreSeries,
    bins: usize,
    facts: &AllConfidenceFacts,
) -> Vec<DatasetCounts> {
    let mut all: BTreeMap<&str, (DatasetCounts, u64)> = BTreeMap::new();
    for (row, question) in series.question.iter().enumerate() {
        let dataset = scores.questions.dataset(*question).id.as_str();
        let (counts, missing) = all.entry(dataset).or_insert_with(|| (DatasetCounts::new(dataset, bins), 0));
        let slm = series.slm_outcome.get(row).copied().unwrap_or(Outcome::Ungraded);
        let llm = series.llm_outcome.get(row).copied().unwrap_or(Outcome::Ungraded);
        counts.slm_right += u64::from(slm.is_correct());
        counts.slm_ungraded += u64::from(!slm.is_graded());
        counts.llm_right += u64::from(llm.is_correct());
        counts.llm_ungraded += u64::from(!llm.is_graded());
        let Some(confidence) = series.confidence(row) else {
            *missing += 1;
            continue;
        };
        let side = match slm {
            Outcome::Correct => &mut counts.right,
            Outcome::Wrong => &mut counts.wrong,
            Outcome::Ungraded => &mut counts.ungraded,
        };
        if let Some(rows) = side.get_mut(bin_of(confidence, bins)) {
            *rows += 1;
        }
    }
    let with_reasons = |(mut counts, missing): (DatasetCounts, u64)| {
        let key = (counts.dataset.clone(), series.slm.to_string(), series.method.to_string());
        let facts = facts.get(&key);
        counts.answer_mass = facts.map(|facts| facts.answer_mass).unwrap_or_default();
        let known = facts.map(|facts| &facts.missing).filter(|known| known.values().sum::<u64>() == missing);
        counts.missing = match known {
            Some(known) => known.clone(),
            None => (missing > 0).then(|| (NO_REASON.to_owned(), missing)).into_iter().collect(),
        };
        counts
    };
    all.into_values().map(with_reasons).collect()
}

fn table_facts(table: &Table, about: &str, inputs: &ReportInputs, folder: &RunFolder) -> Option<TableFacts> {
    let whole = table_path(table.name);
    let chunks = whole.strip_suffix(".parquet").unwrap_or(&whole).to_owned();
    let files = if folder.path(&whole).is_file() {
        whole
    } else if folder.path(&chunks).is_dir() {
        format!("{chunks}/*.parquet")
    } else {
        return None;
    };
    let column = |column: &plimsoll_store::Column| ColumnFacts {
        name: column.name.to_owned(),
        kind: plimsoll_store::table::data_type(column.column_type).to_string(),
        about: column.doc.to_owned(),
    };
    Some(TableFacts {
        name: table.name.to_owned(),
        files,
        about: about.to_owned(),
        rows: row_count(table, inputs),
        columns: table.columns.iter().map(column).collect(),
    })
}

/// Rows of the tables whose number is known without reading them.
fn row_count(table: &Table, inputs: &ReportInputs) -> Option<u64> {
    let count = |rows: usize| Some(rows as u64);
    if *table == tables::calibration::TABLE {
        let methods = inputs.thresholds.iter().flat_map(|file| &file.methods);
        return Some(methods.map(|method| method.rows.drawn).sum());
    }
    if *table == tables::scores::TABLE {
        // Rows that the pipeline leaves out still stand in the table.
        let kept: u64 = inputs.series.iter().flat_map(|of| &of.datasets).map(DatasetCounts::rows).sum();
        return Some(kept + inputs.provenance.excluded_ungraded);
    }
    match table.name {
        name if name == tables::alignment::TABLE.name => count(inputs.alignment.len()),
        name if name == tables::curves::TABLE.name => count(inputs.curves.len()),
        name if name == tables::curve_areas::TABLE.name => count(inputs.curve_areas.len()),
        name if name == tables::transfer::TABLE.name => count(inputs.transfer.len()),
        name if name == tables::transfer_curves::TABLE.name => count(inputs.transfer_curves.len()),
        name if name == tables::other_slm::TABLE.name => count(inputs.other_slm.len()),
        _ => None,
    }
}
