//! `ingest`: the pool as tables.

use plimsoll_core::canonical::to_value;
use plimsoll_core::records::QuestionRow;
use plimsoll_store::TableWriter;
use plimsoll_store::tables::{datasets, questions};
use serde_json::{Value, json};

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::{RunFolder, table_path};
use crate::stage_key::StageDependencies;
use crate::table_files::write_table;
use crate::workload::Workload;

/// Rows that are handed to the writer at once.
const CHUNK_ROWS: usize = 4096;

/// The part of the pipeline that the pool depends on.
pub(crate) fn parameters(workload: &Workload<'_>) -> Value {
    let inference = workload.inference;
    let probes = inference.probe_signals().is_some();
    let few_shot: Vec<usize> =
        inference.datasets.iter().map(|dataset| inference.prompt_for(dataset).few_shot).collect();
    let datasets: Vec<Value> = inference
        .datasets
        .iter()
        .map(|dataset| json!([dataset.id, dataset.source, dataset.split, dataset.config, dataset.sample]))
        .collect();
    let pool = to_value(&inference.pool);
    json!({"seed": workload.seed, "datasets": datasets, "few_shot": few_shot, "pool": pool, "probes": probes})
}

/// Writes the pool; gives the paths of its tables in the run folder.
pub(crate) fn write(
    workload: &Workload<'_>,
    dependencies: &StageDependencies,
    folder: &RunFolder,
) -> Result<Vec<String>, Failure> {
    let provenance = dependencies.provenance(workload.seed);
    let output = table_path(questions::TABLE.name);
    let writer = TableWriter::create(&questions::TABLE, &folder.path(&output), &provenance);
    let mut writer = writer.or_fail(FailureKind::Stage)?;
    for rows in workload.pool.rows.chunks(CHUNK_ROWS) {
        let rows: Vec<QuestionRow<'_>> =
            rows.iter().map(|row| QuestionRow { question: &row.question, role: row.role }).collect();
        writer.write_rows(&rows).or_fail(FailureKind::Stage)?;
    }
    writer.finish().or_fail(FailureKind::Stage)?;
    Ok(vec![output, write_table(&datasets::TABLE, &workload.datasets, folder, &provenance)?])
}
