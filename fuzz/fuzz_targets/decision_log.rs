//! Fuzzes `files::decision_log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::files::decision_log(bytes));
