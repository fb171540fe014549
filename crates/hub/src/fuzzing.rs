//! Entry points for fuzzers: readers of the hub's bytes that are otherwise private.

use crate::FileSelection;
use crate::listing::Listing;
use crate::selection::choose;

/// The file names that a listing gives for three selections; `None` for bytes that are no listing.
///
/// # Panics
/// If a listing that was read is not sound.
pub fn listed_names(bytes: &[u8]) -> Option<Vec<String>> {
    let listing = Listing::read(bytes).ok()?;
    assert!(listing.is_sound(&listing.commit), "a listing that was read is not sound");
    let selections =
        [FileSelection::All, FileSelection::files(&["**/*.json"]), FileSelection::parquet(None, None)];
    let mut names = Vec::new();
    for selection in selections {
        let chosen = choose(listing.files.keys().map(String::as_str), &selection);
        names.extend(chosen.into_iter().flatten().map(|file| file.name));
    }
    Some(names)
}
