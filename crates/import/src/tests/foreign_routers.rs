//! Files of RouteLLM and LLMRouter, as `tests/foreign/routers.py` had them of these.

use std::path::{Path, PathBuf};

use plimsoll_core::records::ScoreRow;

use super::Folder;
use crate::foreign::{ForeignFiles, ForeignScores, LlmRouterFiles, RouteLlmFiles};
use crate::{ImportError, ImportProblem};

fn written(tool: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/foreign").join(tool).join(name)
}

fn routellm(responses: PathBuf) -> RouteLlmFiles {
    RouteLlmFiles {
        responses: vec![responses],
        slm_id: "openai/small".to_owned(),
        llm_id: "openai/large".to_owned(),
        ..RouteLlmFiles::default()
    }
}

fn llmrouter(data: PathBuf, routing: Option<PathBuf>) -> LlmRouterFiles {
    LlmRouterFiles {
        data: vec![data],
        routing: routing.into_iter().collect(),
        slm_id: "small".to_owned(),
        llm_id: "large".to_owned(),
        correct_from: None,
    }
}

fn read_routellm(files: RouteLlmFiles) -> Result<Vec<ScoreRow>, ImportError> {
    ForeignFiles::RouteLlm(files).read().map(|scores| scores.rows)
}

fn read_llmrouter(files: LlmRouterFiles) -> Result<ForeignScores, ImportError> {
    ForeignFiles::LlmRouter(files).read()
}

/// Why the rows were refused.
fn reasons(error: ImportError) -> Vec<String> {
    let ImportError::Rows { problems, .. } = error else { panic!("{error}") };
    let reason = |problem| match problem {
        ImportProblem::Foreign { reason } => reason,
        other => panic!("{other}"),
    };
    problems.into_iter().map(|row| reason(row.problem)).collect()
}

#[test]
fn win_rates_are_uncertainties() {
    let path = written("routellm", "colours_responses.csv");
    let rows = read_routellm(routellm(path.clone())).unwrap();
    assert_eq!(rows.len(), 12);
    let mut cells = csv::Reader::from_path(path).unwrap();
    for (row, cells) in rows.iter().zip(cells.records().map(Result::unwrap)) {
        let win_rate: f64 = cells[5].parse().unwrap();
        assert_eq!((row.dataset.as_str(), row.method.as_str()), ("colours", "routellm:bert:one_minus"));
        assert_eq!(row.confidence, Some(1.0 - win_rate));
        assert_eq!(
            (row.slm_correct, row.llm_correct),
            (Some(&cells[1] == "True"), Some(&cells[2] == "True"))
        );
    }
}

#[test]
fn several_routers_and_what_is_missing() {
    let folder = Folder::new();
    let text = "prompt,a,b,b_response,mf,mine\n\"q, 1\",True,False,x,0.25,\nq2,False,,y,,0.5\nq2,1,1,z,1,0\n";
    let path = folder.write("gsm8k_responses.csv", text.replace(",1,1,z", ",True,True,z"));
    let mut files = RouteLlmFiles {
        responses: vec![path],
        slm_id: "a".to_owned(),
        llm_id: "b".to_owned(),
        ..RouteLlmFiles::default()
    };
    let rows = read_routellm(files.clone()).unwrap();
    let found: Vec<_> = rows.iter().map(|row| (row.confidence, row.slm_correct, row.llm_correct)).collect();
    assert_eq!(
        found,
        [
            (Some(0.75), Some(true), Some(false)),
            (None, Some(false), None),
            (Some(0.0), Some(true), Some(true))
        ]
    );
    assert_eq!(rows[1].cluster_id, rows[2].cluster_id);
    assert_ne!(rows[0].cluster_id, rows[1].cluster_id);
    files.routers = vec!["mf".to_owned(), "mine".to_owned()];
    assert_eq!(read_routellm(files.clone()).unwrap().len(), 6);
    files.routers = vec!["mine ".to_owned()];
    let error = read_routellm(files.clone()).unwrap_err().to_string();
    assert!(error.contains("no column `mine ` (is `mine` meant?)"), "{error}");
    files.routers = vec!["b_response".to_owned()];
    assert!(matches!(read_routellm(files), Err(ImportError::NotNumbers { .. })));
}

#[test]
fn responses_that_give_no_score() {
    let folder = Folder::new();
    let read = |text: &str| {
        read_routellm(RouteLlmFiles {
            responses: vec![folder.write("r.csv", text)],
            slm_id: "a".to_owned(),
            llm_id: "b".to_owned(),
            ..RouteLlmFiles::default()
        })
    };
    let error = read("prompt,a,b\nq,True,False\n").unwrap_err().to_string();
    assert!(error.contains("batch_calculate_win_rate"), "{error}");
    assert_eq!(
        reasons(read("prompt,a,b,mf\nq,True,False,1.5\n").unwrap_err()),
        ["the win rate `mf` is 1.5, not in [0, 1]"]
    );
    let graded = reasons(read("prompt,a,b,mf\nq,7.5,9,0.5\n").unwrap_err());
    assert!(graded[0].contains("the grade of `a` is 7.5, neither 0 nor 1"), "{graded:?}");
    for text in ["", "prompt,a,b,mf\n\"q", "prompt,a,b,mf\nq,True\n"] {
        assert!(read(text).is_err(), "{text:?}");
    }
    assert_eq!(read("prompt,a,b,mf\n").unwrap(), []);
}

