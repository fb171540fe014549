//! Agreement with labels that others gave to real model outputs. The data stay outside the
//! repository; `PLIMSOLL_REAL_DATA` says where they are.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use plimsoll_core::Reply;
use plimsoll_core::question::{AnswerKind, Question};
use plimsoll_label::{Extraction, References, SpanGrading, coqa, extract, grade};
use serde_json::Value;

use crate::questions::{lenient_policy, question};

/// A folder of the real data; says plainly when there is none.
pub(crate) fn real_data(test: &str, folder: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PLIMSOLL_REAL_DATA").map(|root| Path::new(&root).join(folder));
    if folder.is_none() {
        say(&format!("SKIPPED {test}: PLIMSOLL_REAL_DATA is not set, so nothing was measured"));
    }
    folder
}

/// Prints a measured figure.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stderr();
    writeln!(out, "{line}").unwrap();
}

/// The fields of a CSV text (RFC 4180: quoted fields may hold line breaks and doubled quotes).
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !quoted => {}
            c => field.push(c),
        }
    }
    if !row.is_empty() || !field.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

/// Agreement with the labels of one set, counted by what happened.
#[derive(Default)]
struct Tally {
    classes: BTreeMap<String, usize>,
}

impl Tally {
    fn count(&mut self, class: impl Into<String>) {
        *self.classes.entry(class.into()).or_insert(0) += 1;
    }

    fn total(&self, prefix: &str) -> usize {
        self.classes.iter().filter(|(class, _)| class.starts_with(prefix)).map(|(_, count)| count).sum()
    }

    fn report(&self, name: &str) {
        let classes: Vec<String> =
            self.classes.iter().map(|(class, count)| format!("{class} {count}")).collect();
        say(&format!("{name}: {} rows; {}", self.total(""), classes.join(", ")));
    }
}

/// Prints rows that differ where a person looks for them.
fn show(line: &str) {
    if std::env::var_os("PLIMSOLL_SHOW_DIFFERENCES").is_some() {
        say(line);
    }
}

const GSM8K_MODELS: [&str; 4] = ["6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"];

/// Grades every solution, its text changed in some way, and compares with `OpenAI`'s label.
fn gsm8k(folder: &Path, change: fn(&str) -> &str) -> Tally {
    let path = folder.join("openai-gsm8k-solutions/example_model_solutions.first400.jsonl");
    let mut tally = Tally::default();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let gold = row["ground_truth"].as_str().unwrap().rsplit("A: ").next().unwrap().trim().to_owned();
        let question = question(AnswerKind::Number, row["question"].as_str().unwrap(), &[], &[&gold]);
        for model in GSM8K_MODELS {
            let solution = change(row[model]["solution"].as_str().unwrap());
            let label = grade(
                &question,
                &extract(&question, &Reply::complete(solution)),
                &lenient_policy(SpanGrading::ExactMatch),
            );
            let theirs = row[model]["is_correct"].as_bool().unwrap();
            let rule = label.reason.map_or(label.rule.as_str(), |reason| reason.name());
            let agrees = label.correct == Some(theirs);
            tally.count(format!("{} by {rule}", if agrees { "agrees" } else { "differs" }));
            if !agrees {
                show(&format!("gold {gold} theirs {theirs} ours {label:?}\n{solution}\n"));
            }
        }
    }
    tally
}

/// A solution without its last line, `A: 18`: what is left is reasoning that ends as it may.
fn without_answer_line(solution: &str) -> &str {
    solution.rsplit_once("\nA:").map_or(solution, |(front, _)| front)
}

#[test]
fn gsm8k_solutions_get_the_label_that_openai_gave_them() {
    let Some(folder) = real_data("GSM8K solutions", "real_outputs") else { return };
    let tally = gsm8k(&folder, |solution| solution);
    tally.report("GSM8K solutions");
    assert_eq!(tally.total(""), 1600);
    assert!(tally.total("agrees") >= GSM8K, "{} agree", tally.total("agrees"));
}

#[test]
fn gsm8k_solutions_without_their_answer_line_mostly_keep_their_label() {
    let Some(folder) = real_data("GSM8K solutions without answer line", "real_outputs") else { return };
    let tally = gsm8k(&folder, without_answer_line);
    tally.report("GSM8K solutions without answer line");
    assert!(tally.total("agrees") >= GSM8K_WITHOUT_LINE, "{} agree", tally.total("agrees"));
}

