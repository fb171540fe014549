//! How rows of the suite become questions: one form for all its datasets, JSON lines with a passage, a
//! question, options and the answer in words. A row names its dataset, and another's are refused.

use plimsoll_core::AnswerKind;
use plimsoll_ingest::dataset::{Dataset, DatasetForm, NativeFiles, RowContext};
use plimsoll_ingest::draft::Draft;
use plimsoll_ingest::{RejectReason, number};

use super::generator::Generator;

/// A dataset of the suite, as `ingest` sees it.
#[derive(Debug)]
pub(crate) struct Adapter(pub(crate) &'static dyn Generator);

impl Dataset for Adapter {
    fn id(&self) -> &str {
        self.0.info().id
    }

    fn name(&self) -> &str {
        self.0.info().name
    }

    fn domain(&self) -> &str {
        self.0.info().domain
    }

    fn answer_kind(&self) -> AnswerKind {
        self.0.info().kind
    }

    fn licence(&self) -> &'static str {
        "Apache-2.0"
    }

    fn forms(&self) -> Vec<DatasetForm<'_>> {
        vec![DatasetForm::new("native", &["dataset", "question", "answer"])]
    }

    fn native_files(&self) -> &[NativeFiles] {
        self.0.info().files
    }

    fn draft(&self, record: &RowContext<'_>) -> Result<Draft, RejectReason> {
        if record.text("dataset")? != self.id() {
            return Err(RejectReason::Gold {
                found: record.text("dataset")?.to_owned(),
                expected: "a row of this dataset",
            });
        }
        let (question, answer) = (record.text("question")?, record.answer("answer")?);
        let draft = match self.answer_kind() {
            AnswerKind::Choice => {
                let options = record.texts("options")?;
                let gold = options.iter().position(|option| *option == answer);
                let gold = gold.ok_or_else(|| wrong(&answer, "one of the options"))?;
                Draft::with_choices(question, &options, gold)?
            }
            AnswerKind::Number => Draft::new(question, vec![number::plain(&answer)?]),
            AnswerKind::Boolean if answer != "yes" && answer != "no" => {
                return Err(wrong(&answer, "yes or no"));
            }
            AnswerKind::Boolean | AnswerKind::Span => Draft::new(question, vec![answer]),
        };
        let optional = |name: &str| record.optional(name).map(|_| record.text(name).map(str::to_owned));
        Ok(Draft {
            row_id: Some(record.text("id")?.to_owned()),
            context: optional("passage").transpose()?,
            cluster: optional("cluster").transpose()?,
            subject: optional("subject").transpose()?,
            ..draft
        })
    }
}

fn wrong(found: &str, expected: &'static str) -> RejectReason {
    RejectReason::Gold { found: found.to_owned(), expected }
}
