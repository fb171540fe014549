//! Small text files: plans and thresholds files. However large or endless a file is, reading it ends.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::failure::{Failure, Kind, OrFail as _};

/// Reads a UTF-8 text of at most this many bytes; `what` the file is called, and whose fault a failure is.
pub(crate) fn read(path: &Path, most_bytes: u64, what: &str, kind: Kind) -> Result<String, Failure> {
    let name = path.display();
    let during = |failure: Failure| failure.during(format!("cannot read the {what} `{name}`"));
    let file = File::open(path).or_fail(kind).map_err(during)?;
    let mut bytes = Vec::new();
    file.take(most_bytes + 1).read_to_end(&mut bytes).or_fail(kind).map_err(during)?;
    if bytes.len() as u64 > most_bytes {
        return Err(Failure::new(
            kind,
            format!("`{name}` is larger than {most_bytes} bytes, and no {what} is"),
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
        assert_eq!(read(&path, 5, "plan", Kind::Usage).unwrap(), "12345");
        let large = read(&path, 4, "plan", Kind::Usage).unwrap_err();
        assert!(large.to_string().ends_with("is larger than 4 bytes, and no plan is"), "{large}");
        assert!(read(folder.path(), 4, "plan", Kind::Input).unwrap_err().kind() == Kind::Input);
    }
}