/// Measured agreement, of 1,600; the one that differs breaks off within an equation: ungraded here,
/// wrong there.
const GSM8K: usize = 1599;

/// Measured agreement without the line, of 1,600.
const GSM8K_WITHOUT_LINE: usize = 1589;

/// Measured agreement of labels, of 4,800.
const OPEN_LABELS: usize = 3937;

/// Measured agreement of extracted answers, where theirs were parsed.
const OPEN_ANSWERS: usize = 4672;

/// How our label and a judge's differ.
fn difference(question: &Question, found: &Extraction, ours: Option<bool>, theirs: bool) -> String {
    let Some(answer) = found.answer() else {
        let reason = found.reason().map_or("", plimsoll_label::UngradedReason::name);
        return if theirs {
            format!("differs: right, ours {reason}")
        } else {
            format!("agrees: wrong, ours {reason}")
        };
    };
    let f1 = coqa::best_f1(&question.gold, answer);
    match (ours == Some(true), theirs) {
        (true, true) => "agrees: right".to_owned(),
        (false, false) => "agrees: wrong".to_owned(),
        (false, true) if f1 > 0.0 => "differs: right, overlap below threshold".to_owned(),
        (false, true) => "differs: right, no word in common".to_owned(),
        (true, false) if f1 == 1.0 => "differs: wrong, equal to gold".to_owned(),
        (true, false) => "differs: wrong, overlap above threshold".to_owned(),
    }
}

#[test]
fn open_answers_get_the_label_that_a_judge_gave_them() {
    let Some(folder) = real_data("open QA", "real_outputs") else { return };
    let policy = lenient_policy(SpanGrading::F1 { threshold: 0.5, references: References::Best });
    let (mut labels, mut answers) = (Tally::default(), Tally::default());
    for dataset in ["triviaqa", "sciq", "nq"] {
        for model in ["gemma2", "llama8", "Qwen_Qwen2-72B-Instruct", "meta-llama_Meta-Llama-3.1-70B-Instruct"]
        {
            let path =
                folder.join(format!("xia-open-qa-token-probs/{dataset}_{model}_verb_test.first400.csv"));
            let rows = csv(&std::fs::read_to_string(path).unwrap());
            let column = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
            let (ask, target, response) = (column("question"), column("target"), column("response"));
            let (judged, extracted) = (column("extracted_prom46_score"), column("extracted_answer"));
            for row in &rows[1..] {
                let question = question(AnswerKind::Span, &row[ask], &[], &[&row[target]]);
                let found = extract(&question, &Reply::complete(&row[response]));
                let ours = grade(&question, &found, &policy).correct;
                let parsed = !matches!(row[extracted].as_str(), "FAILED TO PARSE" | "");
                let class = if parsed {
                    difference(&question, &found, ours, row[judged] == "1.0")
                } else {
                    format!(
                        "{}: they read nothing",
                        if (ours == Some(true)) == (row[judged] == "1.0") { "agrees" } else { "differs" }
                    )
                };
                show(&format!("{class}: gold {:?} ours {:?}", row[target], found.answer()));
                labels.count(class);
                let theirs = row[extracted].as_str();
                let same = found.answer().is_some_and(|answer| coqa::exact(answer, theirs));
                let class = match theirs {
                    "FAILED TO PARSE" | "" if found.answer().is_some() => "only ours",
                    "FAILED TO PARSE" | "" => "neither",
                    _ if same => "same",
                    _ if found.answer().is_none() => "only theirs",
                    _ => "different",
                };
                if class != "same" {
                    show(&format!("{class}: theirs {theirs:?} ours {found:?} {:?}", row[response]));
                }
                answers.count(class);
            }
        }
    }
    labels.report("open QA labels");
    answers.report("open QA answers");
    assert_eq!(labels.total(""), 4800);
    assert!(labels.total("agrees") >= OPEN_LABELS, "{} agree", labels.total("agrees"));
    assert!(answers.total("same") >= OPEN_ANSWERS, "{} are the same", answers.total("same"));
}
