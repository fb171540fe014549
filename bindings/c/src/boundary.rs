//! Pointers to references and back, and the one place where a panic is caught.
//!
//! What can be checked of a pointer is checked: that it is not null, that it is aligned, that a length fits into memory,
//! that a text is UTF-8. That it points to what the header says is the caller's promise.

use std::ffi::{c_char, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};

use plimsoll_router::Confidence;

use crate::failure::{keep, Failure, Status};

/// Runs a function's body. A panic, which would be a bug here or in the router, becomes a failure.
fn caught<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, i32> {
    let message = "this library has a bug: it panicked";
    // The body's state is dropped or was not changed: no handle is left half written, since they hold numbers alone.
    let result = catch_unwind(AssertUnwindSafe(body));
    result.unwrap_or_else(|_| Err(Failure::new(Status::Panic, message))).map_err(|failure| keep(&failure))
}

/// For functions that give a status alone.
pub(crate) fn status(body: impl FnOnce() -> Result<(), Failure>) -> i32 {
    caught(body).err().unwrap_or(Status::Ok as i32)
}

/// For functions that fill a struct: with its default first, so that a failure leaves what is safe.
///
/// # Safety
/// `out` is null or points to memory for a `T`, which need not be initialised.
pub(crate) unsafe fn answer<T: Default>(out: *mut T, body: impl FnOnce() -> Result<T, Failure>) -> i32 {
    status(|| {
        checked(out, "out")?;
        // SAFETY: not null, aligned, and by the caller's promise memory for a T.
        unsafe { out.write(T::default()) };
        let value = body()?;
        // SAFETY: as above.
        unsafe { out.write(value) };
        Ok(())
    })
}

/// For functions that give a handle; null after a failure.
pub(crate) fn handle<T>(body: impl FnOnce() -> Result<T, Failure>) -> *mut T {
    caught(body).map_or(std::ptr::null_mut(), |value| Box::into_raw(Box::new(value)))
}

/// For functions that give a text, which [`crate::text::plimsoll_text_free`] frees; null after a failure.
pub(crate) fn text_out(body: impl FnOnce() -> Result<String, Failure>) -> *mut c_char {
    let owned =
        || CString::new(body()?).map_err(|_| Failure::new(Status::InvalidArgument, "a text holds a NUL"));
    caught(owned).map_or(std::ptr::null_mut(), CString::into_raw)
}

/// For functions that give a confidence; NaN is missing, and what a failure gives.
pub(crate) fn confidence_out(body: impl FnOnce() -> Result<Option<Confidence>, Failure>) -> f64 {
    caught(body).ok().flatten().map_or(f64::NAN, Confidence::get)
}

/// A confidence as it comes: NaN is missing.
pub(crate) fn confidence_in(value: f64) -> Result<Option<Confidence>, Failure> {
    if value.is_nan() {
        Ok(None)
    } else {
        Ok(Some(Confidence::new(value)?))
    }
}

/// A number that may be left to the file: NaN is "not given".
pub(crate) fn given(value: f64) -> Option<f64> {
    Some(value).filter(|value| !value.is_nan())
}

fn checked<T>(pointer: *const T, name: &str) -> Result<(), Failure> {
    if pointer.is_null() {
        Err(Failure::new(Status::NullPointer, format!("{name} is null")))
    } else if !pointer.is_aligned() {
        Err(Failure::new(Status::InvalidArgument, format!("{name} is not aligned")))
    } else {
        Ok(())
    }
}

/// # Safety
/// `pointer` is null or points to a `T` that lives and is not written to for `'a`.
pub(crate) unsafe fn reference<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Failure> {
    checked(pointer, name)?;
    // SAFETY: not null, aligned, and by the caller's promise a T.
    Ok(unsafe { &*pointer })
}

/// # Safety
/// `pointer` is null or points to a `T` that nobody else uses for `'a`.
pub(crate) unsafe fn exclusive<'a, T>(pointer: *mut T, name: &str) -> Result<&'a mut T, Failure> {
    checked(pointer, name)?;
    // SAFETY: not null, aligned, and by the caller's promise a T that is ours for now.
    Ok(unsafe { &mut *pointer })
}

/// A slice; empty if its length is 0, whatever the pointer.
///
/// # Safety
/// `pointer` is null or points to `length` values of `T` that live and are not written to for `'a`.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, length: usize, name: &str) -> Result<&'a [T], Failure> {
    if length == 0 {
        return Ok(&[]);
    }
    checked(pointer, name)?;
    let bytes = length.checked_mul(size_of::<T>());
    if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
        return Err(Failure::new(Status::InvalidArgument, format!("{name} has an impossible length")));
    }
    // SAFETY: not null, aligned, no larger than memory can be, and by the caller's promise that many values.
    Ok(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// A text that ends with a NUL.
///
/// # Safety
/// `pointer` is null or points to bytes up to a NUL that live and are not written to for `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str, Failure> {
    checked(pointer, name)?;
    // SAFETY: not null, and by the caller's promise with a NUL at its end.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    utf8(bytes.to_bytes(), name)
}

pub(crate) fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes)
        .map_err(|error| Failure::new(Status::NotUtf8, format!("{name} is not UTF-8: {error}")))
}

/// Ends a handle; null is nothing to end.
///
/// # Safety
/// `pointer` is null or came from [`handle`] and was not ended before.
pub(crate) unsafe fn end<T>(pointer: *mut T) {
    if pointer.is_null() {
        return;
    }
    status(|| {
        // SAFETY: made by `handle` from a box, and by the caller's promise not ended before.
        drop(unsafe { Box::from_raw(pointer) });
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let found = status(|| panic!("a bug"));
        assert!(handle(|| -> Result<u8, Failure> { panic!("a bug") }).is_null());
        std::panic::set_hook(quiet);
        assert_eq!(found, Status::Panic as i32);
        assert_eq!(crate::failure::latest_status(), Status::Panic as i32);
    }

    #[test]
    fn what_can_be_checked_of_a_pointer_is() {
        let values = [1.0f64, 2.0];
        let odd = values.as_ptr().wrapping_byte_add(1);
        // SAFETY: null, unaligned and too long pointers are refused before they are read.
        unsafe {
            assert_eq!(slice(std::ptr::null::<f64>(), 0, "x").unwrap(), [0.0; 0]);
            assert_eq!(slice(values.as_ptr(), 2, "x").unwrap(), values);
            for (pointer, length, status) in [
                (std::ptr::null(), 1, Status::NullPointer),
                (odd, 1, Status::InvalidArgument),
                (values.as_ptr(), usize::MAX, Status::InvalidArgument),
                (values.as_ptr(), usize::MAX / 8, Status::InvalidArgument),
            ] {
                assert_eq!(slice(pointer, length, "x").unwrap_err().status, status);
            }
        }
    }
}
