//! What every table keeps: names, columns, and the rows that are its form.

use std::collections::BTreeSet;
use std::fmt;

use plimsoll_core::question::PoolRole;
use plimsoll_core::records::{
    AlignmentRow, CalibrationRow, ConfidenceRow, CurveAreaRow, CurveRow, DatasetRow, DrawPart, FollowUpRow,
    GenerationRow, HiddenStateRow, LabelRow, MapMetricRow, MapScheme, OtherSlmRow, QuestionRow, ScoreRow,
    TokenRow, TransferCurveRow, TransferRow,
};
use plimsoll_core::signal::Position;
use plimsoll_core::{AnswerKind, Choice, DatasetId, DomainId, MissingSignal, Question, QuestionId};
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::*;

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[test]
fn every_table_is_well_formed() {
    assert!(TABLES.is_sorted_by_key(|table| table.name), "TABLES is ordered by name");
    let names: BTreeSet<&str> = TABLES.iter().map(|table| table.name).collect();
    assert_eq!(names.len(), TABLES.len());
    for table in TABLES {
        assert!(is_snake_case(table.name), "{}", table.name);
        assert!(table.version > 0, "{}", table.name);
        let columns: BTreeSet<&str> = table.columns.iter().map(|column| column.name).collect();
        assert_eq!(columns.len(), table.columns.len(), "{}: repeated column", table.name);
        for column in table.columns {
            assert!(is_snake_case(column.name), "{}.{}", table.name, column.name);
            assert!(column.doc.ends_with('.'), "{}.{} has no doc", table.name, column.name);
            assert_eq!(table.column(column.name), Some(column));
        }
        assert_eq!(table.schema().fields().len(), table.columns.len());
    }
}

/// The keys of a JSON object, in order.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

#[track_caller]
fn assert_fields_are_columns(row: &impl Serialize, table: &Table) {
    let Keys(fields) = serde_json::from_str(&serde_json::to_string(row).unwrap()).unwrap();
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    assert_eq!(fields, columns, "{}", table.name);
}

#[test]
fn the_fields_of_a_record_are_the_columns_of_its_table() {
    assert_fields_are_columns(&calibration_row(), &calibration::TABLE);
    assert_fields_are_columns(&AlignmentRow::default(), &alignment::TABLE);
    assert_fields_are_columns(&map_metric_row(), &map_metrics::TABLE);
    assert_fields_are_columns(&OtherSlmRow::default(), &other_slm::TABLE);
    assert_fields_are_columns(&curve_row(), &curves::TABLE);
    assert_fields_are_columns(&GenerationRow::default(), &generations::TABLE);
    assert_fields_are_columns(&hidden_state_row(), &hidden_states::TABLE);
    assert_fields_are_columns(&LabelRow::default(), &labels::TABLE);
    assert_fields_are_columns(
        &QuestionRow { question: &question(), role: PoolRole::Main },
        &questions::TABLE,
    );
    assert_fields_are_columns(&ConfidenceRow::default(), &confidences::TABLE);
    assert_fields_are_columns(&DatasetRow::default(), &datasets::TABLE);
    assert_fields_are_columns(&ScoreRow::default(), &scores::TABLE);
    assert_fields_are_columns(&CurveAreaRow::default(), &curve_areas::TABLE);
    assert_fields_are_columns(&TransferRow::default(), &transfer::TABLE);
    assert_fields_are_columns(&TransferCurveRow::default(), &transfer_curves::TABLE);
}

fn calibration_row() -> CalibrationRow {
    CalibrationRow {
        slm: String::new(),
        llm: None,
        method: String::new(),
        question_id: String::new(),
        dataset: String::new(),
        domain: String::new(),
        cluster: String::new(),
        confidence: 0.0,
        slm_correct: None,
        llm_correct: None,
        slm_cost: None,
        llm_cost: None,
        bin: 0,
        weight: 0.0,
        part: DrawPart::Extra,
    }
}

