//! `ingest`: the pool as tables.

use plimsoll_core::records::QuestionRow;
use plimsoll_store::tables::{datasets, questions};
use plimsoll_store::{TableWriter, write_rows};
use serde_json::{Value, json};

use super::asked::Asked;
use super::{INGEST, key};
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::{OutputFolder, table_path};
use crate::pipeline::plan::as_json;

/// Rows that are handed to the writer at once.
const CHUNK_ROWS: usize = 4096;

/// The part of the plan that the pool depends on.
pub(crate) fn parameters(asked: &Asked<'_>) -> Value {
    let probes = asked.asking.probe_signals().is_some();
    let few_shot: Vec<usize> =
        asked.asking.datasets.iter().map(|plan| asked.asking.prompt_of(plan).few_shot).collect();
    let datasets: Vec<Value> = asked
        .asking
        .datasets
        .iter()
        .map(|plan| json!([plan.id, plan.source, plan.split, plan.config, plan.sample]))
        .collect();
    let pool = as_json(&asked.asking.pool);
    json!({"seed": asked.seed, "datasets": datasets, "few_shot": few_shot, "pool": pool, "probes": probes})
}

/// Writes the pool; gives the names of the files.
pub(crate) fn write(asked: &Asked<'_>, folder: &OutputFolder) -> Result<Vec<String>, Failure> {
    let provenance = key::provenance(INGEST, &parameters(asked), &asked.sources, asked.seed);
    let (output, accounts) = (table_path(questions::TABLE.name), table_path(datasets::TABLE.name));
    let writer = TableWriter::create(&questions::TABLE, &folder.path(&output), &provenance);
    let mut writer = writer.or_fail(Kind::Stage)?;
    for rows in asked.pool.rows.chunks(CHUNK_ROWS) {
        let rows: Vec<QuestionRow<'_>> =
            rows.iter().map(|row| QuestionRow { question: &row.question, role: row.role }).collect();
        writer.write_rows(&rows).or_fail(Kind::Stage)?;
    }
    writer.finish().or_fail(Kind::Stage)?;
    write_rows(&datasets::TABLE, &asked.datasets, &folder.path(&accounts), &provenance)
        .or_fail(Kind::Stage)?;
    Ok(vec![output, accounts])
}
