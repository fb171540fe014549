//! The committed header is the library's: every function on both sides, every number, and a C program that includes it
//! passes the conformance vectors.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn header() -> String {
    std::fs::read_to_string(Path::new(FOLDER).join("include/plimsoll.h")).unwrap()
}

/// The names `plimsoll_..` that stand before a bracket, after one of these marks in the same line.
fn functions(text: &str, marks: &[&str]) -> BTreeSet<String> {
    let name = |rest: &str| {
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        (rest[name.len()..].starts_with('(') && name.starts_with("plimsoll_")).then_some(name)
    };
    text.lines().flat_map(|line| marks.iter().filter_map(|mark| name(line.split_once(mark)?.1))).collect()
}

/// How many parameters a declaration has that begins at `name(`.
fn parameters(text: &str, name: &str) -> usize {
    let rest = text.split_once(&format!("{name}(")).unwrap().1;
    let list = rest.split_once(')').unwrap().0.trim().trim_end_matches(',');
    if list.is_empty() || list == "void" {
        0
    } else {
        list.split(',').count()
    }
}

#[test]
fn every_function_is_on_both_sides() {
    let header = header();
    let mut sources = String::new();
    for entry in std::fs::read_dir(Path::new(FOLDER).join("src")).unwrap() {
        let path = entry.unwrap().path();
        // For WebAssembly alone, and not in the header.
        if path.file_name().unwrap() != "memory.rs" {
            sources.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let ours = functions(&sources, &["extern \"C\" fn "]);
    let theirs: BTreeSet<String> = header
        .lines()
        .filter(|line| !line.starts_with([' ', '/', '*', '#']))
        .flat_map(|line| {
            functions(
                line,
                &[
                    "plimsoll_router *",
                    "plimsoll_tracker *",
                    "char *",
                    "int32_t ",
                    "double ",
                    "void ",
                    "plimsoll_error_monitor *",
                    "plimsoll_accumulator *",
                ],
            )
        })
        .collect();
    assert!(ours.len() > 20, "the functions were found");
    assert_eq!(ours, theirs, "left: the library, right: the header");
    for name in &ours {
        assert_eq!(parameters(&sources, name), parameters(&header, name), "parameters of {name}");
    }
}

/// The static library, which cargo puts beside this test, or in the folder above.
fn library() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let name = if cfg!(windows) { "plimsoll_c.lib" } else { "libplimsoll_c.a" };
    let places = [folder.join(name), folder.parent().unwrap().join(name)];
    let found = places.iter().find(|path| path.is_file());
    assert!(found.is_some(), "no {name} in {places:?}");
    found.unwrap().clone()
}

#[test]
fn a_c_program_passes_the_conformance_vectors() {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
    let output = Command::new(compiler)
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-Iinclude"])
        .args(["tests/conformance.c", "tests/json.c", "-o"])
        .arg(&program)
        .arg(library())
        .args(["-lpthread", "-ldl", "-lm"])
        .current_dir(FOLDER)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let run = Command::new(program)
        .arg(Path::new(FOLDER).join("../../schemas/conformance"))
        .arg("500")
        .output()
        .unwrap();
    let written = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{written}{}", String::from_utf8_lossy(&run.stderr));
    assert!(written.trim_end().ends_with(" passed, 0 failed"), "{written}");
}
