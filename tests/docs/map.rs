//! Paths in the documents for developers lead somewhere, and the code map has every crate.

use super::markdown::{prose, read};
use crate::harness::repository;

/// Letters that stand for a name in a path, and files that the guides make up.
const EXAMPLES: &[&str] = &["NAME", "KIND", "NNNN", "*", "gini", "olmo"];
/// What a path from the root begins with.
const ROOTS: &[&str] =
    &["bindings/", "crates/", "tools/", "tests/", "docs/", "schemas/", "pipelines/", "benches/", "models/"];

/// The code between backticks in a line.
fn code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

#[test]
fn the_code_map_has_every_crate_and_names_files_that_are_there() {
    let text = read("ARCHITECTURE.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `crates/") || line.starts_with("| `tools/"))
        .map(|line| line.split(" | ").collect())
        .collect();
    for row in &rows {
        let folder = code(row[0]).next().unwrap();
        for file in code(row[row.len() - 1]) {
            let path = repository().join(folder).join("src").join(file);
            assert!(path.is_file(), "ARCHITECTURE.md: {folder} has no `{file}`");
        }
    }
    for entry in std::fs::read_dir(repository().join("crates")).unwrap() {
        let name = format!("`crates/{}`", entry.unwrap().file_name().to_str().unwrap());
        assert!(rows.iter().any(|row| row[0].contains(&name)), "the code map has no row for {name}");
    }
}

#[test]
fn paths_in_the_guides_lead_somewhere() {
    let mut paths = 0;
    for document in ["CONTRIBUTING.md", "ARCHITECTURE.md"] {
        let text = read(document);
        for path in prose(&text).into_iter().flat_map(code).filter(|code| !code.contains(' ')) {
            let is_path = ROOTS.iter().any(|root| path.starts_with(root));
            if is_path && !EXAMPLES.iter().any(|example| path.contains(example)) {
                assert!(repository().join(path).exists(), "{document}: there is no `{path}`");
                paths += 1;
            }
        }
    }
    assert!(paths > 40, "the guides name {paths} paths");
}
