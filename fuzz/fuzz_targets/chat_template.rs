//! Fuzzes `engine::chat_template`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| plimsoll_fuzz_readers::engine::chat_template(bytes));
