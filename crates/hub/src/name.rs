//! Names from plans and servers: none may lead out of its folder.

/// Longest name of a file with its folders, and of one part of it, in bytes.
const MAX_NAME_BYTES: usize = 1024;
const MAX_PART_BYTES: usize = 255;
/// Longest owner or name of a repository, as the hub has it.
const MAX_REPOSITORY_PART_BYTES: usize = 96;

/// Whether an owner or a name is one that the hub allows.
pub(crate) fn is_repository_part(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    text.len() <= MAX_REPOSITORY_PART_BYTES
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && edge(text.chars().next())
        && edge(text.chars().last())
        && !text.contains("--")
        && !text.contains("..")
        && !text.to_ascii_lowercase().ends_with(".git")
}

/// Whether a revision can be a branch, a tag or a commit, and a file below `refs/`.
pub(crate) fn check_revision(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("nothing stands after `@`");
    }
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '=' | '/');
    if !text.chars().all(known) || text.len() > MAX_PART_BYTES {
        return Err("a revision is 1 to 255 letters, digits, `.`, `_`, `-`, `+`, `=` or `/`");
    }
    let fine = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.');
    if text.contains("..") || !text.split('/').all(fine) {
        return Err("a part of the revision is empty, or begins or ends with a dot");
    }
    Ok(())
}

/// Whether a file's name, folders included, stays below the folder it is put in, on any system.
pub(crate) fn check_file_name(text: &str) -> Result<(), &'static str> {
    if text.len() > MAX_NAME_BYTES {
        return Err("the name is longer than 1,024 bytes");
    }
    if text.chars().any(|c| c.is_control() || matches!(c, '\\' | ':')) {
        return Err("the name holds a backslash, a colon or a control character");
    }
    for part in text.split('/') {
        match part {
            "" | "." | ".." => return Err("the name is absolute, or a part of it is empty, `.` or `..`"),
            _ if part.len() > MAX_PART_BYTES => return Err("a part of the name is longer than 255 bytes"),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a hash of the server can be a file's name; the hub's are hexadecimal.
pub(crate) fn is_blob_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether this is a whole commit hash.
pub(crate) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_hexadecimal(text)
}

/// Whether this is a SHA-256 in lower-case hexadecimal.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && is_hexadecimal(text)
}

/// Whether this is a SHA-1 in lower-case hexadecimal, as git names a file's content.
pub(crate) fn is_git_hash(text: &str) -> bool {
    text.len() == 40 && is_hexadecimal(text)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in
            ["../x", "/etc/passwd", "a/../../b", "a//b", "", ".", "a/./b", "C:\\x", "a\\..\\b", "x:y", "a\nb"]
        {
            assert!(check_file_name(name).is_err(), "{name:?}");
        }
        for name in
            ["x", "a/b.parquet", ".gitattributes", "a b/ü-😀.json", "..x", "main/test-00000-of-00001.parquet"]
        {
            assert!(check_file_name(name).is_ok(), "{name:?}");
        }
        assert!(check_file_name(&"a".repeat(256)).is_err());
        assert!(check_file_name(&"a/".repeat(600)).is_err());
    }

    #[test]
    fn hashes_of_the_server_can_be_no_path() {
        assert!(is_blob_name("d41d8cd98f00b204e9800998ecf8427e-12"));
        for name in ["", "../x", "a/b", "..", "a.b", &"a".repeat(129)] {
            assert!(!is_blob_name(name), "{name:?}");
        }
        assert!(is_commit(&"0a".repeat(20)) && !is_commit(&"0A".repeat(20)) && !is_commit("main"));
    }

    proptest! {
        #[test]
        fn a_name_that_passes_has_only_plain_parts(name in "[a-z./\\\\:]{0,20}|\\PC{0,20}") {
            if check_file_name(&name).is_ok() {
                prop_assert!(Path::new(&name).components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(Path::new(&name).components().count(), name.split('/').count());
            }
        }
    }
}
