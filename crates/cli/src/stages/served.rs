//! What the servers of models said they are, counted over all their replies.

use std::collections::BTreeMap;

use plimsoll_report::inputs::{Served, ServedModel};
use plimsoll_store::read_columns;
use plimsoll_store::tables::generations::{self, columns};
use serde::Deserialize;

use super::INFER;
use crate::failure::{Failure, Kind, OrFail as _};
use crate::folder::OutputFolder;

/// Kinds of replies that are told of one model; what a hostile server makes up beyond is counted.
const MAX_KINDS: usize = 20;
/// Characters of a name or fingerprint that are told.
const MAX_CHARACTERS: usize = 120;

/// The columns of a reply that say whose it is.
#[derive(Debug, Deserialize)]
struct Reply {
    model: String,
    served_model: Option<String>,
    system_fingerprint: Option<String>,
}

/// Name of the model and fingerprint, as far as they were said.
type Said = (Option<String>, Option<String>);

/// What was said of each model, by name; models whose replies say nothing are left out.
///
/// # Errors
/// A failure for a table of generations that cannot be read.
pub(crate) fn served(folder: &OutputFolder) -> Result<Vec<ServedModel>, Failure> {
    let mut counts: BTreeMap<String, BTreeMap<Said, u64>> = BTreeMap::new();
    let beginning = format!("tables/{}/", generations::TABLE.name);
    let outputs = folder.record_of(INFER).map(|record| record.outputs.as_slice()).unwrap_or_default();
    for output in outputs.iter().filter(|output| output.path.starts_with(&beginning)) {
        let wanted = [columns::MODEL, columns::SERVED_MODEL, columns::SYSTEM_FINGERPRINT];
        let replies: Vec<Reply> =
            read_columns(&folder.path(&output.path), &generations::TABLE, &wanted).or_fail(Kind::Input)?;
        for Reply { model, served_model, system_fingerprint } in replies {
            if served_model.is_some() || system_fingerprint.is_some() {
                let said = (served_model.map(shortened), system_fingerprint.map(shortened));
                *counts.entry(model).or_default().entry(said).or_default() += 1;
            }
        }
    }
    Ok(counts.into_iter().map(|(model, said)| most_frequent(model, said)).collect())
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn most_frequent(model: String, said: BTreeMap<Said, u64>) -> ServedModel {
    let mut said: Vec<Served> = said
        .into_iter()
        .map(|((served_model, system_fingerprint), replies)| Served {
            served_model,
            system_fingerprint,
            replies,
        })
        .collect();
    // Stable: equal counts stay ordered by what was said.
    said.sort_by_key(|said| std::cmp::Reverse(said.replies));
    let others = said.iter().skip(MAX_KINDS).map(|said| said.replies).sum();
    said.truncate(MAX_KINDS);
    ServedModel { model, said, others }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_are_told_and_the_rest_is_counted() {
        let said = |number: u64| (Some("m".to_owned()), Some(format!("fp_{number:04}")));
        let many: BTreeMap<Said, u64> = (0..1000).map(|number| (said(number), 1 + number % 7)).collect();
        let all: u64 = many.values().sum();
        let found = most_frequent("small".to_owned(), many);
        assert_eq!((found.said.len(), found.replies()), (MAX_KINDS, all));
        assert!(found.said.is_sorted_by_key(|said| std::cmp::Reverse(said.replies)));
        assert_eq!(found.said[0].system_fingerprint.as_deref(), Some("fp_0006"));
        assert_eq!(shortened("é".repeat(1000)).chars().count(), MAX_CHARACTERS + 1);
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
