//! Exact and near duplicates.
//!
//! Exact: the same content hash. Near: the Jaccard similarity of word shingles is [`NEAR_JACCARD`] or
//! more, over everything that is shown and also over what is asked without the context, so that two
//! questions about one passage are no duplicates. Rows of one dataset and one cluster are not compared:
//! they are not independent already.
//!
//! Two sets whose similarity is t or more share one of their rarest shingles: of n shingles, ordered by
//! how rare they are, the first n - ceil(t n) + 1 hold one that the other's have, too (prefix filtering,
//! Chaudhuri et al. 2006; Bayardo et al. 2007). So no pair is missed, unlike with hashing that is likely
//! to find it, and rows that share only common words never meet.

use std::collections::HashMap;

use plimsoll_core::Question;
use serde::{Deserialize, Serialize};

use super::shingles::{ByShingle, ShingleBuffer, Shingles, jaccard};

/// Minimum Jaccard similarity of near duplicates. A word changed in a question of 45 words leaves 0.87,
/// three numbers changed in one of 30 leave 0.5: a rewording is found, another problem of the same make
/// is not.
pub const NEAR_JACCARD: f64 = 0.8;
/// Maximum number of rows that one row is compared with. Rows beyond are counted, not passed over in silence.
const MAX_CANDIDATES: usize = 512;

/// How alike two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKind {
    /// The same content.
    Exact,
    /// Nearly the same content.
    Near,
}

/// Two rows that are duplicates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DuplicatePair {
    /// The earlier row.
    pub earlier: usize,
    /// The later row.
    pub later: usize,
    /// How alike they are.
    pub kind: DuplicateKind,
    /// Jaccard similarity of everything shown.
    pub jaccard: f64,
}

/// Pairs of duplicates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundDuplicates {
    /// The pairs, by their later row. A row that has earlier duplicates is in one pair at least, with the
    /// first of them; rows that are already known to be the same are not compared again.
    pub pairs: Vec<DuplicatePair>,
    /// Rows that were not compared with all that share rare words with them.
    pub cut_short: u64,
}

/// Finds the duplicates among questions, in their order.
pub fn find_duplicates(questions: &[&Question]) -> FoundDuplicates {
    let mut found = FoundDuplicates::default();
    let mut first_of = HashMap::<&str, usize>::new();
    let mut distinct = Vec::new();
    for (row, question) in questions.iter().enumerate() {
        match first_of.get(question.content_hash.as_str()) {
            Some(&earlier) => {
                found.pairs.push(DuplicatePair {
                    earlier,
                    later: row,
                    kind: DuplicateKind::Exact,
                    jaccard: 1.0,
                });
            }
            None => {
                first_of.insert(&question.content_hash, row);
                distinct.push(row);
            }
        }
    }
    near(questions, &distinct, &mut found);
    found.pairs.sort_by_key(|pair| (pair.later, pair.earlier));
    found
}

/// Finds near duplicates among rows of different content.
fn near(questions: &[&Question], rows: &[usize], found: &mut FoundDuplicates) {
    let mut words = ShingleBuffer::default();
    let sets: Vec<Shingles> =
        rows.iter().map(|row| Shingles::from_question(questions[*row], &mut words)).collect();
    let mut counts = ByShingle::<u32>::default();
    for shingle in sets.iter().flat_map(|set| &set.all) {
        *counts.entry(*shingle).or_default() += 1;
    }
    let mut index = ByShingle::<Vec<usize>>::default();
    let mut groups = Groups::new(rows.len());
    let (mut last_seen, mut candidates) = (vec![usize::MAX; rows.len()], Vec::new());
    for (current, set) in sets.iter().enumerate() {
        candidates.clear();
        let prefix = rarest(&set.all, &counts);
        for shingle in &prefix {
            for other in index.get(shingle).into_iter().flatten() {
                if std::mem::replace(&mut last_seen[*other], current) != current {
                    candidates.push(*other);
                }
            }
        }
        candidates.sort_unstable();
        if candidates.len() > MAX_CANDIDATES {
            found.cut_short += 1;
            candidates.truncate(MAX_CANDIDATES);
        }
        for other in &candidates {
            if groups.same(*other, current) || together(questions[rows[*other]], questions[rows[current]]) {
                continue;
            }
            if let Some(jaccard) = alike(&sets[*other], set) {
                groups.join(*other, current);
                let (earlier, later) = (rows[*other], rows[current]);
                found.pairs.push(DuplicatePair { earlier, later, kind: DuplicateKind::Near, jaccard });
            }
        }
        // A shingle that occurs once makes no pair.
        for shingle in prefix.into_iter().filter(|shingle| counts.get(shingle).is_some_and(|n| *n > 1)) {
            index.entry(shingle).or_default().push(current);
        }
    }
}

/// Whether two rows share a cluster.
fn together(a: &Question, b: &Question) -> bool {
    a.dataset == b.dataset && a.cluster_id.is_some() && a.cluster_id == b.cluster_id
}

/// The similarity of near duplicates.
fn alike(a: &Shingles, b: &Shingles) -> Option<f64> {
    let (small, large) = (a.all.len().min(b.all.len()), a.all.len().max(b.all.len()));
    if (small as f64) < NEAR_JACCARD * large as f64 {
        return None;
    }
    let all = jaccard(&a.all, &b.all);
    // One with a context and one without are compared as they are shown.
    let both = !a.asked.is_empty() && !b.asked.is_empty();
    (all >= NEAR_JACCARD && (!both || jaccard(&a.asked, &b.asked) >= NEAR_JACCARD)).then_some(all)
}

/// The rarest shingles of a set, as many as must hold one of every near duplicate's.
fn rarest(set: &[u64], counts: &ByShingle<u32>) -> Vec<u64> {
    /// What a product that is a whole number may be off by.
    const ROUNDING: f64 = 1e-9;
    let mut order: Vec<(u32, u64)> =
        set.iter().map(|shingle| (counts.get(shingle).copied().unwrap_or(0), *shingle)).collect();
    order.sort_unstable();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let needed = (NEAR_JACCARD * set.len() as f64 - ROUNDING).ceil().max(0.0) as usize;
    order.truncate(set.len() - needed.min(set.len()) + 1);
    order.into_iter().map(|(_, shingle)| shingle).collect()
}

/// Rows that are known to be the same, directly or through others.
struct Groups(Vec<usize>);

impl Groups {
    fn new(rows: usize) -> Self {
        Self((0..rows).collect())
    }

    fn root(&mut self, mut row: usize) -> usize {
        while self.0[row] != row {
            self.0[row] = self.0[self.0[row]];
            row = self.0[row];
        }
        row
    }

    fn same(&mut self, a: usize, b: usize) -> bool {
        self.root(a) == self.root(b)
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}
