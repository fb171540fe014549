//! Fuzzes `files::pipeline_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::files::pipeline_file(bytes));
