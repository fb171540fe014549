//! Seeded samples, each dataset by itself.

use std::collections::BTreeMap;

use plimsoll_core::seed::key_of;
use plimsoll_core::{Question, Seed};

use super::error::PoolError;
use super::options::{PoolDataset, PoolOptions, PoolRow, Stratum};
use super::report::{DatasetReport, StratumReport};
use super::role::role_of;
use plimsoll_core::question::PoolRole;

/// Draws the rows of an entry, each role by itself; they stay in the order of the source.
pub(super) fn draw(
    entry: PoolDataset,
    options: &PoolOptions,
) -> Result<(Vec<PoolRow>, DatasetReport), PoolError> {
    let PoolDataset { questions, refused, unlabelled, sample, few_shot } = entry;
    let dataset = questions.first().map_or_else(String::new, |question| question.dataset.to_string());
    let split = questions.first().map_or_else(String::new, |question| question.split.clone());
    let seed = options.seed.derive("sample").derive(&dataset);
    let mut by_role = BTreeMap::<PoolRole, Vec<usize>>::new();
    for (index, question) in questions.iter().enumerate() {
        by_role.entry(role_of(question, options.shares)).or_default().push(index);
    }
    let mut take = |role| by_role.remove(&role).unwrap_or_default();
    let (main, exemplars, probe) =
        (take(PoolRole::Main), take(PoolRole::FewShot), take(PoolRole::ProbeTraining));
    let draw = |rows: &[usize], count, by| stratified(&questions, rows, (count, by), &seed);
    let by = sample.and_then(|sample| sample.by);
    let asked = sample.map_or(main.len(), |sample| sample.rows);
    let no_stratum = |by: Stratum| PoolError::NoStratum { dataset: dataset.clone(), by: by.name() };
    let (main_drawn, strata) = draw(&main, asked, by).map_err(no_stratum)?;
    // An overflow saturates, and no more rows are drawn than there are.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be at least 0")]
    let probe_asked = (main_drawn.len() as f64 * options.probe_rows_per_main_row).round() as usize;
    let (probe_drawn, _) = draw(&probe, probe_asked, by).map_err(no_stratum)?;
    let (few_drawn, _) = draw(&exemplars, few_shot, None).map_err(no_stratum)?;
    let report = DatasetReport {
        dataset: dataset.clone(),
        split,
        rows: questions.len() as u64 + refused,
        refused,
        unlabelled,
        questions: questions.len() as u64,
        asked: asked as u64,
        sampled: main_drawn.len() as u64,
        few_shot_asked: few_shot as u64,
        probe_asked: probe_asked as u64,
        strata,
        ..DatasetReport::default()
    };
    let mut chosen = BTreeMap::new();
    for (rows, role) in
        [(main_drawn, PoolRole::Main), (probe_drawn, PoolRole::ProbeTraining), (few_drawn, PoolRole::FewShot)]
    {
        chosen.extend(rows.into_iter().map(|row| (row, role)));
    }
    let rows = questions
        .into_iter()
        .enumerate()
        .filter_map(|(index, question)| chosen.get(&index).map(|role| PoolRow { question, role: *role }));
    Ok((rows.collect(), report))
}

/// Draws rows in proportion to their strata, by the order of a seeded hash of their ids.
///
/// # Formula
/// A stratum of size s among S rows gets floor(n s / S) of n rows; what is left goes to the largest
/// remainders, among equal ones by the order of the names.
fn stratified(
    questions: &[Question],
    rows: &[usize],
    (count, by): (usize, Option<Stratum>),
    seed: &Seed,
) -> Result<(Vec<usize>, Vec<StratumReport>), Stratum> {
    let mut strata = BTreeMap::<&str, Vec<usize>>::new();
    for row in rows {
        let name = match by {
            None => "",
            Some(by) => by.value(&questions[*row]).ok_or(by)?,
        };
        strata.entry(name).or_default().push(*row);
    }
    let count = count.min(rows.len());
    let whole = |size: usize| (size as u128 * count as u128) / (rows.len().max(1) as u128);
    let remainder = |size: usize| (size as u128 * count as u128) % (rows.len().max(1) as u128);
    let mut shares: Vec<(&str, usize)> = strata
        .iter()
        .map(|(name, value)| (*name, usize::try_from(whole(value.len())).unwrap_or(0)))
        .collect();
    let given: usize = shares.iter().map(|(_, share)| share).sum();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(remainder(strata[shares[*index].0].len())));
    order.iter().take(count - given).for_each(|index| shares[*index].1 += 1);
    let (mut drawn, mut reports) = (Vec::with_capacity(count), Vec::new());
    for (name, share) in shares {
        let mut value = strata.remove(name).unwrap_or_default();
        let key = |row: &usize| {
            let id = questions[*row].question_id.as_str();
            (seed.hash_key(key_of(0, id)), id)
        };
        value.sort_by(|a, b| key(a).cmp(&key(b)));
        if by.is_some() {
            reports.push(StratumReport {
                name: name.to_owned(),
                rows: value.len() as u64,
                sampled: share as u64,
            });
        }
        drawn.extend(value.into_iter().take(share));
    }
    Ok((drawn, reports))
}
