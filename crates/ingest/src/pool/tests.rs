//! Tests of the pool.

use std::collections::BTreeSet;

use plimsoll_core::{AnswerKind, DatasetId, DomainId, QuestionId};
use proptest::prelude::*;

use super::shingles::{ShingleBuffer, Shingles, jaccard};
use super::*;
use crate::normal::content_hash;
use plimsoll_core::Seed;

const SHARES: RoleShares = RoleShares { few_shot: 0.05, probe_training: 0.15 };

fn question(dataset: &str, row: usize, text: &str) -> Question {
    Question {
        question_id: QuestionId::new(format!("{dataset}/test/{row}")).unwrap(),
        dataset: DatasetId::new(dataset).unwrap(),
        domain: DomainId::new("math").unwrap(),
        split: "test".into(),
        answer_kind: AnswerKind::Number,
        context: None,
        question: text.into(),
        choices: Vec::new(),
        gold: vec![(row % 3).to_string()],
        subject: Some(format!("s{}", row % 4)),
        cluster_id: None,
        source_file: "test.jsonl".into(),
        source_row: row as u64,
        content_hash: content_hash(None, text, &[]),
    }
}

/// Rows that share no three words.
fn entry(dataset: &str, rows: usize, sample: Option<SampleSpec>) -> PoolDataset {
    let text = |row| {
        format!("{dataset}{row} how {dataset}{row} many {dataset}{row} apples {row}{dataset} are {row}")
    };
    let questions = (0..rows).map(|row| question(dataset, row, &text(row))).collect();
    PoolDataset { questions, refused: 3, unlabelled: 2, sample, few_shot: 2 }
}

fn options(duplicates: Duplicates) -> PoolOptions {
    PoolOptions { seed: Seed::new(50), shares: SHARES, probe_rows_per_main_row: 0.2, duplicates }
}

fn ids(pool: &Pool, dataset: &str) -> Vec<(String, PoolRole)> {
    let own = pool.rows.iter().filter(|row| row.question.dataset.as_str() == dataset);
    own.map(|row| (row.question.question_id.to_string(), row.role)).collect()
}

#[test]
fn another_dataset_changes_no_sample() {
    let sample = Some(SampleSpec { rows: 50, by: None });
    let alone = pool(vec![entry("a", 400, sample)], &options(Duplicates::Drop)).unwrap();
    let two = pool(vec![entry("b", 300, None), entry("a", 400, sample)], &options(Duplicates::Drop)).unwrap();
    assert_eq!(ids(&alone, "a"), ids(&two, "a"));
    let report = &two.report.datasets[1];
    assert_eq!((report.main, report.probe_training, report.few_shot), (50, 10, 2));
    assert_eq!((report.rows, report.refused, report.unlabelled, report.questions), (403, 3, 2, 400));
    let other_seed = PoolOptions { seed: Seed::new(51), ..options(Duplicates::Drop) };
    assert_ne!(ids(&pool(vec![entry("a", 400, sample)], &other_seed).unwrap(), "a"), ids(&alone, "a"));
    // Pinned: the same on any machine.
    let first: Vec<_> = ids(&alone, "a").into_iter().take(3).map(|(id, _)| id).collect();
    assert_eq!(first, PINNED);
}

/// The first rows of the sample above.
const PINNED: [&str; 3] = ["a/test/4", "a/test/10", "a/test/13"];

#[test]
fn strata_get_their_share() {
    let sample = Some(SampleSpec { rows: 101, by: Some(Stratum::Subject) });
    let report = pool(vec![entry("a", 1000, sample)], &options(Duplicates::Drop)).unwrap().report;
    let strata = &report.datasets[0].strata;
    let main: u64 = strata.iter().map(|stratum| stratum.rows).sum();
    assert_eq!(strata.iter().map(|stratum| stratum.sampled).sum::<u64>(), 101);
    for stratum in strata {
        let share = 101.0 * stratum.rows as f64 / main as f64;
        assert!((stratum.sampled as f64 - share).abs() < 1.0, "{stratum:?} of {share}");
    }
    let mut bare = entry("a", 10, sample);
    bare.questions[9].subject = None;
    let none = PoolOptions {
        shares: RoleShares { few_shot: 0.0, probe_training: 0.0 },
        ..options(Duplicates::Drop)
    };
    assert!(matches!(pool(vec![bare], &none), Err(PoolError::NoStratum { .. })));
}

#[test]
fn roles_hang_on_the_cluster_and_on_nothing_else() {
    let rows = entry("a", 20_000, None).questions;
    let role = |shares| rows.iter().map(|row| role_of(row, shares)).collect::<Vec<_>>();
    let (roles, none) = (role(SHARES), role(RoleShares { few_shot: 0.0, probe_training: 0.0 }));
    let count = |wanted| roles.iter().filter(|role| **role == wanted).count();
    assert!(none.iter().all(|role| *role == PoolRole::Main));
    // Within four standard deviations of 5 % and 15 % of 20,000.
    assert!(count(PoolRole::FewShot).abs_diff(1000) < 124, "{}", count(PoolRole::FewShot));
    assert!(count(PoolRole::ProbeTraining).abs_diff(3000) < 203, "{}", count(PoolRole::ProbeTraining));
    let mut twin = rows[0].clone();
    twin.cluster_id = Some("c".into());
    let mut other = rows[1].clone();
    other.cluster_id = Some("c".into());
    assert_eq!(role_of(&twin, SHARES), role_of(&other, SHARES));
}

