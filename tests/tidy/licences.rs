//! Every package that is built may be shipped under Apache-2.0.

use serde_json::Value;

use super::workspace::{host, metadata, read_metadata};

/// Licences that ask for no more than a notice.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met with allowed licences alone. `AND` binds tighter than `OR`.
fn allowed(expression: &str) -> bool {
    let expression = expression.trim();
    if let Some(parts) = split(expression, " OR ") {
        return parts.iter().any(|part| allowed(part));
    }
    if let Some(parts) = split(expression, " AND ") {
        return parts.iter().all(|part| allowed(part));
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => allowed(inner),
        None => ALLOWED.contains(&expression),
    }
}

/// Splits at a separator outside brackets; `None` if there is none.
fn split<'a>(expression: &'a str, separator: &str) -> Option<Vec<&'a str>> {
    let (mut depth, mut start, mut parts) = (0i32, 0, Vec::new());
    for (index, character) in expression.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 && index >= start && expression[index..].starts_with(separator) {
            parts.push(&expression[start..index]);
            start = index + separator.len();
        }
    }
    (start > 0).then(|| {
        parts.push(&expression[start..]);
        parts
    })
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    assert!(allowed("MIT OR GPL-3.0"));
    assert!(allowed("(MIT OR GPL-3.0) AND Unicode-3.0"));
    assert!(!allowed("MIT AND GPL-3.0"));
    assert!(!allowed("GPL-3.0"));
    assert!(!allowed(""));
}

#[test]
fn every_dependency_has_a_licence_that_may_be_shipped() {
    check(&metadata(&["--filter-platform", &host()]));
}

#[test]
fn so_has_every_dependency_of_the_feature_cloud() {
    match read_metadata(&["--filter-platform", &host(), "--features", "plimsoll/cloud"]) {
        Ok(metadata) => check(&metadata),
        Err(_) => {
            println!("skipped: the packages of the feature `cloud` are not here; cargo fetch gets them");
        }
    }
}

fn check(metadata: &Value) {
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "the dependencies were found");
    for package in packages {
        // An old way to write OR.
        let licence = package["license"].as_str().unwrap_or_default().replace('/', " OR ");
        assert!(allowed(&licence), "{} has licence `{licence}`", package["name"]);
    }
}
