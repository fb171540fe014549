//! Rows of the splits, and fresh questions of the training side.

use std::collections::BTreeSet;

use plimsoll_core::{Question, Seed};

use super::draw::{Feed, Sampler};
use super::error::SuiteError;
use super::item::SuiteItem;
use super::side::SuiteSide;
use super::world::World;
use super::{DATASETS, SEED, datasets};

/// Rows of the test split, of which 4 % are exemplars and 16 % probe-training rows: so many that a probe
/// learns from 240. Who wants fewer in the main role samples them.
const TEST_ROWS: usize = 1500;
/// Rows of the validation split.
const VALIDATION_ROWS: usize = 150;
/// Draws for each row before a dataset's space counts as used up.
const DRAWS: usize = 60;

/// The rows of a split, `test` or `validation`, as JSON lines: the dataset's native file.
///
/// # Errors
/// [`SuiteError`] for a dataset or a split that is not there.
pub fn native_rows(dataset: &str, split: &str) -> Result<String, SuiteError> {
    let number = number(dataset)?;
    let (side, count) = match split {
        "test" => (SuiteSide::Test, TEST_ROWS),
        "validation" => (SuiteSide::Validation, VALIDATION_ROWS),
        _ => return Err(SuiteError::NoSplit { dataset: dataset.to_owned(), split: split.to_owned() }),
    };
    let seed = Seed::new(SEED).derive("rows").derive(split).derive(dataset);
    let rows = items(number, side, seed, count);
    let mut lines = String::new();
    for (id, item) in rows.iter().enumerate() {
        lines.push_str(&item.row(dataset, id).to_string());
        lines.push('\n');
    }
    Ok(lines)
}

/// The name of the file of a split, as folders have it.
pub fn native_file(dataset: &str, split: &str) -> String {
    format!("{dataset}_{split}.jsonl")
}

/// Fresh questions for a stage that learns from a model's own answers: drawn as evaluations draw, from
/// the training side, no two alike. Fewer than `count` if the dataset's space is smaller.
///
/// # Errors
/// [`SuiteError::NoDataset`].
pub fn follow_up_questions(dataset: &str, stage: Seed, count: usize) -> Result<Vec<Question>, SuiteError> {
    let number = number(dataset)?;
    let items = items(number, SuiteSide::Training, stage.derive(dataset), count);
    let question = |(id, item): (usize, &SuiteItem)| {
        let wrong = |source| SuiteError::NoQuestion { dataset: dataset.to_owned(), source };
        item.question(DATASETS[number], &id.to_string()).map_err(wrong)
    };
    items.iter().enumerate().map(question).collect()
}

fn number(dataset: &str) -> Result<usize, SuiteError> {
    datasets::number(dataset).ok_or_else(|| SuiteError::NoDataset { id: dataset.to_owned() })
}

/// Items of one side, no two with the same question. Items that are generated together stay together.
fn items(number: usize, side: SuiteSide, seed: Seed, count: usize) -> Vec<SuiteItem> {
    let (mut draw, world) = (Sampler::new(seed, Feed::EVALUATION), World::get());
    let (mut items, mut seen) = (Vec::with_capacity(count), BTreeSet::new());
    for _ in 0..count * DRAWS {
        if items.len() >= count {
            break;
        }
        for item in datasets::generator(number).items(world, &mut draw) {
            if item.side() == side && seen.insert(item.question_text()) {
                items.push(item);
            }
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_is_asked_says_on_which_side_it_lies() {
        /// Draws of each dataset and feed.
        const DRAWN: usize = 20_000;
        let (world, mut sides) = (World::get(), BTreeMap::<String, SuiteSide>::new());
        let even = Feed { zipf: 0.0, templates: 7, rare_template: 0.125 };
        for (number, feed) in (0..DATASETS.len()).flat_map(|n| [(n, Feed::EVALUATION), (n, even)]) {
            let mut draw = Sampler::new(Seed::new(number as u64), feed);
            let mut counts = BTreeMap::<&str, usize>::new();
            for _ in 0..DRAWN {
                let items = datasets::generator(number).items(world, &mut draw);
                assert!(items.iter().all(|item| item.side() == items[0].side()));
                for item in items {
                    let side = item.side();
                    *counts.entry(side.split()).or_default() += 1;
                    assert_eq!(*sides.entry(item.question_text()).or_insert(side), side, "{item:?}");
                }
            }
            assert_eq!(counts.len(), 3, "{}: {counts:?}", DATASETS[number].id());
        }
    }
}