fn question() -> Question {
    Question {
        question_id: QuestionId::new("synthetic/test/0").unwrap(),
        dataset: DatasetId::new("synthetic").unwrap(),
        domain: DomainId::new("math").unwrap(),
        split: "test".to_owned(),
        answer_kind: AnswerKind::Choice,
        context: None,
        question: "Which?".to_owned(),
        choices: vec![Choice { label: "A".to_owned(), text: "this".to_owned() }],
        gold: vec!["A".to_owned()],
        subject: None,
        cluster_id: Some("c".to_owned()),
        source_file: "synthetic.jsonl".to_owned(),
        source_row: 0,
        content_hash: String::new(),
    }
}

#[track_caller]
fn through_parquet<R: DeserializeOwned>(table: &'static Table, rows: &[impl Serialize]) -> Vec<R> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.parquet");
    crate::write_rows(table, rows, &path, &crate::Provenance::default()).unwrap();
    crate::read_rows(&path, table).unwrap()
}

#[test]
fn questions_go_through_parquet() {
    let rows = vec![question(), Question { choices: vec![], gold: vec!["4".to_owned()], ..question() }];
    let written: Vec<_> =
        rows.iter().map(|question| QuestionRow { question, role: PoolRole::Main }).collect();
    assert_eq!(through_parquet::<Question>(&questions::TABLE, &written), rows);
}

#[test]
fn generations_go_through_parquet() {
    let token = |text: &str, start, end, logprob| TokenRow {
        id: (start > 0).then_some(u32::MAX),
        text: text.to_owned(),
        start,
        end,
        logprob,
        top_logprobs: (start > 0).then(|| vec![-0.1, f32::MIN]),
    };
    let answer = GenerationRow {
        question_id: "synthetic/test/0".to_owned(),
        text: Some("4 \u{e9}".to_owned()),
        tokens: Some(vec![
            token("4", 0, 1, Some(-0.1)),
            token("\u{fffd}", 1, 3, Some(-f32::MIN_POSITIVE)),
            token("</s>", 4, 4, None),
        ]),
        follow_ups: vec![
            FollowUpRow { id: "p_true".to_owned(), true_mass: Some(0.1), ..FollowUpRow::default() },
            FollowUpRow::default(),
        ],
        latency_ms: Some(12.5),
        attempts: 2,
        ..GenerationRow::default()
    };
    let failed = GenerationRow {
        sample_index: 1,
        failure: Some(MissingSignal::ServerFailed),
        ..GenerationRow::default()
    };
    let rows = vec![answer, failed];
    assert_eq!(through_parquet::<GenerationRow>(&generations::TABLE, &rows), rows);
}

#[test]
fn hidden_states_go_through_parquet() {
    let row = hidden_state_row();
    let filled =
        HiddenStateRow { vector: Some(vec![0.1, -0.0, f32::MAX, f32::MIN_POSITIVE, 1e-45]), ..row.clone() };
    let rows = vec![filled, row];
    assert_eq!(through_parquet::<HiddenStateRow>(&hidden_states::TABLE, &rows), rows);
}

fn hidden_state_row() -> HiddenStateRow {
    HiddenStateRow {
        question_id: String::new(),
        model: String::new(),
        prompt_hash: String::new(),
        layer: -8,
        position: Position::LastPromptToken,
        vector: None,
        missing_reason: None,
    }
}

fn map_metric_row() -> MapMetricRow {
    MapMetricRow {
        slm: String::new(),
        llm: None,
        method: String::new(),
        dataset: String::new(),
        map: String::new(),
        scheme: MapScheme::File,
        rows: 0,
        brier: None,
        ece: None,
    }
}

fn curve_row() -> CurveRow {
    CurveRow {
        slm: String::new(),
        llm: None,
        method: String::new(),
        dataset: String::new(),
        grid_ratio: 0.0,
        routing_ratio: 0.0,
        threshold: 0.0,
        accuracy: None,
        accuracy_low: None,
        accuracy_high: None,
        random_accuracy: None,
        oracle_accuracy: None,
        always_slm_accuracy: None,
        always_llm_accuracy: None,
        pgr: None,
        kept_accuracy: None,
        relative_accuracy: None,
        usd_per_1k_questions: None,
        random_usd_per_1k_questions: None,
    }
}
