//! Files of lm-evaluation-harness, as `tests/foreign/make.py` had them of it.

use std::path::{Path, PathBuf};

use plimsoll_core::records::ScoreRow;

use super::Folder;
use crate::ImportError;
use crate::foreign::{ForeignFiles, ForeignScores, LmEvalFiles};

/// A file that lm-eval wrote.
fn written(model: &str, task: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/foreign/lm-eval");
    folder.join(model).join(format!("samples_{task}_2026-01-01T00-00-00.000000.jsonl"))
}

fn read_lm_eval(files: &LmEvalFiles) -> Result<ForeignScores, ImportError> {
    ForeignFiles::LmEval(files.clone()).read()
}

fn rows(files: &LmEvalFiles) -> Vec<ScoreRow> {
    read_lm_eval(files).unwrap().rows
}

#[test]
fn choices_give_two_methods_and_the_llm_its_grade() {
    let files = LmEvalFiles {
        slm: vec![written("small", "colours")],
        llm: vec![written("large", "colours")],
        slm_id: Some("small".to_owned()),
        ..LmEvalFiles::default()
    };
    let rows = rows(&files);
    assert_eq!(rows.len(), 24);
    for pair in rows.chunks(2) {
        let [probability, margin] = pair else { panic!("{pair:?}") };
        assert_eq!(probability.method, "lm-eval:choice_probability");
        assert_eq!(margin.method, "lm-eval:choice_margin");
        let (probability, margin) = (probability.confidence.unwrap(), margin.confidence.unwrap());
        // Four choices: the largest has a quarter at least, and what is left is shared by three.
        assert!((0.25..=1.0).contains(&probability) && margin <= probability, "{probability} {margin}");
        assert!(
            margin >= (4.0 * probability - 1.0) / 3.0 - 1e-12 || margin >= 2.0 * probability - 1.0 - 1e-12
        );
    }
    let first = &rows[0];
    assert_eq!((first.question_id.as_str(), first.dataset.as_str()), ("0", "colours"));
    assert_eq!((first.slm.as_deref(), first.llm.as_deref()), (Some("small"), Some("llm")));
    assert!(rows.iter().all(|row| row.slm_correct.is_some() && row.llm_correct.is_some()));
}

#[test]
fn values_by_hand() {
    let folder = Folder::new();
    let line = r#"{"doc_id": 3, "doc_hash": "h", "filter": "none", "metrics": ["acc"], "acc": 1.0,
        "filtered_resps": [["-1.0", "False"], ["-1.0", "True"], ["-1000.0", "False"]]}"#;
    let path = folder.write("samples_my_task_2026-01-01.jsonl", format!("{}\n", line.replace('\n', " ")));
    let rows = rows(&LmEvalFiles { slm: vec![path], ..LmEvalFiles::default() });
    assert_eq!(rows.iter().map(|row| row.confidence).collect::<Vec<_>>(), [Some(0.5), Some(0.0)]);
    assert_eq!((rows[0].dataset.as_str(), rows[0].llm_correct, &rows[0].llm), ("my_task", None, &None));
}

#[test]
fn generated_texts_have_no_confidence_but_a_grade() {
    let text = written("small", "colours_text");
    let error = read_lm_eval(&LmEvalFiles { slm: vec![text.clone()], ..LmEvalFiles::default() }).unwrap_err();
    assert!(error.to_string().contains("there are no log-likelihoods of choices"), "{error}");
    assert!(matches!(error, ImportError::Rows { total: 12, .. }), "{error}");
    // Another task, so no answer of the LLM to these questions.
    let files =
        LmEvalFiles { slm: vec![written("small", "colours")], llm: vec![text], ..LmEvalFiles::default() };
    let scores = read_lm_eval(&files).unwrap();
    assert!(scores.rows.iter().all(|row| row.llm_correct.is_none()));
    assert!(scores.notes[0].contains("12 questions have no answer of the LLM"), "{:?}", scores.notes);
}

#[test]
fn which_metric_and_from_which_value() {
    let normalised = LmEvalFiles {
        slm: vec![written("small", "colours")],
        metric: Some("acc_norm".to_owned()),
        ..LmEvalFiles::default()
    };
    assert_eq!(rows(&normalised).len(), 24);
    let unknown = LmEvalFiles { metric: Some("f1".to_owned()), ..normalised };
    let error = read_lm_eval(&unknown).unwrap_err().to_string();
    assert!(error.contains("no number of the metric `f1`; there are: acc, acc_norm"), "{error}");
    let folder = Folder::new();
    let line = |value: f64| {
        format!(
            "{{\"doc_id\": 0, \"doc_hash\": \"h\", \"metrics\": [\"f1\"], \"f1\": {value}, \
             \"filtered_resps\": [[-1.0, true], [-2.0, false]]}}\n"
        )
    };
    let path = folder.write("samples_t_d.jsonl", line(0.5));
    let mut files = LmEvalFiles { slm: vec![path], ..LmEvalFiles::default() };
    let error = read_lm_eval(&files).unwrap_err().to_string();
    assert!(error.contains("`f1` is 0.5, neither 0 nor 1") && error.contains("--correct-from"), "{error}");
    files.correct_from = Some(0.5);
    assert_eq!(rows(&files)[0].slm_correct, Some(true));
}

#[test]
fn what_is_no_such_file() {
    let folder = Folder::new();
    let read = |name: &str, text: &str| {
        let slm = vec![folder.write(name, text)];
        read_lm_eval(&LmEvalFiles { slm, ..LmEvalFiles::default() }).unwrap_err().to_string()
    };
    assert!(read("results.jsonl", "{}").contains("not named samples_TASK_DATE.jsonl"));
    let error = read("samples_t_d.jsonl", "{\"doc_id\": 1}\n");
    assert!(error.contains("line 1") && error.contains("missing field"), "{error}");
}

#[test]
fn other_questions_of_the_same_number() {
    let folder = Folder::new();
    let line = |hash: &str| {
        format!(
            "{{\"doc_id\": 0, \"doc_hash\": \"{hash}\", \"metrics\": [\"acc\"], \"acc\": 1.0, \
             \"filtered_resps\": [[-1.0, true], [-2.0, false]]}}\n"
        )
    };
    let slm = vec![folder.write("a/samples_t_d.jsonl", line("one"))];
    let llm = vec![folder.write("b/samples_t_d.jsonl", line("two"))];
    let error = read_lm_eval(&LmEvalFiles { slm, llm, ..LmEvalFiles::default() }).unwrap_err().to_string();
    assert!(error.contains("question 0 of `t` is another question for the LLM"), "{error}");
}
