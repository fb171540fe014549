//! Fuzzes `engine::tokenizer_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::engine::tokenizer_json(bytes));