#[test]
fn routing_data_with_the_scores_of_a_hybrid_router() {
    let data = written("llmrouter", "routing_data_test.jsonl");
    let scores = read_llmrouter(llmrouter(data, Some(written("llmrouter", "hybrid_llm.jsonl")))).unwrap();
    assert_eq!(scores.rows.len(), 12);
    assert!(
        scores.rows.iter().all(|row| row.method == "llmrouter:router_score" && row.slm_correct.is_some())
    );
    assert!(scores.rows.iter().all(|row| row.dataset == "commonsense_qa" && row.confidence.is_some()));
    // The server refused the large model's answers to questions 4 and 9; the file says 0.0 of them.
    let missing: Vec<&str> = scores
        .rows
        .iter()
        .filter(|row| row.llm_correct.is_none())
        .map(|row| row.question_id.as_str())
        .collect();
    assert_eq!(missing, ["4", "9"]);
    assert!(scores.notes[0].starts_with("2 answers are errors of a server"), "{:?}", scores.notes);
}

#[test]
fn self_verifications_are_confidences() {
    let data = written("llmrouter", "router_automix_llamapair_ver_outputs.jsonl");
    let rows = read_llmrouter(llmrouter(data, None)).unwrap().rows;
    assert_eq!(rows.len(), 12);
    assert!(rows.iter().all(|row| row.method == "llmrouter:p_ver_13b" && row.dataset == "router"));
    assert_eq!(rows[0].confidence, Some(0.5));
    assert!(
        rows.iter().any(|row| row.slm_correct == Some(true))
            && rows.iter().any(|row| row.slm_correct == Some(false))
    );
}

#[test]
fn no_verdict_is_no_confidence_and_no_answer_is_no_grade() {
    let folder = Folder::new();
    let line = r#"{"question": "q", "dataset": "d", "llama13b_pred_ans": null, "llama70b_pred_ans": "x",
        "llama13b_ver": [null, "I cannot say"], "p_ver_13b": 0.0, "llama13b_f1": 0.0, "llama70b_f1": 0.5}"#;
    let path = folder.write("v.jsonl", format!("{}\n\n", line.replace('\n', " ")));
    let mut files = llmrouter(path, None);
    let graded = reasons(read_llmrouter(files.clone()).unwrap_err());
    assert!(graded[0].contains("`llama70b_f1` is 0.5") && graded[0].contains("--correct-from"), "{graded:?}");
    files.correct_from = Some(0.4);
    let scores = read_llmrouter(files).unwrap();
    let row = &scores.rows[0];
    assert_eq!((row.confidence, row.slm_correct, row.llm_correct), (None, None, Some(true)));
    assert!(scores.notes[0].contains("came to no verdict"), "{:?}", scores.notes);
}

#[test]
fn routing_data_that_gives_no_score() {
    let folder = Folder::new();
    let line = |model: &str, performance: &str| {
        format!(
            "{{\"task_name\": \"t\", \"query\": \"q\", \"model_name\": \"{model}\", \"response\": \"x\", \"performance\": {performance}}}\n"
        )
    };
    let both = line("small", "1.0") + &line("large", "0.0");
    let read = |text: &str, routing: Option<&str>| {
        let routing = routing.map(|text| folder.write("routing.jsonl", text));
        read_llmrouter(llmrouter(folder.write("data.jsonl", text), routing))
    };
    let routed = "{\"query\": \"q\", \"router_score\": 0.75}\n";
    assert_eq!(read(&both, Some(routed)).unwrap().rows[0].confidence, Some(0.75));
    // A question that the router was not asked about has no confidence.
    assert_eq!(
        read(&both, Some("{\"query\": \"r\", \"router_score\": 0.75}\n")).unwrap().rows[0].confidence,
        None
    );
    let repeated = read(&(both.clone() + &line("small", "0.0")), Some(routed)).unwrap();
    assert_eq!(repeated.rows[0].slm_correct, Some(false));
    assert!(repeated.notes[0].starts_with("1 answers are of a model to a question"), "{:?}", repeated.notes);

    assert!(matches!(read(&both, None), Err(ImportError::NoRouterScores)));
    let error = read(&line("small", "1.0"), Some(routed)).unwrap_err().to_string();
    assert!(error.contains("no row is of the model `large`; there are `small`"), "{error}");
    for (routing, reason) in [
        ("{\"query\": \"q\", \"success\": false}\n", "only hybrid_llm gives one"),
        ("{\"query\": \"q\", \"router_score\": 1.5}\n", "`router_score` is 1.5, not in [0, 1]"),
    ] {
        assert!(reasons(read(&both, Some(routing)).unwrap_err())[0].contains(reason), "{routing}");
    }
    let other = reasons(read("{\"doc_id\": 1}\n", None).unwrap_err());
    assert!(other[0].contains("neither routing data nor"), "{other:?}");
    for text in ["", "{\"task_name\": ", "[1]\n", "null\n"] {
        assert!(read(text, None).is_err(), "{text:?}");
    }
}
