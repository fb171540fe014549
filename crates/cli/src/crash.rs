//! Panics: none is expected, and none prints a backtrace at the user.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use crate::failure::{Failure, Kind};

/// Where the last panic came from. A panic that is caught below (a damaged Parquet file can make its
/// reader panic) leaves its place here too; only an uncaught one is reported.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Lets panics say nothing by themselves.
pub(crate) fn silence_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|location| format!("{}:{}", location.file(), location.line()));
        *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
}

/// Runs the program; a panic becomes an internal error.
pub(crate) fn guarded(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
        let place = place.map_or_else(String::new, |place| format!(" ({place})"));
        Err(Failure::new(Kind::Stage, format!("internal error: {}{place}", said(&*panic))))
    })
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
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
        assert_eq!(failure.kind(), Kind::Stage);
        assert!(guarded(|| Ok(())).is_ok());
    }
}
