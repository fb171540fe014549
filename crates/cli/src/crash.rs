//! Panics: none is expected, and none prints a backtrace at the user.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use plimsoll_pipeline::{Failure, FailureKind};

/// Where the last panic came from. A panic that is caught below (a damaged Parquet file can make its reader panic)
/// leaves its location here too; only an uncaught one is reported.
static LOCATION: Mutex<Option<String>> = Mutex::new(None);

/// Keeps panics from printing.
pub(crate) fn silence_panics() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(|location| format!("{}:{}", location.file(), location.line()));
        *LOCATION.lock().unwrap_or_else(PoisonError::into_inner) = location;
    }));
}

/// Runs the program; a panic becomes an internal error.
pub(crate) fn guarded(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let location = LOCATION.lock().unwrap_or_else(PoisonError::into_inner).take();
        let location = location.map_or_else(String::new, |location| format!(" ({location})"));
        Err(Failure::new(FailureKind::Stage, format!("internal error: {}{location}", message(&*panic))))
    })
}

/// The message of a panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        let failure = guarded(|| panic!("out of {}", "luck")).unwrap_err();
        assert!(failure.to_string().starts_with("internal error: out of luck"), "{failure}");
        assert_eq!(failure.kind(), FailureKind::Stage);
        assert!(guarded(|| Ok(())).is_ok());
    }
}
