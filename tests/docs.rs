//! The documents: every command, pipeline file and JSON document in them is run or read, and every link leads somewhere.
//!
//! A comment before a fenced block says how it is tested, `<!-- test: HOW -->`:
//!
//! | how | languages | what is done |
//! |---|---|---|
//! | `run` | `sh`, `console` | run in the document's own folder; exit code 0; what a `console` block shows is what is written |
//! | `parse REASON` | `sh` | not run, for one of [`shell::REASONS`]; targets, options, files and packages are checked |
//! | `file NAME` | any | written to the document's folder, for the blocks after it |
//! | `pipeline` | `yaml` | a whole pipeline file, read by `plimsoll config` |
//! | `part models`, `part scores` | `yaml` | keys of a pipeline file, put into a small one of that kind |
//!
//! `rust` blocks are doctests: their document is included by a crate. `json` blocks must parse. A block of another
//! language, or without a comment that it needs, is a failure.

mod links;
mod map;
mod markdown;
mod pipelines;
mod reference;
mod shell;

use markdown::{Block, blocks, documents, read};
use pipelines::{check_part, check_pipeline};

use crate::fixture::pool;
use crate::harness::{Sandbox, repository};

/// Languages of blocks that hold nothing to run, and what holds them to be true.
const SHOWN: &[(&str, &str)] = &[
    ("text", "a picture"),
    ("mermaid", "a picture"),
    (
        "python",
        "`bindings/python/tests/test_readme.py` runs the README's; elsewhere it needs the hub's library, and `load_dataset` of a \
         released folder is tried at each release, or OpenAI's, and two models behind a gateway",
    ),
    ("c", "`bindings/c/test.sh` compiles and runs the README's program"),
    ("js", "`bindings/js/test.sh` runs the README's program"),
    ("kotlin", "`bindings/kotlin/test.sh` compiles and runs the README's program"),
    ("swift", "needs a compiler that no machine of ours has; the README says so"),
    ("toml", "a dependency; `crates/router/tests` pack the crate and build it outside of the workspace"),
];

/// Copied from the repository, so that documents may name it as a reader does who stands in a clone.
const COPIED: &[&str] = &["pipelines", "models/pocket/slm", "schemas/conformance"];

const RELEASED: &str = "calibration/pocket/pocket-slm--pocket-llm.thresholds.json";

/// What every document may name: a clone's files, scores, and rows of a benchmark in its native form.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in COPIED {
        copy(&sandbox, folder);
    }
    sandbox.write(RELEASED, std::fs::read(repository().join(RELEASED)).unwrap());
    sandbox.write("scores.csv", pool());
    let rows = repository().join("crates/ingest/tests/fixtures/gsm8k/test.jsonl");
    sandbox.write("test.jsonl", std::fs::read(rows).unwrap());
    sandbox
}

fn copy(sandbox: &Sandbox, folder: &str) {
    let mut files = 0;
    for entry in std::fs::read_dir(repository().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            copy(sandbox, &name);
        } else {
            sandbox.write(&name, std::fs::read(entry.path()).unwrap());
        }
        files += 1;
    }
    assert!(files > 0, "{folder} is empty");
}

#[test]
fn every_block_of_every_document_is_tested() {
    let (mut tested, mut skipped) = (0, 0);
    for document in documents() {
        let sandbox = sandbox();
        for block in blocks(&document, &read(&document)) {
            let is_parsed = check(&block, &sandbox);
            if is_parsed { skipped += 1 } else { tested += 1 }
        }
    }
    println!("{tested} blocks tested, of {skipped} only the words");
    assert!(tested > 30 && skipped < tested / 3, "{tested} blocks are tested, of {skipped} only the words");
}

/// Tests a block; true if only its words were looked at.
fn check(block: &Block, sandbox: &Sandbox) -> bool {
    let marker = block.marker.as_deref().unwrap_or_default();
    let (how, argument) = marker.split_once(' ').unwrap_or((marker, ""));
    match (block.language.as_str(), how) {
        (_, "file") => sandbox.write(argument, &block.text),
        ("sh", "run") => shell::run(block, sandbox),
        ("console", "run") => shell::compare(block, sandbox),
        ("sh", "parse") => {
            shell::parse(block, argument, sandbox);
            return true;
        }
        ("yaml", "pipeline") => check_pipeline(block, sandbox),
        ("yaml", "part") => check_part(block, argument, sandbox),
        ("rust", "") => check_is_doctest(block),
        ("json", "") => {
            let parsed = serde_json::from_str::<serde_json::Value>(&block.text);
            assert!(parsed.is_ok(), "{}: {parsed:?}", block.location());
        }
        (language, "") if SHOWN.iter().any(|(shown, _)| *shown == language) => {}
        (language, _) => panic!("{}: no test for a block `{language}` marked {marker:?}", block.location()),
    }
    false
}

/// Rust blocks run as doctests of the crate that includes their document.
fn check_is_doctest(block: &Block) {
    let included = |library: &std::path::Path, path: &str| {
        let folder = library.parent().unwrap();
        folder.join(path).canonicalize().is_ok_and(|path| path == repository().join(&block.document))
    };
    let mut found = false;
    for entry in std::fs::read_dir(repository().join("crates")).unwrap() {
        let library = entry.unwrap().path().join("src/lib.rs");
        let Ok(text) = std::fs::read_to_string(&library) else { continue };
        let paths = text.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next());
        found |= paths.into_iter().any(|path| included(&library, path));
    }
    assert!(
        found,
        "{}: no crate's lib.rs includes this document, so its Rust is not compiled",
        block.location()
    );
}
