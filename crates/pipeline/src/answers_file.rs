//! Tables of both models' answers, for audits: CSV, JSON lines or Parquet.

use std::collections::BTreeSet;
use std::path::Path;

use plimsoll_core::question::{AnswerKind, Choice};
use plimsoll_core::{DatasetId, DomainId, Question, QuestionId, Reply};
use plimsoll_ingest::cell::Cell;
use plimsoll_ingest::{Dataset, TableRow, read_table};
use plimsoll_label::{extract, same_answer};
use plimsoll_router::Confidence;

use crate::failure::{Failure, FailureKind};
use crate::questions::built_in;

/// The choices of a question whose table names none.
const LETTERS: std::ops::RangeInclusive<char> = 'A'..='J';

/// A question that both models answered.
#[derive(Debug, Clone, PartialEq)]
pub struct AnsweredQuestion {
    /// The question's id; the number of the row, from 1, where it has none.
    pub id: String,
    /// The method that gave the confidence; empty in a table of one method.
    pub method: String,
    /// The SLM's confidence; `None` = missing.
    pub confidence: Option<Confidence>,
    /// Whether the SLM's text holds an answer.
    pub slm_answers: bool,
    /// Whether the LLM's text holds an answer.
    pub llm_answers: bool,
    /// Whether the answers differ; a text without an answer differs from every other.
    pub differ: bool,
}

/// Reads a table with the columns `confidence` (null or empty = missing), `slm_answer` and `llm_answer` (the texts of the
/// models), and where there are any `id`, `method`, `question` and `choices`; others are ignored. How answers are found
/// and compared follows from `answer_kind`, or else from a `dataset` that is built in, or else from `kind`.
///
/// # Errors
/// An input failure that names the file and all rows that are wrong, up to ten.
pub fn read(path: &Path, kind: Option<AnswerKind>) -> Result<Vec<AnsweredQuestion>, Failure> {
    let table = read_table(path).map_err(|error| Failure::from_error(FailureKind::Input, error))?;
    let mut reader = Reader { question: blank_question()?, kind, seen: BTreeSet::new() };
    let (mut questions, mut problems) = (Vec::new(), Vec::new());
    for (index, row) in table.iter().enumerate() {
        match reader.answered(row, index + 1) {
            Ok(question) => questions.push(question),
            Err(problem) => problems.push(format!("{}: {problem}", location(row, index + 1))),
        }
    }
    if problems.is_empty() {
        return Ok(questions);
    }
    /// How many problems a message shows.
    const SHOWN: usize = 10;
    let rest = problems.len().saturating_sub(SHOWN);
    problems.truncate(SHOWN);
    let rest = if rest == 0 { String::new() } else { format!("\n  and {rest} more") };
    Err(Failure::input(format!("`{}`\n  {}{rest}", path.display(), problems.join("\n  "))))
}

fn location(row: &TableRow, number: usize) -> String {
    row.line.map_or_else(|| format!("row {number}"), |line| format!("line {line}"))
}

/// A question of which extraction reads nothing but kind, text and choices.
fn blank_question() -> Result<Question, Failure> {
    let failure = |error| Failure::from_error(FailureKind::Stage, error);
    Ok(Question {
        question_id: QuestionId::new("answers/all/0").map_err(failure)?,
        dataset: DatasetId::new("answers").map_err(failure)?,
        domain: DomainId::new("answers").map_err(failure)?,
        split: "all".to_owned(),
        answer_kind: AnswerKind::Span,
        context: None,
        question: String::new(),
        choices: Vec::new(),
        gold: Vec::new(),
        subject: None,
        cluster_id: None,
        source_file: String::new(),
        source_row: 0,
        content_hash: String::new(),
    })
}

/// Reads rows one after the other.
struct Reader {
    question: Question,
    kind: Option<AnswerKind>,
    /// Ids and methods so far.
    seen: BTreeSet<(String, String)>,
}

