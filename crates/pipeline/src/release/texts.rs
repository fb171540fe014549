//! The texts of a run, and the search for them in the files of a release.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aho_corasick::AhoCorasick;
use plimsoll_core::Choice;
use plimsoll_core::canonical::to_text;
use plimsoll_core::records::{GenerationRow, LabelRow};
use plimsoll_store::{Table, read_columns, read_rows, tables};
use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::RunFolder;

/// Shorter texts ("yes", "42", a name) stand in any page without being of a benchmark.
const MIN_CHARS: usize = 24;
/// Of a long text so much is searched for: a page that quotes it begins somewhere.
const PIECE_CHARS: usize = 48;

/// What a question's row says that may be text.
#[derive(Debug, Deserialize)]
struct QuestionTexts {
    context: Option<String>,
    question: String,
    choices: Vec<Choice>,
    gold: Vec<String>,
}

/// Pieces of every text of a run.
#[derive(Debug)]
pub(super) struct Texts {
    pieces: BTreeSet<String>,
    texts: u64,
}

impl Texts {
    /// Questions with their passages, choices and gold answers; answers, samples and replies to follow-ups; extracted
    /// answers.
    pub(super) fn of_run(folder: &RunFolder) -> Result<Self, Failure> {
        let mut texts = Self { pieces: BTreeSet::new(), texts: 0 };
        for path in files(folder, &tables::questions::TABLE) {
            let columns = ["context", "question", "choices", "gold"];
            let rows: Vec<QuestionTexts> =
                read_columns(&path, &tables::questions::TABLE, &columns).or_fail(FailureKind::Input)?;
            for row in rows {
                let choices = row.choices.iter().map(|choice| &choice.text);
                for text in row.context.iter().chain([&row.question]).chain(choices).chain(&row.gold) {
                    texts.add(text);
                }
            }
        }
        for path in files(folder, &tables::generations::TABLE) {
            let rows: Vec<GenerationRow> =
                read_rows(&path, &tables::generations::TABLE).or_fail(FailureKind::Input)?;
            for row in rows {
                row.text.iter().for_each(|text| texts.add(text));
                row.follow_ups
                    .iter()
                    .filter_map(|reply| reply.text.as_ref())
                    .for_each(|text| texts.add(text));
            }
        }
        for path in files(folder, &tables::labels::TABLE) {
            let rows: Vec<LabelRow> = read_rows(&path, &tables::labels::TABLE).or_fail(FailureKind::Input)?;
            for text in rows.iter().filter_map(|row| row.answer.as_ref()) {
                texts.add(text);
            }
        }
        Ok(texts)
    }

    /// Adds a text in pieces, each of which is searched for by itself.
    fn add(&mut self, text: &str) {
        let folded = folded(text);
        let chars: Vec<char> = folded.chars().collect();
        if chars.len() < MIN_CHARS {
            return;
        }
        self.texts += 1;
        for piece in chars.chunks(PIECE_CHARS).filter(|piece| piece.len() >= MIN_CHARS) {
            self.pieces.insert(piece.iter().collect());
        }
    }

    /// Searches all files; gives the number of texts.
    pub(super) fn check_absent(&self, made: &Path, files: &[String]) -> Result<u64, Failure> {
        let search = AhoCorasick::new(&self.pieces).or_fail(FailureKind::Stage)?;
        for file in files {
            for content in contents(made, file)? {
                if let Some(found) = search.find(&content) {
                    let piece = self.pieces.iter().nth(found.pattern().as_usize()).map_or("", String::as_str);
                    return Err(Failure::input(format!(
                        "`{file}` holds a text of a benchmark or a model (\"{piece}\"): it cannot be released without text"
                    )));
                }
            }
        }
        Ok(self.texts)
    }
}

/// The files of a table in a run folder.
fn files(folder: &RunFolder, table: &Table) -> Vec<std::path::PathBuf> {
    let own = folder.outputs().filter(|output| super::is_of_table(&output.path, table.name));
    own.map(|output| folder.path(&output.path)).collect()
}

/// What a file says: a page as it is and as a browser shows it, a table decoded.
fn contents(made: &Path, file: &str) -> Result<Vec<String>, Failure> {
    let path = made.join(file);
    let table = tables::TABLES.iter().find(|table| super::is_of_table(file, table.name));
    if let Some(table) = table {
        let rows: Vec<Value> = read_rows(&path, table).or_fail(FailureKind::Input)?;
        return Ok(rows.iter().map(|row| folded(&to_text(row))).collect());
    }
    let bytes = fs::read(&path).or_fail(FailureKind::Stage)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(vec![folded(&text), folded(&unescaped(&text))])
}

/// White space as one space, and no marks that JSON or a page would write in another way.
fn folded(text: &str) -> String {
    let kept = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' });
    let mut folded = String::with_capacity(text.len());
    for c in kept {
        if c != ' ' || !folded.ends_with(' ') {
            folded.extend(c.to_lowercase());
        }
    }
    folded.trim().to_owned()
}

/// A page's entities as the characters that they stand for.
fn unescaped(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "A farmer's <3 hens> lay \"twelve\" eggs each & every week of the year.\nHow many are left?";

    fn texts(of: &[&str]) -> Texts {
        let mut texts = Texts { pieces: BTreeSet::new(), texts: 0 };
        for text in of {
            texts.add(text);
        }
        texts
    }

    fn check(file: &str, content: &str) -> Result<u64, Failure> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), content).unwrap();
        texts(&[TEXT, "42", "yes"]).check_absent(folder.path(), &[file.to_owned()])
    }

    #[test]
    fn a_text_is_found_as_it_is_as_json_as_html_and_in_part() {
        let html =
            TEXT.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let json = serde_json::to_string(TEXT).unwrap();
        let part: String = TEXT.chars().take(64).collect();
        for content in [TEXT, &html, &json, &part.to_uppercase(), &TEXT.replace(' ', "  \n")] {
            let failure = check("page.html", &format!("<p>{content}</p>")).unwrap_err().to_string();
            assert!(failure.contains("`page.html` holds a text of a benchmark"), "{content}: {failure}");
        }
    }

    #[test]
    fn what_is_short_or_not_there_is_not_found() {
        assert_eq!(check("page.html", "yes, 42 hens: a farmer's week").unwrap(), 1);
        assert_eq!(check("page.html", "").unwrap(), 1);
    }
}
