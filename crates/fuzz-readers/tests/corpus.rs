//! Every reader on its corpus and on a fixed number of changes of it. `cargo fuzz` and `examples/mutate.rs` go on from
//! the same corpus without end.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use plimsoll_fuzz_readers::mutation::Mutator;
use plimsoll_fuzz_readers::{READERS, Reader};
use plimsoll_test_support::benchmark_files::{forms, text, write};

/// Changed inputs of each reader.
const CHANGES: usize = 150;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("fuzz")
}

/// The inputs of a target by name, so that changes are the same everywhere.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = folder().join("corpus").join(name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let files = paths.iter().map(|path| std::fs::read(path).unwrap());
    files.chain(parquet(name)).collect()
}

/// A Parquet file for the targets that read such files, written here: no binary file has to be kept in step.
fn parquet(name: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = match name {
        "benchmark_file" => {
            let form = forms().into_iter().find(|form| form.dataset == "openbookqa").unwrap();
            form.write(folder.path())
        }
        "score_file" => {
            let path = folder.path().join("scores.parquet");
            let names = [
                "question_id",
                "dataset",
                "domain",
                "slm",
                "llm",
                "method",
                "confidence",
                "slm_correct",
                "llm_correct",
            ];
            let values = ["q", "d", "x", "s", "l", "m", "0.5", "true", "false"];
            let columns: Vec<_> = names.into_iter().zip(values.map(|value| text(&[value; 2]))).collect();
            write(&path, &columns);
            path
        }
        _ => return None,
    };
    // The first byte chooses Parquet.
    Some([&[2], std::fs::read(path).unwrap().as_slice()].concat())
}

fn check(name: &str, reader: Reader, input: &[u8]) {
    let ended = catch_unwind(|| reader(input));
    assert!(ended.is_ok(), "{name} fails on \"{}\"", input.escape_ascii());
}

fn drive(name: &str) {
    let reader = READERS.iter().find(|(known, _)| *known == name).unwrap().1;
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "{name} has no corpus");
    check(name, reader, b"");
    for input in &corpus {
        check(name, reader, input);
    }
    let mut mutator = Mutator::new(1);
    for _ in 0..CHANGES {
        check(name, reader, &mutator.mutated(&corpus));
    }
}

macro_rules! readers {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                drive(stringify!($name));
            }
        )*

        #[test]
        fn every_reader_has_a_test_a_target_and_a_corpus() {
            let tested = BTreeSet::from([$(stringify!($name).to_owned()),*]);
            let names: BTreeSet<String> = READERS.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(tested, names);
            let stems = |folder: &str| -> BTreeSet<String> {
                let files = std::fs::read_dir(self::folder().join(folder)).unwrap();
                files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
            };
            assert_eq!(stems("fuzz_targets"), names);
            assert_eq!(stems("corpus"), names);
        }
    };
}

readers! {
    answer_extraction benchmark_file chat_refusal chat_reply chat_template decision_log foreign_scores gateway_request
    gateway_settings gateway_state gateway_stream gguf_header hub_listing hub_source model_config pipeline_file recording
    safetensors_header score_file thresholds tokenizer_json
}

#[test]
fn changes_are_the_same_everywhere() {
    let corpus = [b"{\"a\": 1}".to_vec(), b"xyz".to_vec()];
    let changed = |seed| {
        let mut mutator = Mutator::new(seed);
        (0..50).map(|_| mutator.mutated(&corpus)).collect::<Vec<_>>()
    };
    assert_eq!(changed(3), changed(3));
    assert_ne!(changed(3), changed(4));
}
