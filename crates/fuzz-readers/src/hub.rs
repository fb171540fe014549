//! Readers of the hub.

use plimsoll_hub::FileSource;

/// A listing of a repository's files: hashes become file names, and chosen names stay below their folder.
pub fn hub_listing(bytes: &[u8]) {
    if let Some(names) = plimsoll_hub::fuzzing::listed_names(bytes) {
        for name in names {
            let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']);
            assert!(name.split('/').all(is_plain), "a name that leaves its folder: {name:?}");
        }
    }
}

/// A source as pipeline files and arguments name it: what is read is written back as the same source.
pub fn hub_source(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(source @ FileSource::Hub(_)) = FileSource::parse(text) {
        let again = FileSource::parse(&source.to_string());
        assert!(again.is_ok_and(|again| again == source), "not the same source: {source}");
    }
}
