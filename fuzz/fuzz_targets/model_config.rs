//! Fuzzes `engine::model_config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::engine::model_config(bytes));
