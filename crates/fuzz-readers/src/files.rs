//! Readers of tables and pipeline files. The first byte of a table chooses the format.

use plimsoll_import::foreign::{ForeignFiles, LlmRouterFiles, LmEvalFiles, RouteLlmFiles};
use plimsoll_import::read_scores;
use plimsoll_ingest::{dataset, read_source};
use plimsoll_pipeline::{config, decision_log};

use crate::temporary::with_file;

/// A file of scores: CSV, JSON lines or Parquet.
pub fn score_file(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let name = ["scores.csv", "scores.jsonl", "scores.parquet"][usize::from(*first) % 3];
    with_file(name, body, |path| {
        let _ = read_scores(&[path.to_owned()], &());
    });
}

/// A file of lm-evaluation-harness, RouteLLM or LLMRouter: what is read are confidences.
pub fn foreign_scores(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let name =
        ["samples_task_date.jsonl", "gsm8k_responses.csv", "routing_data.jsonl"][usize::from(*first) % 3];
    with_file(name, body, |path| {
        let (paths, slm_id, llm_id) = (vec![path.to_owned()], "small".to_owned(), "large".to_owned());
        let files = match first % 3 {
            0 => {
                ForeignFiles::LmEval(LmEvalFiles { slm: paths.clone(), llm: paths, ..LmEvalFiles::default() })
            }
            1 => ForeignFiles::RouteLlm(RouteLlmFiles {
                responses: paths,
                slm_id,
                llm_id,
                ..RouteLlmFiles::default()
            }),
            // Its lines may be routing data and scores of a router in one.
            _ => ForeignFiles::LlmRouter(LlmRouterFiles {
                data: paths.clone(),
                routing: paths,
                slm_id,
                llm_id,
                correct_from: None,
            }),
        };
        let Ok(scores) = files.read() else { return };
        for confidence in scores.rows.iter().filter_map(|row| row.confidence) {
            assert!((0.0..=1.0).contains(&confidence), "a confidence of {confidence}");
        }
    });
}

/// A file of a benchmark: JSON lines, CSV, Parquet, or the one JSON document of a benchmark of stories.
pub fn benchmark_file(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let (id, name) = [
        ("gsm8k", "test.jsonl"),
        ("truthfulqa", "test.csv"),
        ("openbookqa", "test.parquet"),
        ("coqa", "coqa-dev-v1.0.json"),
    ][usize::from(*first) % 4];
    let Some(dataset) = dataset(id) else { panic!("no benchmark {id}") };
    with_file(name, body, |path| {
        let Ok(read) = read_source(dataset, path, Some("test")) else { return };
        for question in &read.questions {
            assert!(!question.gold.is_empty(), "a question without a gold answer");
        }
    });
}

/// A pipeline file: what is accepted is written as YAML that reads as the same pipeline.
pub fn pipeline_file(bytes: &[u8]) {
    with_file("mine.yaml", bytes, |path| {
        let Ok(config) = config::read(path, &[]) else { return };
        let Ok(written) = config::to_yaml(&config) else { panic!("an accepted pipeline cannot be written") };
        std::fs::write(path, &written).expect("a temporary file");
        let again = config::read(path, &[]).and_then(|again| config::to_yaml(&again));
        assert!(again.is_ok_and(|again| again == written), "not the same pipeline:\n{written}");
    });
}

/// A decision log: what is read lies where probabilities lie, on lines that rise.
pub fn decision_log(bytes: &[u8]) {
    with_file("decisions.jsonl", bytes, |path| {
        let Ok(decisions) = decision_log::read(path) else { return };
        assert!(decisions.is_sorted_by(|one, next| one.line < next.line), "lines do not rise");
        for propensity in decisions.iter().filter_map(|decision| decision.propensity) {
            assert!(propensity > 0.0 && propensity <= 1.0, "a propensity of {propensity}");
        }
    });
}
