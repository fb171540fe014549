//! Fuzzes `remote::recording`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::remote::recording(bytes));
