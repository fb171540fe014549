//! Memory for arguments, which a WebAssembly host writes into the module. In no other build, and not in the header.

/// Memory of `length` bytes, aligned for doubles; null if there is none, or for 0 bytes.
#[no_mangle]
pub extern "C" fn plimsoll_wasm_allocate(length: usize) -> *mut u64 {
    let words = length.div_ceil(size_of::<u64>());
    let mut memory: Vec<u64> = Vec::new();
    if words == 0 || memory.try_reserve_exact(words).is_err() {
        return std::ptr::null_mut();
    }
    memory.resize(words, 0);
    Box::into_raw(memory.into_boxed_slice()).cast()
}

/// Frees memory of [`plimsoll_wasm_allocate`] of that length.
///
/// # Safety
/// `memory` is null or came from [`plimsoll_wasm_allocate`] with this `length`, and was not freed before.
#[no_mangle]
pub unsafe extern "C" fn plimsoll_wasm_free(memory: *mut u64, length: usize) {
    if !memory.is_null() {
        let words = std::ptr::slice_from_raw_parts_mut(memory, length.div_ceil(size_of::<u64>()));
        // SAFETY: a boxed slice of this length, by the caller's promise.
        drop(unsafe { Box::from_raw(words) });
    }
}
