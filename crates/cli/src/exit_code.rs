//! The exit code of a failure.

use plimsoll_pipeline::FailureKind;

/// The exit code, as `--help` lists it.
pub const fn exit_code(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Usage => 2,
        FailureKind::Input => 3,
        FailureKind::Stage => 4,
        FailureKind::Limit => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own() {
        let kinds = [FailureKind::Usage, FailureKind::Input, FailureKind::Stage, FailureKind::Limit];
        assert_eq!(kinds.map(exit_code), [2, 3, 4, 5]);
    }
}
