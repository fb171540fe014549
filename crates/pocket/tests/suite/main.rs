//! The suite from outside: rows read as any file's, answers that grade themselves, nothing of an
//! evaluation in whatever models are trained on.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking, also in what they share, and say what they counted"
)]

mod leaks;
mod reading;

use plimsoll_core::Question;
use plimsoll_ingest::{Dataset, read_files, read_source};
use plimsoll_pocket::suite::{Mixture, native_file, native_rows};
use plimsoll_pocket::{DATASETS, suite};

/// The questions of a split, through a file and the reader of files.
fn questions(dataset: &dyn Dataset, split: &str) -> Vec<Question> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(native_file(dataset.id(), split));
    std::fs::write(&path, native_rows(dataset.id(), split).unwrap()).unwrap();
    let read = read_files(dataset, &[path], split).unwrap();
    let found = read_source(dataset, folder.path(), Some(split)).unwrap();
    assert_eq!(found.questions, read.questions);
    assert!(read.refused.is_empty(), "{}: {:?}", dataset.id(), read.refused.first());
    read.questions
}

/// A mixture of everything.
fn mixture(zipf: f64, templates: usize, rare_template: f64) -> Mixture {
    Mixture {
        statements: 1.0,
        dialogues: 2.0,
        recall: 0.25,
        comparisons: 0.25,
        datasets: DATASETS.iter().map(|dataset| (dataset.id().to_owned(), 1.0)).collect(),
        zipf,
        templates,
        rare_template,
        recall_pairs: 6,
    }
}

/// What is asked, without the instruction and the options: context and question as a prompt has them.
fn asked(question: &Question) -> String {
    match &question.context {
        Some(context) => format!("{context}\n\nQuestion: {}", question.question),
        None => question.question.clone(),
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let message = |result: Result<String, suite::SuiteError>| result.unwrap_err().to_string();
    assert_eq!(message(native_rows("pocket_nothing", "test")), "the suite has no dataset `pocket_nothing`");
    assert!(message(native_rows("pocket_sums", "train")).contains("no split `train`"));
    let refused =
        |mixture: &Mixture| suite::Stream::new(plimsoll_core::Seed::new(0), mixture).unwrap_err().to_string();
    let good = mixture(1.0, 7, 0.0);
    assert!(refused(&Mixture { templates: 8, ..good.clone() }).contains("templates is 8"));
    assert!(refused(&Mixture { zipf: f64::NAN, ..good.clone() }).contains("zipf"));
    assert!(refused(&Mixture { recall: -1.0, ..good.clone() }).contains("kind of document"));
    let other = vec![("pocket_other".to_owned(), 1.0)];
    assert!(refused(&Mixture { datasets: other, ..mixture(1.0, 7, 0.0) }).contains("pocket_other"));
    assert!(refused(&Mixture { datasets: Vec::new(), ..good }).contains("weight of a dataset"));
}
