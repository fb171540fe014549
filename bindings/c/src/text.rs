//! Texts that this library gives.

use std::ffi::{c_char, CStr, CString};

use crate::failure::{latest_message, latest_status};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};

/// The version of this library, for instance `0.1.0`. Valid for ever.
#[no_mangle]
pub extern "C" fn plimsoll_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The status of this thread's latest failure; 0 if there was none.
#[no_mangle]
pub extern "C" fn plimsoll_last_status() -> i32 {
    latest_status()
}

/// The message of this thread's latest failure; empty if there was none. Valid until the thread's next failure.
#[no_mangle]
pub extern "C" fn plimsoll_last_error() -> *const c_char {
    latest_message()
}

/// Frees a text that this library gave. Null is nothing to free.
///
/// # Safety
/// `text` is null or came from a function of this library that says so, and was not freed before.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_text_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: made by `CString::into_raw` in `text_out`, and by the caller's promise not freed before.
        drop(unsafe { CString::from_raw(text) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_package_s() {
        assert_eq!(VERSION.to_str(), Ok(env!("CARGO_PKG_VERSION")));
    }
}
