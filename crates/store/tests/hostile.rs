//! Files that are not what they say, or not whole.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};

use plimsoll_core::records::{FollowUpRow, GenerationRow, HiddenStateRow, ScoreRow, TokenRow};
use plimsoll_core::signal::Position;
use plimsoll_core::{Finish, MissingSignal, table_row};
use plimsoll_store::tables::{generations, hidden_states, scores};
use plimsoll_store::{Provenance, StoreError, Table, read_batches, read_columns, read_rows, write_rows};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

fn generation(index: u32) -> GenerationRow {
    GenerationRow {
        question_id: format!("synthetic/test/{index}"),
        model: "small".to_owned(),
        sample_index: index % 3,
        text: (!index.is_multiple_of(4)).then(|| "18 \u{e9}".repeat(index as usize % 7)),
        finish_reason: Finish::ALL.get(index as usize % 4).copied(),
        tokens: (!index.is_multiple_of(4)).then(|| {
            let token = |at| TokenRow {
                id: Some(at),
                text: "18".to_owned(),
                start: 2 * at,
                end: 2 * at + 2,
                logprob: (!at.is_multiple_of(3)).then(|| -0.1 * at as f32),
                top_logprobs: (!at.is_multiple_of(2)).then(|| vec![-0.1; at as usize]),
            };
            (0..index % 9).map(token).collect()
        }),
        follow_ups: vec![FollowUpRow {
            id: "p_true".to_owned(),
            true_mass: Some(0.25),
            ..FollowUpRow::default()
        }],
        failure: index.is_multiple_of(4).then_some(MissingSignal::ServerFailed),
        ..GenerationRow::default()
    }
}

fn hidden_state(index: u32) -> HiddenStateRow {
    HiddenStateRow {
        question_id: format!("synthetic/test/{index}"),
        model: "small".to_owned(),
        prompt_hash: "00".repeat(32),
        layer: -8,
        position: Position::ALL[index as usize % 2],
        vector: (!index.is_multiple_of(5)).then(|| (0..32u32).map(|at| (at * index) as f32 / 7.0).collect()),
        missing_reason: index.is_multiple_of(5).then_some(MissingSignal::NoAnswer),
    }
}

struct Sandbox(TempDir);

impl Sandbox {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn written<T: Serialize>(&self, name: &str, table: &'static Table, rows: &[T]) -> PathBuf {
        let path = self.path(name);
        write_rows(table, rows, &path, &Provenance::default()).unwrap();
        path
    }
}

