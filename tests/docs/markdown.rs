//! As much of Markdown as the documents use: fenced blocks, headings, links.

use std::path::Path;

use crate::harness::repository;

/// Documents whose blocks are tested, beside those below `docs`.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "bindings/c/README.md",
    "bindings/js/README.md",
    "bindings/kotlin/README.md",
    "bindings/python/README.md",
    "bindings/python-plimsoll/README.md",
    "bindings/swift/README.md",
    "crates/router/README.md",
    "schemas/README.md",
];

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// The document, from the root of the repository.
    pub(super) document: String,
    /// Line of the opening fence, from 1.
    pub(super) line: usize,
    /// The first word after the fence.
    pub(super) language: String,
    /// What the comment before the block says after `test:`.
    pub(super) marker: Option<String>,
    /// What is inside.
    pub(super) text: String,
}

impl Block {
    /// Where it stands, for messages.
    pub(super) fn location(&self) -> String {
        format!("{}:{}", self.document, self.line)
    }
}

/// The documents whose blocks are tested, in order.
pub(super) fn documents() -> Vec<String> {
    let mut all: Vec<String> = DOCUMENTS.iter().map(|name| (*name).to_owned()).collect();
    all.extend(markdown_files("docs"));
    all
}

/// Every Markdown file below a folder (empty = the whole repository), but for what builds and version control keep.
pub(super) fn markdown_files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    walk(&repository().join(folder), &mut files);
    let root = repository();
    let name =
        |path: &std::path::PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
    let mut names: Vec<String> = files.iter().map(name).collect();
    names.sort();
    names
}

fn walk(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // `runs` is what a user's own runs leave.
        let is_left_out = name == "target" || name == "runs" || name == ".git" || name == ".work";
        if path.is_dir() && !is_left_out {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}

/// The text of a document.
pub(super) fn read(document: &str) -> String {
    std::fs::read_to_string(repository().join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// The fenced blocks of a document, in order.
pub(super) fn blocks(document: &str, text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(Block, String)> = None;
    let mut before = "";
    for (index, line) in text.lines().enumerate() {
        let ticks: String = line.trim_start().chars().take_while(|c| *c == '`').collect();
        match &mut open {
            None if ticks.len() >= 3 => {
                let info = line.trim_start().trim_start_matches('`').trim();
                let language = info.split([' ', ',']).next().unwrap_or_default().to_owned();
                let marker =
                    before.trim().strip_prefix("<!-- test:").and_then(|rest| rest.strip_suffix("-->"));
                let marker = marker.map(|marker| marker.trim().to_owned());
                let (document, line) = (document.to_owned(), index + 1);
                open = Some((Block { document, line, language, marker, text: String::new() }, ticks));
            }
            None => {}
            Some((_, fence)) if ticks.len() >= fence.len() && line.trim() == ticks => {
                found.extend(open.take().map(|(block, _)| block));
            }
            Some((block, _)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
        before = line;
    }
    assert!(open.is_none(), "{document}: a block has no end");
    found
}

/// The lines of a document that are in no fenced block.
pub(super) fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let is_prose = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    };
    text.lines().filter(is_prose).collect()
}

#[test]
fn blocks_are_found_with_their_markers() {
    let text = "a\n<!-- test: run -->\n```sh\none\n```\n\n````text\n```\n````\n";
    let found = blocks("x.md", text);
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].language.as_str(), found[0].marker.as_deref(), found[0].line),
        ("sh", Some("run"), 3)
    );
    assert_eq!((found[0].text.as_str(), found[1].text.as_str()), ("one\n", "```\n"));
    assert_eq!(found[1].marker, None);
    assert_eq!(prose("a\n```\nb\n```\nc"), ["a", "c"]);
}
