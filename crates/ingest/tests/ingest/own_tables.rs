//! The user's own tables, by a mapping of columns.

use std::fs;

use plimsoll_ingest::generic::{GoldForm, MappingError};
use plimsoll_ingest::{Generic, Ingested, Mapping, RejectReason, read_source};

fn mapping(json: &str) -> Mapping {
    serde_json::from_str(json).unwrap()
}

fn read(name: &str, text: &str, json: &str, split: Option<&str>) -> Ingested {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    read_source(&Generic::new("mine", mapping(json)).unwrap(), &path, split).unwrap()
}

#[test]
fn choices_in_one_column_or_in_several() {
    let csv = "n,q,a,b,c,right\nx1,Which?,cat,dog,,dog\nx2,What?,red,green,blue,blue\nx3,Why?,u,v,w,z\nx1,Again?,u,v,,u\n";
    let found = read(
        "test.csv",
        csv,
        r#"{"domain": "pets", "answer_kind": "choice", "id": "n", "question": "q", "choices": ["a", "b", "c"],
            "gold": "right", "gold_is": "text"}"#,
        None,
    );
    let golds: Vec<_> = found
        .questions
        .iter()
        .map(|q| (q.question_id.as_str(), q.gold[0].as_str(), q.choices.len()))
        .collect();
    assert_eq!(golds, [("mine/test/x1", "B", 2), ("mine/test/x2", "C", 3)]);
    let reasons: Vec<_> = found.refused.iter().map(|row| row.reason.to_string()).collect();
    assert_eq!(reasons, ["gold answer \"z\" is not the text of a choice", "id \"x1\" stands twice"]);
    for (form, gold) in [("label", "\"B\""), ("index", "1"), ("index_from_one", "2")] {
        let line =
            format!("{{\"item\": {{\"q\": \"Which?\"}}, \"options\": [\"cat\", 9], \"gold\": {gold}}}");
        let json = format!(
            r#"{{"domain": "pets", "answer_kind": "choice", "question": "item.q", "choices": "options", "gold": "gold", "gold_is": "{form}"}}"#
        );
        assert_eq!(read("x.jsonl", &line, &json, None).questions[0].gold, ["B"], "{form}");
    }
}

#[test]
fn numbers_texts_and_truth() {
    let read = |kind: &str, gold: &str| {
        let line = format!("{{\"q\": \"?\", \"g\": {gold}, \"c\": 5, \"s\": \"dev\", \"p\": \"text\"}}");
        let json = format!(
            r#"{{"domain": "d", "answer_kind": "{kind}", "question": "q", "gold": "g", "cluster": "c", "split": "s", "context": "p"}}"#
        );
        read("x.jsonl", &line, &json, None)
    };
    let found = read("number", "[\"1,000\", 2.50]");
    assert_eq!(found.questions[0].gold, ["1000", "2.5"]);
    assert_eq!(found.questions[0].question_id.as_str(), "mine/validation/0");
    assert_eq!((found.questions[0].cluster(), found.questions[0].context.as_deref()), ("5", Some("text")));
    assert_eq!(read("boolean", "true").questions[0].gold, ["yes"]);
    assert_eq!(read("span", "[\"a cat\", \"cat\"]").questions[0].gold, ["a cat", "cat"]);
    assert_eq!(read("span", "null").refused[0].reason, RejectReason::Unlabelled);
}

#[test]
fn not_a_number_is_nothing_in_rows_of_any_form() {
    let row = |more: &str| format!("{{\"q\": \"say NaN, \\\"NaN\\\"\", {more}\"g\": 5}}");
    let json = r#"{"domain": "d", "answer_kind": "number", "question": "q", "gold": "g", "context": "p"}"#;
    for word in ["NaN", "Infinity", "-Infinity", "nan", "-inf"] {
        let odd = row(&format!("\"p\": {word}, \"score\": [{{\"a\": {word}}}, {word}], "));
        for (name, text) in [
            ("x.jsonl", format!("{odd}\n{}\n", row("\"p\": null, "))),
            ("y.jsonl", format!("{}\n{odd}\n", row("\"p\": null, "))),
            ("x.json", format!("[{odd},\n{}]", row("\"p\": null, "))),
            ("y.json", format!("{{\"version\": {word}, \"data\": [{odd}, {}]}}", row("\"p\": null, "))),
            ("z.json", format!("{{\n\"data\":\n[{odd}, {}]}}", row("\"p\": null, "))),
        ] {
            let found = read(name, &text, json, Some("test"));
            assert_eq!((found.questions.len(), found.refused.len()), (2, 0), "{text}");
            for question in &found.questions {
                assert_eq!((question.question.as_str(), &question.context), ("say NaN, \"NaN\"", &None));
            }
        }
        // Where it stands for what a question needs, the row says what it lacks.
        let found =
            read("x.jsonl", &row("\"p\": null, ").replace("\"g\": 5", &format!("\"g\": {word}")), json, None);
        assert_eq!(found.refused[0].reason, RejectReason::Unlabelled);
    }
}

#[test]
fn rows_of_another_split_are_refused_and_counted() {
    let text = "q,g,s\na,1,train\nb,2,test\nc,3,tests\n";
    let json = r#"{"domain": "d", "answer_kind": "number", "question": "q", "gold": "g", "split": "s"}"#;
    let found = read("x.csv", text, json, Some("test"));
    assert_eq!((found.rows, found.questions.len()), (3, 2));
    assert_eq!(found.refused[0].reason.to_string(), "of split `train`");
}

#[test]
fn mappings_that_are_none() {
    let base = r#"{"domain": "d", "answer_kind": "choice", "question": "q", "gold": "g"}"#;
    assert!(matches!(Generic::new("mine", mapping(base)), Err(MappingError::Needs { key: "choices", .. })));
    let number = mapping(&base.replace("choice", "number"));
    assert!(Generic::new("mine", number.clone()).is_ok());
    for id in ["gsm8k", "", "a/b", "*"] {
        assert!(matches!(Generic::new(id, number.clone()), Err(MappingError::Id { .. })), "{id}");
    }
    let useless = Mapping { gold_is: Some(GoldForm::Label), ..number };
    assert!(matches!(Generic::new("mine", useless), Err(MappingError::Useless { key: "gold_is", .. })));
    let unknown = base.replace("\"gold\"", "\"golden\"");
    assert!(serde_json::from_str::<Mapping>(&unknown).unwrap_err().to_string().contains("golden"));
}

#[test]
fn a_mapping_reads_back_as_it_was_written() {
    let written = mapping(
        r#"{"domain": "d", "answer_kind": "choice", "question": "q", "gold": "g", "gold_is": "label", "choices": ["a", "b"]}"#,
    );
    assert_eq!(mapping(&serde_json::to_string(&written).unwrap()), written);
}
