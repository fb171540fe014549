//! Fuzzes `files::benchmark_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::files::benchmark_file(bytes));