/// An error with all of its causes.
fn error_text(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Numbers that look random, the same on every machine.
fn random_values(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// Reads bytes as a table: an error that names the file, or rows, and no panic.
fn read_damaged(path: &Path, bytes: &[u8]) -> bool {
    fs::write(path, bytes).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let outcome = if name.starts_with("states") {
        read_rows::<HiddenStateRow>(path, &hidden_states::TABLE).map(|_| ())
    } else {
        read_rows::<GenerationRow>(path, &generations::TABLE).map(|_| ())
    };
    if let Err(error) = &outcome {
        assert!(error.to_string().contains(name), "{error}");
    }
    outcome.is_ok()
}

#[test]
fn cut_and_damaged_files_are_refused_or_read() {
    let sandbox = Sandbox::new();
    let generations: Vec<_> = (0..40).map(generation).collect();
    let states: Vec<_> = (0..40).map(hidden_state).collect();
    for (name, whole) in [
        ("generations", sandbox.written("whole", &generations::TABLE, &generations)),
        ("states", sandbox.written("whole_states", &hidden_states::TABLE, &states)),
    ] {
        let bytes = fs::read(whole).unwrap();
        let path = sandbox.path(name);
        assert!(read_damaged(&path, &bytes));
        for len in (0..bytes.len()).step_by(37) {
            assert!(!read_damaged(&path, &bytes[..len]), "{name}: {len} of {} bytes", bytes.len());
        }
        let mut at = random_values(17);
        for _ in 0..600 {
            let mut damaged = bytes.clone();
            for _ in 0..=at.next().unwrap() % 4 {
                let index = usize::try_from(at.next().unwrap()).unwrap() % bytes.len();
                damaged[index] ^= 1 << (at.next().unwrap() % 8);
            }
            read_damaged(&path, &damaged);
        }
    }
}

table_row! {
    /// A row of `hidden_states` with texts that name nothing.
    #[derive(Serialize)]
    struct Unnamed {
        /// Question.
        question_id: String,
        /// Model.
        model: String,
        /// SHA-256 of the prompt.
        prompt_hash: String,
        /// Layer.
        layer: i32,
        /// Position.
        position: String,
        /// State.
        vector: Option<Vec<f32>>,
        /// Why it is missing.
        missing_reason: Option<String>,
    }
}

static UNNAMED: Table = Table::new::<Unnamed>("hidden_states", hidden_states::TABLE.version);

fn unnamed(position: &str, missing_reason: Option<&str>, vector: Option<Vec<f32>>) -> Unnamed {
    Unnamed {
        question_id: "q".to_owned(),
        model: "small".to_owned(),
        prompt_hash: String::new(),
        layer: 0,
        position: position.to_owned(),
        vector,
        missing_reason: missing_reason.map(str::to_owned),
    }
}

#[test]
fn an_unknown_name_is_refused_with_file_table_and_column() {
    let sandbox = Sandbox::new();
    for (row, column, unknown) in [
        (unnamed("in_the_middle", None, None), "position", "in_the_middle"),
        (
            unnamed("last_prompt_token", Some("of_a_later_version"), None),
            "missing_reason",
            "of_a_later_version",
        ),
    ] {
        let path = sandbox.written("file", &UNNAMED, &[row]);
        let error = read_rows::<HiddenStateRow>(&path, &hidden_states::TABLE).unwrap_err();
        let text = error_text(&error);
        for part in [path.to_str().unwrap(), "`hidden_states`", column, unknown] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn floats_that_are_not_finite_are_missing_or_refused() {
    let sandbox = Sandbox::new();
    let score = |confidence| ScoreRow { confidence: Some(confidence), ..ScoreRow::default() };
    let rows =
        [score(f64::NAN), score(f64::INFINITY), score(0.5), score(f64::NEG_INFINITY), ScoreRow::default()];
    let path = sandbox.written("scores", &scores::TABLE, &rows);
    let read = read_rows::<ScoreRow>(&path, &scores::TABLE).unwrap();
    assert_eq!(
        read.iter().map(|row| row.confidence).collect::<Vec<_>>(),
        [None, None, Some(0.5), None, None]
    );

    let mut row = generation(5);
    row.tokens.as_mut().unwrap()[1].logprob = Some(f32::NAN);
    let path = sandbox.written("generations", &generations::TABLE, &[row]);
    let read = read_rows::<GenerationRow>(&path, &generations::TABLE).unwrap();
    assert_eq!(read[0].tokens.as_ref().unwrap()[1].logprob, None);

    let row = unnamed("last_prompt_token", None, Some(vec![0.5, f32::NAN]));
    let path = sandbox.written("states", &UNNAMED, &[row]);
    let text = error_text(&read_rows::<HiddenStateRow>(&path, &hidden_states::TABLE).unwrap_err());
    assert!(text.contains("`vector`") && text.contains("states"), "{text}");
}

#[test]
fn other_columns_and_types_are_refused() {
    table_row! {
        /// Another type.
        #[derive(Serialize)]
        struct Counted {
            /// Question.
            question_id: u64,
        }
    }
    static COUNTED: Table = Table::new::<Counted>("hidden_states", hidden_states::TABLE.version);
    let sandbox = Sandbox::new();
    let path = sandbox.written("counted", &COUNTED, &[Counted { question_id: 1 }]);
    let error = read_rows::<HiddenStateRow>(&path, &hidden_states::TABLE).unwrap_err();
    assert!(matches!(error, StoreError::OtherColumns { table: "hidden_states", .. }), "{error}");
    let error = read_batches(&path, &scores::TABLE).unwrap_err();
    assert!(matches!(error, StoreError::OtherTable { expected: "scores", .. }), "{error}");
}

#[test]
fn rows_of_other_types_are_refused_with_the_column() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "never read")]
    struct Whole {
        question_id: String,
        confidence: f64,
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "never read")]
    struct Renamed {
        question: String,
    }
    let sandbox = Sandbox::new();
    let rows = [ScoreRow { confidence: Some(0.5), ..ScoreRow::default() }, ScoreRow::default()];
    let path = sandbox.written("scores", &scores::TABLE, &rows);
    let wanted = ["question_id", "confidence"];
    // A null where the row has none.
    let text = error_text(&read_columns::<Whole>(&path, &scores::TABLE, &wanted).unwrap_err());
    assert!(text.contains("confidence") && text.contains("`scores`"), "{text}");
    let text = error_text(&read_columns::<Renamed>(&path, &scores::TABLE, &wanted).unwrap_err());
    assert!(text.contains("question"), "{text}");
    assert_eq!(
        read_columns::<Whole>(&sandbox.written("one", &scores::TABLE, &rows[..1]), &scores::TABLE, &wanted)
            .unwrap()
            .len(),
        1
    );
}
