//! Names and fingerprints under which servers answered, counted over all their replies.

use std::collections::BTreeMap;

use plimsoll_core::column;
use plimsoll_core::records::GenerationRow;
use plimsoll_report::inputs::{ServedModelCounts, ServedState};
use plimsoll_store::read_columns;
use plimsoll_store::tables::generations;
use serde::Deserialize;

use crate::failure::{Failure, FailureKind, OrFail as _};
use crate::run_folder::RunFolder;
use crate::stage::Stage;

/// States that are listed of one model; the rest, of which a hostile server may make any number, is counted.
const MAX_STATES: usize = 20;
/// Characters of a name or fingerprint that are shown.
const MAX_CHARACTERS: usize = 120;

/// The columns of a reply that say whose it is.
#[derive(Debug, Deserialize)]
struct Reply {
    model: String,
    served_model: Option<String>,
    system_fingerprint: Option<String>,
}

/// Name of the model and fingerprint, as far as a reply has them.
type State = (Option<String>, Option<String>);

/// The states of each model, by name; models whose replies state nothing are left out.
///
/// # Errors
/// A failure for a table of generations that cannot be read.
pub(crate) fn served(folder: &RunFolder) -> Result<Vec<ServedModelCounts>, Failure> {
    let mut counts: BTreeMap<String, BTreeMap<State, u64>> = BTreeMap::new();
    let beginning = format!("tables/{}/", generations::TABLE.name);
    let outputs =
        folder.stage_record(Stage::Infer).map(|record| record.outputs.as_slice()).unwrap_or_default();
    for output in outputs.iter().filter(|output| output.path.starts_with(&beginning)) {
        let wanted = [
            column!(GenerationRow, model),
            column!(GenerationRow, served_model),
            column!(GenerationRow, system_fingerprint),
        ];
        let replies: Vec<Reply> = read_columns(&folder.path(&output.path), &generations::TABLE, &wanted)
            .or_fail(FailureKind::Input)?;
        for Reply { model, served_model, system_fingerprint } in replies {
            if served_model.is_some() || system_fingerprint.is_some() {
                let state = (served_model.map(shortened), system_fingerprint.map(shortened));
                *counts.entry(model).or_default().entry(state).or_default() += 1;
            }
        }
    }
    Ok(counts.into_iter().map(|(model, counts)| most_frequent(model, counts)).collect())
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn most_frequent(model: String, counts: BTreeMap<State, u64>) -> ServedModelCounts {
    let state = |((served_model, system_fingerprint), replies)| ServedState {
        served_model,
        system_fingerprint,
        replies,
    };
    let mut states: Vec<ServedState> = counts.into_iter().map(state).collect();
    // Stable: equal counts stay ordered by name and fingerprint.
    states.sort_by_key(|state| std::cmp::Reverse(state.replies));
    let others = states.iter().skip(MAX_STATES).map(|state| state.replies).sum();
    states.truncate(MAX_STATES);
    ServedModelCounts { model, states, others }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_are_listed_and_the_rest_is_counted() {
        let state = |number: u64| (Some("m".to_owned()), Some(format!("fp_{number:04}")));
        let many: BTreeMap<State, u64> = (0..1000).map(|number| (state(number), 1 + number % 7)).collect();
        let all: u64 = many.values().sum();
        let found = most_frequent("small".to_owned(), many);
        assert_eq!((found.states.len(), found.replies()), (MAX_STATES, all));
        assert!(found.states.is_sorted_by_key(|state| std::cmp::Reverse(state.replies)));
        assert_eq!(found.states[0].system_fingerprint.as_deref(), Some("fp_0006"));
        assert_eq!(shortened("é".repeat(1000)).chars().count(), MAX_CHARACTERS + 1);
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
