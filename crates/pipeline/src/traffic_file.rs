//! Files of confidences from traffic: JSON lines or CSV, with labels where there are any.

use std::io::Cursor;
use std::path::Path;

use plimsoll_router::Confidence;
use serde::{Deserialize, Deserializer};

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::small_file;

/// No file of traffic is larger: a few million confidences.
const MAX_BYTES: u64 = 256 << 20;

/// A question of the traffic.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficQuestion {
    /// The request's id; the number of the line, from 1, where it has none.
    pub id: String,
    /// The method that gave the confidence; `None` in a file of one method.
    pub method: Option<String>,
    /// The confidence; `None` = missing.
    pub confidence: Option<Confidence>,
    /// Whether the SLM's and the LLM's answer were right, where both were graded.
    pub graded: Option<(bool, bool)>,
}

#[derive(Debug, Deserialize)]
struct Line {
    id: Option<String>,
    method: Option<String>,
    #[serde(deserialize_with = "stated")]
    confidence: Option<f64>,
    slm_correct: Option<bool>,
    llm_correct: Option<bool>,
}

/// Reads a confidence where null counts and an absent key does not: that could be a misspelt one.
///
/// # Errors
/// What is neither a number nor null.
pub fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::deserialize(deserializer)
}

impl Line {
    fn question(self, number: usize) -> Result<TrafficQuestion, String> {
        let confidence =
            self.confidence.map(Confidence::new).transpose().map_err(|error| error.to_string())?;
        let graded = match (self.slm_correct, self.llm_correct) {
            (Some(slm), Some(llm)) => Some((slm, llm)),
            (None, None) => None,
            _ => return Err("one of slm_correct and llm_correct is there, and not the other".to_owned()),
        };
        let id = self.id.unwrap_or_else(|| number.to_string());
        Ok(TrafficQuestion {
            id,
            method: self.method.filter(|method| !method.is_empty()),
            confidence,
            graded,
        })
    }
}

/// Reads a file: JSON lines (`.jsonl`, `.ndjson`), or CSV with a header (`.csv`). Keys or columns: `confidence` (null
/// or empty = missing), and where there are any `id`, `method`, `slm_correct`, `llm_correct`; others are ignored.
///
/// # Errors
/// An input failure that names the file and the line.
pub fn read(path: &Path) -> Result<Vec<TrafficQuestion>, Failure> {
    let lines_or_table: fn(&str) -> Questions = match extension(path).as_str() {
        "jsonl" | "ndjson" => json_lines,
        "csv" => csv_rows,
        _ => {
            return Err(Failure::input(format!(
                "`{}` is neither JSON lines (.jsonl, .ndjson) nor CSV (.csv)",
                path.display()
            )));
        }
    };
    let text = small_file::read(path, MAX_BYTES, "file of confidences", FailureKind::Input)?;
    let questions = lines_or_table(text.strip_prefix('\u{feff}').unwrap_or(&text));
    let questions = questions
        .map_err(|(line, problem)| Failure::input(format!("`{}`, line {line}: {problem}", path.display())))?;
    if questions.is_empty() {
        return Err(Failure::input(format!("`{}` holds no question", path.display())));
    }
    Ok(questions)
}

fn extension(path: &Path) -> String {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_ascii_lowercase()
}

type Questions = Result<Vec<TrafficQuestion>, (usize, String)>;

fn json_lines(text: &str) -> Questions {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let question = |(index, line): (usize, &str)| {
        let line: Line = serde_json::from_str(line).map_err(|error| (index + 1, error.to_string()))?;
        line.question(index + 1).map_err(|problem| (index + 1, problem))
    };
    lines.map(question).collect()
}

fn csv_rows(text: &str) -> Questions {
    let mut reader = csv::Reader::from_reader(Cursor::new(text));
    let mut questions = Vec::new();
    for (index, row) in reader.deserialize::<Line>().enumerate() {
        // The header is line 1.
        let at = index + 2;
        let line = row.map_err(|error| (at, error.to_string()))?;
        questions.push(line.question(index + 1).map_err(|problem| (at, problem))?);
    }
    Ok(questions)
}

/// SHA-256 of a file, for the provenance of what was made from it.
///
/// # Errors
/// An input failure for a file that cannot be read.
pub fn sha256(path: &Path) -> Result<String, Failure> {
    plimsoll_files::sha256_file(path).or_fail(FailureKind::Input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(name: &str, text: &str) -> Result<Vec<TrafficQuestion>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path).map_err(|failure| failure.to_string())
    }

    #[test]
    fn both_forms_say_the_same() {
        let lines = "{\"id\": \"a\", \"confidence\": 0.5, \"slm_correct\": true, \"llm_correct\": false}\n\n\
                     {\"id\": \"b\", \"confidence\": null, \"more\": [1]}\n";
        let table = "\u{feff}id,confidence,slm_correct,llm_correct,more\na,0.5,true,false,x\nb,,,,\n";
        let (lines, table) = (read_text("a.jsonl", lines).unwrap(), read_text("a.csv", table).unwrap());
        assert_eq!(lines, table);
        assert_eq!(lines[0].graded, Some((true, false)));
        assert_eq!((lines[1].confidence, lines[1].graded), (None, None));
    }

    #[test]
    fn bad_files_are_named_with_their_line() {
        for (name, text, expected) in [
            ("a.jsonl", "", "holds no question"),
            ("a.csv", "confidence\n", "holds no question"),
            ("a.parquet", "x", "neither JSON lines"),
            ("a.jsonl", "{\"confidence\": 0.5}\n{\"confidance\": 1}\n", "line 2: missing field `confidence`"),
            ("a.jsonl", "{\"confidence\": 1.5}", "line 1: confidence 1.5 is not a finite number"),
            ("a.jsonl", "{\"confidence\": NaN}", "line 1"),
            ("a.jsonl", "{\"confidence\": 0.5", "line 1: EOF"),
            ("a.csv", "confidence\n0.5\nhigh\n", "line 3"),
            ("a.csv", "confidence\nNaN\n", "line 2: confidence NaN is not"),
            ("a.csv", "score\n0.5\n", "line 2: "),
            ("a.csv", "confidence,slm_correct,llm_correct\n0.5,true,\n", "and not the other"),
        ] {
            let problem = read_text(name, text).unwrap_err();
            assert!(problem.contains(expected), "{name} {text:?}: {problem}");
        }
    }
}