impl Reader {
    fn answered(&mut self, row: &TableRow, number: usize) -> Result<AnsweredQuestion, String> {
        let fields = row.fields.as_ref().map_err(ToString::to_string)?;
        let id = scalar(fields, "id").unwrap_or_else(|| number.to_string());
        let method = scalar(fields, "method").unwrap_or_default();
        let confidence = confidence(fields)?;
        self.question.answer_kind = self.answer_kind(fields)?;
        text(fields, "question").unwrap_or_default().clone_into(&mut self.question.question);
        self.question.choices = choices(fields, self.question.answer_kind)?;
        let extraction = |name| {
            let text = text(fields, name).ok_or_else(|| format!("no column `{name}` with a text"))?;
            Ok::<_, String>(extract(&self.question, &Reply { finish: None, ..Reply::complete(text) }))
        };
        let (slm, llm) = (extraction("slm_answer")?, extraction("llm_answer")?);
        if !self.seen.insert((id.clone(), method.clone())) {
            return Err(format!(
                "the id `{}` comes twice: an audit asks each question once",
                id.escape_debug()
            ));
        }
        Ok(AnsweredQuestion {
            id,
            method,
            confidence,
            slm_answers: slm.found().is_some(),
            llm_answers: llm.found().is_some(),
            differ: !same_answer(&self.question, &slm, &llm),
        })
    }

    fn answer_kind(&self, fields: &Cell) -> Result<AnswerKind, String> {
        if let Some(name) = scalar(fields, "answer_kind") {
            return AnswerKind::from_name(&name)
                .ok_or_else(|| format!("answer_kind `{}` is none of {}", name.escape_debug(), kinds()));
        }
        let dataset = scalar(fields, "dataset");
        let known = dataset.and_then(|id| built_in().find(|dataset| dataset.id() == id));
        known.map(Dataset::answer_kind).or(self.kind).ok_or_else(|| {
            format!(
                "nothing says how its answers are compared: add a column `answer_kind` ({}) or `dataset` (a built-in \
                 one), or say --answer-kind",
                kinds()
            )
        })
    }
}

fn kinds() -> String {
    AnswerKind::NAMES.join(", ")
}

/// A text that is not blank, a number or a truth value, as text.
fn scalar(fields: &Cell, name: &str) -> Option<String> {
    fields.get(name).filter(|cell| !cell.is_blank()).and_then(Cell::scalar)
}

/// A text; empty where the cell is null, since a model may answer nothing.
fn text<'a>(fields: &'a Cell, name: &str) -> Option<&'a str> {
    match fields.get(name)? {
        Cell::Null => Some(""),
        cell => cell.text(),
    }
}

fn confidence(fields: &Cell) -> Result<Option<Confidence>, String> {
    let cell = fields.get("confidence").ok_or("no column `confidence`")?;
    if cell.is_blank() {
        return Ok(None);
    }
    let value: f64 = match cell {
        Cell::Integer(value) => *value as f64,
        Cell::Number(value) => *value,
        Cell::Text(text) => {
            text.trim().parse().map_err(|_| format!("confidence `{}` is no number", text.escape_debug()))?
        }
        other => return Err(format!("confidence is {}, not a number", other.kind())),
    };
    Confidence::new(value).map(Some).map_err(|error| error.to_string())
}

