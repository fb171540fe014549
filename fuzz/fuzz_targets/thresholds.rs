//! Fuzzes `documents::thresholds`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::documents::thresholds(bytes));
