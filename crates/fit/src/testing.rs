//! Synthetic score tables for the tests of this crate and of the crates that build on it.

use plimsoll_core::{RawScore, ScoreTable, ScoreTableBuilder, Seed};
use rand::Rng as _;

/// A synthetic row.
#[derive(Debug, Clone)]
pub struct SyntheticScores {
    /// Id of the dataset.
    pub dataset: String,
    /// Cluster, where it has one.
    pub cluster: Option<String>,
    /// Confidence in [0, 1]; `None` = missing.
    pub confidence: Option<f64>,
    /// Grade of the SLM's answer.
    pub slm: Option<bool>,
    /// Grade of the LLM's answer.
    pub llm: Option<bool>,
    /// US dollars, SLM and LLM.
    pub costs: Option<(f64, f64)>,
}

impl SyntheticScores {
    /// A row of dataset `d`, both answers graded.
    pub fn new(confidence: f64, slm: bool, llm: bool) -> Self {
        Self {
            dataset: "d".to_owned(),
            cluster: None,
            confidence: Some(confidence),
            slm: Some(slm),
            llm: Some(llm),
            costs: None,
        }
    }
}

/// A table of one series; row i is question `q{i}`.
///
/// # Panics
/// If a row is refused, which is an accident of the test.
pub fn table(rows: &[SyntheticScores]) -> ScoreTable {
    let has_llm = rows.iter().any(|row| row.llm.is_some());
    let mut builder = ScoreTableBuilder::new();
    for (index, row) in rows.iter().enumerate() {
        let raw = RawScore {
            question_id: &format!("q{index}"),
            dataset: &row.dataset,
            llm: has_llm.then_some("llm"),
            method: "method",
            confidence: row.confidence,
            slm_correct: row.slm,
            llm_correct: row.llm,
            cluster_id: row.cluster.as_deref(),
            slm_cost: row.costs.map(|costs| costs.0),
            llm_cost: row.costs.map(|costs| costs.1),
            ..RawScore::default()
        };
        assert!(builder.push(&raw).is_ok(), "{raw:?}");
    }
    builder.finish()
}

/// Rows of several datasets whose confidence is a calibrated probability: P(SLM correct) = c.
pub fn calibrated(count: usize, datasets: usize, seed: u64) -> Vec<SyntheticScores> {
    let mut rng = Seed::new(seed).derive("made up").rng();
    (0..count)
        .map(|index| {
            let confidence: f64 = rng.random();
            let slm = rng.random::<f64>() < confidence;
            let llm = rng.random::<f64>() < 0.85;
            SyntheticScores {
                dataset: format!("d{}", index % datasets),
                ..SyntheticScores::new(confidence, slm, llm)
            }
        })
        .collect()
}