/// The choices of a row: texts, as a list or as JSON in a cell; letters where it has none.
fn choices(fields: &Cell, kind: AnswerKind) -> Result<Vec<Choice>, String> {
    let labelled = |(letter, text): (char, String)| Choice { label: letter.to_string(), text };
    if kind != AnswerKind::Choice {
        return Ok(Vec::new());
    }
    let texts = match fields.get("choices").filter(|cell| !cell.is_blank()) {
        // The label itself, as it stands in a sentence, is the text of a choice without one.
        None => return Ok(LETTERS.map(|letter| labelled((letter, format!("({letter})")))).collect()),
        Some(Cell::List(entries)) => entries.iter().map(Cell::scalar).collect(),
        Some(Cell::Text(json)) => serde_json::from_str::<Vec<String>>(json).ok(),
        Some(_) => None,
    };
    let texts = texts.ok_or(r#"choices must be a list of texts, in a cell as JSON: ["Paris", "Rome"]"#)?;
    if texts.len() > plimsoll_ingest::limits::CHOICES {
        return Err(format!("{} choices are more than A to Z", texts.len()));
    }
    Ok(('A'..='Z').zip(texts).map(labelled).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(name: &str, text: &str, kind: Option<AnswerKind>) -> Result<Vec<AnsweredQuestion>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path, kind).map_err(|failure| failure.to_string())
    }

    #[test]
    fn csv_and_json_lines_say_the_same() {
        let csv = "id,dataset,confidence,slm_answer,llm_answer,choices,answer_kind\n\
                   a,gsm8k,0.9,The answer is 12.,24/2,,\n\
                   b,,,B,(A) Paris,\"[\"\"Paris\"\", \"\"Rome\"\"]\",choice\n\
                   c,,0.5,yes,,,boolean\n";
        let lines = r#"{"id": "a", "dataset": "gsm8k", "confidence": 0.9, "slm_answer": "The answer is 12.", "llm_answer": "24/2"}
{"id": "b", "confidence": null, "slm_answer": "B", "llm_answer": "(A) Paris", "choices": ["Paris", "Rome"], "answer_kind": "choice"}
{"id": "c", "confidence": 0.5, "slm_answer": "yes", "llm_answer": null, "answer_kind": "boolean"}
"#;
        let csv = read_text("a.csv", csv, None).unwrap();
        assert_eq!(csv, read_text("a.jsonl", lines, None).unwrap());
        let differ: Vec<bool> = csv.iter().map(|question| question.differ).collect();
        assert_eq!(differ, [false, true, true]);
        assert_eq!((csv[1].confidence, csv[2].slm_answers, csv[2].llm_answers), (None, true, false));
    }

    #[test]
    fn letters_need_no_choices() {
        let lines = r#"{"confidence": 1, "slm_answer": "B", "llm_answer": "The correct answer is (B)."}
{"confidence": 0.25, "slm_answer": "B", "llm_answer": "C"}
"#;
        let read = read_text("a.jsonl", lines, Some(AnswerKind::Choice)).unwrap();
        assert_eq!((read[0].differ, read[1].differ), (false, true));
        assert_eq!((read[0].id.as_str(), read[1].id.as_str()), ("1", "2"));
    }

    #[test]
    fn every_bad_row_is_named() {
        for (name, text, expected) in [
            ("a.csv", "confidence,slm_answer\n0.5,x\n", "no column `llm_answer`"),
            ("a.csv", "slm_answer,llm_answer\nx,x\n", "no column `confidence`"),
            (
                "a.csv",
                "confidence,slm_answer,llm_answer\nhigh,x,x\n",
                "line 2: confidence `high` is no number",
            ),
            ("a.csv", "confidence,slm_answer,llm_answer\nNaN,x,x\n", "line 2: confidence NaN is not"),
            ("a.csv", "confidence,slm_answer,llm_answer\n1.5,x,x\n", "line 2: confidence 1.5 is not"),
            (
                "a.csv",
                "id,confidence,slm_answer,llm_answer\na,1,x,x\na,1,x,x\n",
                "line 3: the id `a` comes twice",
            ),
            (
                "a.csv",
                "confidence,slm_answer,llm_answer,answer_kind\n1,x,x,word\n",
                "answer_kind `word` is none of",
            ),
            ("a.csv", "confidence,slm_answer,llm_answer\n", "is empty"),
            ("a.txt", "x", "the format is not clear"),
            (
                "a.jsonl",
                "{\"confidence\": [1], \"slm_answer\": \"x\", \"llm_answer\": \"x\"}",
                "is a list, not a number",
            ),
            (
                "a.jsonl",
                "{\"confidence\": 1, \"slm_answer\": 7, \"llm_answer\": \"x\"}",
                "no column `slm_answer`",
            ),
        ] {
            let problem = read_text(name, text, Some(AnswerKind::Span)).unwrap_err();
            assert!(problem.contains(expected), "{name} {text:?}: {problem}");
        }
        let two = "confidence,slm_answer,llm_answer\n2,x,x\n3,x,x\n";
        let problem = read_text("a.csv", two, Some(AnswerKind::Span)).unwrap_err();
        assert!(problem.contains("line 2: ") && problem.contains("line 3: "), "{problem}");
        let problem = read_text("a.csv", "confidence,slm_answer,llm_answer\n1,x,x\n", None).unwrap_err();
        assert!(problem.contains("add a column `answer_kind`"), "{problem}");
    }
}
