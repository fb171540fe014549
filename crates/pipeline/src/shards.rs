//! The workload cut into shards: what is answered, cached and written together.

use std::ops::Range;

use plimsoll_backend::Request;
use plimsoll_store::tables::{generations, hidden_states};

use crate::run_folder::table_chunk_path;
use crate::workload::{ModelTask, PromptSet, Workload};

/// Some of the requests of a task. Answered it is a chunk of the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shard<'w> {
    pub(crate) task: &'w ModelTask,
    pub(crate) set: &'w PromptSet,
    pub(crate) requests: &'w [Request],
    /// Number of its files, counted over all shards.
    number: usize,
}

impl Shard<'_> {
    /// Its number, counted over all shards.
    pub(crate) const fn number(&self) -> usize {
        self.number
    }

    /// The path of its table of generations in the run folder.
    pub(crate) fn generations(&self) -> String {
        table_chunk_path(generations::TABLE.name, self.number)
    }

    /// The path of its table of hidden states; `None` if none are observed.
    pub(crate) fn hidden_states(&self) -> Option<String> {
        let wanted = !self.task.signals.hidden_states().is_empty();
        wanted.then(|| table_chunk_path(hidden_states::TABLE.name, self.number))
    }
}

/// All shards, in the order in which they are answered: model by model.
pub(crate) fn shards<'w>(workload: &'w Workload<'_>, tasks: &'w [ModelTask]) -> Vec<Shard<'w>> {
    let size = workload.inference.execution.chunk;
    let mut shards = Vec::new();
    for task in tasks {
        let set = &workload.sets[task.set];
        let ranges = (0..set.requests.len()).step_by(size).map(|start| start..start + size);
        for Range { start, end } in ranges {
            let requests = &set.requests[start..end.min(set.requests.len())];
            shards.push(Shard { task, set, requests, number: shards.len() });
        }
    }
    shards
}
