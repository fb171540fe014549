//! Small text files: pipelines and thresholds files. However large or endless a file is, reading it ends.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::failure::{Failure, FailureKind, OrFail as _};

/// Reads a UTF-8 text of at most `max_bytes`. Messages call the file a `what`.
///
/// # Errors
/// A failure of this kind for a file that cannot be read, is larger, or is not UTF-8.
pub fn read(path: &Path, max_bytes: u64, what: &str, kind: FailureKind) -> Result<String, Failure> {
    let name = path.display();
    let during = |failure: Failure| failure.during(format!("cannot read the {what} `{name}`"));
    let file = File::open(path).or_fail(kind).map_err(during)?;
    let mut bytes = Vec::new();
    file.take(max_bytes + 1).read_to_end(&mut bytes).or_fail(kind).map_err(during)?;
    if bytes.len() as u64 > max_bytes {
        return Err(Failure::new(
            kind,
            format!("`{name}` is larger than {max_bytes} bytes, and no {what} is"),
        ));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new(kind, format!("the {what} `{name}` is not UTF-8 text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5, "pipeline", FailureKind::Usage).unwrap(), "12345");
        let large = read(&path, 4, "pipeline", FailureKind::Usage).unwrap_err();
        assert!(large.to_string().ends_with("is larger than 4 bytes, and no pipeline is"), "{large}");
        assert!(
            read(folder.path(), 4, "pipeline", FailureKind::Input).unwrap_err().kind() == FailureKind::Input
        );
    }
}
