//! Questions, kept once however many models and methods score them.

use hashbrown::HashTable;

use crate::id::{DatasetId, DomainId};
use crate::seed::key_of;

/// A dataset of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreDataset {
    /// Its id.
    pub id: DatasetId,
    /// Its domain; the dataset itself is its own domain where none was given.
    pub domain: DomainId,
}

/// Columns of questions, ordered by key.
#[derive(Debug, Clone, Default)]
pub struct Questions {
    pub(super) datasets: Vec<ScoreDataset>,
    pub(super) dataset: Vec<u16>,
    pub(super) key: Vec<u64>,
    pub(super) cluster: Vec<u64>,
    text: String,
    ends: Vec<usize>,
}

impl Questions {
    /// Number of questions.
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// The datasets, ordered by id.
    pub fn datasets(&self) -> &[ScoreDataset] {
        &self.datasets
    }

    /// Index of the question's dataset.
    pub fn dataset_index(&self, question: u32) -> usize {
        usize::from(self.dataset[question as usize])
    }

    /// The question's dataset.
    pub fn dataset(&self, question: u32) -> &ScoreDataset {
        &self.datasets[self.dataset_index(question)]
    }

    /// The question's key: a hash of dataset and id, the same on every machine.
    pub fn key(&self, question: u32) -> u64 {
        self.key[question as usize]
    }

    /// The key of the question's cluster (passage, story); the question's own key without one.
    pub fn cluster(&self, question: u32) -> u64 {
        self.cluster[question as usize]
    }

    /// The question's id.
    pub fn id(&self, question: u32) -> &str {
        let index = question as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// Appends a question and gives its index.
    pub(super) fn push(&mut self, dataset: u16, key: u64, cluster: u64, id: &str) -> u32 {
        self.dataset.push(dataset);
        self.key.push(key);
        self.cluster.push(cluster);
        self.text.push_str(id);
        self.ends.push(self.text.len());
        u32::try_from(self.key.len() - 1).unwrap_or(u32::MAX)
    }

    /// The same questions in key order, and for each old index its new one.
    pub(super) fn ordered(&self) -> (Self, Vec<u32>) {
        let mut datasets: Vec<usize> = (0..self.datasets.len()).collect();
        datasets.sort_by(|a, b| self.datasets[*a].id.cmp(&self.datasets[*b].id));
        let mut dataset_position = vec![0u16; datasets.len()];
        for (position, old) in datasets.iter().enumerate() {
            dataset_position[*old] = u16::try_from(position).unwrap_or(u16::MAX);
        }
        // Keys stand beside indices, so that the sort touches no other memory unless keys collide.
        let mut order: Vec<(u64, u32)> = self.key.iter().copied().zip(0u32..).collect();
        order.sort_unstable_by(|a, b| {
            let id = |index: u32| (&self.dataset(index).id, self.id(index));
            a.0.cmp(&b.0).then_with(|| id(a.1).cmp(&id(b.1)))
        });
        let mut sorted = Self {
            datasets: datasets.iter().map(|old| self.datasets[*old].clone()).collect(),
            dataset: Vec::with_capacity(order.len()),
            key: Vec::with_capacity(order.len()),
            cluster: Vec::with_capacity(order.len()),
            text: String::with_capacity(self.text.len()),
            ends: Vec::with_capacity(order.len()),
        };
        let mut position = vec![0u32; order.len()];
        for (_, old) in order {
            let dataset = dataset_position[self.dataset_index(old)];
            position[old as usize] = sorted.push(dataset, self.key(old), self.cluster(old), self.id(old));
        }
        (sorted, position)
    }
}

/// Finds a question by dataset and id while a table is built.
///
/// Tables are written in loops: the methods of one question stand together, or all questions of one
/// method do. So a question is looked for where the last one was and after it first: these lines are in
/// the processor's cache, where a look into the hash table is a wait for memory.
#[derive(Debug, Default)]
pub(super) struct QuestionIndex {
    table: HashTable<u32>,
    last: u32,
}

impl QuestionIndex {
    /// The index of a question, and whether it is new. `dataset_key` is the key of its dataset.
    pub(super) fn find_or_add(
        &mut self,
        questions: &mut Questions,
        dataset: u16,
        dataset_key: u64,
        id: &str,
    ) -> (u32, bool) {
        let key = key_of(dataset_key, id);
        let same = |index: &u32| {
            questions.key(*index) == key
                && questions.dataset[*index as usize] == dataset
                && questions.id(*index) == id
        };
        let near = [self.last, self.last.saturating_add(1)]
            .into_iter()
            .find(|guess| (*guess as usize) < questions.len() && same(guess));
        if let Some(found) = near.or_else(|| self.table.find(key, same).copied()) {
            self.last = found;
            return (found, false);
        }
        let index = questions.push(dataset, key, key, id);
        self.table.insert_unique(key, index, |other| questions.key(*other));
        self.last = index;
        (index, true)
    }
}
