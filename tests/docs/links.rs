//! Links between documents lead to files and headings that are there.

use std::path::{Component, Path, PathBuf};

use super::markdown::{markdown_files, prose, read};
use crate::harness::repository;

#[test]
fn links_lead_somewhere() {
    let (mut links, mut broken) = (0, Vec::new());
    for document in markdown_files("") {
        let text = read(&document);
        for target in prose(&text).into_iter().flat_map(targets) {
            links += 1;
            if let Some(problem) = problem(&document, &target) {
                broken.push(format!("{document}: [..]({target}) {problem}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(links > 50, "the walk found the documents");
}

/// What is wrong with a link.
fn problem(document: &str, target: &str) -> Option<String> {
    if target.starts_with("https://") {
        return None;
    }
    if target.contains("://") || target.starts_with('/') {
        return Some("is neither https nor relative".to_owned());
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(document).parent().unwrap();
    let file = if path.is_empty() { document.into() } else { plain(&folder.join(path)) };
    if !repository().join(&file).exists() {
        return Some("leads to no file".to_owned());
    }
    let headings = || anchors(&read(file.to_str().unwrap()));
    (!anchor.is_empty() && !headings().iter().any(|heading| heading == anchor))
        .then(|| "leads to no heading".to_owned())
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(plain.pop(), "{} leaves the repository", path.display()),
            Component::Normal(name) => plain.push(name),
            _ => {}
        }
    }
    plain
}

/// The targets of the links in a line; code between backticks holds none.
fn targets(line: &str) -> Vec<String> {
    let text: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
    let rests = text.split("](").skip(1);
    rests.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The anchors of a document's headings, as GitHub makes them: letters, digits, `-` and `_` in lower case, spaces as `-`.
fn anchors(text: &str) -> Vec<String> {
    let heading = |line: &&str| line.trim_start_matches('#').starts_with(' ') && line.starts_with('#');
    let anchor = |line: &str| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    prose(text).into_iter().filter(heading).map(anchor).collect()
}

#[test]
fn links_and_anchors_are_found() {
    assert_eq!(targets("see [a](b.md#c), ![d](e.svg) and `[x](y)`"), ["b.md#c", "e.svg"]);
    assert_eq!(
        anchors("# A title\n```\n# no\n```\n## 1. From a `CSV` of scores\n#no"),
        ["a-title", "1-from-a-csv-of-scores"]
    );
    assert!(problem("docs/x.md", "../nowhere.md").is_some_and(|problem| problem.contains("no file")));
    assert!(
        problem("docs/x.md", "../README.md#nowhere").is_some_and(|problem| problem.contains("no heading"))
    );
    assert!(
        problem("docs/x.md", "http://example.com").is_some()
            && problem("x.md", "https://example.com").is_none()
    );
}