#[test]
fn the_later_row_of_a_pair_goes_and_is_not_replaced() {
    let text =
        "A farmer has twelve cows and buys seven more cows at the market in the morning before he goes home";
    let none = RoleShares { few_shot: 0.0, probe_training: 0.0 };
    let options = |duplicates| PoolOptions { shares: none, ..options(duplicates) };
    let mut first = entry("a", 5, None);
    first.questions[2] = question("a", 2, text);
    let mut second = entry("b", 5, None);
    second.questions[1] = question("b", 1, &text.to_uppercase());
    second.questions[4] = question("b", 4, &format!("{text} again"));
    let dropped = pool(vec![first.clone(), second.clone()], &options(Duplicates::Drop)).unwrap();
    let pairs: Vec<_> = dropped
        .report
        .pairs
        .iter()
        .map(|pair| (pair.earlier.as_str(), pair.later.as_str(), pair.kind))
        .collect();
    assert_eq!(
        pairs,
        [("a/test/2", "b/test/1", DuplicateKind::Exact), ("a/test/2", "b/test/4", DuplicateKind::Near)]
    );
    let report = &dropped.report.datasets[1];
    assert_eq!((report.dropped_exact, report.dropped_near, report.main), (1, 1, 3));
    assert_eq!(ids(&dropped, "a").len(), 5);
    let kept = pool(vec![first, second], &options(Duplicates::Keep)).unwrap();
    assert_eq!(kept.rows.len(), 10);
    assert_eq!(kept.report.pairs.len(), 2);
}

#[test]
fn duplicates_of_two_roles_do_not_both_stay() {
    let text = "one two three four five six seven eight nine ten";
    let rows = entry("a", 200, None).questions;
    let of = |role| rows.iter().find(|row| role_of(row, SHARES) == role).unwrap().clone();
    let same = |row: Question| Question {
        content_hash: content_hash(None, text, &[]),
        question: text.into(),
        ..row
    };
    let questions = vec![same(of(PoolRole::Main)), same(of(PoolRole::FewShot))];
    let entry = PoolDataset { questions, refused: 0, unlabelled: 0, sample: None, few_shot: 5 };
    let pool = pool(vec![entry], &options(Duplicates::Keep)).unwrap();
    assert_eq!(pool.rows.len(), 1);
    assert_eq!(pool.report.datasets[0].dropped_exact, 1);
}

#[test]
fn questions_about_one_passage_are_no_duplicates() {
    let passage = (0..200).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ");
    let about = |dataset: &str, row, text: &str, cluster: Option<&str>| Question {
        context: Some(passage.clone()),
        content_hash: content_hash(Some(&passage), text, &[]),
        cluster_id: cluster.map(str::to_owned),
        ..question(dataset, row, text)
    };
    let ask = "who went to the market on that very cold morning in May";
    let first = about("a", 0, ask, None);
    let other = about("b", 0, "what did the old man say to the woman at the gate", None);
    let nearly = about("b", 1, &format!("{ask} then"), None);
    let pairs = find_duplicates(&[&first, &other, &nearly]).pairs;
    assert_eq!(pairs.iter().map(|pair| (pair.earlier, pair.later)).collect::<Vec<_>>(), [(0, 2)]);
    let turns = [about("a", 1, ask, Some("x")), about("a", 2, &format!("{ask} then"), Some("x"))];
    assert!(find_duplicates(&turns.iter().collect::<Vec<_>>()).pairs.is_empty());
}

#[test]
fn repeated_ids_and_impossible_shares() {
    let twice = vec![entry("a", 3, None), entry("a", 3, None)];
    assert!(matches!(pool(twice, &options(Duplicates::Drop)), Err(PoolError::RepeatedQuestion { .. })));
    for shares in [
        RoleShares { few_shot: -0.1, probe_training: 0.0 },
        RoleShares { few_shot: 0.6, probe_training: 0.6 },
        RoleShares { few_shot: f64::NAN, probe_training: 0.0 },
    ] {
        let bad = PoolOptions { shares, ..options(Duplicates::Drop) };
        assert!(matches!(pool(vec![entry("a", 3, None)], &bad), Err(PoolError::Share { .. })));
    }
}

proptest! {
    /// Against the slow, obvious way: every row with every earlier one.
    #[test]
    fn no_near_duplicate_is_missed(texts in prop::collection::vec(prop::collection::vec(0u8..4, 1..14), 1..24)) {
        let text = |words: &Vec<u8>| words.iter().map(|word| format!("w{word}")).collect::<Vec<_>>().join(" ");
        let questions: Vec<Question> =
            texts.iter().enumerate().map(|(row, words)| question("a", row, &text(words))).collect();
        let sets: Vec<Shingles> =
            questions.iter().map(|question| Shingles::from_question(question, &mut ShingleBuffer::default())).collect();
        let alike = |a: usize, b: usize| {
            questions[a].content_hash == questions[b].content_hash || jaccard(&sets[a].all, &sets[b].all) >= NEAR_JACCARD
        };
        let expected: BTreeSet<usize> =
            (0..questions.len()).filter(|later| (0..*later).any(|earlier| alike(earlier, *later))).collect();
        let found = find_duplicates(&questions.iter().collect::<Vec<_>>());
        let later: BTreeSet<usize> = found.pairs.iter().map(|pair| pair.later).collect();
        prop_assert_eq!(later, expected);
    }
}
