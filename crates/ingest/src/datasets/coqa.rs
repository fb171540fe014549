//! `CoQA`: a conversation about a story. Each turn is a row: its context is the story and the turns before
//! it (`Q:` and `A:` lines, with the main answers), its id the story's row and the turn, since the hub's
//! form has no story ids. The gold answers are the main one and those of the other annotators, in order
//! and with repetitions, because `CoQA`'s own score leaves one out at a time.
//!
//! A turn marked `bad_turn` is refused; it was said, so that it stays in the context of later turns. The
//! hub's forms have lost the mark.

use plimsoll_core::AnswerKind;

use super::domain;
use crate::cell::Cell;
use crate::dataset::{Dataset, DatasetForm, Hub, NativeFiles, RowContext, wrong_type};
use crate::draft::{Draft, Drafts};
use crate::normal::cluster_of;
use crate::reason::RejectReason;

#[derive(Debug)]
pub(super) struct Coqa;

impl Dataset for Coqa {
    fn id(&self) -> &'static str {
        "coqa"
    }

    fn name(&self) -> &'static str {
        "CoQA"
    }

    fn domain(&self) -> &'static str {
        domain::CONVERSATIONAL
    }

    fn answer_kind(&self) -> AnswerKind {
        AnswerKind::Span
    }

    fn licence(&self) -> &'static str {
        "mixed by source of the story: CC-BY-SA-4.0, MSR-LA, and terms of their own"
    }

    fn hub(&self) -> Option<Hub> {
        Some(Hub { repository: "EleutherAI/coqa", config: "default" })
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![DatasetForm::new("native and hub", &["source", "story", "questions", "answers"])]
    }

    fn native_files(&self) -> &[NativeFiles] {
        &[
            ("train", &["coqa-train-v1.0.json", "coqa_train.parquet"]),
            ("validation", &["coqa-dev-v1.0.json", "coqa_validation.parquet"]),
        ]
    }

    fn draft(&self, _record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        Err(RejectReason::Unusable { what: "a story is several rows" })
    }

    fn drafts(&self, record: &RowContext<'_>, drafts: &mut Drafts) {
        match Story::from_record(record) {
            Ok(story) => (0..story.questions.len()).for_each(|turn| drafts.push(story.draft(turn))),
            Err(reason) => drafts.push(Err(reason)),
        }
    }
}

/// A story and its turns.
struct Story<'a> {
    text: &'a str,
    subject: Option<String>,
    cluster: String,
    questions: Vec<&'a str>,
    answers: Vec<&'a str>,
    /// Answers of the other annotators, turn by turn.
    others: Vec<Vec<&'a str>>,
    /// Turns that are marked as unusable.
    bad: Vec<bool>,
}

impl<'a> Story<'a> {
    fn from_record(record: &RowContext<'a>) -> Result<Self, RejectReason> {
        let text = record.text("story")?;
        let questions = record.column("questions", "input_text")?;
        let answers = record.column("answers", "input_text")?;
        if questions.is_empty() {
            return Err(RejectReason::Unusable { what: "the story has no turns" });
        }
        same_length("answers", answers.len(), questions.len())?;
        let bad = match record.optional("answers").and_then(Cell::list) {
            Some(turns) => turns.iter().map(|turn| turn.get("bad_turn").is_some_and(is_true)).collect(),
            None => vec![false; questions.len()],
        };
        let subject = record.optional("source").and_then(Cell::scalar);
        let others = others(record, questions.len())?;
        Ok(Self { text, subject, cluster: cluster_of(text), questions, answers, others, bad })
    }

    fn draft(&self, turn: usize) -> Result<Draft, RejectReason> {
        if self.bad[turn] {
            return Err(RejectReason::BadTurn);
        }
        let (question, answer) = (self.questions[turn], self.answers[turn]);
        if question.is_empty() {
            return Err(RejectReason::Blank { field: "questions.input_text".to_owned() });
        }
        if answer.is_empty() {
            return Err(RejectReason::Unlabelled);
        }
        let others = self.others[turn].iter().filter(|other| !other.is_empty());
        let gold = std::iter::once(&answer).chain(others).map(|text| (*text).to_owned()).collect();
        Ok(Draft {
            part: Some(turn + 1),
            context: Some(self.context(turn)),
            subject: self.subject.clone(),
            cluster: Some(self.cluster.clone()),
            ..Draft::new(question, gold)
        })
    }

    /// The story and what was said before a turn.
    fn context(&self, turn: usize) -> String {
        let mut context = self.text.to_owned();
        for (before, (question, answer)) in self.questions.iter().zip(&self.answers).take(turn).enumerate() {
            context.push_str(if before == 0 { "\n\n" } else { "\n" });
            context.extend(["Q: ", question, "\nA: ", answer]);
        }
        context
    }
}

fn same_length(field: &str, found: usize, expected: usize) -> Result<(), RejectReason> {
    if found == expected {
        Ok(())
    } else {
        Err(RejectReason::ListLength { field: field.to_owned(), found, expected })
    }
}

fn is_true(cell: &Cell) -> bool {
    cell.scalar().is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Further answers to each turn, of `additional_answers.0`, `.1`, ..; none in the training files.
fn others<'a>(record: &RowContext<'a>, turns: usize) -> Result<Vec<Vec<&'a str>>, RejectReason> {
    let mut others = vec![Vec::new(); turns];
    let Some(Cell::Struct(annotators)) = record.optional("additional_answers") else { return Ok(others) };
    for (annotator, answers) in annotators {
        let field = || format!("additional_answers.{annotator}");
        if *answers == Cell::Null {
            continue;
        }
        let texts = answers.column("input_text").ok_or_else(|| wrong_type(&field(), answers, "a list"))?;
        // The hub's training rows have empty lists.
        if texts.is_empty() {
            continue;
        }
        same_length(&field(), texts.len(), turns)?;
        for (turn, text) in others.iter_mut().zip(texts) {
            turn.push(text.text().map(str::trim).ok_or_else(|| wrong_type(&field(), text, "a text"))?);
        }
    }
    Ok(others)
}
