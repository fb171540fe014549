//! Fuzzes `documents::answer_extraction`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::documents::answer_extraction(bytes));
