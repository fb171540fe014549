//! Status codes, and the latest error message of a thread.

use std::cell::RefCell;
use std::error::Error as _;
use std::ffi::{c_char, CString};

use plimsoll_router::Error;

/// What a function came to. The numbers are the header's, and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Status {
    Ok = 0,
    NullPointer = 1,
    NotUtf8 = 2,
    /// A number out of range, or a text that cannot be read.
    InvalidArgument = 3,
    /// Not a thresholds file that this version reads and trusts.
    InvalidFile = 4,
    /// The file was made for another model than the device's.
    OtherModel = 5,
    /// The file has no such method or target.
    NotInFile = 6,
    NoThreshold = 7,
    /// What the operating point or method does not have: a scale, a bound, a confidence over tokens.
    Unavailable = 8,
    OtherSnapshot = 9,
    /// A bug of this library, which is caught here.
    Panic = 10,
}

/// A status that is not [`Status::Ok`], with a message.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    message: String,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// A JSON text that an argument should have been.
    pub(crate) fn json(name: &str, error: &serde_json::Error) -> Self {
        Self::new(Status::InvalidArgument, format!("{name} cannot be read: {error}"))
    }

    /// A document that could not be written. Ours all can.
    pub(crate) fn unwritable(error: &serde_json::Error) -> Self {
        Self::new(Status::InvalidArgument, format!("a document cannot be written: {error}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::Json(_) | Error::NotJson(_) | Error::Empty | Error::Truncated { .. } => {
                Status::InvalidFile
            }
            Error::Format { .. }
            | Error::Version { .. }
            | Error::Hash { .. }
            | Error::Inconsistent { .. } => Status::InvalidFile,
            Error::Mismatch { .. } => Status::OtherModel,
            Error::UnknownMethod { .. } | Error::UnknownTarget { .. } => Status::NotInFile,
            Error::NoThreshold { .. } => Status::NoThreshold,
            Error::NoScale { .. } | Error::NoBound { .. } | Error::NotStreamed { .. } => Status::Unavailable,
            Error::OtherSnapshot { .. } => Status::OtherSnapshot,
            _ => Status::InvalidArgument,
        };
        let source = error.source().map_or_else(String::new, |source| format!(": {source}"));
        Self::new(status, format!("{error}{source}"))
    }
}

thread_local! {
    static LATEST: RefCell<(i32, CString)> = RefCell::new((Status::Ok as i32, CString::default()));
}

/// Keeps a failure for [`latest_message`], and gives its status.
pub(crate) fn keep(failure: &Failure) -> i32 {
    let status = failure.status as i32;
    // A C string ends at a NUL, so a message has none.
    let message = CString::new(failure.message.replace('\0', "\u{fffd}")).unwrap_or_default();
    // A thread that is ending has nobody who would ask.
    let _ = LATEST.try_with(|latest| latest.try_borrow_mut().map(|mut latest| *latest = (status, message)));
    status
}

/// The status of this thread's latest failure.
pub(crate) fn latest_status() -> i32 {
    LATEST.try_with(|latest| latest.try_borrow().map_or(0, |latest| latest.0)).unwrap_or(0)
}

/// The message of this thread's latest failure, valid until the next.
pub(crate) fn latest_message() -> *const c_char {
    let empty = c"".as_ptr();
    LATEST.try_with(|latest| latest.try_borrow().map_or(empty, |latest| latest.1.as_ptr())).unwrap_or(empty)
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn the_numbers_are_the_header_s() {
        let header = include_str!("../include/plimsoll.h");
        let statuses = [
            ("OK", Status::Ok),
            ("NULL_POINTER", Status::NullPointer),
            ("NOT_UTF8", Status::NotUtf8),
            ("INVALID_ARGUMENT", Status::InvalidArgument),
            ("INVALID_FILE", Status::InvalidFile),
            ("OTHER_MODEL", Status::OtherModel),
            ("NOT_IN_FILE", Status::NotInFile),
            ("NO_THRESHOLD", Status::NoThreshold),
            ("UNAVAILABLE", Status::Unavailable),
            ("OTHER_SNAPSHOT", Status::OtherSnapshot),
            ("PANIC", Status::Panic),
        ];
        let numbers =
            header.lines().filter_map(|line| line.trim().strip_prefix("PLIMSOLL_")?.split_once(" = "));
        let number =
            |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
        let found: Vec<(&str, i32)> = numbers.map(|(name, rest)| (name, number(rest))).collect();
        let expected: Vec<(&str, i32)> = statuses.map(|(name, status)| (name, status as i32)).to_vec();
        assert_eq!(found[..expected.len()], expected);
    }

    #[test]
    fn the_latest_failure_is_the_thread_s_own() {
        assert_eq!(keep(&Failure::new(Status::NotUtf8, "first")), 2);
        keep(&Failure::new(Status::NullPointer, "a\0b"));
        // SAFETY: the message of this thread, of which no further failure is kept here.
        let message = unsafe { CStr::from_ptr(latest_message()) };
        assert_eq!((latest_status(), message.to_str().unwrap()), (1, "a\u{fffd}b"));
        std::thread::spawn(|| assert_eq!(latest_status(), 0)).join().unwrap();
    }
}
