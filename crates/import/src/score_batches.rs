//! Score rows as record batches of the `scores` table.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use plimsoll_core::RawScore;
use plimsoll_store::tables::scores;

/// Builds record batches of the `scores` table.
#[derive(Debug)]
pub(crate) struct ScoreBatches {
    schema: SchemaRef,
    question_id: StringBuilder,
    dataset: StringBuilder,
    domain: StringBuilder,
    slm: StringBuilder,
    llm: StringBuilder,
    method: StringBuilder,
    confidence: Float64Builder,
    slm_correct: BooleanBuilder,
    llm_correct: BooleanBuilder,
    cluster_id: StringBuilder,
    slm_cost: Float64Builder,
    llm_cost: Float64Builder,
}

impl ScoreBatches {
    pub(crate) fn new() -> Self {
        Self {
            schema: scores::TABLE.schema(),
            question_id: StringBuilder::new(),
            dataset: StringBuilder::new(),
            domain: StringBuilder::new(),
            slm: StringBuilder::new(),
            llm: StringBuilder::new(),
            method: StringBuilder::new(),
            confidence: Float64Builder::new(),
            slm_correct: BooleanBuilder::new(),
            llm_correct: BooleanBuilder::new(),
            cluster_id: StringBuilder::new(),
            slm_cost: Float64Builder::new(),
            llm_cost: Float64Builder::new(),
        }
    }

    pub(crate) fn push(&mut self, row: &RawScore<'_>) {
        self.question_id.append_value(row.question_id);
        self.dataset.append_value(row.dataset);
        self.domain.append_option(row.domain);
        self.slm.append_option(row.slm);
        self.llm.append_option(row.llm);
        self.method.append_value(row.method);
        self.confidence.append_option(row.confidence);
        self.slm_correct.append_option(row.slm_correct);
        self.llm_correct.append_option(row.llm_correct);
        self.cluster_id.append_option(row.cluster_id);
        self.slm_cost.append_option(row.slm_cost);
        self.llm_cost.append_option(row.llm_cost);
    }

    /// The rows since the last batch.
    pub(crate) fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        // In the order of the table's columns; a test holds the two together.
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.question_id.finish()),
            Arc::new(self.dataset.finish()),
            Arc::new(self.domain.finish()),
            Arc::new(self.slm.finish()),
            Arc::new(self.llm.finish()),
            Arc::new(self.method.finish()),
            Arc::new(self.confidence.finish()),
            Arc::new(self.slm_correct.finish()),
            Arc::new(self.llm_correct.finish()),
            Arc::new(self.cluster_id.finish()),
            Arc::new(self.slm_cost.finish()),
            Arc::new(self.llm_cost.finish()),
        ];
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray as _;

    use super::*;

    #[test]
    fn every_value_stands_under_its_name() {
        let row = RawScore {
            question_id: "question_id",
            dataset: "dataset",
            domain: Some("domain"),
            slm: Some("slm"),
            llm: Some("llm"),
            method: "method",
            confidence: Some(0.5),
            slm_correct: Some(true),
            llm_correct: Some(false),
            cluster_id: Some("cluster_id"),
            slm_cost: Some(1.0),
            llm_cost: Some(2.0),
        };
        let mut batches = ScoreBatches::new();
        batches.push(&row);
        let batch = batches.finish().unwrap();
        for name in crate::rows::IDS {
            assert_eq!(batch.column_by_name(name).unwrap().as_string::<i32>().value(0), name);
        }
        batches.push(&RawScore { question_id: "q", dataset: "d", method: "m", ..RawScore::default() });
        assert_eq!(batches.finish().unwrap().num_rows(), 1);
    }
}
