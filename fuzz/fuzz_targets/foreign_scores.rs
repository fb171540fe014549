//! Fuzzes `files::foreign_scores`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::files::foreign_scores(bytes));
